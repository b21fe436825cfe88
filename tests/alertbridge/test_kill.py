"""SIGKILL at every step between the webhook and the mark "sent": rows of the fault table (test_fault_table.py).

| step | the bridge has | what a restart does |
|---|---|---|
| 1 | the webhook, in memory | no 200 was given: Alertmanager posts again |
| 2 | committed it, and waits to send | sends it |
| 3 | sent the request; Telegram has not taken it | sends it: nobody can know |
| 4 | sent the request; Telegram has taken it | sends it again: the one window |
| 5 | Telegram's answer, and not noted it yet | sends it again: the same window |
| 6 | marked it as sent | nothing |
| 7 | sent an edit that Telegram has taken | edits again, which is seen once |
| 8 | edited, and the short reply that it is over waits | sends the reply |
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from tests.alertbridge.fault_rows import compare
from tests.alertbridge.process import Process, serving_peers, write_config
from tests.alertbridge.webhooks import alert

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.botapi.server import BotApi

SITE, OTHER = "site-one", "site-two"
BODY = alert(target=SITE)
Start = Callable[[], Process]


@pytest.fixture
def start(api: BotApi, tmp_path: Path) -> Iterator[Start]:
    """Give a function that starts a bridge on the same folder; what a failed test leaves is killed."""
    write_config(tmp_path, api.url)
    processes: list[Process] = []

    def starting() -> Process:
        processes.append(Process(tmp_path, api.token))
        return processes[-1]

    yield starting
    for process in processes:
        if process.process.poll() is None:
            process.kill()


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep the database locked while the block runs."""
    with contextlib.closing(sqlite3.connect(folder / "alertbridge.db", isolation_level=None)) as lock:
        lock.execute("BEGIN IMMEDIATE")
        yield
        lock.execute("ROLLBACK")


def asked(api: BotApi, method: str) -> bool:
    """Tell whether a request of a method has come."""
    return any(call.method == method for call in list(api.calls))


def sent_rows(folder: Path) -> int:
    """Return how many rows are marked as sent."""
    return counted(folder, "state = 'sent'")


def counted(folder: Path, condition: str) -> int:
    """Return how many rows of the outbox meet a condition."""
    with contextlib.closing(sqlite3.connect(folder / "alertbridge.db")) as reader:
        query = "SELECT count(*) FROM outbox WHERE "
        return int(reader.execute(query + condition).fetchone()[0])


def ends(api: BotApi, start: Start, step: str, *, twice: int = 0, counted: str = "") -> None:
    """Start again, let another site fall, and hold what arrived against what was sent."""
    bridge = start()
    api.wait_for(lambda: len(api.messages) == 1 + twice)
    assert bridge.post(alert(target=OTHER)) == 200
    api.wait_for(lambda: len(api.messages) == 2 + twice)
    assert ("delivery may repeat" in bridge.log) is bool(counted)
    assert bridge.stop() == 0
    assert api.token not in bridge.log
    compare(f"SIGKILL: {step}", [SITE, OTHER], api.messages, twice=twice, counted=counted or "-")


def test_1_before_the_commit(api: BotApi, start: Start, tmp_path: Path) -> None:
    """No 200 was given, so Alertmanager posts again, and one message arrives."""
    bridge = start()
    with locked(tmp_path):
        statuses: list[int | None] = []
        posting = threading.Thread(target=lambda: statuses.append(bridge.post(BODY)))
        posting.start()
        time.sleep(0.3)  # inside the commit's wait for the lock (2 s)
        bridge.kill()
        posting.join(10)
    assert statuses == [None]
    again = start()
    assert again.post(BODY) == 200
    api.wait_for(lambda: api.messages)
    assert again.stop() == 0
    ends(api, start, "before the commit: posted again")


def test_2_between_commit_and_request(api: BotApi, start: Start, tmp_path: Path) -> None:
    """The chat had to wait (429): the alert is in the store and is sent after the restart, once."""
    api.fail_next(method="sendMessage", status=429, parameters={"retry_after": 600})
    bridge = start()
    assert bridge.post(BODY) == 200
    api.wait_for(lambda: asked(api, "sendMessage"))
    api.wait_for(lambda: counted(tmp_path, "state = 'pending' AND attempts = 1") == 1)
    bridge.kill()
    ends(api, start, "between commit and request")


@pytest.mark.parametrize(("accepted", "twice"), [(False, 0), (True, 1)], ids=["3_not_accepted", "4_accepted"])
def test_while_the_request_is_out(api: BotApi, start: Start, *, accepted: bool, twice: int) -> None:
    """Nobody knows whether Telegram has it: it is sent again, and the log says so. The one window for a duplicate."""
    api.fail_next(method="sendMessage", hang_seconds=5.0, accept=accepted)
    bridge = start()
    assert bridge.post(BODY) == 200
    api.wait_for(lambda: asked(api, "sendMessage"))
    bridge.kill()
    step = f"request out, {'taken by Telegram' if accepted else 'not taken'}"
    ends(api, start, step, twice=twice, counted="delivery may repeat")


def test_5_between_the_answer_and_our_note(api: BotApi, start: Start, tmp_path: Path) -> None:
    """Telegram has answered, and the database was locked: the same window, seen from our side."""
    answer = (
        b'{"ok": true, "result": {"message_id": 1, "date": 1, "chat": {"id": -1001234567890, "type": "supergroup"}}}'
    )
    hanging = {"hang_seconds": 1.0, "raw": answer, "content_type": "application/json"}
    api.fail_next(method="sendMessage", status=200, accept=True, **hanging)
    bridge = start()
    assert bridge.post(BODY) == 200
    api.wait_for(lambda: asked(api, "sendMessage"))
    with locked(tmp_path):
        api.wait_for(lambda: "event=delivered" in bridge.log)
        bridge.kill()
    ends(api, start, "answered by Telegram, not noted", twice=1, counted="delivery may repeat")


def test_6_after_the_mark(api: BotApi, start: Start, tmp_path: Path) -> None:
    """What is marked as sent is not sent again, and Alertmanager's repeat is known."""
    bridge = start()
    assert bridge.post(BODY) == 200
    api.wait_for(lambda: sent_rows(tmp_path) == 1)
    bridge.kill()
    bridge = start()
    assert bridge.post(BODY) == 200
    api.wait_for(lambda: "reason=resent" in bridge.log)
    assert bridge.stop() == 0
    ends(api, start, "after the mark: posted again")


def test_7_while_an_edit_is_out(api: BotApi, start: Start, tmp_path: Path) -> None:
    """Telegram has taken the edit: made again, it changes nothing, and no second message comes."""
    bridge = start()
    assert bridge.post(BODY) == 200
    api.wait_for(lambda: sent_rows(tmp_path) == 1)
    api.fail_next(method="editMessageText", hang_seconds=5.0, accept=True)
    assert bridge.post(alert("VPNTargetFlapping", SITE, severity="warning")) == 200
    api.wait_for(lambda: asked(api, "editMessageText"))
    bridge.kill()
    ends(api, start, "edit out, taken by Telegram")


def test_8_between_the_edit_and_the_reply(api: BotApi, start: Start, tmp_path: Path) -> None:
    """The message says that it is over; the short reply comes after the restart, once."""
    with serving_peers() as peers:
        write_config(tmp_path, api.url, peers.url)
        peers.put(SITE, "down", age_seconds=10)
        bridge = start()
        assert bridge.post(BODY) == 200
        api.wait_for(lambda: sent_rows(tmp_path) == 1)
        api.fail_next(method="sendMessage", status=429, parameters={"retry_after": 600})
        peers.put(SITE, "up", age_seconds=1)
        assert bridge.post(alert(target=SITE, status="resolved")) == 200
        api.wait_for(lambda: api.messages[0].first_line.startswith("✅ UP"))
        api.wait_for(lambda: counted(tmp_path, "state = 'pending' AND attempts = 1") == 1)
        bridge.kill()
        bridge = start()
        api.wait_for(lambda: len(api.messages) == 2)
        assert bridge.stop() == 0
    assert api.messages[1].reply_to == api.messages[0].message_id
    compare("SIGKILL: edited, the reply waits", [SITE], api.messages, twice=0, counted="-")
