"""`alertbridge watch`: from a second site, says in Telegram when another bridge has been silent, and when it is back.

A bridge cannot say that it is dead, nor that its site has lost power. This watcher needs no database, no Alertmanager
and no Prometheus: it asks /-/ready of each peer and talks to Telegram itself. It fetches no updates, so it may use the
same bot. A peer that answers but is not ready (its database is gone) is as silent as one that does not answer.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx

from alertbridge import wording
from alertbridge.delivery import Parcel, Undelivered, deliver
from alertbridge.retry import Step
from alertbridge.sending import Place
from alertbridge.texts import texts
from alertbridge.wording import utc_now
from httpservice.logs import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from alertbridge.errors import DeliveryError
    from alertbridge.sending import Sender
    from alertbridge.settings import Chat

log = get_logger(__name__)

SILENT_AFTER = timedelta(seconds=90)
LOOK_SECONDS = 10.0
_TIMEOUT_SECONDS = 8.0
_READY = "/-/ready"


class Event(StrEnum):
    """What is told; the value is the key of its text."""

    SILENT = "peer.silent"
    BACK = "peer.back"
    WAS_SILENT = "peer.was_silent"  # Telegram could not be reached in the meantime: both in one


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """One thing to tell of a peer."""

    event: Event
    peer: str  # host and port
    since: datetime  # its last sign of life
    at: datetime  # when this was noticed
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """What is known of a peer."""

    good_at: datetime  # its last sign of life; before the first, the start of this watcher
    silent: bool = False  # it was told, or is about to be


def look(life: Life, *, good: bool, now: datetime, silent_after: timedelta) -> tuple[Life, Event | None]:
    """Return what is known after one more look, and what is to be told (pure)."""
    if good:
        return Life(good_at=now), Event.BACK if life.silent else None
    if not life.silent and now - life.good_at >= silent_after:
        return replace(life, silent=True), Event.SILENT
    return life, None


def queued(waiting: Sequence[News], news: News) -> tuple[News, ...]:
    """Return what waits to be told: an end whose beginning nobody has read yet becomes one message with it (pure)."""
    for place, old in enumerate(waiting):
        if news.event is Event.BACK and old.event is Event.SILENT and old.peer == news.peer:
            both = replace(news, event=Event.WAS_SILENT, since=old.since, reason=old.reason)
            return (*waiting[:place], both, *waiting[place + 1 :])
    return (*waiting, news)


@dataclass(slots=True)
class PeerWatch:
    """Watches peers and tells chats. `run` is its only task."""

    sender: Sender
    http: httpx.AsyncClient
    peers: Sequence[str]  # URLs
    chats: Sequence[Chat]
    silent_after: timedelta = SILENT_AFTER
    look_seconds: float = LOOK_SECONDS
    now: Callable[[], datetime] = utc_now
    _lives: dict[str, Life] = field(default_factory=dict)
    _waiting: dict[str, tuple[News, ...]] = field(default_factory=dict)  # by chat

    async def run(self) -> None:
        """Watch until cancelled."""
        async with asyncio.TaskGroup() as group:
            for url in self.peers:
                group.create_task(self._watch(url), name=f"watch {_host(url)}")
            for chat in self.chats:
                self._waiting[chat.name] = ()
                group.create_task(self._tell(chat), name=f"tell {chat.name}")

    async def _watch(self, url: str) -> None:
        self._lives[url] = Life(good_at=self.now())
        known = ""
        while True:
            reason = await self._ask(url)
            if reason != known:
                log.info("peer", peer=_host(url), state=reason or "ready")
            known = reason
            now, before = self.now(), self._lives[url]
            self._lives[url], event = look(before, good=not reason, now=now, silent_after=self.silent_after)
            if event is not None:
                log.warning("peer news", peer=_host(url), event_kind=event.value, reason=reason)
                news = News(event=event, peer=_host(url), since=before.good_at, at=now, reason=reason)
                for name, waiting in self._waiting.items():
                    self._waiting[name] = queued(waiting, news)
            await asyncio.sleep(self.look_seconds)

    async def _ask(self, url: str) -> str:
        """Return why a peer is not ready; empty: it is."""
        try:
            async with asyncio.timeout(_TIMEOUT_SECONDS):
                answer = await self.http.get(f"{url.rstrip('/')}{_READY}", timeout=_TIMEOUT_SECONDS)
        except TimeoutError:
            return f"no answer within {_TIMEOUT_SECONDS:g} s"
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return type(error).__name__
        return "" if answer.is_success else f"HTTP {answer.status_code}"

    async def _tell(self, chat: Chat) -> None:
        """Send what waits for one chat, in order; what Telegram does not take now is tried again."""
        place, observer = Place(chat_id=chat.id, topic=chat.topic), _Moves()
        while True:
            while self._waiting[chat.name]:
                news = self._waiting[chat.name][0]
                # Taken off first: what changes while it is on its way is news of its own.
                self._waiting[chat.name] = self._waiting[chat.name][1:]
                target = replace(place, chat_id=observer.new_id.get(place.chat_id, place.chat_id))
                parcel = Parcel(place=target, text=text_of(news, chat, now=self.now()), silent=False)
                try:
                    await deliver(self.sender, parcel, observer)
                except Undelivered as outcome:
                    log.warning("delivery failed", chat=chat.name, reason=outcome.error.failure.value)
                    if outcome.action.step is not Step.WAIT:
                        continue
                    later = self._waiting[chat.name]
                    self._waiting[chat.name] = (news,)
                    for item in later:
                        self._waiting[chat.name] = queued(self._waiting[chat.name], item)
                    await asyncio.sleep(max(self.look_seconds, outcome.action.delay_seconds))
            await asyncio.sleep(min(1.0, self.look_seconds))


def text_of(news: News, chat: Chat, *, now: datetime) -> str:
    """Return what is said; a message that had to wait says the span as it is now."""
    words = texts(chat.language)
    end = now if news.event is Event.SILENT else news.at
    return words(
        news.event.value,
        peer=news.peer,
        duration=wording.duration((end - news.since).total_seconds(), words),
        when=wording.when(news.at, chat.timezone, now=now),
        reason=news.reason or "-",
    )


class _Moves:
    """Observes the deliveries to one chat: a handful of messages needs no limiter."""

    def __init__(self) -> None:
        self.new_id: dict[int, int] = {}

    async def turn(self, chat_id: int) -> None:
        """Nothing to wait for."""

    def failed(self, chat_id: int, error: DeliveryError) -> None:
        """Log what Telegram said."""
        log.info("request failed", chat_id=chat_id, reason=error.failure.value, detail=error.detail)

    async def moved(self, old_id: int, new_id: int) -> None:
        """Write to the new chat from now on."""
        log.warning("chat moved", old_id=old_id, new_id=new_id)
        self.new_id[old_id] = new_id

    async def topic_closed(self, place: Place) -> None:
        """Log it."""
        log.warning("topic closed", chat_id=place.chat_id, topic=place.topic)


def _host(url: str) -> str:
    return urlsplit(url).netloc.rpartition("@")[2]
