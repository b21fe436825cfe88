"""Many incidents -> one message: a storm's digest, the ends of several (pure). Worst first, cut between whole lines."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from alertbridge import wording
from alertbridge.incidents import Phase
from alertbridge.markup import escape, fit, one_line
from alertbridge.render import cause_word, duration_of, over_reply
from alertbridge.wording import MARKS, ORDER, Shown

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from alertbridge.incidents import Incident
    from alertbridge.texts import Texts

_CAUSES_SHOWN = 5
_REGIONS_SHOWN = 20  # Indonesia has 38 provinces; the lines of sites need room too
_LINES_MADE = 300  # of a digest: more cannot fit, and a storm of thousands must not keep the event loop


def over_many(incidents: Sequence[Incident], texts: Texts, *, now: datetime) -> str:
    """Return one message for the ends of several incidents."""
    lines = [over_reply(incident, texts, now=now) for incident in _worst_first(incidents)]
    return fit([], lines, [], more=lambda count: texts("digest.more", count=count))


def digest_message(incidents: Sequence[Incident], texts: Texts, *, now: datetime, quiet: bool = False) -> str:
    """Return one message for many incidents: counts, counts per region, causes, then the incidents, worst first."""
    ordered = _worst_first(incidents)
    regions = Counter(wording.region_name(incident) or "-" for incident in incidents)
    counts = _counts(incidents, texts)
    if len(regions) == 1:
        title = texts.html("digest.title_one", count=f"<b>{counts}</b>", region=escape(next(iter(regions))))
    else:
        title = texts.html("digest.title", count=f"<b>{counts}</b>", regions=str(len(regions)))
    head = [title]
    if quiet:
        head.append(f"<i>{texts('digest.quiet')}</i>")
    causes = _causes(incidents, texts)
    if causes:
        head.append(causes)
    if len(regions) > 1:
        head += _region_lines(ordered, regions, texts)[:_REGIONS_SHOWN]
    body = [_digest_line(incident, texts, now=now) for incident in ordered[:_LINES_MADE]]
    hidden = len(ordered) - len(body)
    return fit(head, body, [], more=lambda count: texts("digest.more", count=count), hidden=hidden)


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


def _region_lines(ordered: Sequence[Incident], regions: Counter[str], texts: Texts) -> list[str]:
    """Return one line of counts per region, the region with the most trouble first."""
    by_region: dict[str, Counter[Shown]] = {region: Counter() for region in regions}
    for incident in ordered:
        by_region[wording.region_name(incident) or "-"][wording.shows(incident)] += 1
    order = sorted(by_region, key=lambda name: ([-by_region[name][kind] for kind in Shown if kind != Shown.UP], name))
    return [
        texts.html(
            "digest.region",
            region=escape(name, 80),
            counts=" ".join(f"{MARKS[kind]} {by_region[name][kind]}" for kind in Shown if by_region[name][kind]),
        )
        for name in order
    ]


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
    ended = "_over" if incident.phase is Phase.OVER else ""
    place = texts(f"monitor.{monitor}{ended}") if monitor else one_line(wording.place(incident), 160)
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
