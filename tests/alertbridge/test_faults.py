"""Nothing lost, nothing twice: every trouble of Telegram and of the database, and what arrives in spite of it."""

from __future__ import annotations

import logging
import sqlite3
from dataclasses import dataclass, field
from io import StringIO
from typing import TYPE_CHECKING, Any

import pytest

from alertbridge.errors import Failure
from httpservice import logs
from tests.alertbridge.conftest import NOC, running_bridge
from tests.alertbridge.webhooks import alert
from tests.botapi.world import Refusal

if TYPE_CHECKING:
    from pathlib import Path

    from tests.alertbridge.conftest import Trial
    from tests.alertbridge.peers import Peers
    from tests.botapi.server import BotApi

SITE = "jbr-gt-pasteur-1"


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the fault table."""

    id: str
    fault: dict[str, Any]
    reason: Failure
    copies: int = 1  # more only where Telegram took the message and its answer was lost
    text: str = field(default="🔴 DOWN")


# Short: the client's own time-outs (20 s) would make the test long; a cut answer is the same unknown outcome.
TABLE = (
    Row("429 with retry_after", {"status": 429, "parameters": {"retry_after": 1}}, Failure.RATE_LIMITED),
    Row("500", {"status": 500}, Failure.SERVER),
    Row("502 with HTML", {"status": 502, "raw": b"<html>Bad Gateway</html>"}, Failure.SERVER),
    Row("200 with HTML", {"status": 200, "raw": b"<html>Log in to the hotel</html>"}, Failure.SERVER),
    Row(
        "200 with ok false",
        {"status": 200, "raw": b'{"ok": false}', "content_type": "application/json"},
        Failure.SERVER,
    ),
    Row("answer cut before acceptance", {"cut": True}, Failure.TIMEOUT),
    Row("answer cut after acceptance", {"cut": True, "accept": True}, Failure.TIMEOUT, copies=2),
    Row("markup refused", {"status": 400, "description": "Bad Request: can't parse entities: x"}, Failure.MARKUP),
    Row(
        "message thread not found",
        {"status": 400, "description": "Bad Request: message thread not found"},
        Failure.TOPIC,
    ),
    Row("topic closed", {"status": 400, "description": "Bad Request: TOPIC_CLOSED"}, Failure.TOPIC),
)


@pytest.mark.parametrize("row", TABLE, ids=[row.id for row in TABLE])
async def test_a_failed_send_is_delivered_all_the_same(row: Row, api: BotApi, peers: Peers, tmp_path: Path) -> None:
    """Each trouble is counted by its reason, and the message arrives once (twice only where nobody could know)."""
    more = "  - {name: forum, id: -100777, topic: 7}\nroutes: [{chats: [forum]}]"
    api.fail_next(method="sendMessage", chat_id=-100777, **row.fault)
    async with running_bridge(api, peers, tmp_path, more=more) as trial:
        peers.put(SITE, "down", age_seconds=4)
        await trial.fire(alert())
        await api.until(lambda: len(api.in_chat(-100777)) == row.copies, what=row.id)
        await trial.metric_becomes(1, "alertbridge_delivery_failures_total", reason=row.reason.value)
        assert all(message.text.startswith(row.text) for message in api.in_chat(-100777))


async def test_a_failed_edit_is_made_all_the_same(trial: Trial) -> None:
    """An edit that met trouble is made again; `not modified` counts as made; a deleted message is sent anew."""
    trial.peers.put(SITE, "down", age_seconds=4)
    await trial.fire(alert())
    await trial.api.until(lambda: trial.api.messages)
    trial.api.fail_next(method="editMessageText", status=502, raw=b"<html>")
    trial.api.messages[0].deleted = True
    trial.peers.put(SITE, "up", age_seconds=1)
    await trial.fire(alert(status="resolved"))
    await trial.api.until(lambda: len(trial.api.messages) == 3)
    assert [m.first_line[:4] for m in trial.api.messages[1:]] == ["✅ UP", "✅ UP"]
    assert await trial.metric("alertbridge_delivery_failures_total", reason="message_gone") == 1


REFUSALS = (
    (Refusal(403, "Forbidden: bot was kicked from the supergroup chat"), Failure.BLOCKED),
    (Refusal(400, "Bad Request: chat not found"), Failure.CHAT_NOT_FOUND),
    (Refusal(400, "Bad Request: have no write access to the chat"), Failure.NO_RIGHTS),
    (Refusal(400, "Bad Request: something new"), Failure.REFUSED),
)


@pytest.mark.parametrize(("refusal", "reason"), REFUSALS, ids=[reason.value for _, reason in REFUSALS])
async def test_a_refusal_is_a_dead_letter_and_delays_nobody(
    refusal: Refusal, reason: Failure, api: BotApi, peers: Peers, tmp_path: Path
) -> None:
    """The refused message is kept and counted, the admin chat hears of it once, the other chat gets its alerts."""
    more = "  - {name: wrong, id: -100999}\nroutes: [{chats: [noc, wrong]}]"
    api.world.blocked[-100999] = refusal
    async with running_bridge(api, peers, tmp_path, more=more) as trial:
        await trial.fire(alert())
        await trial.fire(alert("VPNTargetDown", "jbr-other"))
        await api.until(lambda: len(api.in_chat(NOC)) == 3)
        assert sum("Messages to chat wrong are not taken" in m.text for m in api.in_chat(NOC)) == 1
        await trial.metric_becomes(2, "alertbridge_outbox_messages", state="dead")
        assert await trial.metric("alertbridge_delivery_failures_total", reason=reason.value) == 2
        assert await trial.metric("alertbridge_telegram_up") == 1


async def test_a_moved_chat_is_followed_for_ever(api: BotApi, peers: Peers, tmp_path: Path) -> None:
    """A group that became a supergroup gets its messages under the new id, after a restart too."""
    api.world.migrated[NOC] = -100555
    async with running_bridge(api, peers, tmp_path) as trial:
        await trial.fire(alert())
        await api.until(lambda: len(api.in_chat(-100555)) == 2)
        assert any("its id is now -100555".lower() in m.text.lower() for m in api.in_chat(-100555))
    refused = len([call for call in api.calls if call.status == 400])
    async with running_bridge(api, peers, tmp_path) as trial:
        await trial.fire(alert("VPNTargetDown", "jbr-other"))
        await api.until(lambda: len(api.in_chat(-100555)) == 3)
    assert len([call for call in api.calls if call.status == 400]) == refused


async def test_a_revoked_token_keeps_everything(trial: Trial) -> None:
    """401 is told by metric and log, and the messages wait."""
    good, trial.api.world.token = trial.api.world.token, "999:another_token"
    await trial.fire(alert())
    await trial.metric_becomes(1, "alertbridge_delivery_failures_total", reason="token")
    assert await trial.metric("alertbridge_telegram_up") == 0
    await trial.metric_becomes(1, "alertbridge_outbox_messages", state="pending")
    assert trial.api.messages == []
    trial.api.world.token = good


async def test_one_flooded_chat_delays_no_other(api: BotApi, peers: Peers, tmp_path: Path) -> None:
    """A retry_after of a minute for one chat: the other gets its message at once."""
    more = "  - {name: other, id: -100222}\nroutes: [{chats: [noc, other]}]"
    api.fail_next(method="sendMessage", chat_id=NOC, status=429, parameters={"retry_after": 60})
    async with running_bridge(api, peers, tmp_path, more=more) as trial:
        await trial.fire(alert())
        await api.until(lambda: api.in_chat(-100222), seconds=3)
        assert api.in_chat(NOC) == []


async def test_order_is_kept_in_a_chat_that_had_trouble(trial: Trial) -> None:
    """What waited is sent in its order, after the trouble."""
    trial.api.fail_next(method="sendMessage", status=500)
    await trial.fire(alert("VPNTargetDown", "a-first"))
    await trial.api.until(lambda: any(call.method == "sendMessage" for call in trial.api.calls))
    await trial.fire(alert("VPNTargetDown", "b-second"))
    await trial.api.until(lambda: len(trial.api.messages) == 2)
    assert ["a-first" in m.text or "b-second" in m.text for m in trial.api.messages] == [True, True]
    assert "a-first" in trial.api.messages[0].text


async def test_a_locked_database_is_503_and_nothing_is_lost(trial: Trial) -> None:
    """Alertmanager gets 503 and tries again; one message from memory says that nothing can be stored."""
    lock = sqlite3.connect(trial.data / "alertbridge.db", isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    answer = await trial.post(alert())
    assert answer.status_code == 503
    assert (await trial.post(alert())).status_code == 503
    lock.execute("ROLLBACK")
    lock.close()
    await trial.api.until(lambda: trial.api.messages)
    assert "cannot store alerts" in trial.api.messages[0].text
    await trial.fire(alert())
    await trial.api.until(lambda: len(trial.api.messages) == 2)
    assert trial.api.messages[1].first_line.startswith("🔴 DOWN")
    assert await trial.metric("alertbridge_webhooks_total", result="unavailable") == 2


async def test_a_full_disk_is_503(trial: Trial) -> None:
    """SQLite's "database or disk is full" is an answer 503; nothing of the webhook remains."""

    def fill(pages: int) -> Any:
        return lambda q: q._connection.exec_driver_sql(f"PRAGMA max_page_count={pages}").scalar()

    await trial.bridge.store.transact(fill(1))  # SQLite raises it to what is used already: no page more
    big = {"summary": "x" * 200_000}
    assert (await trial.post(alert(annotations=big))).status_code == 503
    await trial.bridge.store.transact(fill(1_000_000))
    await trial.fire(alert(annotations=big))
    await trial.api.until(lambda: any(m.first_line.startswith("🔴 DOWN") for m in trial.api.messages))


async def test_no_log_line_holds_the_token(trial: Trial, caplog: pytest.LogCaptureFixture) -> None:
    """With every library at debug level: errors, URLs and settings never print it (httpservice.logs redacts)."""
    caplog.set_level(logging.DEBUG)
    stream = StringIO()
    logs.configure("debug", "json", redact=trial.bridge.live.secrets, stream=stream)
    try:
        trial.api.fail_next(method="sendMessage", status=401, description="Unauthorized")
        await trial.fire(alert())
        await trial.metric_becomes(1, "alertbridge_delivery_failures_total", reason="token")
        logging.getLogger("httpx").debug("POST %s/bot%s/getMe", trial.api.url, trial.api.token)
        text = stream.getvalue()
    finally:
        logs.configure("info", "logfmt")
    assert "sendMessage" in text  # the libraries' lines are in it
    assert trial.api.token not in text
    assert trial.api.token.partition(":")[2] not in text
