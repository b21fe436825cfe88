"""Takes updates from Telegram: an own loop around getUpdates, one task per update.

The library's poller dies silently on 401; this one says what is wrong (log, metric) and goes on. Nothing here can hold
up the delivery of alerts. responder.py answers messages, presses.py buttons, keeper.py looks after silences.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from telegram.error import Conflict, InvalidToken, TelegramError

from alertbridge.bot.commands import COMMANDS
from alertbridge.bot.keeper import EVERY_SECONDS, Keeper
from alertbridge.bot.presses import Presses
from alertbridge.bot.responder import Responder
from alertbridge.settings import Language
from alertbridge.texts import texts
from httpservice.logs import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable

    import telegram

    from alertbridge.alertmanager import Alertmanager
    from alertbridge.exporter import Exporter
    from alertbridge.metrics import Metrics
    from alertbridge.outbox import Outbox
    from alertbridge.pictures import Pictures
    from alertbridge.settings import Settings
    from alertbridge.store import Transactions
    from alertbridge.telegram import TelegramSender

log = get_logger(__name__)

_POLL_SECONDS = 25
_LONGEST_PAUSE_SECONDS = 60.0
_UPDATES = ["message", "callback_query"]  # sticky at Telegram, so given each time; no channel posts, no edits
_WAITING = 500  # updates in work at most; more come from no honest group


@dataclass(slots=True)
class Poller:
    """Polls and answers. `run` is its only task."""

    sender: TelegramSender
    settings: Callable[[], Settings]
    exporter: Exporter
    alertmanager: Alertmanager
    store: Transactions
    outbox: Outbox
    metrics: Metrics
    pictures: Pictures
    keep_every_seconds: float = EVERY_SECONDS
    _responder: Responder = field(init=False)
    _presses: Presses = field(init=False)
    _keeper: Keeper = field(init=False)

    def __post_init__(self) -> None:
        """Make the parts that answer."""
        self._responder = Responder(
            sender=self.sender,
            settings=self.settings,
            exporter=self.exporter,
            alertmanager=self.alertmanager,
            store=self.store,
            outbox=self.outbox,
            metrics=self.metrics,
            pictures=self.pictures,
        )
        self._presses = Presses(self._responder)
        self._keeper = Keeper(
            store=self.store,
            settings=self.settings,
            alertmanager=self.alertmanager,
            on_change=self.outbox.wake,
            every_seconds=self.keep_every_seconds,
        )

    async def run(self) -> None:
        """Poll until cancelled."""
        offset, pause, trouble = 0, 1.0, ""
        slots = asyncio.Semaphore(_WAITING)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._keeper.run(), name="silences")
            while True:
                try:
                    if not self._responder.bot_name:
                        await self._introduce()
                    updates = await self.sender.bot.get_updates(
                        offset=offset, timeout=_POLL_SECONDS, allowed_updates=_UPDATES, read_timeout=10
                    )
                except (TelegramError, KeyError, TypeError) as error:
                    kind = type(error).__name__
                    if kind != trouble:
                        detail = self.sender.delivery_error(error).detail
                        log.warning("commands cannot be fetched", reason=kind, detail=detail)
                    if isinstance(error, InvalidToken):
                        self.metrics.snapshot.telegram_up = False
                    trouble = kind
                    pause = 3.0 if isinstance(error, Conflict) else min(_LONGEST_PAUSE_SECONDS, pause * 2)
                    await asyncio.sleep(pause)
                    continue
                if trouble:
                    log.info("commands are fetched again")
                trouble, pause = "", 1.0
                for update in updates:
                    offset = update.update_id + 1
                    await slots.acquire()
                    task = group.create_task(self._safely(update), name=f"update {update.update_id}")
                    task.add_done_callback(lambda _: slots.release())

    async def _introduce(self) -> None:
        """Learn our own name (for `/status@name` in groups) and register the commands in both languages."""
        me = await self.sender.bot.get_me()
        for language in (None, *Language):
            words = texts(language or Language.EN)
            listed = [(command.name, words(f"command.{command.name}")) for command in COMMANDS]
            await self.sender.bot.set_my_commands(listed, language_code=language.value if language else None)
        self._responder.bot_name = me.username or ""

    async def _safely(self, update: telegram.Update) -> None:
        try:
            if update.callback_query is not None:
                await self._presses.press(update.update_id, update.callback_query)
            elif update.message is not None:
                await self._responder.message(update.update_id, update.message)
        except Exception:
            log.exception("answering failed", update_id=update.update_id)
