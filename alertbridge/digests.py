"""Many incidents -> one message: a storm's digest, the ends of several (pure). Worst first, cut between whole lines."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from alertbridge import wording
from alertbridge.details import page
from alertbridge.incidents import Phase
from alertbridge.markup import escape, fit, is_linkable, link, one_line
from alertbridge.render import cause_word, duration_of, over_reply
from alertbridge.wording import MARKS, ORDER, Shown

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from alertbridge.incidents import Incident
    from alertbridge.texts import Texts

_CAUSES_SHOWN = 5
_NOWHERE = "-"  # what is of no region
_NAME_CHARS = 80
_REGIONS_NAMED = 3  # in the first line: more do not fit into a notification
_REGIONS_SHOWN = 20  # Indonesia has 38 provinces; the lines of sites need room too
_LINES_MADE = 300  # of a digest: more cannot fit, and a storm of thousands must not keep the event loop


def over_many(incidents: Sequence[Incident], texts: Texts, *, now: datetime) -> str:
    """Return one message for the ends of several incidents."""
    lines = [over_reply(incident, texts, now=now) for incident in _worst_first(incidents)]
    return fit([], lines, [], more=lambda count: texts("digest.more", count=count))


def digest_message(
    incidents: Sequence[Incident], texts: Texts, *, now: datetime, quiet: bool = False, grafana_url: str | None = None
) -> str:
    """Return one message for many incidents: counts, where, causes, then the incidents, worst first; the map."""
    ordered = _worst_first(incidents)
    by_region = _by_region(ordered)
    by_region.pop(_NOWHERE, None)  # the monitoring's own troubles: their lines say what they are
    head = [_title(incidents, list(by_region), texts)]
    if quiet:
        head.append(f"<i>{texts('digest.quiet')}</i>")
    causes = _causes(incidents, texts)
    if causes:
        head.append(causes)
    if len(by_region) > 1:
        head += _region_lines(by_region, texts)[:_REGIONS_SHOWN]
    body = [_digest_line(incident, texts, now=now) for incident in ordered[:_LINES_MADE]]
    hidden = len(ordered) - len(body)
    foot = _map_line(incidents, texts, grafana_url) if grafana_url else []
    return fit(head, body, foot, more=lambda count: texts("digest.more", count=count), hidden=hidden)


def digest_over(count: int, texts: Texts) -> str:
    """Return the reply that says that everything in a digest is over."""
    return f"{MARKS[Shown.UP]} {texts('over.all', count=count)}"


def _worst_first(incidents: Sequence[Incident]) -> list[Incident]:
    """Return what is bad before what is over; the worst and largest first, then the oldest."""
    return sorted(
        incidents,
        key=lambda i: (
            ORDER[wording.shows(i)],
            -i.facts.cut_off_targets,
            i.started_at,
            i.subject,
        ),
    )


def _counts(incidents: Sequence[Incident], texts: Texts) -> str:
    shown = Counter(wording.shows(incident) for incident in incidents)
    return " ".join(f"{MARKS[kind]} {shown[kind]} {texts(f'word.{kind}')}" for kind in Shown if shown[kind])


def _by_region(ordered: Sequence[Incident]) -> dict[str, Counter[Shown]]:
    """Return the counts of each region by its name, the region with the most trouble first; "-": of no region."""
    found: dict[str, Counter[Shown]] = {}
    for incident in ordered:
        found.setdefault(wording.region_name(incident) or _NOWHERE, Counter())[wording.shows(incident)] += 1
    order = sorted(found, key=lambda name: ([-found[name][kind] for kind in Shown if kind != Shown.UP], name))
    return {name: found[name] for name in order}


def _title(incidents: Sequence[Incident], regions: Sequence[str], texts: Texts) -> str:
    """Return the first line, what a phone shows: counts, and the regions by name where they are few."""
    counts = f"<b>{_counts(incidents, texts)}</b>"
    named = [escape(name, _NAME_CHARS) for name in regions]
    if not named:
        return counts
    if len(named) > _REGIONS_NAMED:
        return texts.html("digest.title", count=counts, regions=str(len(named)))
    return texts.html("digest.title_named", count=counts, regions=", ".join(named))


def _region_lines(by_region: Mapping[str, Counter[Shown]], texts: Texts) -> list[str]:
    """Return one line of counts per region."""
    return [
        texts.html(
            "digest.region",
            region=escape(name, _NAME_CHARS),
            counts=" ".join(f"{MARKS[kind]} {counts[kind]}" for kind in Shown if counts[kind]),
        )
        for name, counts in by_region.items()
    ]


def _map_line(incidents: Sequence[Incident], texts: Texts, grafana_url: str) -> list[str]:
    """Return the way to the map, of the regions meant where they are few; as text where Telegram makes no link."""
    regions = sorted({region for incident in incidents if (region := incident.label("region"))})
    chosen = [("var-region", region) for region in regions] if len(regions) <= _REGIONS_NAMED else []
    whole = f"{grafana_url}{page('/d/vpn-map', texts)}"
    found = (f"{whole}?{urlencode(chosen, errors='replace')}" if chosen else whole, whole)
    url = next((url for url in found if is_linkable(url)), None)
    title = texts("digest.map")
    return [link(title, url) if url is not None else f"{title}: {escape(whole)}"]


def _causes(incidents: Sequence[Incident], texts: Texts) -> str:
    found = Counter(
        incident.facts.cause
        for incident in incidents
        if not incident.phase.closed and incident.facts.cause not in {"", "unknown"}
    )
    parts = [f"{cause_word(texts, cause)} {count}" for cause, count in found.most_common(_CAUSES_SHOWN)]
    return texts("digest.causes", causes=", ".join(parts)) if parts else ""


def _digest_line(incident: Incident, texts: Texts, *, now: datetime) -> str:
    shown = wording.shows(incident)
    monitor = wording.monitor_key(incident)
    place = wording.monitor_title(incident, texts) if monitor else one_line(wording.place(incident), 160)
    if incident.phase is Phase.GONE:
        return texts("digest.line_gone", mark=MARKS[shown], where=place)
    if incident.phase is Phase.OVER:
        duration = duration_of(incident, texts, now=now)
        return texts("digest.line_over", mark=MARKS[shown], where=place, duration=duration)
    begun = wording.when(wording.span(incident, now=now).start, wording.zone_of(incident), now=now)
    behind = incident.facts.cut_off_targets
    line = texts("digest.line", mark=MARKS[shown], where=place, when=begun)
    line = f"{line} · {texts('incident.cut_off', count=behind)}" if behind else line
    return f"{line} · 🛠 {escape(incident.acknowledged_by, 60)}" if incident.acknowledged_by else line
