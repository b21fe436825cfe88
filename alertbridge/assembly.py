"""Puts the bridge's parts together: who is given what. app.py starts and stops them.

A new part with a task of its own is made here and named in `Parts.tasks`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alertbridge.alertmanager import Alertmanager
from alertbridge.bot.keeper import EVERY_SECONDS as SILENCES_SECONDS
from alertbridge.bot.keeper import Keeper
from alertbridge.bot.poller import CONFLICT_PAUSE_SECONDS, Poller
from alertbridge.bot.responder import Responder
from alertbridge.escalation import EVERY_SECONDS as ESCALATION_SECONDS
from alertbridge.escalation import Escalation
from alertbridge.exporter import Exporter
from alertbridge.limiter import Limiter
from alertbridge.outbox import Outbox
from alertbridge.pictures import Pictures
from alertbridge.pictures_reply import PictureReplies
from alertbridge.polling import CALM
from alertbridge.prometheus import Prometheus
from alertbridge.reconcile import CONFIRM_EVERY_SECONDS, EVERY_SECONDS, Reconciler
from alertbridge.reporter import EVERY_SECONDS as REPORTS_SECONDS
from alertbridge.reporter import Reporter
from alertbridge.untold import Untold
from alertbridge.watchdog import LOOK_SECONDS, Watchdog
from httpservice.filewatch import INTERVAL_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from datetime import timedelta

    import httpx

    from alertbridge.leader import Leader
    from alertbridge.live import Live
    from alertbridge.metrics import Metrics
    from alertbridge.telegram_link import Link

_RECONCILE_SHARED_SECONDS = 5.0  # a webhook may come to the bridge that does not lead: so long this one does not know


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
    reports_every_seconds: float = REPORTS_SECONDS
    polling_calm: timedelta = CALM
    conflict_pause_seconds: float = CONFLICT_PAUSE_SECONDS
    watch_every_seconds: float = INTERVAL_SECONDS


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What works while this bridge leads."""

    outbox: Outbox
    replies: PictureReplies
    reconciler: Reconciler
    escalation: Escalation
    reporter: Reporter
    watchdog: Watchdog
    keeper: Keeper
    untold: Untold
    poller: Poller

    def tasks(self) -> dict[str, Callable[[], Coroutine[Any, Any, None]]]:
        """Return what runs while this bridge leads, by name; each may be cancelled and run again."""
        return {
            "outbox": self.outbox.run,
            "reconciler": self.reconciler.run,
            "pictures": self.replies.run,
            "watchdog": self.watchdog.run,
            "escalation": self.escalation.run,
            "reports": self.reporter.run,
            "silences": self.keeper.run,
            "untold": self.untold.run,
            "commands": self.poller.run,
        }


def assemble(
    *, live: Live, tuning: Tuning, leader: Leader, link: Link, http: httpx.AsyncClient, metrics: Metrics
) -> Parts:
    """Return all parts, ready to run.

    Args:
        live: the settings that hold now; every part asks it anew.
        tuning: how often the parts look.
        leader: gives the database, and says when nothing may be sent.
        link: Telegram, or the terminal.
        http: the client for exporter, Prometheus and Alertmanager.
        metrics: where the parts count.
    """
    store = leader.store
    exporter = Exporter(http, lambda: live.settings.exporter)
    prometheus = Prometheus(http, lambda: live.settings.prometheus)
    alertmanager = Alertmanager(http, lambda: live.settings.alertmanager)
    pictures = Pictures(exporter, prometheus)
    outbox = Outbox(
        store=store,
        hold=leader.hold,
        sender=link,
        settings=live.current,
        exporter=exporter,
        metrics=metrics,
        limiter=tuning.limiter(),
    )
    replies = PictureReplies(
        store=store,
        settings=live.current,
        sender=link,
        exporter=exporter,
        pictures=pictures,
        observer=lambda: outbox.lanes,
    )
    outbox.on_sent = replies.wake
    responder = Responder(
        sender=link,
        settings=live.current,
        exporter=exporter,
        alertmanager=alertmanager,
        store=store,
        outbox=outbox,
        metrics=metrics,
        pictures=pictures,
    )
    every_seconds = tuning.reconcile_every_seconds
    return Parts(
        outbox=outbox,
        replies=replies,
        reconciler=Reconciler(
            store=store,
            settings=live.current,
            exporter=exporter,
            prometheus=prometheus,
            alertmanager=alertmanager,
            on_change=outbox.wake,
            every_seconds=min(every_seconds, _RECONCILE_SHARED_SECONDS) if leader.database.shared else every_seconds,
            confirm_every_seconds=tuning.confirm_every_seconds,
        ),
        escalation=Escalation(
            store=store,
            settings=live.current,
            on_change=outbox.wake,
            every_seconds=tuning.escalation_every_seconds,
        ),
        reporter=Reporter(
            store=store,
            settings=live.current,
            exporter=exporter,
            prometheus=prometheus,
            on_change=outbox.wake,
            every_seconds=tuning.reports_every_seconds,
        ),
        watchdog=Watchdog(
            store=store,
            settings=live.current,
            prometheus=prometheus,
            http=http,
            metrics=metrics,
            on_change=outbox.wake,
            look_seconds=tuning.watchdog_look_seconds,
        ),
        keeper=Keeper(
            store=store,
            settings=live.current,
            alertmanager=alertmanager,
            on_change=outbox.wake,
            every_seconds=tuning.silences_every_seconds,
        ),
        untold=Untold(store=store, settings=live.current, on_change=outbox.wake),
        poller=Poller(
            link=link,
            responder=responder,
            settings=live.current,
            store=store,
            metrics=metrics,
            on_change=outbox.wake,
            on_answers=outbox.lanes.answers,
            conflict_pause_seconds=tuning.conflict_pause_seconds,
        ),
    )
