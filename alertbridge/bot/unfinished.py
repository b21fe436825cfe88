"""What people were not told of their actions because the bridge stopped: they are told once it runs again.

An action is noted before it is done and its result after, so a stop in between leaves a record without a result. It is
never done again: a silence or a restart may have been made. Taking and letting go are one transaction with their
record, so of them it is known that they were not done.

What was done and recorded has an answer, which is kept until Telegram has taken it: it is given late, with its time.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol

from alertbridge import wording
from alertbridge.bot.access import Asker, chat_of
from alertbridge.bot.kinds import Answer
from alertbridge.errors import StoreError
from alertbridge.patience import store_failed
from alertbridge.settings import JAKARTA
from alertbridge.texts import texts
from httpservice.logs import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from alertbridge.bot.replying import Replies
    from alertbridge.settings import Settings
    from alertbridge.store import Transactions
    from alertbridge.store.action_queries import Action
    from alertbridge.texts import Texts

log = get_logger(__name__)

RESULT = "not known: the bridge was stopped"
RESULT_NOT_DONE = "not done: the bridge was stopped"
_TOLD_FOR = timedelta(hours=24)  # who asked longer ago has looked for themselves
_PAUSE_SECONDS = 5.0
_WITH_THEIR_RECORD = ("ack", "unack")  # hands.py


class _Text(Protocol):
    """What is said of an action."""

    def __call__(self, action: Action, words: Texts, *, zone: ZoneInfo, now: datetime) -> str: ...


def was_not_done(action: Action) -> bool:
    """Tell whether an action without a result was surely not done."""
    word = action.what.removeprefix("button ").removeprefix("/").partition(" ")[0].partition("@")[0]
    return word in _WITH_THEIR_RECORD


def text_of(action: Action, words: Texts, *, zone: ZoneInfo, now: datetime) -> str:
    """Return what is said of an action that was cut off."""
    when = wording.when(action.at, zone, now=now)
    said = {"what": action.what, "who": action.who, "when": when}
    if was_not_done(action):
        return words("act.not_done", **said)
    look = "act.look_silences" if "silence" in action.what else "act.look_status"
    return f"{words('act.interrupted', **said)}\n{words(look)}"


def late_answer(action: Action, answer: str, words: Texts, *, zone: ZoneInfo, now: datetime) -> str:
    """Return an answer that could not be given in time; `answer` is HTML."""
    when = wording.when(action.at, zone, now=now)
    return f"{words('act.late', what=action.what, who=action.who, when=when)}\n{answer}"


@dataclass(slots=True)
class Unfinished:
    """Tells of what was cut off. `run` ends when all of it is told."""

    store: Transactions
    settings: Callable[[], Settings]
    replies: Replies
    now: Callable[[], datetime]
    pause_seconds: float = _PAUSE_SECONDS

    async def run(self) -> None:
        """Tell everything that was cut off before now; tried until Telegram takes it."""
        begun = self.now()
        while True:
            if await self._all_told(begun):
                return
            await asyncio.sleep(self.pause_seconds)

    async def _all_told(self, begun: datetime) -> bool:
        try:
            cut, owed = await self.store.transact(lambda q: (q.unfinished_actions(), q.unanswered_actions()))
            told = [await self._told(action) for action in cut if action.at < begun]
            answered = [await self._answered(action, answer) for action, answer in owed if action.at < begun]
            return all(told) and all(answered)
        except StoreError as error:
            store_failed(error)
            return False

    async def _told(self, action: Action) -> bool:
        if not await self._said(action, text_of):
            return False
        result = RESULT_NOT_DONE if was_not_done(action) else RESULT
        log.warning("action cut off", what=action.what, who=action.who, result=result)
        await self.store.transact(lambda q: q.end_action(action.update_id, result))
        return True

    async def _answered(self, action: Action, answer: str) -> bool:
        def late(action: Action, words: Texts, *, zone: ZoneInfo, now: datetime) -> str:
            return late_answer(action, answer, words, zone=zone, now=now)

        if not await self._said(action, late):
            return False
        log.info("action answered late", what=action.what, who=action.who)
        await self.store.transact(lambda q: q.answered(action.update_id))
        return True

    async def _said(self, action: Action, text: _Text) -> bool:
        """Say something of an action where it was asked for; False: Telegram could not be reached."""
        now, settings = self.now(), self.settings()
        if now - action.at >= _TOLD_FOR:
            return True
        asker = Asker(user_id=action.user_id, chat_id=action.chat_id, topic=action.topic)
        chat = chat_of(settings, asker, self.replies.lanes.moved_chats)
        words = texts(chat.language if chat is not None else settings.language)
        zone = chat.timezone if chat is not None else JAKARTA
        return await self.replies.send(asker, Answer(text=text(action, words, zone=zone, now=now)))
