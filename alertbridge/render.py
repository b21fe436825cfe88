"""Incident -> Telegram HTML: one incident, its end, a notice (pure; digests.py has many at once).

The first line is what a phone shows: mark, state, region, name. Everything foreign is escaped; every text is at most
4096 UTF-16 units after entity parsing and is cut only between whole lines (markup.py).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from alertbridge import details, wording
from alertbridge import facts as facts_module
from alertbridge.incidents import Phase, Tell
from alertbridge.markup import LIMIT, escape, fit
from alertbridge.wording import MARKS, Shown

if TYPE_CHECKING:
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from alertbridge.facts import Facts
    from alertbridge.incidents import Incident, Record
    from alertbridge.texts import Texts


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
        head.append(f"<b>{texts('incident.still', duration=duration_of(incident, texts, now=now))}</b>")
    elif tell is Tell.GROWN and before is not None:
        head.append(f"<b>{texts('incident.grown', count=incident.facts.affected, before=before)}</b>")
    foot = details.links(incident, texts, grafana_url, runbooks_url)
    return fit(head, body, foot, more=lambda count: texts("digest.more", count=count))


def moved_message(incident: Incident, texts: Texts, *, now: datetime) -> str:
    """Return what an earlier message becomes once a newer one tells its incident: no state, which would grow stale."""
    when = wording.when(incident.told_at or now, wording.zone_of(incident), now=now)
    monitor = wording.monitor_key(incident)
    place = wording.monitor_title(incident, texts).partition(" · ")[0] if monitor else wording.place(incident)
    return "\n".join([f"↪️ <b>{escape(place)}</b>", texts("incident.moved", when=when)])


def _headline(incident: Incident, texts: Texts) -> str:
    """Return the first line: what a phone shows."""
    shown, monitor = wording.shows(incident), wording.monitor_key(incident)
    if monitor:
        return f"{MARKS[shown]} <b>{escape(wording.monitor_title(incident, texts))}</b>"
    return f"{MARKS[shown]} <b>{texts(f'word.{shown}')}</b> · {escape(wording.place(incident))}"


def over_reply(incident: Incident, texts: Texts, *, now: datetime) -> str:
    """Return the short reply that says it is over, with the duration."""
    shown = wording.shows(incident)
    span = duration_of(incident, texts, now=now)
    if wording.monitor_key(incident) and incident.phase is Phase.OVER:
        return f"{_headline(incident, texts)} · {texts('over.other', duration=span)}"
    key = {Shown.UP: "over.up", Shown.LOW: "over.low", Shown.GONE: "over.gone"}.get(shown, "over.other")
    if shown is Shown.UP and wording.alert_shows(incident) is not Shown.DOWN:
        key = "over.other"
    ending = texts(key) if shown is Shown.GONE else texts(key, duration=span)
    return f"{MARKS[shown]} <b>{texts(f'word.{shown}')}</b> · {escape(wording.place(incident))} · {ending}"


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


def duration_of(incident: Incident, texts: Texts, *, now: datetime) -> str:
    """Return how long it lasted, or lasts."""
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
        lines = [texts(key, start=start, end=end, duration=duration_of(incident, texts, now=now))]
    lines += _cause_lines(incident, texts)
    if incident.reopenings:
        lines.append(texts("incident.again", count=incident.reopenings + 1))
    return lines + _acknowledged(incident, texts, now=now)


def _open_lines(incident: Incident, texts: Texts, *, now: datetime) -> list[str]:
    """Return the lines of an open incident, in the order in which a woken person asks: since when, why, how many."""
    span, zone, facts = wording.span(incident, now=now), wording.zone_of(incident), incident.facts
    begun, lasted = wording.when(span.start, zone, now=now), duration_of(incident, texts, now=now)
    shown = wording.alert_shows(incident)
    if span.measured and shown in {Shown.DOWN, Shown.LOW, Shown.UNKNOWN}:
        lines = [texts("incident.since", gloss=texts(f"gloss.{shown}"), when=begun, duration=lasted)]
    else:
        lines = [texts("incident.fired", when=begun, duration=lasted)]
    if incident.phase in {Phase.CONFIRMING, Phase.NO_DATA}:
        lines.append(f"<b>{texts(f'incident.{incident.phase}')}</b>")
    lines += _cause_lines(incident, texts)
    if shown is Shown.DOWN:
        lines += _silent_lines(facts, texts, zone, now=now)
    if shown is Shown.FLAPPING:
        state = facts.state if f"word.{facts.state}" in texts.entries else "unknown"
        lines += [texts("incident.now", word=texts(f"word.{state}")), texts("incident.calm")]
    if facts.unknown_reason:
        reason = texts.word(f"reason.{facts.unknown_reason}", default=facts.unknown_reason)
        lines.append(texts("incident.why", reason=reason))
    lines += _measured_lines(incident, texts)
    if incident.reopenings:
        lines.append(texts("incident.again", count=incident.reopenings + 1))
    lines += [texts(f"incident.{word}") for word in sorted({r.suppressed for r in incident.firing if r.suppressed})]
    lines += _acknowledged(incident, texts, now=now)
    return lines + details.description(incident, texts)


def _silent_lines(facts: Facts, texts: Texts, zone: ZoneInfo, *, now: datetime) -> list[str]:
    """Return since when it does not answer, with the reason where it says more than that; then what was before."""
    reason = texts.word(f"failure.{facts.newest_failure}", default=facts.newest_failure)
    silent = facts_module.moment(facts.silent_since)
    if silent is None:
        return [texts("incident.failure", reason=reason)] if facts.newest_failure else []
    when = wording.when(silent, zone, now=now)
    plain = facts.newest_failure in {"", "timeout"}
    line = texts("incident.silent_plain", when=when) if plain else texts("incident.silent", when=when, reason=reason)
    return [line, *details.measured_line(facts, texts, zone, now=now)]


def _cause_lines(incident: Incident, texts: Texts) -> list[str]:
    facts, lines = incident.facts, []
    if incident.subject.startswith("region:"):  # what it comes from has no word of its own in the API
        return [texts("incident.cause", cause=cause_word(texts, "region"))]
    if facts.cut_off and facts.culprit:
        lines.append(texts("incident.behind", culprit=facts.culprit))
    elif facts.cause:
        cause = cause_word(texts, facts.cause)
        if facts.cut_off_targets:
            cause = f"{escape(cause)} ({texts('incident.cut_off', count=facts.cut_off_targets)})"
            lines.append(texts.html("incident.cause", cause=cause))
        elif facts.culprit and incident.subject != f"target:{facts.culprit}":
            lines.append(texts("incident.culprit", cause=cause, culprit=facts.culprit))
        else:
            lines.append(texts("incident.cause", cause=cause))
    return lines


def cause_word(texts: Texts, cause: str) -> str:
    """Return a cause in words."""
    return texts.word(f"cause.{cause}", default=cause)


def _measured_lines(incident: Incident, texts: Texts) -> list[str]:
    facts, lines = incident.facts, []
    if incident.subject.startswith("region:") and facts.targets:
        lines.append(texts("incident.region", down=facts.down, targets=facts.targets, low=facts.low))
    elif facts.cut_off_targets and not facts.cause:
        lines.append(f"<b>{texts('incident.cut_off', count=facts.cut_off_targets)}</b>")
    # Of a DOWN the present numbers say nothing yet: its window of 60 is mostly of before the fall (_silent_lines).
    if wording.alert_shows(incident) is Shown.LOW and facts.state == "low":
        lines += details.low_lines(facts, texts)
    if facts.address:
        lines.append(texts.html("incident.address", address=f"<code>{escape(facts.address)}</code>"))
    if facts.gateway:
        lines.append(texts("incident.gateway", gateway=facts.gateway))
    return lines


def _acknowledged(incident: Incident, texts: Texts, *, now: datetime) -> list[str]:
    if incident.acknowledged_at is None or not (incident.acknowledged_by or incident.released_by or incident.outgrown):
        return []
    moment = wording.when(incident.acknowledged_at, wording.zone_of(incident), now=now)
    if incident.outgrown:
        return (
            []
            if incident.phase.closed or incident.weaker is None
            else [_outgrown(incident, incident.weaker, moment, texts)]
        )
    if not incident.acknowledged_by:
        return (
            [] if incident.phase.closed else [f"↩️ {texts('incident.released', who=incident.released_by, when=moment)}"]
        )
    if incident.taken_from:
        before = incident.taken_from
        return [f"🛠 {texts('incident.taken_over', who=incident.acknowledged_by, when=moment, before=before)}"]
    return [f"🛠 {texts('incident.acknowledged', who=incident.acknowledged_by, when=moment)}"]


def _outgrown(incident: Incident, weaker: Record, moment: str, texts: Texts) -> str:
    """Return who took it while it was less than this: whom to ask, and that it is nobody's now."""
    was = texts(f"word.{wording.record_shows(weaker)}")
    return f"🛠 {texts('incident.outgrown', who=incident.outgrown, when=moment, state=was)}"
