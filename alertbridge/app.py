"""Wiring and life cycle of the bridge: start, reload, stop. One TaskGroup owns every long task."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from alertbridge import peers
from alertbridge.alertmanager import Alertmanager
from alertbridge.bot.commands import COMMANDS
from alertbridge.bot.keeper import EVERY_SECONDS as SILENCES_SECONDS
from alertbridge.bot.poller import Poller
from alertbridge.console import ConsoleSender
from alertbridge.errors import DeliveryError, SettingsError, StoreError
from alertbridge.escalation import EVERY_SECONDS as ESCALATION_SECONDS
from alertbridge.escalation import Escalation
from alertbridge.exporter import Exporter
from alertbridge.leader import Leader
from alertbridge.limiter import Limiter
from alertbridge.loading import load
from alertbridge.metrics import Metrics
from alertbridge.outbox import Outbox
from alertbridge.pictures import Pictures
from alertbridge.pictures_reply import PictureReplies
from alertbridge.prometheus import Prometheus
from alertbridge.reconcile import CONFIRM_EVERY_SECONDS, EVERY_SECONDS, Reconciler
from alertbridge.sending import Place, Sender
from alertbridge.store import Store
from alertbridge.telegram import TelegramSender
from alertbridge.texts import texts
from alertbridge.watchdog import LOOK_SECONDS, Watchdog
from alertbridge.web import Webhook, create_app
from alertbridge.wording import utc_now
from httpservice.logs import get_logger
from httpservice.server import parse_listen_address, running
from httpservice.webconfig import WebConfigFile

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from alertbridge.settings import Settings
    from httpservice.mistakes import Mistake

log = get_logger(__name__)

_METRICS_SECONDS = 2.0
_RECONCILE_SHARED_SECONDS = 5.0  # the same for "is it back?"
_SHARED_SECONDS = 0.5  # a webhook may come to the bridge that does not send: so long the other one does not know
_PRUNE_SECONDS = 3600.0
_STORE_STALE_SECONDS = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the command line decides."""

    config_file: Path
    data_dir: Path = Path("data")
    listen_address: str = "127.0.0.1:9922"
    web_config_file: Path | None = None
    external_url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuning:
    """Numbers that only tests and measurements change."""

    limiter: Callable[[], Limiter] = Limiter
    reconcile_every_seconds: float = EVERY_SECONDS
    confirm_every_seconds: float = CONFIRM_EVERY_SECONDS
    watchdog_look_seconds: float = LOOK_SECONDS
    escalation_every_seconds: float = ESCALATION_SECONDS
    silences_every_seconds: float = SILENCES_SECONDS


@dataclass(slots=True)
class Live:
    """The settings that hold now, and the file they come from."""

    path: Path
    settings: Settings
    past_secrets: set[str] = field(default_factory=set)  # a replaced token must not show up in a late log line either

    def current(self) -> Settings:
        """Return the settings that hold now."""
        return self.settings

    def secrets(self) -> set[str]:
        """Return every secret that must not be printed."""
        self.past_secrets.update(self.settings.secrets())
        return self.past_secrets


def open_store(settings: Settings, data_dir: Path) -> Store:
    """Return the store that the settings name.

    Raises:
        StoreError: it cannot be used; the text says why.
    """
    if settings.store_url is not None:
        return Store(settings.store_url.reveal())
    return Store.at(settings.store_path or data_dir / "alertbridge.db")


@contextlib.asynccontextmanager
async def open_sender(settings: Settings) -> AsyncIterator[Sender]:
    """Give the sender that the settings name: Telegram, or the terminal in a dry run."""
    if settings.token is None:
        yield ConsoleSender()
        return
    async with TelegramSender(settings.token, settings.api_url) as sender:
        yield sender


class Bridge:
    """The running bridge."""

    def __init__(self, live: Live, options: Options, tuning: Tuning | None = None) -> None:
        self._live = live
        self._options = options
        self._tuning = tuning or Tuning()
        self.url = ""  # once it answers
        self.started = asyncio.Event()
        self._metrics = Metrics(commands=[command.name for command in COMMANDS])
        self._metrics.reloaded(successful=True)
        self._store_failure: str | None = None  # why the store could not be read at the last look
        self._told_unstorable = False
        self._stopping = asyncio.Event()
        self._poller: Poller | None = None  # None: a dry run has nobody to ask
        self._side_tasks: set[asyncio.Task[None]] = set()

    def reload(self) -> tuple[Mistake, ...]:
        """Read alertbridge.yml again; a bad file changes nothing. Token, API URL and store need a restart.

        Raises:
            SettingsError: the file has mistakes.
        """
        try:
            settings, warnings = load(self._live.path, os.environ)
        except SettingsError as error:
            self._metrics.reloaded(successful=False)
            for mistake in error.mistakes:
                log.error("settings mistake", mistake=str(mistake))  # noqa: TRY400 - one line per mistake
            raise
        before = self._live.settings
        fixed = (settings.token, settings.api_url, settings.store_path, settings.store_url)
        if fixed != (before.token, before.api_url, before.store_path, before.store_url):
            log.warning("restart needed", reason="token, api_url or store changed")
        self._live.secrets()
        self._live.settings = settings
        self._live.secrets()
        self._metrics.reloaded(successful=True)
        for warning in warnings:
            log.warning("settings warning", mistake=str(warning))
        log.info("settings loaded", chats=len(settings.chats), routes=len(settings.routes))
        self._outbox.reload()
        self._reconciler.wake()
        return warnings

    async def run(self) -> None:
        """Serve until SIGINT or SIGTERM.

        Raises:
            StoreError: the database cannot be used.
            ListenError, WebConfigError: the listen address or web config cannot be used.
        """
        options, settings = self._options, self._live.settings
        web_config = WebConfigFile(options.web_config_file) if options.web_config_file is not None else None
        self._store = open_store(settings, options.data_dir)
        async with contextlib.AsyncExitStack() as stack:
            stack.push_async_callback(self._store.close)
            await self._store.open()
            self._leader = Leader(self._store, self._metrics)
            led = self._leader.store
            self._sender = await stack.enter_async_context(open_sender(settings))
            http = await stack.enter_async_context(peers.client())
            exporter = Exporter(http, lambda: self._live.settings.exporter)
            prometheus = Prometheus(http, lambda: self._live.settings.prometheus)
            alertmanager = Alertmanager(http, lambda: self._live.settings.alertmanager)
            self._outbox = Outbox(
                store=led,
                hold=self._leader.hold,
                sender=self._sender,
                settings=self._live.current,
                exporter=exporter,
                metrics=self._metrics,
                limiter=self._tuning.limiter(),
            )
            pictures = Pictures(exporter, prometheus)
            self._replies = PictureReplies(
                sender=self._sender, exporter=exporter, pictures=pictures, observer=lambda: self._outbox.lanes
            )
            self._outbox.told = self._replies.told
            self._reconciler = Reconciler(
                store=led,
                settings=self._live.current,
                exporter=exporter,
                prometheus=prometheus,
                alertmanager=alertmanager,
                on_change=self._outbox.wake,
                every_seconds=min(self._tuning.reconcile_every_seconds, _RECONCILE_SHARED_SECONDS)
                if self._store.shared
                else self._tuning.reconcile_every_seconds,
                confirm_every_seconds=self._tuning.confirm_every_seconds,
            )
            self._escalation = Escalation(
                store=led,
                settings=self._live.current,
                on_change=self._outbox.wake,
                every_seconds=self._tuning.escalation_every_seconds,
            )
            self._watchdog = Watchdog(
                store=led,
                settings=self._live.current,
                prometheus=prometheus,
                http=http,
                metrics=self._metrics,
                on_change=self._outbox.wake,
                look_seconds=self._tuning.watchdog_look_seconds,
            )
            if isinstance(self._sender, TelegramSender):
                self._poller = Poller(
                    sender=self._sender,
                    settings=self._live.current,
                    exporter=exporter,
                    alertmanager=alertmanager,
                    keep_every_seconds=self._tuning.silences_every_seconds,
                    store=led,
                    outbox=self._outbox,
                    metrics=self._metrics,
                    pictures=pictures,
                )
            app = create_app(
                Webhook(
                    store=self._store,
                    settings=self._live.current,
                    metrics=self._metrics,
                    watchdog=self._watchdog,
                    now=utc_now,
                    on_alerts=self._on_alerts,
                    on_unstorable=self._on_unstorable,
                ),
                reload=self.reload,
                not_ready=lambda: self._store_failure,
                status=self._status,
                web_config=web_config.current if web_config is not None else lambda: None,
                external_url=options.external_url,
            )
            server = await stack.enter_async_context(
                running(
                    app,
                    listen_address=parse_listen_address(options.listen_address),
                    web_config=web_config.current if web_config is not None else None,
                )
            )
            self.url = server.url
            self.started.set()
            log.info("alertbridge is up", url=server.url, dry_run=settings.dry_run, chats=len(settings.chats))
            await self._work()
        log.info("alertbridge has stopped")

    def stop(self) -> None:
        """Stop as SIGTERM does."""
        self._stopping.set()

    async def _work(self) -> None:
        """Run every long task until a signal."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self.stop)
        loop.add_signal_handler(signal.SIGHUP, self._reload_by_signal)
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(self._leader.run(self._lead), name="leader"),
                group.create_task(self._housekeeping(), name="housekeeping"),
            ]
            await self._stopping.wait()
            for task in tasks:
                task.cancel()

    async def _lead(self) -> None:
        """Do what only one bridge of a pair may do, until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._outbox.run(), name="outbox")
            group.create_task(self._reconciler.run(), name="reconciler")
            group.create_task(self._replies.run(), name="pictures")
            group.create_task(self._watchdog.run(), name="watchdog")
            group.create_task(self._escalation.run(), name="escalation")
            if self._poller is not None:
                group.create_task(self._poller.run(), name="commands")

    def _reload_by_signal(self) -> None:
        with contextlib.suppress(SettingsError):  # logged and counted already
            self.reload()

    def _on_alerts(self, confirm: bool) -> None:  # noqa: FBT001 - a callback with one meaning
        self._told_unstorable = False
        self._outbox.wake()
        if confirm:
            self._reconciler.wake()

    def _on_unstorable(self, reason: str) -> None:
        """Say from memory that nothing can be stored: once, until something can be again."""
        self._store_failure = reason
        if not self._told_unstorable:
            self._told_unstorable = True
            task = asyncio.create_task(self._tell_unstorable(reason), name="tell unstorable")
            self._side_tasks.add(task)
            task.add_done_callback(self._side_tasks.discard)

    async def _tell_unstorable(self, reason: str) -> None:
        chat = self._live.settings.admin_chat()
        text = texts(chat.language)("notice.unstorable", detail=reason)
        place = Place(chat_id=chat.id, topic=chat.topic)
        try:
            await self._sender.send(place, text, html=True, silent=False, reply_to=None)
        except DeliveryError as error:
            log.warning("delivery failed", chat=chat.name, reason=error.failure.value, detail=error.detail)

    async def _housekeeping(self) -> None:
        """Keep the gauges fresh, and forget what is old."""
        loop = asyncio.get_running_loop()
        prune_at = loop.time()
        while True:
            try:
                async with asyncio.timeout(_STORE_STALE_SECONDS):
                    seen_at = utc_now()
                    counts, oldest = await self._store.transact(
                        lambda q: (q.row_counts(), q.oldest_pending(seen_at))  # noqa: B023 - awaited at once
                    )
                    self._metrics.outbox(counts, oldest)
                    if self._leader.leads and loop.time() >= prune_at:
                        prune_at = loop.time() + _PRUNE_SECONDS
                        now = utc_now()
                        await self._store.transact(lambda q: q.prune(now))  # noqa: B023 - awaited at once
                self._store_failure = None
                if self._metrics.snapshot.pending:
                    self._outbox.wake()  # the command line, or the other bridge of a pair, may have added rows
            except TimeoutError:
                self._store_failure = "the database does not answer"
            except StoreError as error:
                self._store_failure = str(error)
            await asyncio.sleep(_SHARED_SECONDS if self._store.shared else _METRICS_SECONDS)

    def _status(self) -> str:
        """Return what a person sees who opens the bridge in a browser."""
        snapshot = self._metrics.snapshot
        telegram = {None: "not asked yet", True: "answers", False: "does not answer"}[snapshot.telegram_up]
        if self._live.settings.dry_run:
            telegram = "dry run: messages are printed"
        watchdog = snapshot.watchdog.isoformat(timespec="seconds") if snapshot.watchdog else "not yet"
        lines = [
            "alertbridge: Alertmanager -> Telegram",
            *([] if self._leader.leads else ["standing by: another bridge on this database polls and sends"]),
            f"telegram: {telegram}",
            f"outbox: {snapshot.pending} waiting, {snapshot.dead} refused",
            f"watchdog: {'SILENT, ' if self._watchdog.silent else ''}last seen {watchdog}",
            "more: /metrics /-/healthy /-/ready",
        ]
        return "\n".join(lines) + "\n"
