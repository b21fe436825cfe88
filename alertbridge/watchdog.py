"""The dead man's switch. Inward: says that the monitoring itself is silent, and that it is back. Outward: the ping URL.

Alertmanager repeats the always-firing Watchdog to us every minute. A *resolved* Watchdog means that Prometheus no
longer reaches Alertmanager; silence means that one of both is dead. Prometheus is asked too: Alertmanager goes on
repeating for minutes after it died.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

import httpx

from alertbridge import intake
from alertbridge.errors import PeerError, StoreError
from alertbridge.patience import attempted, patiently
from alertbridge.payload import AlertStatus
from alertbridge.peers import ask
from alertbridge.routing import chats_for
from alertbridge.wording import utc_now
from httpservice.logs import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable

    from alertbridge.metrics import Metrics
    from alertbridge.payload import Alert
    from alertbridge.prometheus import Prometheus
    from alertbridge.settings import Peer, Settings
    from alertbridge.store import Transactions
    from alertbridge.store.queries import Queries

log = get_logger(__name__)

_SILENT_SINCE = "silent_since"  # store key: the alarm survives a restart, so that it is told once, and its end too
LOOK_SECONDS = 5.0
_ASK_PROMETHEUS_SECONDS = 15.0
_PROMETHEUS_AWAY = timedelta(seconds=60)  # a restart of it is no alarm
_PING_TIMEOUT_SECONDS = 10.0


class Silence(StrEnum):
    """Why the monitoring counts as silent; the value is the key of its text."""

    TIMEOUT = "silent"
    ENDED = "ended"
    PROMETHEUS = "prometheus"


@dataclass(frozen=True, slots=True, kw_only=True)
class Signs:
    """What is known of the monitoring's life."""

    seen_at: datetime  # last firing Watchdog; the start of this process where none came yet
    ended_at: datetime | None = None  # last resolved Watchdog
    answered_at: datetime | None = None  # Prometheus' last answer; None: never, so it is no sign either way
    refused: bool = False  # the last question to Prometheus had no answer


def silence(signs: Signs, *, timeout: timedelta, now: datetime) -> Silence | None:
    """Return why the monitoring is silent; None: it speaks (pure)."""
    if signs.ended_at is not None and signs.ended_at >= signs.seen_at:
        return Silence.ENDED
    if now - signs.seen_at > timeout:
        return Silence.TIMEOUT
    if signs.refused and signs.answered_at is not None and now - signs.answered_at > _PROMETHEUS_AWAY:
        return Silence.PROMETHEUS
    return None


@dataclass(slots=True)
class Watchdog:
    """Watches and pings. `run` holds both tasks; `saw` is called by the webhook."""

    store: Transactions
    settings: Callable[[], Settings]
    prometheus: Prometheus
    http: httpx.AsyncClient
    metrics: Metrics
    on_change: Callable[[], None]
    now: Callable[[], datetime] = utc_now
    look_seconds: float = LOOK_SECONDS
    signs: Signs = field(init=False)
    _silent_since: datetime | None = None
    _event: asyncio.Event = field(default_factory=asyncio.Event)
    _detail: str = ""

    def __post_init__(self) -> None:
        """Start counting now: what was before this process is not known."""
        self.signs = Signs(seen_at=self.now())

    @property
    def silent(self) -> bool:
        """Whether the alarm is on."""
        return self._silent_since is not None

    def saw(self, alert: Alert) -> None:
        """Note a Watchdog of a webhook, firing or resolved."""
        signs, now = self.signs, self.now()
        if alert.status is AlertStatus.FIRING:
            self.metrics.snapshot.watchdog = now
            self.signs = Signs(seen_at=now, answered_at=signs.answered_at, refused=signs.refused)
        else:
            log.warning("watchdog ended")
            self.signs = Signs(
                seen_at=signs.seen_at, ended_at=now, answered_at=signs.answered_at, refused=signs.refused
            )
        self._event.set()

    async def run(self) -> None:
        """Watch and ping until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._watch(), name="watchdog look")
            group.create_task(self._ask_prometheus(), name="watchdog prometheus")
            group.create_task(self._ping(), name="watchdog ping")

    async def _watch(self) -> None:
        stored = await patiently(self.store, lambda q: q.value(_SILENT_SINCE))
        self._silent_since = datetime.fromisoformat(stored) if stored else None
        while True:
            self._event.clear()
            await attempted(self.look, "watchdog")
            try:
                async with asyncio.timeout(self.look_seconds):
                    await self._event.wait()
            except TimeoutError:
                continue

    async def look(self) -> None:
        """Raise or end the alarm.

        Raises:
            StoreError: it cannot be stored now; the next look tries again.
        """
        settings, now = self.settings(), self.now()
        timeout = timedelta(seconds=settings.watchdog.timeout_seconds)
        why = silence(self.signs, timeout=timeout, now=now)
        chats = [chat.name for chat in chats_for(settings, region="", severity="critical")]
        if not chats:
            return  # the alarm is raised when there is somebody to tell
        if why is not None and self._silent_since is None:
            since = self.signs.seen_at
            values = {"seconds": str((now - since).total_seconds()), "detail": self._detail}
            names = await self._who_answers()
            values |= {"names": ", ".join(names), "keys": f"{why},{'answers' if names else 'answers_none'}"}
            log.error("monitoring is silent", reason=why.value, answering=names)

            def raise_alarm(queries: Queries) -> None:
                queries.remember(_SILENT_SINCE, since.isoformat())
                intake.notify(queries, chats, "lines", values, now=now)

            await self.store.transact(raise_alarm)
            self._silent_since = since
            self.on_change()
        elif why is None and self._silent_since is not None and self.signs.seen_at > self._silent_since:
            values = {"seconds": str((now - self._silent_since).total_seconds())}
            log.warning("monitoring speaks again")

            def end_alarm(queries: Queries) -> None:
                queries.forget(_SILENT_SINCE)
                intake.notify(queries, chats, "back", values, now=now)

            await self.store.transact(end_alarm)
            self._silent_since = None
            self.on_change()

    async def _who_answers(self) -> list[str]:
        """Ask everybody directly; return the names of those who answer."""
        settings = self.settings()
        peers: tuple[tuple[str, Peer, str], ...] = (
            ("exporter", settings.exporter, "/api/v1/regions"),
            ("Prometheus", settings.prometheus, "/api/v1/status/buildinfo"),
            ("Alertmanager", settings.alertmanager, "/api/v2/status"),
        )

        async def answers(name: str, peer: Peer, path: str) -> str | None:
            try:
                await ask(self.http, name, peer, path, timeout_seconds=3.0)
            except PeerError:
                return None
            return name

        found = await asyncio.gather(*(answers(name, peer, path) for name, peer, path in peers))
        return [name for name in found if name is not None]

    async def _ask_prometheus(self) -> None:
        while True:
            try:
                await self.prometheus.firing()
            except PeerError as error:
                self._detail = str(error)
                self.signs = replace(self.signs, refused=True)
            else:  # what a webhook brought meanwhile stays
                self.signs = replace(self.signs, answered_at=self.now(), refused=False)
            await asyncio.sleep(_ASK_PROMETHEUS_SECONDS)

    async def _ping(self) -> None:
        """Call the ping URL while all is well: Watchdog arrives, Telegram answers, the store can be written."""
        failing = False
        while True:
            settings = self.settings()
            url = settings.watchdog.ping_url
            if url is not None and await self.well():
                try:
                    answer = await self.http.get(url.reveal(), timeout=_PING_TIMEOUT_SECONDS)
                    ok = answer.is_success
                except (httpx.HTTPError, httpx.InvalidURL):
                    ok = False
                if not ok and not failing:
                    log.warning("ping failed")
                failing = not ok
            await asyncio.sleep(settings.watchdog.ping_every_seconds)

    async def well(self) -> bool:
        """Tell whether everything that an outsider relies on works."""
        snapshot = self.metrics.snapshot
        if self.silent or snapshot.watchdog is None or snapshot.telegram_up is False or not self.settings().chats:
            return False
        now = self.now()
        try:
            await self.store.transact(lambda q: q.remember("alive_at", now.isoformat()))
        except StoreError:
            return False
        return True
