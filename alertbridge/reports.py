"""How a span of time went: availability, outages, worst sites, against the span before it; as numbers and as text.

Availability is time up or low by time judged (unknown is left out), as Prometheus recorded it. Outages come from the
exporter's journal, cut to the span. What nobody recorded is said to be not known, never 100 % and never 0.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from alertbridge import wording
from alertbridge.errors import PeerError
from alertbridge.facts import moment
from alertbridge.markup import escape, one_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from alertbridge.exporter import Exporter
    from alertbridge.prometheus import Prometheus
    from alertbridge.texts import Texts

SPANS: Final = {"24h": timedelta(hours=24), "7d": timedelta(days=7)}
_WORST = 5
_MOST = 10_000  # outages of one answer
_NAME_CHARS = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Outages:
    """What the journal says of one span."""

    count: int
    lost_seconds: float  # of all sites together
    longest_seconds: float
    worst: tuple[tuple[str, int, float], ...]  # name, outages, seconds lost; most lost first


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One span. None: not known."""

    start: datetime
    end: datetime
    availability: float | None  # 0 to 1
    availability_before: float | None  # of the span before
    outages: Outages | None
    outages_before: Outages | None


def summarise(items: Iterable[Mapping[str, Any]], *, start: datetime, end: datetime) -> Outages:
    """Return the outages of a span from items of /api/v1/outages; each counts with its part inside the span (pure)."""
    numbers: dict[str, int] = {}
    lost: dict[str, float] = {}
    names: dict[str, str] = {}
    longest = 0.0
    for item in items:
        begun, ended = moment(str(item.get("start") or "")), moment(str(item.get("end") or "")) or end
        if begun is None or begun >= end or ended <= start:
            continue
        seconds = (min(ended, end) - max(begun, start)).total_seconds()
        key = str(item.get("target") or item.get("name"))
        names[key] = one_line(str(item.get("name") or key), _NAME_CHARS)
        numbers[key] = numbers.get(key, 0) + 1
        lost[key] = lost.get(key, 0.0) + seconds
        longest = max(longest, seconds)
    worst = sorted(lost, key=lambda key: (-lost[key], key))[:_WORST]
    return Outages(
        count=sum(numbers.values()),
        lost_seconds=sum(lost.values()),
        longest_seconds=longest,
        worst=tuple((names[key], numbers[key], lost[key]) for key in worst),
    )


async def make(exporter: Exporter, prometheus: Prometheus, *, span: str, now: datetime) -> Report:
    """Ask both peers; what one does not answer is not known.

    Raises:
        PeerError: neither of them answers.
    """
    length = SPANS[span]
    start = now - length
    found = await asyncio.gather(
        _availability(prometheus, span, now=now),
        _availability(prometheus, span, now=start),
        exporter.page("outages", since=(start - length).isoformat(), limit=_MOST),
        return_exceptions=True,
    )
    for result in found:
        if isinstance(result, BaseException) and not isinstance(result, PeerError):
            raise result
    present, before, page = found
    if isinstance(present, BaseException) and isinstance(page, BaseException):
        raise page
    items = None if isinstance(page, BaseException) else _complete(page, start)
    known_before = not isinstance(before, BaseException) and before is not None
    return Report(
        start=start,
        end=now,
        availability=None if isinstance(present, BaseException) else present,
        availability_before=None if isinstance(before, BaseException) else before,
        outages=None if items is None else summarise(items, start=start, end=now),
        outages_before=None if items is None or not known_before else summarise(items, start=start - length, end=start),
    )


def _complete(page: Mapping[str, Any], start: datetime) -> list[Mapping[str, Any]] | None:
    """Return a page's outages (newest first); None where there were more than it holds: a count would be too small."""
    items: list[Mapping[str, Any]] = page["items"]
    total = page.get("total")
    oldest = moment(str(items[-1].get("start") or "")) if items else None
    cut = isinstance(total, int) and total > len(items) and (oldest is None or oldest > start)
    return None if cut else items


async def _availability(prometheus: Prometheus, span: str, *, now: datetime) -> float | None:
    query = (
        f"sum(sum_over_time(region:vpn_target_available:avg5m[{span}]))"
        f" / (sum(sum_over_time(region:vpn_target_judged:avg5m[{span}])) > 0)"
    )
    (value,) = await prometheus.values(query, start=now.timestamp(), step_seconds=60.0, count=1)
    return value


def report_text(report: Report, texts: Texts, *, now: datetime) -> str:
    """Return a report as Telegram HTML."""
    span = wording.duration((report.end - report.start).total_seconds(), texts)
    lines = [f"<b>{texts('report.title', span=span)}</b>"]
    unknown = texts("picture.missing")
    before = _percent(report.availability_before) or unknown
    lines.append(texts("report.availability", now=_percent(report.availability) or unknown, before=before))
    if report.outages is None:
        lines.append(texts("report.no_outages_known"))
    else:
        outages, earlier = report.outages, report.outages_before
        lines.append(
            texts("report.outages", count=outages.count, before=earlier.count if earlier is not None else unknown)
        )
        if outages.count:
            lost, longest = (
                wording.duration(seconds, texts) for seconds in (outages.lost_seconds, outages.longest_seconds)
            )
            lines.append(texts("report.lost", lost=lost, longest=longest))
            lines.append(f"\n<b>{texts('report.worst')}</b>")
            lines += [
                f"{escape(name)} · {count} × · {wording.duration(seconds, texts)}"  # noqa: RUF001 - the sign for "times"
                for name, count, seconds in outages.worst
            ]
    when = wording.when(now, wording.JAKARTA, now=now)
    return "\n".join([*lines, f"<i>{texts('bot.as_of', when=when)}</i>"])


def _percent(ratio: float | None) -> str:
    """Return a share with two digits, cut and not rounded: 99.999 % is not 100 %."""
    return "" if ratio is None else f"{int(min(1.0, ratio) * 10_000) / 100:.2f} %"
