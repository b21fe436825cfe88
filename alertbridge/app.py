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
from alertbridge.loading import load
from alertbridge.metrics import Metrics
from alertbridge.opening import open_sender, open_store
from alertbridge.statuspage import status_page
from alertbridge.web import Webhook, create_app
from alertbridge.wording import utc_now
from httpservice.certificate import ServedCertificate
from httpservice.logs import get_logger
from httpservice.server import parse_listen_address, running
from httpservice.webconfig import WebConfigFile

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from alertbridge.assembly import Options
    from alertbridge.live import Live
    from alertbridge.store import Store
    from httpservice.mistakes import Mistake

log = get_logger(__name__)


class Bridge:
    """The running bridge."""

    store: Store
    parts: Parts
    _leader: Leader
    _housekeeping: Housekeeping

    def __init__(self, live: Live, options: Options, tuning: Tuning | None = None) -> None:
        self.live = live
        self.url = ""  # once it answers
        self.started = asyncio.Event()
        self._options = options
        self._tuning = tuning or Tuning()
        self._metrics = Metrics(commands=[command.name for command in COMMANDS])
        self._metrics.reloaded(successful=True)
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Serve until SIGINT or SIGTERM.

        Raises:
            StoreError: the database cannot be used.
            ListenError, WebConfigError: the listen address or web config cannot be used.
        """
        options, settings = self._options, self.live.settings
        web_config = WebConfigFile(options.web_config_file) if options.web_config_file is not None else None
        self.store = open_store(settings, options.data_dir)
        async with contextlib.AsyncExitStack() as stack:
            stack.push_async_callback(self.store.close)
            await self.store.open()
            self._leader = Leader(self.store, self._metrics)
            sender = await stack.enter_async_context(open_sender(settings))
            self.parts = assemble(
                live=self.live,
                tuning=self._tuning,
                leader=self._leader,
                sender=sender,
                http=await stack.enter_async_context(peers.client()),
                metrics=self._metrics,
            )
            self._housekeeping = Housekeeping(
                leader=self._leader,
                settings=self.live.current,
                sender=sender,
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

    def reload(self) -> tuple[Mistake, ...]:
        """Read alertbridge.yml again; a bad file changes nothing. Token, API URL and store need a restart.

        Raises:
            SettingsError: the file has mistakes.
        """
        try:
            settings, warnings = load(self.live.path, os.environ)
        except SettingsError as error:
            self._metrics.reloaded(successful=False)
            for mistake in error.mistakes:
                log.error("settings mistake", mistake=str(mistake))  # noqa: TRY400 - one line per mistake
            raise
        before = self.live.settings
        fixed = (settings.token, settings.api_url, settings.store_path, settings.store_url)
        if fixed != (before.token, before.api_url, before.store_path, before.store_url):
            log.warning("restart needed", reason="token, api_url or store changed")
        self.live.replace(settings)
        self._metrics.reloaded(successful=True)
        for warning in warnings:
            log.warning("settings warning", mistake=str(warning))
        log.info("settings loaded", chats=len(settings.chats), routes=len(settings.routes))
        self.parts.outbox.reload()
        self.parts.reconciler.wake()
        return warnings

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
            status=self._status,
            web_config=web_config.current if web_config is not None else lambda: None,
            external_url=self._options.external_url,
        )

    async def _work(self) -> None:
        """Run every long task until a signal."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self.stop)
        loop.add_signal_handler(signal.SIGHUP, self._reload_by_signal)
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(self._leader.run(self._lead), name="leader"),
                group.create_task(self._housekeeping.run(), name="housekeeping"),
            ]
            await self._stopping.wait()
            for task in tasks:
                task.cancel()

    async def _lead(self) -> None:
        """Do what only one bridge of a pair may do, until cancelled."""
        async with asyncio.TaskGroup() as group:
            for name, run in self.parts.tasks().items():
                group.create_task(run(), name=name)

    def _reload_by_signal(self) -> None:
        with contextlib.suppress(SettingsError):  # logged and counted already
            self.reload()

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
        )
