"""SIGKILL at every step of an action: never twice, and never silently lost.

| step | the bridge has | Telegram's update | what a restart does |
|---|---|---|---|
| 1 | the update, in memory | not confirmed yet | Telegram gives it again: done, once |
| 2 | noted it, not done it | given again, and known | says that it was not done (ack), or that nobody knows |
| 3 | done it, not noted its end | the same | the same: a silence is there once |
| 4 | noted its end, not answered | the same | gives the answer, once, and says that it is late |
"""

from __future__ import annotations

import contextlib
import sqlite3
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tests.alertbridge.conftest import NOC
from tests.alertbridge.process import Process, serving_peers, write_config
from tests.alertbridge.test_bot import fill
from tests.alertbridge.webhooks import alert

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.alertbridge.peers import Peers
    from tests.botapi.server import BotApi

DUTY = 22
SITE = "jbr-gt-pasteur-1"
LATE = "answered late:"
UNKNOWN, NOT_DONE = "nobody knows whether it was done", "it was not done. Send it again"
Start = Callable[[], Process]


@pytest.fixture
def peers() -> Iterator[Peers]:
    """Give peers that a thread serves."""
    with serving_peers() as found:
        fill(found)
        yield found


@pytest.fixture
def start(api: BotApi, peers: Peers, tmp_path: Path) -> Iterator[Start]:
    """Give a function that starts a bridge on the same folder; what a failed test leaves is killed."""
    write_config(tmp_path, api.url, peers.url)
    processes: list[Process] = []

    def starting() -> Process:
        processes.append(Process(tmp_path, api.token))
        return processes[-1]

    yield starting
    for process in processes:
        if process.process.poll() is None:
            process.kill()


def rows(folder: Path) -> list[tuple[str, str]]:
    """Return what was done with which result."""
    with contextlib.closing(sqlite3.connect(folder / "alertbridge.db")) as reader:
        return reader.execute("SELECT what, result FROM actions ORDER BY at").fetchall()


def owed(folder: Path) -> list[str]:
    """Return the answers that are kept because they were not given."""
    with contextlib.closing(sqlite3.connect(folder / "alertbridge.db")) as reader:
        return [value for (value,) in reader.execute("SELECT value FROM meta WHERE key LIKE 'answer:%'")]


def said(api: BotApi, part: str) -> int:
    """Return how many messages have this in their text."""
    return sum(part in message.text for message in list(api.messages))


def show(step: str, command: str, *, done: int, told: str) -> None:
    """Print a row of the table."""
    sys.stdout.write(f"\nSIGKILL {step:<44} {command:<38} done {done}  told: {told} ")


@pytest.mark.parametrize("command", [f"/silence {SITE} 4h works", f"/ack {SITE}"])
def test_1_before_it_is_noted(command: str, api: BotApi, start: Start, peers: Peers, tmp_path: Path) -> None:
    """The database was locked: the update is not confirmed, so the next bridge gets it and does it once."""
    bridge = start()
    assert bridge.post(alert(target=SITE)) == 200
    api.wait_for(lambda: api.messages)
    with contextlib.closing(sqlite3.connect(tmp_path / "alertbridge.db", isolation_level=None)) as lock:
        lock.execute("BEGIN IMMEDIATE")
        update = api.say(command, user=DUTY, chat=NOC)
        polls = len([call for call in list(api.calls) if call.method == "getUpdates"])
        api.wait_for(lambda: len([c for c in list(api.calls) if c.method == "getUpdates"]) > polls, what="the update")
        bridge.kill()
        lock.execute("ROLLBACK")
    assert any(one["update_id"] == update for one in api.world.updates), "it was confirmed before it was noted"
    assert rows(tmp_path) == []
    bridge = start()
    api.wait_for(lambda: [result for _, result in rows(tmp_path)] == ["ok"])
    api.wait_for(lambda: said(api, "by duty") + said(api, "duty has taken") == 1)
    assert bridge.stop() == 0
    assert said(api, UNKNOWN) + said(api, NOT_DONE) == 0
    done = len(peers.silences) if command.startswith("/silence") else said(api, "duty has taken")
    assert done == 1
    show("before it is noted", command, done=1, told="as always")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """A row: an action that hangs when the bridge is killed."""

    command: str
    after: bool  # the peer has carried it out by then
    done: int
    look: str  # where the person is sent


CUTS = (
    Cut(command=f"/silence {SITE} 4h works", after=False, done=0, look="/silences"),
    Cut(command=f"/silence {SITE} 4h works", after=True, done=1, look="/silences"),
)


@pytest.mark.parametrize("row", CUTS, ids=["2_noted", "3_done"])
def test_while_a_silence_is_being_made(row: Cut, api: BotApi, start: Start, peers: Peers, tmp_path: Path) -> None:
    """Nobody knows, and that is said, once, with where to look; it is not done again."""
    peers.hang_seconds, peers.hang_after = 30.0, row.after
    bridge = start()
    api.say(row.command, user=DUTY, chat=NOC)
    api.wait_for(lambda: peers.hung)
    bridge.kill()
    peers.hang_seconds = 0.0
    bridge = start()
    api.wait_for(lambda: said(api, UNKNOWN))
    api.wait_for(lambda: rows(tmp_path)[0][1].startswith("not known"))
    assert bridge.stop() == 0
    bridge = start()
    api.say("/silences", user=DUTY, chat=NOC)
    api.wait_for(lambda: said(api, "Silences: ") + said(api, "Nothing is silenced"))
    assert bridge.stop() == 0
    told = next(message for message in api.messages if UNKNOWN in message.text)
    assert row.command in told.text
    assert f"{row.look} shows" in told.text
    assert (said(api, UNKNOWN), len(peers.silences)) == (1, row.done)
    show("it is done" if row.after else "it is noted", row.command, done=row.done, told="not known, look at /silences")


@pytest.mark.parametrize("after", [False, True], ids=["2_noted", "3_done"])
def test_while_the_exporter_is_restarted(
    api: BotApi, start: Start, peers: Peers, tmp_path: Path, *, after: bool
) -> None:
    """The prober is not restarted a second time by a bridge that remembers half of it."""
    bridge = start()
    api.say("/restart", user=DUTY, chat=NOC)
    api.wait_for(lambda: api.messages and api.messages[0].buttons)
    peers.hang_seconds, peers.hang_after = 30.0, after
    api.press(api.messages[0], api.messages[0].buttons[0][0]["callback_data"], user=DUTY)
    api.wait_for(lambda: peers.hung)
    bridge.kill()
    peers.hang_seconds = 0.0
    bridge = start()
    api.wait_for(lambda: said(api, UNKNOWN))
    api.wait_for(lambda: rows(tmp_path)[0][1].startswith("not known"))
    assert bridge.stop() == 0
    assert "/status shows" in next(message.text for message in api.messages if UNKNOWN in message.text)
    assert peers.restarts == int(after)
    show(
        "it is done" if after else "it is noted",
        "restart, confirmed",
        done=int(after),
        told="not known, look at /status",
    )


def test_2_an_acknowledgement_that_is_noted_and_not_done(api: BotApi, start: Start, tmp_path: Path) -> None:
    """Taking is one transaction with its record: what has no result was not done, and that is said."""
    bridge = start()
    assert bridge.post(alert(target=SITE)) == 200
    api.wait_for(lambda: api.messages)
    assert bridge.stop() == 0
    with contextlib.closing(sqlite3.connect(tmp_path / "alertbridge.db")) as store, store:
        values = (7, 1.0, DUTY, "duty", NOC, f"/ack {SITE}", "")
        query = "INSERT INTO actions (update_id, at, user_id, who, chat_id, what, result) VALUES (?, ?, ?, ?, ?, ?, ?)"
        store.execute(query.replace("VALUES (?, ?", "VALUES (?, strftime('%s') + 0 * ?"), values)
    bridge = start()
    api.wait_for(lambda: said(api, NOT_DONE))
    api.wait_for(lambda: rows(tmp_path)[0][1].startswith("not done"))
    assert bridge.stop() == 0
    assert "In the hands" not in api.messages[0].text
    show("it is noted", f"/ack {SITE}", done=0, told="not done")


def test_4_after_its_end_is_noted(api: BotApi, start: Start, peers: Peers, tmp_path: Path) -> None:
    """The answer could not be sent: it is done once, and the answer is given once, late, by the next bridge."""
    bridge, body = start(), alert(target=SITE)
    assert bridge.post(body) == 200
    api.wait_for(lambda: api.messages)
    hidden = {"state": "suppressed", "silencedBy": ["x"], "inhibitedBy": []}
    peers.alerts = [body | {"status": hidden}]  # as Alertmanager says from then on
    api.fail_next(method="sendMessage", hang_seconds=30.0)
    api.say(f"/silence {SITE} 4h works", user=DUTY, chat=NOC)
    api.wait_for(lambda: [result for _, result in rows(tmp_path)] == ["ok"])
    api.wait_for(lambda: any((one.method, one.status) == ("sendMessage", 500) for one in list(api.calls)))
    bridge.kill()
    bridge = start()
    api.wait_for(lambda: "Silenced in Alertmanager" in "".join(api.messages[0].texts))
    api.wait_for(lambda: said(api, LATE))
    api.wait_for(lambda: owed(tmp_path) == [])
    assert bridge.stop() == 0
    bridge = start()
    api.say("/silences", user=DUTY, chat=NOC)
    api.wait_for(lambda: said(api, "Silences: "))
    assert bridge.stop() == 0
    late = [message.text for message in api.messages if LATE in message.text]
    assert len(late) == 1
    assert f"/silence {SITE} 4h works (duty, " in late[0]
    assert "🔕 Jbr Gt Pasteur 1 silenced until " in late[0]
    assert (said(api, UNKNOWN), len(peers.silences)) == (0, 1)
    show("its end is noted", f"/silence {SITE} 4h works", done=1, told="the answer, late")
