"""Each chat's lane to Telegram: when it may be written to, where it moved, which topic is closed, who is told of that.

What delivery.py asks and reports on its way (its Observer), for the outbox, the bot's answers and the pictures alike:
they share one budget of requests.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from alertbridge import intake
from alertbridge.errors import Failure
from alertbridge.limiter import Limiter
from alertbridge.patience import patiently
from alertbridge.wording import utc_now
from httpservice.logs import get_logger

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from datetime import datetime

    from alertbridge.errors import DeliveryError
    from alertbridge.metrics import Metrics
    from alertbridge.sending import Place
    from alertbridge.settings import Chat, Settings
    from alertbridge.store import Transactions
    from alertbridge.store.queries import Queries

log = get_logger(__name__)

_TELEGRAM_IS_AWAY = frozenset({Failure.UNSENT, Failure.TIMEOUT, Failure.SERVER, Failure.TOKEN})


@dataclass(slots=True)
class Lanes:
    """The ways to all chats; meets delivery.Observer."""

    store: Transactions
    settings: Callable[[], Settings]
    metrics: Metrics
    on_change: Callable[[], None]  # a notice was enqueued
    limiter: Limiter = field(default_factory=Limiter)
    now: Callable[[], datetime] = utc_now
    hold: Callable[[], Awaitable[None]] | None = None  # returns while we may send, waits to be cancelled while not
    _moved: dict[int, int] = field(default_factory=dict)
    _closed_topics: set[Place] = field(default_factory=set)

    async def load(self) -> None:
        """Read where chats moved, before the first request."""
        self._moved = await patiently(self.store, lambda q: q.moved_chats())

    @property
    def moved_chats(self) -> Mapping[int, int]:
        """Old id -> new id of every group that became a supergroup."""
        return self._moved

    def id_of(self, chat: Chat) -> int:
        """Return Telegram's id of a chat as it is now, whatever the file says."""
        return self._moved.get(chat.id, chat.id)

    def wait_seconds(self, chat_id: int) -> float:
        """Return how long to wait before writing to a chat; 0: now."""
        return self.limiter.wait_seconds(chat_id, time.monotonic())

    def has_room(self, chat_id: int) -> bool:
        """Tell whether a chat may get what can wait: an edit must not use up what the next alarm needs."""
        return self.limiter.has_room(chat_id, time.monotonic())

    def keep_quiet(self, chat_id: int, seconds: float, failure: Failure, *, everyone: bool) -> None:
        """Write to a chat, or to nobody at all, only after a time."""
        moment = time.monotonic()
        if failure in _TELEGRAM_IS_AWAY:
            self.limiter.put_off(chat_id, seconds, moment, everyone=everyone)
        else:
            self.limiter.hold(chat_id, seconds, moment)

    def answers(self) -> None:
        """Write at once to whoever waited for Telegram to be back: it answers again."""
        self.limiter.answers()
        self.on_change()

    def reopened(self) -> None:
        """Write again at once: what had to be waited for belongs to another connection, or another bot."""
        self.limiter.release()
        self.metrics.snapshot.telegram_up = None

    def worked(self) -> None:
        """Note that Telegram took a request."""
        self._telegram(up=True)

    # ---- delivery.Observer -------------------------------------------------------------------------------------------

    async def turn(self, chat_id: int) -> None:
        """Wait until the chat may be written to, and count the request."""
        while (seconds := self.wait_seconds(chat_id)) > 0:  # noqa: ASYNC110 - due by the clock
            await asyncio.sleep(seconds)
        if self.hold is not None:  # the last thing before every request
            await self.hold()
        self.limiter.count(chat_id, time.monotonic())

    def failed(self, chat_id: int, error: DeliveryError) -> None:
        """Count a request that Telegram did not take."""
        self.metrics.delivery_failures.labels(error.failure.value).inc()
        self._telegram(up=error.failure not in _TELEGRAM_IS_AWAY)
        log.debug("request failed", chat_id=chat_id, reason=error.failure.value, detail=error.detail)

    async def moved(self, old_id: int, new_id: int) -> None:
        """Remember a chat's new id, for ever, and ask the admin chat to change the file."""
        now, admins = self.now(), self.settings().admins()
        names = [chat.name for chat in self.settings().chats if self.id_of(chat) == old_id]

        def note(queries: Queries) -> dict[int, int]:
            queries.note_move(old_id, new_id, now)
            for name in names:
                values = {"chat": name, "old_id": str(old_id), "new_id": str(new_id)}
                intake.notify(queries, admins, "migrated", values, now=now)
            return queries.moved_chats()

        log.warning("chat moved", old_id=old_id, new_id=new_id)
        self._moved = await patiently(self.store, note)
        self.on_change()

    async def topic_closed(self, place: Place) -> None:
        """Tell the admin chat once that a topic is closed."""
        if place in self._closed_topics:
            return
        self._closed_topics.add(place)
        log.warning("topic closed", chat_id=place.chat_id, topic=place.topic)
        now, admins = self.now(), self.settings().admins()
        names = [chat.name for chat in self.settings().chats if chat.topic == place.topic]

        def note(queries: Queries) -> None:
            for name in names:
                intake.notify(queries, admins, "topic", {"chat": name}, now=now)

        await patiently(self.store, note)
        self.on_change()

    def _telegram(self, *, up: bool) -> None:
        if not self.settings().dry_run:
            self.metrics.snapshot.telegram_up = up
