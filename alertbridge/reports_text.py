"""A report as people read it on a phone (pure): a first line that says it all, then what changed, then the worst sites.

A span in which nothing happened is one calm line. What is not known is said in words, never as a number.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import quote

from alertbridge import wording
from alertbridge.markup import escape, is_linkable, link, one_line
from alertbridge.settings import JAKARTA, Language

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from alertbridge.outages import Outages, Trouble
    from alertbridge.reports import Report
    from alertbridge.texts import Texts

_PLACES = 2  # regions named in the first line; of more, the rest is counted there and named below
_PLACES_BELOW = 12
_PLACE_CHARS = 60
_LINKED_REGIONS = 20  # of a link; more would make it too long for a request
_KNOWN_ENOUGH = 0.98  # of a span: a restart of a few minutes is not worth a line
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DASHBOARD = {Language.EN: "/d/vpn-sla", Language.ID: "/d/vpn-sla-id"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """What stands around a report's numbers."""

    kind: str  # key of its words: daily, weekly, 24h, 7d, 30d
    places: Collection[str] = ()  # names of its regions; empty: all
    names: Mapping[str, str] = field(default_factory=dict)  # region id -> name, as far as known
    zone: ZoneInfo = JAKARTA
    grafana_url: str | None = None
    late: bool = False  # the bridge was not there when it was due
    asked: bool = False  # somebody wants it now: they read until when it goes


def report_text(report: Report, frame: Frame, texts: Texts) -> str:
    """Return a report as Telegram HTML."""
    share = percent(report.availability, texts)
    shown = f"<b>{share}</b>" if share else texts("report.not_known")
    head = f"📊 <b>{texts(f'report.title_{frame.kind}')}</b> · {_places(frame, texts)} · {shown}"
    lines = [head]
    if is_calm(report):
        lines = [f"{head} · {_calm(report, frame, texts)}"]
        if frame.late or frame.asked:
            lines.append(_span(report, frame, texts))
        if frame.late:
            lines.append(_late(report, frame, texts))
        return "\n".join(lines)
    lines += [_span(report, frame, texts), *_places_below(frame, texts)]
    if frame.late:
        lines.append(_late(report, frame, texts))
    if is_blank(report):
        return "\n".join([*lines, texts("report.nothing_at_all")])
    lines += [*_availability(report, frame, texts), *_lowest(report, frame, texts), *_outages(report, frame, texts)]
    if report.outages is not None and report.outages.worst:
        lines += ["", f"<b>{texts('report.worst')}</b>", *_worst(report.outages, frame, texts)]
    url = _dashboard(report, frame, texts)
    if is_linkable(url):
        lines.append(link(texts("report.dashboard"), url))
    return "\n".join(lines)


def is_calm(report: Report) -> bool:
    """Tell whether all of a span is known, and nothing happened in it."""
    return (
        report.availability is not None
        and report.availability >= 1.0
        and report.outages is not None
        and not report.outages.count
        and (report.known_ratio or 0.0) >= _KNOWN_ENOUGH
        and not report.unanswered
    )


def is_blank(report: Report) -> bool:
    """Tell whether nobody watched: then that no outage is on record says nothing, as for a region of a mistyped id."""
    nothing_recorded = report.availability is None and "prometheus" not in report.unanswered
    return nothing_recorded and report.outages is not None and not report.outages.count


def percent(ratio: float | None, texts: Texts) -> str:
    """Return a share with two digits, cut and not rounded: 99.999 % is not 100 %. Empty: not known."""
    if ratio is None:
        return ""
    hundredths = int(round(min(1.0, max(0.0, ratio)) * 10_000, 6))  # 0.9987 * 10_000 is a little less than 9987
    return f"{hundredths // 100}{texts('report.decimal')}{hundredths % 100:02d} %"


def _places(frame: Frame, texts: Texts) -> str:
    names = [escape(name, _PLACE_CHARS) for name in frame.places]
    if not names:
        return texts("report.everywhere")
    return _listed(names, _PLACES, texts)


def _places_below(frame: Frame, texts: Texts) -> list[str]:
    names = [escape(name, _PLACE_CHARS) for name in frame.places]
    return [_listed(names, _PLACES_BELOW, texts)] if len(names) > _PLACES else []


def _listed(names: list[str], most: int, texts: Texts) -> str:
    if len(names) <= most:
        return ", ".join(names)
    named = ", ".join(names[: most - 1])
    return texts.html("report.more_places", names=named, count=str(len(names) - most + 1))


def _then(frame: Frame, texts: Texts) -> str:
    return texts(f"report.before_{frame.kind}")


def _calm(report: Report, frame: Frame, texts: Texts) -> str:
    earlier = report.outages_before
    if earlier is None or not earlier.count:
        return texts("report.calm")
    return texts("report.calm_after", then=_then(frame, texts), before=earlier.count)


def _span(report: Report, frame: Frame, texts: Texts) -> str:
    start, end = (_moment(at, frame, texts) for at in (report.spans.start, report.spans.end))
    return f"{start} – {end} {report.spans.end.astimezone(frame.zone):%Z}"  # noqa: RUF001 - the sign for a span


def _moment(at: datetime, frame: Frame, texts: Texts) -> str:
    local = at.astimezone(frame.zone)
    return f"{texts(f'weekday.{_DAYS[local.weekday()]}')} {local:%d/%m %H:%M}"


def _late(report: Report, frame: Frame, texts: Texts) -> str:
    return f"<i>{texts('report.late', when=f'{report.spans.end.astimezone(frame.zone):%H:%M %Z}')}</i>"


def _availability(report: Report, frame: Frame, texts: Texts) -> list[str]:
    """Return what is to be said of the availability besides the number in the first line."""
    lines = []
    then, now = _then(frame, texts), percent(report.availability, texts)
    before = percent(report.availability_before, texts)
    if not now:
        lines.append(texts("report.no_prometheus" if "prometheus" in report.unanswered else "report.nothing_recorded"))
    elif not report.known_ratio:  # something was recorded, in less than one step of the question
        lines.append(texts("report.barely"))
    elif report.known_ratio < _KNOWN_ENOUGH:
        length = (report.spans.end - report.spans.start).total_seconds()
        known, whole = (wording.duration(length * share, texts) for share in (report.known_ratio, 1.0))
        lines.append(texts("report.partly", known=known, whole=whole))
    if not before:  # neither are the outages of then
        lines.append(texts("report.before_unknown", then=then[:1].upper() + then[1:]))
    elif before == now:
        lines.append(texts("report.same", then=then))
    elif now:
        rose = (report.availability or 0.0) > (report.availability_before or 0.0)
        lines.append(texts("report.rose" if rose else "report.fell", then=then, before=before))
    return lines


def _lowest(report: Report, frame: Frame, texts: Texts) -> list[str]:
    """Return the line of the regions that were worst off; none where all were well."""
    shown = [(region, percent(ratio, texts)) for region, ratio in report.lowest if ratio < 1.0]
    named = ", ".join(f"{escape(frame.names.get(region, region), _PLACE_CHARS)} {share}" for region, share in shown)
    return [texts.html("report.lowest", regions=named)] if shown else []


def _outages(report: Report, frame: Frame, texts: Texts) -> list[str]:
    """Return how many outages there were and how long they were, against the span before."""
    now, earlier, then = report.outages, report.outages_before, _then(frame, texts)
    if now is None:
        return [texts("report.no_exporter" if "exporter" in report.unanswered else "report.uncounted")]
    lost, longest = (wording.duration(seconds, texts) for seconds in (now.lost_seconds, now.longest_seconds))
    cut_off = texts("report.cut_off", count=now.cut_off) if now.cut_off else ""
    if earlier is None:
        if not now.count:
            return [texts("report.no_outages")]
        return [texts("report.outages", count=now.count) + cut_off, texts("report.lost", lost=lost, longest=longest)]
    if not now.count:
        return [texts("report.no_outages_after", then=then, before=earlier.count)]
    lost_before = wording.duration(earlier.lost_seconds, texts)
    return [
        texts("report.outages_after", count=now.count, then=then, before=earlier.count) + cut_off,
        texts("report.lost_after", lost=lost, before=lost_before, longest=longest),
    ]


def _worst(outages: Outages, frame: Frame, texts: Texts) -> list[str]:
    return [f"{place}. {_trouble(trouble, frame, texts)}" for place, trouble in enumerate(outages.worst, start=1)]


def _trouble(trouble: Trouble, frame: Frame, texts: Texts) -> str:
    name = escape(trouble.name)
    if trouble.is_region:
        name = texts("report.region", region=frame.names.get(trouble.name, trouble.name))
    line = f"{name} · {wording.duration(trouble.seconds, texts)}"
    if trouble.count > 1:
        line += f" ({trouble.count}×)"  # noqa: RUF001 - the sign for "times"
    if trouble.behind:
        line += texts("report.sites" if trouble.is_region else "report.behind", count=trouble.behind)
    return line


def _dashboard(report: Report, frame: Frame, texts: Texts) -> str:
    if not frame.grafana_url:
        return ""
    start, end = (round(at.timestamp() * 1000) for at in (report.spans.start, report.spans.end))
    regions = report.regions if len(report.regions) <= _LINKED_REGIONS else ()
    chosen = "".join(f"&var-region={quote(one_line(region), safe='', errors='replace')}" for region in regions)
    return f"{frame.grafana_url}{_DASHBOARD[texts.language]}?from={start}&to={end}{chosen}"
