"""Telegram out of reach for long, over the stand-in: each chat hears of it once and first, with its own counts.

What was held is summarised, never replayed; a hiccup, a limit or one chat that refuses says nothing.
"""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from alertbridge import backlog
from tests.alertbridge.conftest import NOC, running_bridge
from tests.alertbridge.fault_rows import compare
from tests.alertbridge.line import Break, Line
from tests.alertbridge.test_fault_table import CONFIG, queue_again
from tests.alertbridge.webhooks import alert
from tests.botapi.world import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from alertbridge.store.queries import Queries
    from tests.alertbridge.conftest import Trial
    from tests.alertbridge.peers import Peers
    from tests.botapi.server import BotApi
    from tests.botapi.world import Message

WEST = -100333
ROUTES = f"  - {{name: west, id: {WEST}}}\nroutes: [{{chats: [noc]}}, {{match: {{region: [BTN]}}, chats: [west]}}]"
JBR, BTN = [f"jbr-{n}" for n in range(1, 5)], ["btn-1", "btn-2"]


def words(messages: list[Message]) -> list[Message]:
    """Return what was said of the absence."""
    return [message for message in messages if message.text.startswith("📮")]


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let an absence of a second be long."""
    monkeypatch.setattr("alertbridge.backlog.LONG", timedelta(seconds=1))


async def until(trial: Trial, condition: Callable[[Queries], object]) -> None:
    """Wait for what the store must show."""
    async with asyncio.timeout(20):
        while not await trial.bridge.store.transact(condition):  # noqa: ASYNC110 - another thread's database
            await asyncio.sleep(0.02)


async def away_for_long(trial: Trial, *, newer_than: datetime | None = None) -> None:
    """Wait until requests have failed for long, and one after a moment."""

    def long(queries: Queries) -> bool:
        away = backlog.known(queries)
        if away is None or (newer_than is not None and away.last <= newer_than):
            return False
        return datetime.now(UTC) - away.since > backlog.LONG

    await until(trial, long)


async def six_fall_and_four_return(trial: Trial, line: Line) -> None:
    """Let six sites fall while Telegram is away, and four of them return."""
    await line.break_next(Break.REFUSED)
    for target in (*JBR, *BTN):
        trial.peers.put(target, "down", age_seconds=5)
        await trial.fire(alert(target=target, region=target[:3].upper()))
    for target in (*JBR[:3], BTN[0]):
        trial.peers.put(target, "up", age_seconds=1)
        await trial.fire(alert(target=target, region=target[:3].upper(), status="resolved"))
    await until(trial, lambda queries: len(queries.open_incidents()) == 2)


async def finish(trial: Trial, api: BotApi, line: Line, *, newer_than: datetime | None = None) -> None:
    """Let Telegram be back once it was away for long; wait until nothing is held any more."""
    await away_for_long(trial, newer_than=newer_than)
    await line.mend()
    await api.until(lambda: len(api.in_chat(NOC)) >= 2 and len(api.in_chat(WEST)) >= 3, seconds=30)
    await trial.metric_becomes(0, "alertbridge_outbox_messages", state="pending")


@pytest.mark.usefixtures("soon")
@pytest.mark.parametrize("restart", [False, True], ids=["the same bridge", "a restart in between"])
async def test_each_chat_hears_once_and_first_what_was_held_for_it(
    restart: bool, api: BotApi, peers: Peers, tmp_path: Path
) -> None:
    """Six down of which four are over: each chat's own counts, then one summary, and nothing is replayed."""
    line = Line(api.url)
    async with line.up():
        config = CONFIG.replace("{api}", line.url)
        async with running_bridge(api, peers, tmp_path, config=config, more=ROUTES) as trial:
            await six_fall_and_four_return(trial, line)
            await (away_for_long(trial) if restart else finish(trial, api, line))
        if restart:
            started = datetime.now(UTC)
            async with running_bridge(api, peers, tmp_path, config=config, more=ROUTES) as trial:
                await finish(trial, api, line, newer_than=started)
    noc, west = api.in_chat(NOC), api.in_chat(WEST)
    for messages, held, over, still in ((noc, 10, 4, 2), (west, 3, 1, 1)):
        assert words(messages) == messages[:1], "once, and first"
        assert messages[0].silent
        lines = messages[0].text.splitlines()
        assert re.fullmatch(r"📮 .* from [\d:]{8} WIB to [\d:]{8} WIB \(.*\)\.", lines[0])
        assert lines[1:] == [
            f"Messages held for this chat: {held}",
            f"Over meanwhile: {over} · still open: {still}. They follow, summarised.",
        ]
    assert [message.first_line for message in noc[1:]] == ["🔴 2 DOWN ✅ 4 UP in Jawa Barat"], "six in one summary"
    assert {message.first_line.partition(" · ")[0] for message in west[1:]} == {"🔴 DOWN", "✅ UP"}
    assert [len(messages) for messages in (noc, west)] == [2, 3], "each of two as it is now, and none replayed"


async def test_a_hiccup_says_nothing(api: BotApi, peers: Peers, tmp_path: Path) -> None:
    """Refused connections of a moment: the alert arrives, and that is all."""
    line = Line(api.url)
    async with line.up(), running_bridge(api, peers, tmp_path, config=CONFIG.replace("{api}", line.url)) as trial:
        await line.break_next(Break.REFUSED)
        await trial.fire(alert(target="site-one"))
        await until(trial, lambda queries: backlog.known(queries) is not None)
        await line.mend()
        await api.until(lambda: api.messages)
        await trial.metric_becomes(0, "alertbridge_outbox_messages", state="pending")
        await until(trial, lambda queries: backlog.known(queries) is None)
    compare("line: refused for a moment", ["site-one"], api.messages, twice=0, counted="unsent")
    assert len(api.messages) == 1


@pytest.mark.parametrize(("status", "told"), [(429, 0), (500, 1)], ids=["429", "500"])
async def test_a_limit_is_no_absence(
    status: int, told: int, api: BotApi, peers: Peers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However long: here every moment is long, and a server in trouble is told while a limit is not."""
    monkeypatch.setattr("alertbridge.backlog.LONG", timedelta(0))
    parameters = {"retry_after": 1} if status == 429 else {}
    api.fail_next(method="sendMessage", status=status, parameters=parameters)
    async with running_bridge(api, peers, tmp_path) as trial:
        await trial.fire(alert(target="site-one"))
        await api.until(lambda: len(api.messages) == 1 + told)
        await trial.metric_becomes(0, "alertbridge_outbox_messages", state="pending")
    assert len(words(api.messages)) == told
    compare(f"{status} for long, the word before it", ["site-one"], api.messages, twice=0, counted=f"{told} word")


async def test_one_chat_that_refuses_is_no_absence(
    api: BotApi, peers: Peers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its messages are dead letters; sent again by a person they arrive without a word of Telegram."""
    monkeypatch.setattr("alertbridge.backlog.LONG", timedelta(0))
    api.world.blocked[NOC] = Refusal(403, "Forbidden: bot was kicked from the supergroup chat")
    async with running_bridge(api, peers, tmp_path) as trial:
        await trial.fire(alert(target="site-one"))
        await trial.metric_becomes(1, "alertbridge_outbox_messages", state="dead")
        del api.world.blocked[NOC]
        await queue_again(trial)
        await api.until(lambda: api.messages)
        await trial.metric_becomes(0, "alertbridge_outbox_messages", state="pending")
    assert words(api.messages) == []


async def test_a_word_that_is_refused_loses_no_alert(
    api: BotApi, peers: Peers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The alert behind it goes on; the word itself is a dead letter."""
    monkeypatch.setattr("alertbridge.backlog.LONG", timedelta(0))
    api.fail_next(method="sendMessage", status=500)
    api.fail_next(method="sendMessage", status=400, description="Bad Request: something new")
    async with running_bridge(api, peers, tmp_path) as trial:
        await trial.fire(alert(target="site-one"))
        await api.until(lambda: api.messages)
        await trial.metric_becomes(0, "alertbridge_outbox_messages", state="pending")
    compare("500, then the word about it is refused", ["site-one"], api.messages, twice=0, counted="refused, dead")
