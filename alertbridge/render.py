"""Incident -> Telegram HTML: one incident, its end, a digest of many, a notice (pure).

The first line is what a phone shows: mark, state, region, name. Everything foreign is escaped; every text is at most
4096 UTF-16 units after entity parsing and is cut only between whole lines (markup.py).
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from alertbridge import details, wording
from alertbridge import facts as facts_module
from alertbridge.incidents import Phase, Tell
from alertbridge.markup import LIMIT, escape, fit, one_line
from alertbridge.wording import MARKS, ORDER, Shown

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from alertbridge.incidents import Incident
    from alertbridge.texts import Texts

_CAUSES_SHOWN = 5
_REGIONS_SHOWN = 20  # Indonesia has 38 provinces; the lines of sites need room too
_LINES_MADE = 300  # of a digest: more cannot fit, and a storm of thousands must not keep the event loop


def incident_message(
    incident: Incident,
    texts: Texts,
    *,
    now: datetime,
    tell: Tell = Tell.UPDATE,
    before: str | None = None,
    grafana_url: str | None = None,
    runbooks_url: str | None = None,
) -> str:
    """Return the message of one incident as it stands now; `before`: how many were affected when last told (GROWN)."""
    head = [_headline(incident, texts)]
    body = _ended_lines(incident, texts, now=now) if incident.phase.closed else _open_lines(incident, texts, now=now)
    if tell is Tell.REMIND:
        head.append(f"<b>{texts('incident.still', duration=_duration(incident, texts, now=now))}</b>")
    elif tell is Tell.GROWN and before is not None:
        head.append(f"<b>{texts('incident.grown', count=incident.facts.affected, before=before)}</b>")
    foot = details.links(incident, texts, grafana_url, runbooks_url)
    return fit(head, body, foot, more=lambda count: texts("digest.more", count=count))


def moved_message(incident: Incident, texts: Texts, *, now: datetime) -> str:
    """Return what an earlier message becomes once a newer one tells its incident: no state, which would grow stale."""
    when = wording.when(incident.told_at or now, wording.zone_of(incident), now=now)
    monitor = wording.monitor_key(incident)
    place = texts(f"monitor.{monitor}").partition(" · ")[0] if monitor else escape(wording.place(incident))
    return "\n".join([f"↪️ <b>{place}</b>", texts("incident.moved", when=when)])


def _headline(incident: Incident, texts: Texts) -> str:
    """Return the first line: what a phone shows."""
    shown, monitor = wording.shows(incident), wording.monitor_key(incident)
    if monitor:
        ended = "_over" if incident.phase is Phase.OVER else ""
        return f"{MARKS[shown]} <b>{texts(f'monitor.{monitor}{ended}')}</b>"
    return f"{MARKS[shown]} <b>{texts(f'word.{shown}')}</b> · {escape(wording.place(incident))}"


def over_reply(incident: Incident, texts: Texts, *, now: datetime) -> str:
    """Return the short reply that says it is over, with the duration."""
    shown = wording.shows(incident)
    span = _duration(incident, texts, now=now)
    if wording.monitor_key(incident) and incident.phase is Phase.OVER:
        return f"{_headline(incident, texts)} · {texts('over.other', duration=span)}"
    key = {Shown.UP: "over.up", Shown.LOW: "over.low", Shown.GONE: "over.gone"}.get(shown, "over.other")
    if shown is Shown.UP and wording.alert_shows(incident) is not Shown.DOWN:
        key = "over.other"
    ending = texts(key) if shown is Shown.GONE else texts(key, duration=span)
    return f"{MARKS[shown]} <b>{texts(f'word.{shown}')}</b> · {escape(wording.place(incident))} · {ending}"


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


def notice(texts: Texts, key: str, values: dict[str, str]) -> str:
    """Return a message of the bridge itself; `key` names a text of `notice`. A free text may fill a whole message."""
    if key == "test":
        return escape_text(values.get("text", ""))
    if key == "report":
        return values["html"]  # reports_text.py made it when its span had ended
    if key == "lines":
        return "\n".join(notice(texts, line, values) for line in values["keys"].split(","))
    seconds = values.get("seconds")
    known = dict(values)
    if seconds is not None:
        known["duration"] = wording.duration(float(seconds), texts)
    return texts(f"notice.{key}", **known)


def escape_text(text: str) -> str:
    """Return a person's own text: its lines stay, the end is cut."""
    lines = [escape(line, LIMIT) for line in text.splitlines()]
    return fit([], lines, [], more=lambda count: f"… +{count}") if len(lines) > 1 else escape(text, LIMIT)


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
    parts = [f"{_cause(texts, cause)} {count}" for cause, count in found.most_common(_CAUSES_SHOWN)]
    return texts("digest.causes", causes=", ".join(parts)) if parts else ""


def _digest_line(incident: Incident, texts: Texts, *, now: datetime) -> str:
    shown = wording.shows(incident)
    monitor = wording.monitor_key(incident)
    ended = "_over" if incident.phase is Phase.OVER else ""
    place = texts(f"monitor.{monitor}{ended}") if monitor else one_line(wording.place(incident), 160)
    if incident.phase is Phase.GONE:
        return texts("digest.line_gone", mark=MARKS[shown], where=place)
    if incident.phase is Phase.OVER:
        duration = _duration(incident, texts, now=now)
        return texts("digest.line_over", mark=MARKS[shown], where=place, duration=duration)
    begun = wording.when(wording.span(incident, now=now).start, wording.zone_of(incident), now=now)
    behind = incident.facts.cut_off_targets
    line = texts("digest.line", mark=MARKS[shown], where=place, when=begun)
    line = f"{line} · {texts('incident.cut_off', count=behind)}" if behind else line
    return f"{line} · 🛠 {escape(incident.acknowledged_by, 60)}" if incident.acknowledged_by else line


def _duration(incident: Incident, texts: Texts, *, now: datetime) -> str:
    span = wording.span(incident, now=now)
    return wording.duration((span.end - span.start).total_seconds(), texts)


def _ended_lines(incident: Incident, texts: Texts, *, now: datetime) -> list[str]:
    span, zone = wording.span(incident, now=now), wording.zone_of(incident)
    start = wording.when(span.start, zone, now=now)
    if incident.phase is Phase.GONE:
        lines = [texts("incident.gone", start=start)]
    else:
        was = wording.alert_shows(incident)
        key = {Shown.DOWN: "incident.was_down", Shown.LOW: "incident.was_low"}.get(was, "incident.was_other")
        end = wording.when(span.end, zone, now=now)
        lines = [texts(key, start=start, end=end, duration=_duration(incident, texts, now=now))]
    lines += _cause_lines(incident, texts)
    if incident.reopenings:
        lines.append(texts("incident.again", count=incident.reopenings + 1))
    return lines + _acknowledged(incident, texts, now=now)


def _open_lines(incident: Incident, texts: Texts, *, now: datetime) -> list[str]:
    span, zone, facts = wording.span(incident, now=now), wording.zone_of(incident), incident.facts
    begun, lasted = wording.when(span.start, zone, now=now), _duration(incident, texts, now=now)
    shown = wording.alert_shows(incident)
    if span.measured and shown in {Shown.DOWN, Shown.LOW, Shown.UNKNOWN}:
        lines = [texts("incident.since", gloss=texts(f"gloss.{shown}"), when=begun, duration=lasted)]
    else:
        lines = [texts("incident.fired", when=begun, duration=lasted)]
    if shown is Shown.DOWN and (silent := facts_module.moment(facts.silent_since)) is not None:
        reason = texts.word(f"failure.{facts.newest_failure}", default=facts.newest_failure or "-")
        lines.append(texts("incident.silent", when=wording.when(silent, zone, now=now), reason=reason))
    elif shown is Shown.DOWN and facts.newest_failure:
        reason = texts.word(f"failure.{facts.newest_failure}", default=facts.newest_failure)
        lines.append(texts("incident.failure", reason=reason))
    if shown is Shown.FLAPPING:
        state = facts.state if f"word.{facts.state}" in texts.entries else "unknown"
        lines += [texts("incident.now", word=texts(f"word.{state}")), texts("incident.calm")]
    if incident.phase in {Phase.CONFIRMING, Phase.NO_DATA}:
        lines.append(f"<b>{texts(f'incident.{incident.phase}')}</b>")
    if facts.unknown_reason:
        reason = texts.word(f"reason.{facts.unknown_reason}", default=facts.unknown_reason)
        lines.append(texts("incident.why", reason=reason))
    lines += _cause_lines(incident, texts)
    lines += _measured_lines(incident, texts)
    if incident.reopenings:
        lines.append(texts("incident.again", count=incident.reopenings + 1))
    lines += [texts(f"incident.{word}") for word in sorted({r.suppressed for r in incident.firing if r.suppressed})]
    lines += _acknowledged(incident, texts, now=now)
    return lines + details.description(incident, texts)


def _cause_lines(incident: Incident, texts: Texts) -> list[str]:
    facts, lines = incident.facts, []
    if incident.subject.startswith("region:"):  # what it comes from has no word of its own in the API
        return [texts("incident.cause", cause=_cause(texts, "region"))]
    if facts.cut_off and facts.culprit:
        lines.append(texts("incident.behind", culprit=facts.culprit))
    elif facts.cause:
        cause = _cause(texts, facts.cause)
        if facts.cut_off_targets:
            cause = f"{escape(cause)} ({texts('incident.cut_off', count=facts.cut_off_targets)})"
            lines.append(texts.html("incident.cause", cause=cause))
        elif facts.culprit and incident.subject != f"target:{facts.culprit}":
            lines.append(texts("incident.culprit", cause=cause, culprit=facts.culprit))
        else:
            lines.append(texts("incident.cause", cause=cause))
    return lines


def _cause(texts: Texts, cause: str) -> str:
    return texts.word(f"cause.{cause}", default=cause)


def _measured_lines(incident: Incident, texts: Texts) -> list[str]:
    facts, lines = incident.facts, []
    if incident.subject.startswith("region:") and facts.targets:
        lines.append(texts("incident.region", down=facts.down, targets=facts.targets, low=facts.low))
    elif facts.cut_off_targets and not facts.cause:
        lines.append(f"<b>{texts('incident.cut_off', count=facts.cut_off_targets)}</b>")
    if (
        wording.alert_shows(incident) is Shown.LOW and facts.state == "low"
    ):  # a DOWN shows no numbers of before its fall
        lines += details.low_lines(facts, texts)
    if facts.address:
        lines.append(texts.html("incident.address", address=f"<code>{escape(facts.address)}</code>"))
    if facts.gateway:
        lines.append(texts("incident.gateway", gateway=facts.gateway))
    return lines


def _acknowledged(incident: Incident, texts: Texts, *, now: datetime) -> list[str]:
    if incident.acknowledged_at is None or not (incident.acknowledged_by or incident.released_by):
        return []
    moment = wording.when(incident.acknowledged_at, wording.zone_of(incident), now=now)
    if not incident.acknowledged_by:
        return (
            [] if incident.phase.closed else [f"↩️ {texts('incident.released', who=incident.released_by, when=moment)}"]
        )
    if incident.taken_from:
        before = incident.taken_from
        return [f"🛠 {texts('incident.taken_over', who=incident.acknowledged_by, when=moment, before=before)}"]
    return [f"🛠 {texts('incident.acknowledged', who=incident.acknowledged_by, when=moment)}"]
