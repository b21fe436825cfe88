"""Answers that are kept until they are given: late ones with their time, none for ever, none that was given."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, cast

import pytest_asyncio

from alertbridge.bot.unfinished import Unfinished
from alertbridge.markup import plain
from alertbridge.settings import Chat, Language, Settings
from alertbridge.store import Store
from tests.alertbridge.acting import CONFIG, OPERATOR, SITE, data_of, press, recorded, told
from tests.alertbridge.conftest import NOC as CHAT
from tests.alertbridge.conftest import running_bridge
from tests.alertbridge.test_bot import ask

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from alertbridge.bot.access import Asker
    from alertbridge.bot.kinds import Answer
    from alertbridge.bot.replying import Replies
    from tests.alertbridge.conftest import Trial
    from tests.alertbridge.peers import Peers
    from tests.botapi.server import BotApi

NOW = datetime(2026, 11, 25, 7, 0, tzinfo=UTC)
NOC = -1001


@dataclass(slots=True)
class _Lanes:
    moved_chats: dict[int, int] = field(default_factory=dict)


@dataclass(slots=True)
class _Replies:
    """Takes answers; the first `away` of them find Telegram out of reach."""

    away: int = 0
    lanes: _Lanes = field(default_factory=_Lanes)
    said: list[str] = field(default_factory=list)

    async def send(self, _: Asker, answer: Answer) -> bool:
        self.away -= 1
        if self.away >= 0:
            return False
        self.said.append(plain(answer.text))
        return True


@pytest_asyncio.fixture
async def store() -> AsyncIterator[Store]:
    """Give an empty store."""
    found = Store("sqlite://")
    await found.open()
    yield found
    await found.close()


async def keep(store: Store, *, age: timedelta) -> None:
    """Note an action of so long ago that was done and not answered."""
    await store.transact(
        lambda q: q.begin_action(update_id=7, at=NOW - age, user_id=1, who="budi", chat_id=NOC, what="/silence x 4h")
    )
    await store.transact(lambda q: q.end_action(7, "ok", answer="🔕 <b>x</b> is silent"))


def unfinished(store: Store, replies: _Replies) -> Unfinished:
    settings = Settings(chats=(Chat(name="noc", id=NOC, language=Language.EN),))
    return Unfinished(
        store=store, settings=lambda: settings, replies=cast("Replies", replies), now=lambda: NOW, pause_seconds=0.01
    )


async def test_an_answer_is_given_late_and_once_however_often_telegram_is_away(store: Store) -> None:
    """With what was asked, by whom and when: the chat has long gone on."""
    await keep(store, age=timedelta(minutes=3))
    replies = _Replies(away=2)
    await unfinished(store, replies).run()
    await unfinished(store, replies).run()
    assert replies.said == ["↩️ /silence x 4h (budi, 13:57:00 WIB), answered late:\n🔕 x is silent"]


async def test_an_answer_of_yesterday_is_forgotten(store: Store) -> None:
    """Who asked has looked for themselves, and it must not wait for ever."""
    await keep(store, age=timedelta(hours=25))
    replies = _Replies()
    await unfinished(store, replies).run()
    assert replies.said == []
    assert await store.transact(lambda q: q.unanswered_actions()) == ()


async def test_what_was_answered_is_not_kept(trial: Trial) -> None:
    """Neither a command's answer nor that of a button, whose message says it."""
    message = await told(trial)
    await press(trial, message, data_of(message, "I take it"), user=1)
    await ask(trial.api, f"/unack {SITE}", user=1)
    deadline = datetime.now(UTC) + timedelta(seconds=10)
    while await trial.bridge.store.transact(lambda q: q.unanswered_actions()):
        assert datetime.now(UTC) < deadline
    assert [result for _, _, result in await recorded(trial)] == ["ok", "ok"]


async def test_a_stop_while_telegram_takes_an_answer_does_not_give_it_again(
    api: BotApi, peers: Peers, tmp_path: Path
) -> None:
    """It waits for Telegram's word, as it does for messages; only SIGKILL leaves that open."""
    taken = {"message_id": 1, "date": 1, "chat": {"id": CHAT, "type": "supergroup"}}
    async with running_bridge(api, peers, tmp_path, config=CONFIG) as trial:
        api.fail_next(
            method="sendMessage",
            accept=True,
            hang_seconds=0.5,
            status=200,
            raw=json.dumps({"ok": True, "result": taken}).encode(),
            content_type="application/json",
        )
        api.say("/unack", user=OPERATOR, chat=CHAT)
        await api.until(lambda: api.messages)
        assert await trial.bridge.store.transact(lambda q: q.unanswered_actions()) != ()
    async with running_bridge(api, peers, tmp_path, config=CONFIG) as trial:
        assert await trial.bridge.store.transact(lambda q: q.unanswered_actions()) == ()
        await ask(api, "/status", user=OPERATOR)
    assert sum("Nobody has it" in message.text for message in api.messages) == 1
