"""The fault table: every trouble on the way to Telegram; what was sent is held against what arrived.

`pytest tests/alertbridge/test_{fault_table*,backlog_told,kill}.py -s` prints its rows: nothing is lost in
any of them, and something arrives twice only where Telegram took a message and we could not learn of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from alertbridge.errors import Failure
from alertbridge.store.rows import RowState
from tests.alertbridge.conftest import NOC, running_bridge
from tests.alertbridge.fault_rows import compare
from tests.alertbridge.line import Break, Line
from tests.alertbridge.webhooks import alert
from tests.botapi.world import Refusal

if TYPE_CHECKING:
    from pathlib import Path

    from tests.alertbridge.conftest import Trial
    from tests.alertbridge.peers import Peers
    from tests.botapi.server import BotApi

FORUM = -100777
MORE = f"  - {{name: forum, id: {FORUM}, topic: 7}}\nroutes: [{{chats: [forum]}}]"
UNSURE = {Failure.TIMEOUT, Failure.SERVER}  # nobody can know whether Telegram has it
FIRST, SECOND = "site-one", "site-two"


def bad(description: str) -> dict[str, Any]:
    """Return a 400."""
    return {"status": 400, "description": f"Bad Request: {description}"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A row: an answer of Telegram that passes."""

    id: str
    fault: dict[str, Any]
    reason: Failure
    twice: int = 0


ANSWERS = (
    Answer(
        id="429 with retry_after",
        fault={"status": 429, "parameters": {"retry_after": 1}},
        reason=Failure.RATE_LIMITED,
    ),
    Answer(id="429 without retry_after", fault={"status": 429}, reason=Failure.SERVER),
    Answer(
        id="502 with HTML, accepted all the same",
        fault={"status": 502, "raw": b"<html>Bad Gateway</html>", "accept": True},
        reason=Failure.SERVER,
        twice=1,
    ),
    Answer(id="500", fault={"status": 500}, reason=Failure.SERVER),
    Answer(id="502 with HTML", fault={"status": 502, "raw": b"<html>Bad Gateway</html>"}, reason=Failure.SERVER),
    Answer(
        id="200 with HTML", fault={"status": 200, "raw": b"<html>Log in to the hotel</html>"}, reason=Failure.SERVER
    ),
    Answer(
        id="200 with ok false",
        fault={"status": 200, "raw": b'{"ok": false}', "content_type": "application/json"},
        reason=Failure.SERVER,
    ),
    Answer(
        id="200 with JSON cut in the middle",
        fault={"status": 200, "raw": b'{"ok": true, "result": {"mess', "content_type": "application/json"},
        reason=Failure.SERVER,
    ),
    Answer(id="answer cut off, not accepted", fault={"cut": True}, reason=Failure.TIMEOUT),
    Answer(id="answer cut off, accepted", fault={"cut": True, "accept": True}, reason=Failure.TIMEOUT, twice=1),
    Answer(
        id="400 can't parse entities", fault=bad("can't parse entities: Unsupported start tag"), reason=Failure.MARKUP
    ),
    Answer(id="400 message is too long", fault=bad("message is too long"), reason=Failure.TOO_LONG),
    Answer(
        id="400 message thread not found (topic deleted)", fault=bad("message thread not found"), reason=Failure.TOPIC
    ),
    Answer(id="400 TOPIC_CLOSED", fault=bad("TOPIC_CLOSED"), reason=Failure.TOPIC),
    Answer(id="400 TOPIC_DELETED", fault=bad("TOPIC_DELETED"), reason=Failure.TOPIC),
)


@pytest.mark.parametrize("row", ANSWERS, ids=[row.id for row in ANSWERS])
async def test_answers(row: Answer, api: BotApi, peers: Peers, tmp_path: Path) -> None:
    """The message arrives all the same, in another form where its form was refused; what follows it too."""
    api.fail_next(method="sendMessage", chat_id=FORUM, **row.fault)
    async with running_bridge(api, peers, tmp_path, more=MORE) as trial:
        await both_told(trial, FORUM, 2 + row.twice)
        await trial.metric_becomes(1, "alertbridge_delivery_failures_total", reason=row.reason.value)
        assert await trial.metric("alertbridge_delivery_repeats_total") == (row.reason in UNSURE)
    compare(row.id, [FIRST, SECOND], api.in_chat(FORUM), twice=row.twice, counted=row.reason.value)


async def both_told(trial: Trial, chat: int, messages: int) -> None:
    """Let one site fall, and when it is out (or stuck) another; wait for so many messages."""
    await trial.fire(alert(target=FIRST))
    await trial.api.until(lambda: any(call.method == "sendMessage" for call in list(trial.api.calls)))
    await trial.fire(alert(target=SECOND))
    await trial.api.until(lambda: len(trial.api.in_chat(chat)) >= messages, seconds=20)


BREAKS = (
    (Break.REFUSED, Failure.UNSENT, 0),
    (Break.RESET_BEFORE, Failure.TIMEOUT, 0),
    (Break.RESET_AFTER, Failure.TIMEOUT, 1),
    (Break.SILENT_BEFORE, Failure.TIMEOUT, 0),
    (Break.SILENT_AFTER, Failure.TIMEOUT, 1),
)


@pytest.mark.parametrize(("how", "reason", "twice"), BREAKS, ids=[str(how) for how, _, _ in BREAKS])
async def test_the_line(
    how: Break, reason: Failure, twice: int, api: BotApi, peers: Peers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Connections refused, reset, and without an answer until the client's own time-out (here 1 s, not 20)."""
    monkeypatch.setattr("alertbridge.telegram._READ_SECONDS", 1.0)
    line = Line(api.url)
    async with line.up():
        config = CONFIG.replace("{api}", line.url)
        async with running_bridge(api, peers, tmp_path, config=config) as trial:
            await line.break_next(how)
            await trial.fire(alert(target=FIRST))
            await trial.metric_becomes(1, "alertbridge_delivery_failures_total", reason=reason.value)
            await line.mend()
            await trial.fire(alert(target=SECOND))
            await api.until(lambda: len(api.in_chat(NOC)) == 2 + twice, seconds=20)
            assert await trial.metric("alertbridge_delivery_repeats_total") == (reason is Failure.TIMEOUT)
    compare(f"line: {how}", [FIRST, SECOND], api.in_chat(NOC), twice=twice, counted=reason.value)


CONFIG = """
version: 1
language: en
telegram: {{api_url: "{api}"}}
alertmanager: {{url: "{peers}"}}
prometheus: {{url: "{peers}"}}
exporter: {{url: "{peers}"}}
chats:
  - {{name: noc, id: -1001234567890, role: admin}}
{more}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wrong:
    """A row: a chat that refuses everything, until a person mends it."""

    id: str
    refusal: Refusal
    reason: Failure
    kept: str = "dead"  # where the messages wait


WRONGS = (
    Wrong(
        id="403 bot was blocked by the user",
        refusal=Refusal(403, "Forbidden: bot was blocked by the user"),
        reason=Failure.BLOCKED,
    ),
    Wrong(
        id="403 bot was kicked from the supergroup",
        refusal=Refusal(403, "Forbidden: bot was kicked from the supergroup chat"),
        reason=Failure.BLOCKED,
    ),
    Wrong(
        id="403 bot is not a member of the group",
        refusal=Refusal(403, "Forbidden: bot is not a member of the supergroup chat"),
        reason=Failure.BLOCKED,
    ),
    Wrong(id="400 chat not found", refusal=Refusal(400, "Bad Request: chat not found"), reason=Failure.CHAT_NOT_FOUND),
    Wrong(
        id="400 have no write access",
        refusal=Refusal(400, "Bad Request: have no write access to the chat"),
        reason=Failure.NO_RIGHTS,
    ),
    Wrong(
        id="400 not enough rights",
        refusal=Refusal(400, "Bad Request: not enough rights to send text messages to the chat"),
        reason=Failure.NO_RIGHTS,
    ),
    Wrong(id="400 of an unknown kind", refusal=Refusal(400, "Bad Request: something new"), reason=Failure.REFUSED),
)


@pytest.mark.parametrize("row", WRONGS, ids=[row.id for row in WRONGS])
async def test_refusals(row: Wrong, api: BotApi, peers: Peers, tmp_path: Path) -> None:
    """Kept as dead letters, the admin chat hears of it once, another chat is not delayed; `retry` sends them, once."""
    more = "  - {name: wrong, id: -100999}\nroutes: [{chats: [noc, wrong]}]"
    api.world.blocked[-100999] = row.refusal
    async with running_bridge(api, peers, tmp_path, more=more) as trial:
        await trial.fire(alert(target=FIRST))
        await trial.fire(alert(target=SECOND))
        await trial.metric_becomes(2, "alertbridge_outbox_messages", state="dead")
        await api.until(lambda: len(api.in_chat(NOC)) == 3)
        assert sum("Messages to chat wrong are not taken" in m.text for m in api.in_chat(NOC)) == 1
        assert await trial.metric("alertbridge_delivery_failures_total", reason=row.reason.value) == 2
        assert await trial.metric("alertbridge_telegram_up") == 1
        compare(f"{row.id}: the other chat", [FIRST, SECOND], api.in_chat(NOC), twice=0, counted="delivered")
        del api.world.blocked[-100999]
        await queue_again(trial)
        await api.until(lambda: len(api.in_chat(-100999)) == 2)
    compare(f"{row.id}, mended", [FIRST, SECOND], api.in_chat(-100999), twice=0, counted=f"{row.reason.value}, dead")


async def queue_again(trial: Trial) -> None:
    """Do what `alertbridge outbox retry --all` does."""

    def work(queries: Any) -> None:
        ids = [row.id for row in queries.rows([RowState.DEAD])]
        queries.update_rows(ids, state=RowState.PENDING, attempts=0, settled_at=None)

    await trial.bridge.store.transact(work)
    trial.bridge.parts.outbox.wake()


async def test_a_revoked_token(api: BotApi, peers: Peers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """401: everything waits, is told by metric and log, and is sent when the token is good again."""
    monkeypatch.setattr("alertbridge.retry.TOKEN_DELAY_SECONDS", 0.3)
    async with running_bridge(api, peers, tmp_path) as trial:
        good, api.world.token = api.world.token, "999:another_token"
        await trial.fire(alert(target=FIRST), alert(target=SECOND))
        await trial.metric_becomes(1, "alertbridge_delivery_failures_total", reason="token")
        assert await trial.metric("alertbridge_telegram_up") == 0
        assert api.messages == []
        api.world.token = good
        await api.until(lambda: len(api.messages) == 2, seconds=15)
    compare("401 token revoked, then good again", [FIRST, SECOND], api.messages, twice=0, counted="token")


async def test_a_group_that_became_a_supergroup(api: BotApi, peers: Peers, tmp_path: Path) -> None:
    """400 with migrate_to_chat_id: both arrive under the new id."""
    api.world.migrated[NOC] = -100555
    async with running_bridge(api, peers, tmp_path) as trial:
        await trial.fire(alert(target=FIRST))
        await trial.fire(alert(target=SECOND))
        await api.until(lambda: len(api.in_chat(-100555)) == 3)
    compare("400 migrate_to_chat_id", [FIRST, SECOND], api.in_chat(-100555), twice=0, counted="migrated")
