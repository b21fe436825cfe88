"""Two bridges on one real PostgreSQL: one polls and sends, the other takes over, a leader that wakes up is silent."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.alertbridge.postgresql import running_postgresql
from tests.alertbridge.webhooks import alert, webhook

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.botapi.server import BotApi

TAKE_OVER_SECONDS = 15.0
NOC = -1001234567890
CONFIG = """
version: 1
language: en
telegram: {{api_url: "{api}"}}
alertmanager: {{url: "http://127.0.0.1:9"}}
prometheus: {{url: "http://127.0.0.1:9"}}
exporter: {{url: "http://127.0.0.1:9"}}
store: {{url_file: "{url_file}"}}
chats: [{{name: noc, id: -1001234567890}}]
"""


@dataclass(slots=True)
class Bridge:
    """A bridge in a process of its own."""

    folder: Path
    token: str
    lines: list[str] = field(default_factory=list)
    url: str = ""
    process: subprocess.Popen[str] = field(init=False)
    _reader: threading.Thread = field(init=False)

    def __post_init__(self) -> None:
        """Start it and wait until it answers."""
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-m", "alertbridge", "serve"),
                *("--config.file", str(self.folder / "alertbridge.yml"), "--data.dir", str(self.folder)),
                *("--web.listen-address", "127.0.0.1:0"),
            ],
            env=os.environ | {"TELEGRAM_TOKEN": self.token},
            stderr=subprocess.PIPE,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.until(lambda: re.search(r"event=\"alertbridge is up\".* url=(\S+)", self.log), "start")
        found = re.search(r"event=\"alertbridge is up\".* url=(\S+)", self.log)
        assert found is not None
        self.url = found[1]

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.lines.append(line)

    @property
    def log(self) -> str:
        """Everything it has logged."""
        return "".join(self.lines)

    @property
    def leads(self) -> bool:
        """What it says of itself."""
        return "alertbridge_leader 1.0" in httpx.get(f"{self.url}/metrics", timeout=5.0).text

    def until(self, condition: Any, what: str, *, seconds: float = 20.0) -> float:
        """Wait for something; return how long it took."""
        begun = time.monotonic()
        while not condition():
            assert time.monotonic() - begun < seconds, f"no {what} within {seconds} s:\n{self.log}"
            assert self.process.poll() is None, self.log
            time.sleep(0.02)
        return time.monotonic() - begun

    def post(self, *alerts: dict[str, Any]) -> int:
        """Post a webhook."""
        return httpx.post(f"{self.url}/alerts", json=webhook(*alerts), timeout=10.0).status_code

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self.process.send_signal(number)

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """End it; return its exit code."""
        self.process.send_signal(number)
        code = self.process.wait(15)
        self._reader.join(5)
        assert self.process.stderr is not None
        self.process.stderr.close()
        return code


@dataclass(slots=True)
class Pair:
    """Two bridges; the first one leads."""

    leader: Bridge
    other: Bridge
    api: BotApi


@pytest.fixture(scope="module")
def database() -> Iterator[str]:
    """Give one server for all tests of this file; each takes a database of its own."""
    with running_postgresql() as url:
        yield url


@pytest.fixture
def pair(api: BotApi, database: str, tmp_path: Path) -> Iterator[Pair]:
    """Give two bridges on an empty database."""
    name = f"bridge_{os.getpid()}_{time.monotonic_ns()}"
    import psycopg  # noqa: PLC0415 - beside its one use

    plain = database.replace("+psycopg", "")
    with psycopg.connect(plain, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    url_file = tmp_path / "url"
    url_file.write_text(f"{database.rpartition('/')[0]}/{name}\n", encoding="utf-8")
    bridges: list[Bridge] = []
    try:
        for site in ("a", "b"):
            folder = tmp_path / site
            folder.mkdir()
            config = CONFIG.format(api=api.url, url_file=url_file)
            (folder / "alertbridge.yml").write_text(config, encoding="utf-8")
            bridges.append(Bridge(folder, api.token))
            if site == "a":
                bridges[0].until(lambda: bridges[0].leads, "leader")
        yield Pair(leader=bridges[0], other=bridges[1], api=api)
    finally:
        for bridge in bridges:
            with contextlib.suppress(ProcessLookupError):
                bridge.send(signal.SIGCONT)
            if bridge.process.poll() is None:
                bridge.end(signal.SIGKILL)


def told(api: BotApi) -> list[str]:
    """Return the first lines of the messages that the chat got."""
    return [message.first_line for message in api.in_chat(NOC)]


def test_one_of_two_leads_and_webhooks_to_both_are_told_once(pair: Pair) -> None:
    """The same webhook to both at the same time is one message; one that only the other gets is told too."""
    assert pair.leader.leads
    assert not pair.other.leads
    assert "standing by" in httpx.get(pair.other.url).text
    body = alert()
    statuses: list[int] = []
    posting = [threading.Thread(target=lambda b=b: statuses.append(b.post(body))) for b in (pair.leader, pair.other)]
    for thread in posting:
        thread.start()
    for thread in posting:
        thread.join(10)
    assert statuses == [200, 200]
    pair.api.wait_for(lambda: len(told(pair.api)) == 1)
    assert pair.other.post(alert(target="jbr-gt-baros")) == 200
    pair.api.wait_for(lambda: len(told(pair.api)) == 2)
    assert len({(call.params.get("offset"), call.status) for call in pair.api.calls if call.status == 409}) == 0
    assert pair.other.end() == 0
    assert pair.leader.end() == 0
    assert len(told(pair.api)) == 2


def test_a_killed_leader_is_replaced_and_nothing_is_lost(pair: Pair) -> None:
    """SIGKILL: what waited, what came to the other meanwhile, and questions from the chat."""
    pair.api.fail_next(method="sendMessage", status=429, parameters={"retry_after": 600})
    assert pair.leader.post(alert()) == 200
    pair.api.wait_for(lambda: any(call.method == "sendMessage" for call in list(pair.api.calls)))
    pair.leader.end(signal.SIGKILL)
    assert pair.other.post(alert(target="jbr-gt-baros")) == 200
    took = pair.other.until(lambda: pair.other.leads, "new leader", seconds=TAKE_OVER_SECONDS)
    pair.api.wait_for(lambda: len(told(pair.api)) == 2)
    pair.api.say("/whoami", user=99, chat=NOC)
    pair.api.wait_for(lambda: any("Your user id" in message.text for message in pair.api.messages))
    print(f"taken over after SIGKILL: {took:.1f} s")
    assert pair.other.end() == 0


def test_a_stopped_leader_that_wakes_up_does_not_send(pair: Pair) -> None:
    """SIGSTOP in the middle of a request, another leads and tells, SIGCONT: not one message more."""
    pair.api.fail_next(method="sendMessage", hang_seconds=1.0, status=500)
    assert pair.leader.post(alert(), alert(target="jbr-gt-baros")) == 200
    pair.api.wait_for(lambda: any(call.method == "sendMessage" for call in list(pair.api.calls)))
    pair.leader.send(signal.SIGSTOP)
    took = pair.other.until(lambda: pair.other.leads, "new leader", seconds=TAKE_OVER_SECONDS)
    pair.api.wait_for(lambda: len(told(pair.api)) == 2)
    assert pair.other.post(alert(target="jbr-gt-buahbatu")) == 200
    pair.api.wait_for(lambda: len(told(pair.api)) == 3)
    before = len(pair.api.calls)
    pair.leader.send(signal.SIGCONT)
    pair.leader.until(lambda: "leads no more" in pair.leader.log, "insight")
    assert pair.leader.post(alert(target="jbr-gt-cileunyi")) == 200  # it still takes webhooks for the other
    pair.api.wait_for(lambda: len(told(pair.api)) == 4)
    pair.api.say("/whoami", user=99, chat=NOC)
    pair.api.wait_for(lambda: any("Your user id" in message.text for message in pair.api.messages))
    assert not pair.leader.leads
    assert pair.leader.end() == 0
    assert pair.other.end() == 0
    sent = [call for call in pair.api.calls[before:] if call.method == "sendMessage"]
    assert len(sent) == 2
    assert len(told(pair.api)) == 5
    print(f"taken over after SIGSTOP: {took:.1f} s")


def test_a_leader_that_ends_gently_hands_over_at_once(pair: Pair) -> None:
    """An upgrade of one machine costs two seconds, not a lease."""
    assert pair.leader.end() == 0
    took = pair.other.until(lambda: pair.other.leads, "new leader", seconds=5.0)
    print(f"taken over after SIGTERM: {took:.1f} s")
    assert pair.other.end() == 0
