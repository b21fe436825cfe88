"""How a span of time went: availability, outages, worst sites, against the span before it; as numbers.

Availability is time up or low by time judged (unknown is left out), as Prometheus recorded it. Outages come from the
exporter's journal, cut to the span. What nobody recorded is not known, never 100 % and never 0. Words are
reports_text.py's.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, TypeVar

from alertbridge.errors import PeerError
from alertbridge.outages import Outages, summarise
from alertbridge.prometheus import quoted

if TYPE_CHECKING:
    from collections.abc import Awaitable, Collection, Iterable, Mapping, Sequence

    from alertbridge.exporter import Exporter
    from alertbridge.prometheus import Prometheus

T = TypeVar("T")
SPANS: Final = {"24h": timedelta(hours=24), "7d": timedelta(days=7), "30d": timedelta(days=30)}
_LOWEST = 3
_PAGE = 10_000  # outages of one answer: the exporter's most
_PAGES = 20
# Rules write every 30 s, and 5 minutes later a value counts as gone: finer steps would find nothing more.
_STEP = timedelta(minutes=5)
_LONG_STEP = timedelta(hours=1)  # a month in steps of 5 minutes would keep Prometheus busy for seconds
_LONG = timedelta(days=8)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spans:
    """The span that a report tells, and the one before that it is compared with."""

    before: datetime  # where the span before begins
    start: datetime
    end: datetime

    @classmethod
    def until(cls, end: datetime, length: timedelta) -> Spans:
        """Return two spans of one length."""
        return cls(before=end - 2 * length, start=end - length, end=end)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One span. None: not known."""

    spans: Spans
    regions: tuple[str, ...]  # ids; empty: all
    availability: float | None  # 0 to 1
    availability_before: float | None  # of the span before
    known_ratio: float | None  # for which share of the span availability is known
    lowest: tuple[tuple[str, float], ...]  # regions (by id) with the lowest availability, the lowest first
    outages: Outages | None
    outages_before: Outages | None
    unanswered: tuple[str, ...] = ()  # peers that gave no answer: asked again, they may know


def names_of(items: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Return region id -> name from items of /api/v1/regions."""
    return {str(item.get("id")): str(item.get("name") or item.get("id")) for item in items}


async def make(exporter: Exporter, prometheus: Prometheus, spans: Spans, regions: Collection[str] = ()) -> Report:
    """Ask both peers; what one does not answer is not known, and said to be unanswered.

    Args:
        exporter: knows the outages.
        prometheus: knows the availability.
        spans: what is told and what it is compared with.
        regions: ids; none: all.
    """
    wanted = tuple(sorted(regions))
    present, before, known, by_region, outages = await asyncio.gather(
        _answer(_availability(prometheus, wanted, spans.start, spans.end)),
        _answer(_availability(prometheus, wanted, spans.before, spans.start)),
        _answer(_known(prometheus, wanted, spans.start, spans.end)),
        _answer(_by_region(prometheus, wanted, spans.start, spans.end)),
        _answer(_outages(exporter, wanted, since=spans.before)),
    )
    asked = {"prometheus": (present, before, known, by_region), "exporter": (outages,)}
    unanswered = tuple(peer for peer, found in asked.items() if any(isinstance(one, PeerError) for one in found))
    now_and_then = None
    if (items := _or_none(outages)) is not None:  # of a large country these are 100,000s: not on the event loop
        now_and_then = await asyncio.to_thread(_summed, items, spans)
    return Report(
        spans=spans,
        regions=wanted,
        availability=_or_none(present),
        availability_before=_or_none(before),
        known_ratio=_or_none(known),
        lowest=tuple(sorted((_or_none(by_region) or {}).items(), key=lambda pair: (pair[1], pair[0]))[:_LOWEST]),
        outages=now_and_then[0] if now_and_then is not None else None,
        # Nobody watched: no outage on record says nothing.
        outages_before=now_and_then[1] if now_and_then is not None and _or_none(before) is not None else None,
        unanswered=unanswered,
    )


def _summed(items: Sequence[Mapping[str, Any]], spans: Spans) -> tuple[Outages, Outages]:
    return (
        summarise(items, start=spans.start, end=spans.end),
        summarise(items, start=spans.before, end=spans.start),
    )


async def _answer(asking: Awaitable[T]) -> T | PeerError:
    try:
        return await asking
    except PeerError as error:
        return error


def _or_none(found: T | PeerError) -> T | None:
    return None if isinstance(found, PeerError) else found


async def _outages(exporter: Exporter, regions: tuple[str, ...], *, since: datetime) -> list[Mapping[str, Any]] | None:
    """Return every outage that had not ended by then; None where there are too many: a count would be too small."""
    found: dict[tuple[Any, Any], Mapping[str, Any]] = {}  # the newest come first: one that begins meanwhile moves pages
    seen = 0
    where = {"region": regions[0]} if len(regions) == 1 else {}
    for _ in range(_PAGES):
        page = await exporter.page("outages", since=since.isoformat(), offset=seen, limit=_PAGE, **where)
        items: list[Mapping[str, Any]] = page["items"]
        seen += len(items)
        found |= {
            (item.get("target"), item.get("start")): item
            for item in items
            if not regions or item.get("region") in regions
        }
        total = page.get("total")
        if not items or not isinstance(total, int) or seen >= total:
            return list(found.values())
    return None


async def _availability(
    prometheus: Prometheus, regions: tuple[str, ...], start: datetime, end: datetime
) -> float | None:
    query = _share(regions, start, end)
    (value,) = await prometheus.values(query, start=end.timestamp(), step_seconds=60.0, count=1)
    return value


async def _by_region(
    prometheus: Prometheus, regions: tuple[str, ...], start: datetime, end: datetime
) -> dict[str, float]:
    """Return the availability of each region; nothing for one region alone, whose number is the report's."""
    if len(regions) == 1:
        return {}
    return await prometheus.by_region(_share(regions, start, end, by=" by (region) "), at=end.timestamp())


def _share(regions: tuple[str, ...], start: datetime, end: datetime, *, by: str = "") -> str:
    span, where = f"[{_seconds(end - start)}s]", _selector(regions)
    return (
        f"sum{by}(sum_over_time(region:vpn_target_available:avg5m{where}{span}))"
        f" / (sum{by}(sum_over_time(region:vpn_target_judged:avg5m{where}{span})) > 0)"
    )


async def _known(prometheus: Prometheus, regions: tuple[str, ...], start: datetime, end: datetime) -> float | None:
    """Return for which share of a span anything was judged at all."""
    length = end - start
    step = _STEP if length < _LONG else _LONG_STEP
    query = (
        f"count_over_time((sum(region:vpn_target_judged:avg5m{_selector(regions)}) > 0)"
        f"[{_seconds(length)}s:{_seconds(step)}s])"
    )
    (value,) = await prometheus.values(query, start=end.timestamp(), step_seconds=60.0, count=1)
    return None if value is None else min(1.0, value * step / length)


def _selector(regions: tuple[str, ...]) -> str:
    """Return a PromQL selector; ids come from a file, and may hold anything."""
    return f"{{region=~{quoted('|'.join(map(re.escape, regions)))}}}" if regions else ""


def _seconds(span: timedelta) -> int:
    return round(span.total_seconds())
