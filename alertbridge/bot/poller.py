"""Fetches updates from Telegram: an own loop around getUpdates, one task per update.

The library's poller dies silently on 401; this one notes what is wrong (polling.py judges it: one log line per
change, metric, /-/ready) and goes on. Nothing here can hold up the delivery of alerts. responder.py answers messages,
presses.py buttons.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from telegram.error import Conflict, TelegramError

from alertbridge import intake
from alertbridge.bot.commands import COMMANDS
from alertbridge.bot.presses import Presses
from alertbridge.bot.unfinished import Unfinished
from alertbridge.errors import Failure, StoreError
from alertbridge.polling import PollFailure
from alertbridge.settings import Language
from alertbridge.texts import texts
from alertbridge.wording import utc_now
from httpservice.logs import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    import telegram

    from alertbridge.bot.responder import Responder
    from alertbridge.errors import DeliveryError
    from alertbridge.metrics import Metrics
    from alertbridge.polling import Polling
    from alertbridge.settings import Settings
    from alertbridge.store import Transactions
    from alertbridge.telegram_link import Link

log = get_logger(__name__)

_POLL_SECONDS = 25
_LONGEST_PAUSE_SECONDS = 15.0  # its first answer also tells the outbox that Telegram is back
_TOKEN_PAUSE_SECONDS = 60.0  # a refused token needs a person; asking more often does not help
CONFLICT_PAUSE_SECONDS = 3.0  # Telegram ends the older of two polls no more often
_MET_OFTEN = 3  # a bridge that takes over, or is started anew, meets the poll of the one before once
_UPDATES = ["message", "callback_query"]  # sticky at Telegram, so given each time; no channel posts, no edits
_NOTED_SECONDS = 5.0  # a store that takes longer to note an action has failed, and that is answered
_WAITING = 500  # updates in work at most; more come from no honest group
_POLL_FAILURES = {
    Failure.UNSENT: PollFailure.UNREACHABLE,
    Failure.TIMEOUT: PollFailure.UNREACHABLE,
    Failure.SERVER: PollFailure.SERVER,
    Failure.RATE_LIMITED: PollFailure.RATE_LIMITED,
    Failure.TOKEN: PollFailure.TOKEN,
}


@dataclass(slots=True)
class Poller:
    """Polls and answers. `run` is its only task; without a token it waits for one."""

    link: Link
    responder: Responder
    settings: Callable[[], Settings]
    store: Transactions
    metrics: Metrics
    on_change: Callable[[], None]  # a notice was enqueued
    on_answers: Callable[[], None]  # Telegram answers again
    conflict_pause_seconds: float = CONFLICT_PAUSE_SECONDS
    now: Callable[[], datetime] = utc_now
    _presses: Presses = field(init=False)
    _unfinished: Unfinished = field(init=False)
    _unnoted: dict[int, asyncio.Event] = field(default_factory=dict)  # by update id: set once it cannot be lost
    _fetching: asyncio.Task[None] | None = None
    _slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_WAITING))

    def __post_init__(self) -> None:
        """Make the parts that answer."""
        self.responder.on_noted = self._noted
        self._presses = Presses(self.responder)
        self._unfinished = Unfinished(
            store=self.store, settings=self.settings, replies=self.responder.replies, now=self.now
        )

    async def run(self) -> None:
        """Poll until cancelled."""
        try:
            async with asyncio.TaskGroup() as answers:
                answers.create_task(self._unfinished.run(), name="tell of unfinished actions")
                while True:
                    self._fetching = answers.create_task(self._connected(answers), name="fetch commands")
                    await asyncio.wait({self._fetching})  # it ends when the link is opened anew, or by a mistake
                    self._polling.forget()
        finally:
            self._polling.forget()

    def reconnect(self) -> None:
        """Poll over the link as it is now."""
        if self._fetching is not None:
            self._fetching.cancel()

    @property
    def _polling(self) -> Polling:
        return self.metrics.snapshot.polling

    async def _connected(self, answers: asyncio.TaskGroup) -> None:
        """Poll over one connection, until cancelled."""
        if self.link.client is None:
            await asyncio.Event().wait()  # a dry run has nobody to ask
        self.responder.bot_name = ""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._register(), name="register commands")
            await self._fetch(answers)

    async def _fetch(self, answers: asyncio.TaskGroup) -> None:
        offset, pause = 0, 1.0
        while True:
            try:
                if not self.responder.bot_name:  # for `/status@name` in groups
                    self.responder.bot_name = (await self.link.bot.get_me()).username or ""
                updates = await self.link.bot.get_updates(
                    offset=offset,
                    timeout=_POLL_SECONDS if self._polling.sure else 0,
                    allowed_updates=_UPDATES,
                    read_timeout=10,
                )
            except (TelegramError, KeyError, TypeError) as error:
                failure = self.link.delivery_error(error)
                conflict = isinstance(error, Conflict)
                await self._failed(failure, conflict=conflict)
                longest = _TOKEN_PAUSE_SECONDS if failure.failure is Failure.TOKEN else _LONGEST_PAUSE_SECONDS
                pause = min(longest, pause * 2)
                asked = failure.retry_after_seconds or 0.0
                await asyncio.sleep(self.conflict_pause_seconds if conflict else max(pause, asked))
                continue
            pause = 1.0
            self._succeeded()
            for update in updates:
                offset = update.update_id + 1
                self._unnoted[update.update_id] = asyncio.Event()
                await self._slots.acquire()
                task = answers.create_task(self._safely(update), name=f"update {update.update_id}")
                task.add_done_callback(lambda _: self._slots.release())
            await self._all_noted()

    async def _all_noted(self) -> None:
        """Wait until every action is noted: the next question tells Telegram to forget the updates of the last one."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_NOTED_SECONDS):
                for event in tuple(self._unnoted.values()):
                    await event.wait()
        self._unnoted.clear()

    def _noted(self, update_id: int) -> None:
        if (event := self._unnoted.get(update_id)) is not None:
            event.set()

    async def _failed(self, error: DeliveryError, *, conflict: bool) -> None:
        """Note a poll that failed."""
        failure = PollFailure.CONFLICT if conflict else _POLL_FAILURES.get(error.failure, PollFailure.REFUSED)
        self.metrics.polls.inc()
        self.metrics.poll_failures.labels(failure.value).inc()
        if failure is PollFailure.TOKEN:
            self.metrics.snapshot.telegram_up = False
        trouble = self._polling.failed(failure, error.detail, self.now())
        if trouble is not None:
            log.warning("commands cannot be fetched", reason=failure.value, detail=error.detail)
        if conflict and self._polling.met == _MET_OFTEN:
            await self._tell_conflict("conflict_webhook" if "webhook" in error.detail.lower() else "conflict")

    def _succeeded(self) -> None:
        """Note a poll that worked."""
        snapshot = self.metrics.snapshot
        self.metrics.polls.inc()
        if snapshot.oldest is None:  # else the outbox is about to learn whether messages are taken too
            snapshot.telegram_up = True
        now = self.now()
        over = self._polling.succeeded(now)
        if over is not None:
            lasted = now - over.since
            log.info("commands are fetched again", reason=over.failure.value, after=str(_whole_seconds(lasted)))
            self.on_answers()

    async def _tell_conflict(self, key: str) -> None:
        """Tell the admin chat why buttons and commands are answered only now and then: alerts still arrive there."""
        admins, now = self.settings().admins(), self.now()
        try:
            await self.store.transact(lambda q: intake.notify(q, admins, key, {}, now=now))
        except StoreError as error:
            log.warning("conflict not told", reason=str(error))
            return
        self.on_change()

    async def _register(self) -> None:
        """Let Telegram offer the commands, in both languages; tried until it is done, for it is only a comfort."""
        pause = 1.0
        for language in (None, *Language):
            words = texts(language or Language.EN)
            listed = [(command.name, words(f"command.{command.name}")) for command in COMMANDS]
            code = language.value if language else None
            while True:
                try:
                    await self.link.bot.set_my_commands(listed, language_code=code)
                    break
                except (TelegramError, KeyError, TypeError) as error:
                    failure = self.link.delivery_error(error)
                    log.debug("commands not registered", reason=failure.failure.value, detail=failure.detail)
                    await asyncio.sleep(max(pause, failure.retry_after_seconds or 0.0))
                    pause = min(_LONGEST_PAUSE_SECONDS, pause * 2)

    async def _safely(self, update: telegram.Update) -> None:
        try:
            if update.callback_query is not None:
                await self._presses.press(update.update_id, update.callback_query)
            elif update.message is not None:
                await self.responder.message(update.update_id, update.message)
        except Exception:
            log.exception("answering failed", update_id=update.update_id)
        finally:
            self._noted(update.update_id)


def _whole_seconds(span: timedelta) -> timedelta:
    return timedelta(seconds=round(span.total_seconds()))
