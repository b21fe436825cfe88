"""SIGKILL at every step between the webhook and the mark "sent": nothing is lost, and only one step may repeat."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.alertbridge.webhooks import alert, webhook

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.botapi.server import BotApi

CONFIG = """
version: 1
language: en
telegram: {{api_url: "{api}"}}
alertmanager: {{url: "http://127.0.0.1:9"}}
prometheus: {{url: "http://127.0.0.1:9"}}
exporter: {{url: "http://127.0.0.1:9"}}
chats: [{{name: noc, id: -1001234567890}}]
"""


class Process:
    """A bridge in a process of its own."""

    def __init__(self, folder: Path, token: str) -> None:
        self._lines: list[str] = []
        self.process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "alertbridge",
                "serve",
                "--config.file",
                str(folder / "alertbridge.yml"),
                "--data.dir",
                str(folder),
                "--web.listen-address",
                "127.0.0.1:0",
            ],
            env=os.environ | {"TELEGRAM_TOKEN": token},
            stderr=subprocess.PIPE,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.url = self._wait_for_url()

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self._lines.append(line)

    @property
    def log(self) -> str:
        return "".join(self._lines)

    def _wait_for_url(self) -> str:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and self.process.poll() is None:
            found = re.search(r"event=\"alertbridge is up\".* url=(\S+)", self.log)
            if found:
                return found[1]
            time.sleep(0.02)
        raise AssertionError(f"the bridge did not start:\n{self.log}")

    def post(self, timeout: float = 10.0) -> int | None:
        """Post the alert; return the status, None where the answer did not come."""
        try:
            return httpx.post(f"{self.url}/alerts", json=webhook(BODY), timeout=timeout).status_code
        except httpx.HTTPError:
            return None

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self._end()

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self._end()

    def _end(self) -> int:
        code = self.process.wait(15)
        self._reader.join(5)
        assert self.process.stderr is not None
        self.process.stderr.close()
        return code


BODY = alert()


Start = Callable[[], Process]


@pytest.fixture
def start(api: BotApi, tmp_path: Path) -> Iterator[Start]:
    """Give a function that starts a bridge on the same folder; what a failed test leaves is killed."""
    write_config(tmp_path, api)
    processes: list[Process] = []

    def starting() -> Process:
        processes.append(Process(tmp_path, api.token))
        return processes[-1]

    yield starting
    for process in processes:
        if process.process.poll() is None:
            process.kill()


def write_config(folder: Path, api: BotApi) -> None:
    """Write the settings."""
    (folder / "alertbridge.yml").write_text(CONFIG.format(api=api.url), encoding="utf-8")


def test_killed_before_the_commit(api: BotApi, start: Start, tmp_path: Path) -> None:
    """No 200 was given, so Alertmanager posts again, and one message arrives."""
    bridge = start()
    with contextlib.closing(sqlite3.connect(tmp_path / "alertbridge.db", isolation_level=None)) as lock:
        lock.execute("BEGIN IMMEDIATE")
        statuses: list[int | None] = []
        posting = threading.Thread(target=lambda: statuses.append(bridge.post()))
        posting.start()
        time.sleep(0.3)  # inside the commit's wait for the lock (2 s)
        bridge.kill()
        posting.join(10)
    assert statuses == [None]
    bridge = start()
    assert bridge.post() == 200
    api.wait_for(lambda: api.messages)
    assert bridge.stop() == 0
    assert len(api.messages) == 1


def test_killed_between_commit_and_send(api: BotApi, start: Start) -> None:
    """The chat had to wait (429): the alert is in the store and is sent after the restart, once."""
    api.fail_next(method="sendMessage", status=429, parameters={"retry_after": 600})
    bridge = start()
    assert bridge.post() == 200
    api.wait_for(lambda: any(call.method == "sendMessage" for call in list(api.calls)))
    bridge.kill()
    bridge = start()
    api.wait_for(lambda: api.messages)
    assert bridge.stop() == 0
    assert len(api.messages) == 1


@pytest.mark.parametrize(("accepted", "copies"), [(False, 1), (True, 2)], ids=["not accepted", "accepted"])
def test_killed_while_the_request_is_out(api: BotApi, start: Start, *, accepted: bool, copies: int) -> None:
    """Nobody knows whether Telegram has it: it is sent again, and the log says so. The one window for a duplicate."""
    api.fail_next(method="sendMessage", hang_seconds=5.0, accept=accepted)
    bridge = start()
    assert bridge.post() == 200
    api.wait_for(lambda: any(call.method == "sendMessage" for call in list(api.calls)))
    bridge.kill()
    bridge = start()
    api.wait_for(lambda: len(api.messages) == copies)
    assert "delivery may repeat after a stop" in bridge.log
    assert bridge.stop() == 0
    assert len(api.messages) == copies


def test_killed_after_the_mark(api: BotApi, start: Start, tmp_path: Path) -> None:
    """What is marked as sent is not sent again, and Alertmanager's repeat is known."""
    bridge = start()
    assert bridge.post() == 200
    api.wait_for(lambda: "event=delivered" in bridge.log)
    deadline = time.monotonic() + 10
    with contextlib.closing(sqlite3.connect(tmp_path / "alertbridge.db")) as reader:
        while reader.execute("SELECT state FROM outbox").fetchall() != [("sent",)]:
            assert time.monotonic() < deadline
            time.sleep(0.02)
    bridge.kill()
    bridge = start()
    assert bridge.post() == 200
    api.wait_for(lambda: "reason=resent" in bridge.log)
    assert bridge.stop() == 0
    assert len(api.messages) == 1
    assert api.token not in bridge.log
