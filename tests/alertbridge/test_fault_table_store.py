"""The fault table, its rows of the store: locked, full, and what Alertmanager and the chat see of it."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any

from tests.alertbridge.fault_rows import compare
from tests.alertbridge.webhooks import alert

if TYPE_CHECKING:
    from tests.alertbridge.conftest import Trial

FIRST, SECOND = "site-one", "site-two"


async def test_a_locked_database(trial: Trial) -> None:
    """503, so Alertmanager posts again; one message from memory says that nothing can be stored."""
    lock = sqlite3.connect(trial.data / "alertbridge.db", isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    both = [alert(target=FIRST), alert(target=SECOND)]
    assert (await trial.post(*both)).status_code == 503
    assert (await trial.post(*both)).status_code == 503
    lock.execute("ROLLBACK")
    lock.close()
    await trial.api.until(lambda: trial.api.messages)
    assert "cannot store alerts" in trial.api.messages[0].text
    await trial.fire(*both)
    await trial.api.until(lambda: len(trial.api.messages) == 3)
    assert await trial.metric("alertbridge_webhooks_total", result="unavailable") == 2
    compare("database locked: 503, posted again", [FIRST, SECOND], trial.api.messages, twice=0, counted="unavailable")


async def test_a_database_locked_between_telegram_and_our_note(trial: Trial) -> None:
    """Telegram has it and the note must wait: nothing else is sent to that chat, and nothing twice."""
    trial.api.fail_next(
        method="sendMessage", status=200, accept=True, hang_seconds=1.0, raw=ACCEPTED, content_type=JSON
    )
    await trial.fire(alert(target=FIRST))
    await trial.api.until(lambda: trial.api.messages)
    lock = sqlite3.connect(trial.data / "alertbridge.db", isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    assert (await trial.post(alert(target=SECOND))).status_code == 503
    lock.execute("ROLLBACK")
    lock.close()
    await trial.fire(alert(target=SECOND))
    await trial.api.until(lambda: len([m for m in trial.api.messages if "DOWN" in m.text]) == 2, seconds=20)
    await trial.metric_becomes(0, "alertbridge_outbox_messages", state="pending")
    compare("database locked while Telegram answers", [FIRST, SECOND], trial.api.messages, twice=0, counted="waits")


ACCEPTED = b'{"ok": true, "result": {"message_id": 1, "date": 1, "chat": {"id": -1001234567890, "type": "supergroup"}}}'
JSON = "application/json"


async def test_a_full_disk(trial: Trial) -> None:
    """503, nothing of the webhook remains, the message from memory; when there is room again all arrives."""

    def fill(pages: int) -> Any:
        return lambda q: q._connection.exec_driver_sql(f"PRAGMA max_page_count={pages}").scalar()

    both = [alert(target=target, annotations={"summary": "x" * 200_000}) for target in (FIRST, SECOND)]
    await trial.bridge.store.transact(fill(1))  # SQLite raises it to what is used already: no page more
    assert (await trial.post(*both)).status_code == 503
    await trial.api.until(lambda: trial.api.messages)
    assert "cannot store alerts" in trial.api.messages[0].text
    await trial.bridge.store.transact(fill(1_000_000))
    await trial.fire(*both)
    await trial.api.until(lambda: len(trial.api.messages) == 3)
    compare("disk full: 503, posted again", [FIRST, SECOND], trial.api.messages, twice=0, counted="unavailable")
