"""Wiring and life cycle of the exporter: start, reload, restart, stop.

One TaskGroup owns every long task. The core (supervisor, judge) has one thread of its own; the journal and the saved
states have another, so that a slow disk never delays a state; the event loop only serves HTTP and hands work around.
"""

from __future__ import annotations

import asyncio
import signal
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Final, ParamSpec, Self, TypeVar

from exporter.core import Core, slots_for
from exporter.engine.agreement import disk_fits
from exporter.engine.supervisor import MISFIT_REMEDY
from exporter.errors import EngineError
from exporter.inventory.watch import watch_targets
from exporter.reloading import Reloader, ReloadStatus, Trigger
from exporter.state.journal import Journal
from exporter.view import ExporterView
from exporter.vpn.tunnels import LOOK_SECONDS, TunnelFacts
from exporter.web.app import create_app
from httpservice.certificate import ServedCertificate
from httpservice.clock import SystemClock
from httpservice.datadir import sole_user
from httpservice.logs import get_logger
from httpservice.server import running
from httpservice.version import VERSION
from httpservice.webconfig import WebConfigFile

if TYPE_CHECKING:
    from collections.abc import Callable

    from exporter.settings import Settings
    from exporter.state.saved import SavedStates

log = get_logger(__name__)

JUDGE_INTERVAL_SECONDS: Final = 0.2
SAVE_INTERVAL_SECONDS: Final = 10.0
STOP_SECONDS: Final = 3.0

_P = ParamSpec("_P")
_T = TypeVar("_T")


async def serve(settings: Settings) -> None:
    """Run the exporter until SIGTERM or SIGINT; SIGHUP reloads.

    Raises:
        InventoryError: the targets file cannot be used.
        EngineError: the probing processes cannot be started at all.
        HttpServiceError: the port, the web-config file or the data folder cannot be used.
    """
    with sole_user(settings.data_dir, "exporter"):
        await _serve(settings)


async def _serve(settings: Settings) -> None:
    """Put everything together and run it."""
    clock = SystemClock()
    web_config = WebConfigFile(settings.web_config_file) if settings.web_config_file is not None else None
    reloader = await asyncio.to_thread(Reloader, settings.targets_file, wall=clock.wall)
    journal = await asyncio.to_thread(Journal, settings.data_dir, now=clock.wall())
    saved = await asyncio.to_thread(journal.load, now=clock.wall())
    inventory = reloader.inventory
    tunnels = TunnelFacts(inventory, folder=settings.targets_file.resolve().parent, wall=clock.wall)
    make_core = partial(Core, inventory, saved=saved, clock=clock, portable=settings.portable_engine, tunnels=tunnels)
    async with _Threads() as threads:
        core = await threads.core(make_core, slots=slots_for(inventory))
        reloader.capacity = core.board.size.slots
        exporter = Exporter(settings, core=core, reloader=reloader, journal=journal, threads=threads)
        certificate = ServedCertificate()
        view = ExporterView(core, reloader, journal, certificate_expires_at=certificate.expires_at)
        app = create_app(
            view,
            exporter,
            web_config=web_config.current if web_config is not None else lambda: None,
            external_url=settings.external_url,
            grafana_url=settings.grafana_url,
        )
        async with running(
            app,
            listen_address=settings.listen_address,
            web_config=web_config.current if web_config is not None else None,
            certificate=certificate,
        ) as server:
            log.info("exporter started", version=VERSION, url=server.url, targets=len(inventory.targets))
            await exporter.run()


class _Threads:
    """One thread for the core, one for the disk; each runs what it is given, one after the other."""

    def __init__(self) -> None:
        self._core = ThreadPoolExecutor(max_workers=1, thread_name_prefix="core")
        self._disk = ThreadPoolExecutor(max_workers=1, thread_name_prefix="disk")

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.to_thread(self._disk.shutdown)
        await asyncio.to_thread(self._core.shutdown)

    async def core(self, function: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        """Run something of the core's."""
        return await asyncio.get_running_loop().run_in_executor(self._core, partial(function, *args, **kwargs))

    async def disk(self, function: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        """Run something that waits for the disk."""
        return await asyncio.get_running_loop().run_in_executor(self._disk, partial(function, *args, **kwargs))


class Exporter:
    """The long tasks, and the actions that people may take (`exporter.web.view.Actions`)."""

    def __init__(
        self,
        settings: Settings,
        *,
        core: Core,
        reloader: Reloader,
        journal: Journal,
        threads: _Threads,
    ) -> None:
        self._settings = settings
        self._core = core
        self._reloader = reloader
        self._journal = journal
        self._threads = threads
        self._reloading = asyncio.Lock()
        self._stopping = asyncio.Event()
        self._hangup = asyncio.Event()
        self._judged = asyncio.Event()

    async def run(self) -> None:
        """Work until a signal asks for the end, then stop in order: processes, last states, journal."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stopping.set)
        loop.add_signal_handler(signal.SIGHUP, self._hangup.set)
        await self._threads.core(self._core.start)
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [
                    group.create_task(self._judge(), name="judge"),
                    group.create_task(self._record(), name="journal"),
                    group.create_task(self._save(), name="save states"),
                    group.create_task(self._look_at_tunnels(), name="tunnel facts"),
                    group.create_task(self._reload_on_hangup(), name="reload on SIGHUP"),
                ]
                if self._settings.watch:
                    tasks.append(group.create_task(self._reload_on_change(), name="watch the targets file"))
                await self._stopping.wait()
                for task in tasks:
                    task.cancel()
        finally:
            log.info("exporter stopping")
            await self._save_now()
            await self._threads.core(self._core.stop, STOP_SECONDS)
            await self._threads.disk(self._journal.close)
            log.info("exporter stopped")

    async def _judge(self) -> None:
        """Judge five times a second, on a grid that late work does not shift."""
        loop = asyncio.get_running_loop()
        start = loop.time()
        turn = 0
        while True:
            await self._threads.core(self._core.turn)
            self._judged.set()
            turn = max(turn + 1, int((loop.time() - start) / JUDGE_INTERVAL_SECONDS))
            await asyncio.sleep(max(0.0, start + turn * JUDGE_INTERVAL_SECONDS - loop.time()))

    async def _record(self) -> None:
        """Keep the journal; where the disk is slow, the newest verdict is written and those between are passed over."""
        while True:
            await self._judged.wait()
            self._judged.clear()
            roster, verdict = self._core.latest
            await self._threads.disk(self._journal.record, verdict, roster, self._core.judge.evidence_of)

    async def _save(self) -> None:
        """Save the states every ten seconds."""
        while True:
            await asyncio.sleep(SAVE_INTERVAL_SECONDS)
            await self._save_now()

    async def _save_now(self) -> None:
        picture: SavedStates = await self._threads.core(self._core.picture)
        await self._threads.disk(self._journal.save, picture)

    async def _look_at_tunnels(self) -> None:
        """Ask the VPN servers every five seconds, in a thread that may wait for them."""
        while True:
            await asyncio.to_thread(self._core.tunnels.read)
            await asyncio.sleep(LOOK_SECONDS)

    async def _reload_on_hangup(self) -> None:
        """Reload at each SIGHUP."""
        while True:
            await self._hangup.wait()
            self._hangup.clear()
            await self._reload(Trigger.SIGNAL)

    async def _reload_on_change(self) -> None:
        """Reload when the file changes."""
        async for _ in watch_targets(self._settings.targets_file):
            await self._reload(Trigger.FILE)

    async def _reload(self, trigger: Trigger) -> ReloadStatus:
        """Read and apply; one at a time."""
        async with self._reloading:
            inventory = await asyncio.to_thread(self._reloader.reload, trigger)
            if inventory is not None:
                await self._threads.core(self._core.follow, inventory)
            return self._reloader.status

    async def reload(self) -> ReloadStatus:
        """Read targets.yml again because a person asked; this confirms a held removal."""
        return await self._reload(Trigger.REQUEST)

    async def restart_engine(self) -> None:
        """Replace the probing processes.

        Raises:
            EngineError: the code on disk has changed, so that none could be started: those that run go on.
        """
        if not await asyncio.to_thread(disk_fits, self._core.board.fd):
            log.error("engine not restarted", reason="probing code on disk has changed", remedy=MISFIT_REMEDY)
            raise EngineError(f"the probing code on disk has changed: {MISFIT_REMEDY}")
        await self._threads.core(self._core.restart_engine)
