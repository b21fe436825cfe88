"""Sends each chat its reports at their set time: every slot at most once, over restarts and two bridges.

What was told last is noted in the transaction that enqueues the report. A bridge that was away at that moment sends
the newest slot when it returns, if that is not too old, and says that it is late; older ones are left out, so nothing
piles up. A schedule that is new or changed begins with its next slot. A peer that does not answer is asked again for a
while; after that the report goes out with its part not known. A report makes no sound, and does not wait for the end of
quiet hours: whoever set its time wants it then.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from alertbridge import intake, schedules
from alertbridge.errors import PeerError, StoreError
from alertbridge.patience import attempted
from alertbridge.reports import Spans, make, names_of
from alertbridge.reports_text import Frame, report_text
from alertbridge.routing import regions_of
from alertbridge.texts import texts
from alertbridge.wording import utc_now
from httpservice.logs import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable

    from alertbridge.exporter import Exporter
    from alertbridge.prometheus import Prometheus
    from alertbridge.reports import Report
    from alertbridge.settings import Chat, Schedule, Settings
    from alertbridge.store import Transactions
    from alertbridge.store.queries import Queries

log = get_logger(__name__)

EVERY_SECONDS = 5.0
_KEY = "report:"  # store key: report:CADENCE:CHAT
_PATIENCE = timedelta(minutes=2)  # so long a peer that does not answer is asked again
_LATE = timedelta(minutes=10)  # a report that leaves later says so


@dataclass(slots=True)
class Reporter:
    """Looks every few seconds whether a report is due. `run` is its only task."""

    store: Transactions
    settings: Callable[[], Settings]
    exporter: Exporter
    prometheus: Prometheus
    on_change: Callable[[], None]
    now: Callable[[], datetime] = utc_now
    every_seconds: float = EVERY_SECONDS
    _settled: dict[str, _Mark] = field(default_factory=dict)  # by store key; spares the store a look
    _tried: dict[str, datetime] = field(default_factory=dict)  # since when a report waits for an answer
    _known: frozenset[str] | None = None  # the schedules that there were at the last look; None: not looked yet

    async def run(self) -> None:
        """Report until cancelled; may be run again."""
        self._settled.clear()  # the other bridge of a pair may have reported meanwhile
        self._tried.clear()
        self._known = None
        while True:
            await attempted(self.look, "reports")
            await asyncio.sleep(self.every_seconds)

    async def look(self) -> None:
        """Send what is due.

        Raises:
            StoreError: it cannot be stored now; the next look tries again.
        """
        settings, made = self.settings(), _Made(self.exporter, self.prometheus)
        known = frozenset(_key(chat, schedule) for chat in settings.chats for schedule in chat.reports)
        if known != self._known:
            await self.store.transact(lambda q: _forget_others(q, known))
            self._settled = {key: mark for key, mark in self._settled.items() if key in known}
            self._known = known
        for chat in settings.chats:
            for schedule in chat.reports:
                await self._safely(chat, schedule, settings, made)

    async def _safely(self, chat: Chat, schedule: Schedule, settings: Settings, made: _Made) -> None:
        """Look at one schedule; a mistake of ours costs this report, not those of other chats."""
        slot = schedules.newest(schedule, self.now())
        mark = _Mark(key=_key(chat, schedule), schedule=schedules.text_of(schedule), slot=slot)
        if self._settled.get(mark.key) == mark:
            return
        try:
            if not await self._is_settled(chat, schedule, mark, settings, made):
                return
        except StoreError:
            raise
        except Exception:
            log.exception("reporting failed", chat=chat.name)
        self._tried.pop(mark.key, None)
        self._settled[mark.key] = mark

    async def _is_settled(self, chat: Chat, schedule: Schedule, mark: _Mark, settings: Settings, made: _Made) -> bool:
        """Tell a slot if it is due; False: it waits for a peer's answer."""
        now, slot = self.now(), mark.slot
        too_old = now - slot > schedules.LATEST[schedule.cadence]
        if not await self.store.transact(lambda q: _is_due(q, mark, too_old=too_old)):
            return True
        start = schedules.before(schedule, slot)
        spans = Spans(before=schedules.before(schedule, start), start=start, end=slot)
        report = await made.report(spans, regions_of(settings, chat))
        if report.unanswered and mark.key not in self._tried:
            log.info("report waits", chat=chat.name, unanswered=", ".join(report.unanswered))
        if report.unanswered and now - self._tried.setdefault(mark.key, now) < _PATIENCE:
            return False
        names = await made.names()
        frame = Frame(
            kind=schedule.cadence.value,
            places=[names.get(region, region) for region in report.regions],
            names=names,
            zone=schedule.zone,
            grafana_url=settings.grafana_url,
            late=now - slot > _LATE,
        )
        values = {"html": report_text(report, frame, texts(chat.language)), "silent": "yes"}
        if await self.store.transact(lambda q: _enqueue(q, chat.name, mark, values, now=now)):
            log.info("report", chat=chat.name, cadence=schedule.cadence.value, late=frame.late)
            self.on_change()
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class _Mark:
    """The slot that was told last of one schedule of one chat."""

    key: str
    schedule: str
    slot: datetime

    def to_text(self) -> str:
        return json.dumps([self.schedule, self.slot.isoformat()])


class _Made:
    """What one look asks for: chats that tell the same span of the same regions share one answer."""

    def __init__(self, exporter: Exporter, prometheus: Prometheus) -> None:
        self._exporter, self._prometheus = exporter, prometheus
        self._reports: dict[tuple[Spans, frozenset[str]], Report] = {}
        self._names: dict[str, str] | None = None

    async def report(self, spans: Spans, regions: frozenset[str]) -> Report:
        key = (spans, regions)
        if key not in self._reports:
            self._reports[key] = await make(self._exporter, self._prometheus, spans, regions)
        return self._reports[key]

    async def names(self) -> dict[str, str]:
        """Return region id -> name; nothing where the exporter does not say."""
        if self._names is None:
            try:
                items = await self._exporter.regions()
            except PeerError:
                items = []
            self._names = names_of(items)
        return self._names


def _key(chat: Chat, schedule: Schedule) -> str:
    return f"{_KEY}{schedule.cadence}:{chat.name}"


def _forget_others(queries: Queries, known: frozenset[str]) -> None:
    """Forget the schedules that the file has no more: one that comes back begins anew."""
    for rest in queries.remembered(_KEY):
        if f"{_KEY}{rest}" not in known:
            queries.forget(f"{_KEY}{rest}")


def _is_due(queries: Queries, mark: _Mark, *, too_old: bool = False) -> bool:
    """Tell whether a slot is still to be told; note it where it never will be."""
    noted = queries.value(mark.key)
    schedule, told = json.loads(noted) if noted else ("", "")
    if schedule != mark.schedule:  # new or changed: it begins with its next slot
        queries.remember(mark.key, mark.to_text())
        return False
    if datetime.fromisoformat(told) >= mark.slot:
        return False
    if too_old:
        log.info("report left out", schedule=mark.key, slot=mark.slot.isoformat())
        queries.remember(mark.key, mark.to_text())
        return False
    return True


def _enqueue(queries: Queries, chat: str, mark: _Mark, values: dict[str, str], *, now: datetime) -> bool:
    """Enqueue a report and note its slot in one transaction; False: the other bridge has done it."""
    if not _is_due(queries, mark):
        return False
    queries.remember(mark.key, mark.to_text())
    intake.notify(queries, [chat], "report", values, now=now)
    return True
