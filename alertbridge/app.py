"""Life cycle of the bridge: start, reload, stop. One TaskGroup owns every long task; assembly.py makes the parts."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from typing import TYPE_CHECKING

from alertbridge import peers
from alertbridge.assembly import Parts, Tuning, assemble
from alertbridge.bot.commands import COMMANDS
from alertbridge.errors import SettingsError
from alertbridge.housekeeping import Housekeeping
from alertbridge.leader import Leader
from alertbridge.live import Reloaded, applicable, removed_chats
from alertbridge.loading import load, secret_files
from alertbridge.metrics import Metrics
from alertbridge.opening import open_store
from alertbridge.statuspage import status_page
from alertbridge.telegram_link import Link
from alertbridge.troubles import troubles
from alertbridge.web import Webhook, create_app
from alertbridge.wording import utc_now
from httpservice.certificate import ServedCertificate
from httpservice.filewatch import FileWatch
from httpservice.logs import get_logger
from httpservice.server import parse_listen_address, running
from httpservice.webconfig import WebConfigFile

if TYPE_CHECKING:
    from pathlib import Path

    from starlette.types import ASGIApp

    from alertbridge.assembly import Options
    from alertbridge.live import Live
    from alertbridge.store import Store

log = get_logger(__name__)


class Bridge:
    """The running bridge."""

    store: Store
    parts: Parts
    _leader: Leader
    _housekeeping: Housekeeping
    _link: Link

    def __init__(self, live: Live, options: Options, tuning: Tuning | None = None) -> None:
        self.live = live
        self.url = ""  # once it answers
        self.started = asyncio.Event()
        self._options = options
        self._tuning = tuning or Tuning()
        self._metrics = Metrics(commands=[command.name for command in COMMANDS])
        self._metrics.reloaded(successful=True)
        self._metrics.snapshot.polling.calm = self._tuning.polling_calm
        self._restart_needed: tuple[str, ...] = ()  # changed keys of the file that hold only after a restart
        self._held: tuple[str, ...] = ()  # chats that a changed file would remove
        self._watch = FileWatch(self._files(), interval_seconds=self._tuning.watch_every_seconds)
        self._reloading = asyncio.Lock()
        self._hung_up = asyncio.Event()  # SIGHUP came
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Serve until SIGINT or SIGTERM.

        Raises:
            StoreError: the database cannot be used.
            ListenError, WebConfigError: the listen address or web config cannot be used.
        """
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, self._hung_up.set)  # from now on none is missed
        options, settings = self._options, self.live.settings
        web_config = WebConfigFile(options.web_config_file) if options.web_config_file is not None else None
        self.store = open_store(settings, options.data_dir)
        async with contextlib.AsyncExitStack() as stack:
            stack.push_async_callback(self.store.close)
            await self.store.open()
            self._leader = Leader(self.store, self._metrics)
            self._link = await stack.enter_async_context(Link(settings))
            self.parts = assemble(
                live=self.live,
                tuning=self._tuning,
                leader=self._leader,
                link=self._link,
                http=await stack.enter_async_context(peers.client()),
                metrics=self._metrics,
            )
            self._housekeeping = Housekeeping(
                leader=self._leader,
                settings=self.live.current,
                sender=self._link,
                metrics=self._metrics,
                on_rows=self.parts.outbox.wake,
            )
            certificate = ServedCertificate()
            self._metrics.snapshot.certificate_expires_at = certificate.expires_at
            server = await stack.enter_async_context(
                running(
                    self._application(web_config),
                    listen_address=parse_listen_address(options.listen_address),
                    web_config=web_config.current if web_config is not None else None,
                    certificate=certificate,
                )
            )
            self.url = server.url
            self.started.set()
            log.info("alertbridge is up", url=server.url, dry_run=settings.dry_run, chats=len(settings.chats))
            await self._work()
        log.info("alertbridge has stopped")

    async def reload(self, *, confirmed: bool = True) -> Reloaded:
        """Read alertbridge.yml again and apply it; a bad file changes nothing, another store needs a restart.

        Args:
            confirmed: a person asked. A mere change of the file that would remove a chat is held: editors save halves,
                and what waits for a chat that is gone is given up.

        Raises:
            SettingsError: the file has mistakes.
        """
        async with self._reloading:
            self._watch.follow(await asyncio.to_thread(self._files))  # of a bad file too: what it lacks may come
            try:
                settings, warnings = await asyncio.to_thread(load, self.live.path, os.environ)
            except SettingsError as error:
                self._metrics.reloaded(successful=False)
                for mistake in error.mistakes:
                    log.error("settings mistake", mistake=str(mistake))  # noqa: TRY400 - one line per mistake
                raise
            settings, restart_needed = applicable(self.live.settings, settings)
            self._held = () if confirmed else removed_chats(self.live.settings, settings)
            if self._held:
                self._metrics.reloaded(successful=True)  # the file itself is fine
                log.warning(
                    "reload held: it would remove chats; confirm it by SIGHUP or POST /-/reload", chats=self._held
                )
                return Reloaded(warnings=warnings, restart_needed=(), held=self._held)
            self.live.replace(settings)
            self._restart_needed = restart_needed
            if await self._link.renew(settings):
                log.info("link to Telegram opened anew", dry_run=settings.dry_run, api_url=settings.api_url)
                self.parts.outbox.lanes.reopened()
                self.parts.poller.reconnect()
            self._metrics.reloaded(successful=True)
            for warning in warnings:
                log.warning("settings warning", mistake=str(warning))
            if restart_needed:
                log.warning("restart needed", changed=",".join(restart_needed))
            log.info("settings loaded", chats=len(settings.chats), routes=len(settings.routes))
            self.parts.outbox.reload()
            self.parts.reconciler.wake()
            self.parts.untold.wake()
            return Reloaded(warnings=warnings, restart_needed=restart_needed)

    def stop(self) -> None:
        """Stop as SIGTERM does."""
        self._stopping.set()

    def _application(self, web_config: WebConfigFile | None) -> ASGIApp:
        """Return what is served over HTTP."""
        webhook = Webhook(
            store=self.store,
            settings=self.live.current,
            metrics=self._metrics,
            watchdog=self.parts.watchdog,
            now=utc_now,
            on_alerts=self._on_alerts,
            on_unstorable=self._housekeeping.unstorable,
        )
        return create_app(
            webhook,
            reload=self.reload,
            not_ready=lambda: self._housekeeping.failure,
            troubles=self._troubles,
            status=self._status,
            web_config=web_config.current if web_config is not None else lambda: None,
            external_url=self._options.external_url,
        )

    async def _work(self) -> None:
        """Run every long task until a signal."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self.stop)
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(self._leader.run(self._lead), name="leader"),
                group.create_task(self._housekeeping.run(), name="housekeeping"),
                group.create_task(self._reload_by_signal(), name="reload"),
                group.create_task(self._reload_by_change(), name="watch the settings"),
            ]
            await self._stopping.wait()
            for task in tasks:
                task.cancel()

    async def _lead(self) -> None:
        """Do what only one bridge of a pair may do, until cancelled."""
        async with asyncio.TaskGroup() as group:
            for name, run in self.parts.tasks().items():
                group.create_task(run(), name=name)

    async def _reload_by_signal(self) -> None:
        """Reload at each SIGHUP, until cancelled."""
        while True:
            await self._hung_up.wait()
            self._hung_up.clear()
            with contextlib.suppress(SettingsError):  # logged and counted already
                await self.reload()

    def _files(self) -> tuple[Path, ...]:
        """Return what is watched: the settings, and the secrets that they name."""
        return (self.live.path, *secret_files(self.live.path))

    async def _reload_by_change(self) -> None:
        """Reload when the file changes or one that it names, until cancelled."""
        async for _ in self._watch.changes():
            with contextlib.suppress(SettingsError):
                await self.reload(confirmed=False)

    def _on_alerts(self, confirm: bool) -> None:  # noqa: FBT001 - a callback with one meaning
        self._housekeeping.stored()
        self.parts.outbox.wake()
        if confirm:
            self.parts.reconciler.wake()

    def _status(self) -> str:
        return status_page(
            self._metrics.snapshot,
            dry_run=self.live.settings.dry_run,
            leads=self._leader.leads,
            silent=self.parts.watchdog.silent,
            troubles=self._troubles(),
        )

    def _troubles(self) -> list[str]:
        return troubles(
            self._metrics.snapshot,
            nobody_told=not self.live.settings.chats,
            restart_needed=self._restart_needed,
            held=self._held,
        )
