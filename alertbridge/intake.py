"""Alerts and conclusions -> incidents and outbox rows, inside one transaction of the store.

The decisions are pure (incidents.py, truth.py, routing.py); this file carries them out. What it enqueues has no text
yet: a message is rendered when it is sent, from what is true then.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from alertbridge.incidents import (
    WATCHDOG,
    Decision,
    Incident,
    Phase,
    Reason,
    Record,
    Tell,
    decide,
    level_of,
    record_of,
    subject_of,
)
from alertbridge.routing import chats_for, held_until
from alertbridge.store.rows import NOTICE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from alertbridge.facts import Facts
    from alertbridge.payload import Alert
    from alertbridge.settings import Settings
    from alertbridge.store.queries import Queries
    from alertbridge.truth import Conclusion

_COLUMNS = (
    "phase",
    "level",
    "started_at",
    "ended_at",
    "closed_at",
    "reopenings",
    "acknowledged_by",
    "taken_from",
    "released_by",
    "facts",
)
_REOPENING = frozenset({Reason.REOPENED, Reason.FLAPPING, Reason.FLAPPED, Reason.STILL_LOW})


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What became of one alert, for the log."""

    subject: str
    alertname: str
    reason: Reason
    tell: Tell | None


def take(queries: Queries, alerts: Iterable[Alert], settings: Settings, *, now: datetime) -> tuple[Taken, ...]:
    """Decide and carry out what some alerts mean; Watchdog is not an incident and is passed over."""
    return tuple(_take(queries, alert, settings, now=now) for alert in alerts if alert.name != WATCHDOG)


def _take(queries: Queries, alert: Alert, settings: Settings, *, now: datetime) -> Taken:
    subject = subject_of(alert)
    before, known = queries.newest_incident(subject), queries.record(alert.fingerprint)
    decision = decide(before, known, alert, now=now)
    incident = before
    if decision.reason is Reason.NEW:
        incident = _open(queries, subject, alert, now=now)
    if decision.remember:
        record = _merged(known, record_of(alert, now=now))
        queries.save_record(record, incident.id if incident is not None else None, new=known is None)
        if incident is not None:
            incident = _with_record(incident, record)
    if incident is not None:
        incident = _apply(queries, incident, decision, alert, now=now)
        if decision.tell is not None:
            tell(queries, incident, decision.tell, settings, now=now)
    return Taken(subject=subject, alertname=alert.name, reason=decision.reason, tell=decision.tell)


def _open(queries: Queries, subject: str, alert: Alert, *, now: datetime) -> Incident:
    level = level_of(alert.labels)
    incident_id = queries.add_incident(subject=subject, level=level, opened_at=now, started_at=alert.starts_at)
    return Incident(
        id=incident_id, subject=subject, phase=Phase.OPEN, level=level, opened_at=now, started_at=alert.starts_at
    )


def _with_record(incident: Incident, record: Record) -> Incident:
    """Return the incident with one of its alerts as it is now."""
    others = tuple(known for known in incident.records if known.fingerprint != record.fingerprint)
    return replace(incident, records=(*others, record))


def _merged(known: Record | None, record: Record) -> Record:
    """Return what is stored of a newer look at an alert: a resolved webhook often has fewer annotations."""
    if known is None or record.annotations:
        return record
    return Record(
        fingerprint=record.fingerprint,
        starts_at=record.starts_at,
        ends_at=record.ends_at,
        seen_at=record.seen_at,
        labels=record.labels,
        annotations=known.annotations,
        suppressed=record.suppressed,
    )


def _apply(queries: Queries, incident: Incident, decision: Decision, alert: Alert, *, now: datetime) -> Incident:
    """Bring the incident's own row to what the decision says; return it as it is then."""
    after = replace(incident, phase=decision.phase or incident.phase)
    if after.firing:
        after = replace(after, level=after.firing[0].level, ended_at=None, closed_at=None)
    elif decision.phase is Phase.CONFIRMING:
        after = replace(after, ended_at=alert.ends_at or now)
    if decision.reason in _REOPENING:
        after = replace(
            after,
            started_at=alert.starts_at,
            reopenings=incident.reopenings + 1,
            acknowledged_by="",
            taken_from="",
            released_by="",
            facts=replace(incident.facts, bad_since=None, bad_state="", silent_since=None),
        )
    if decision.reason is Reason.WORSE:
        after = replace(after, released_by="")
    if decision.reason is Reason.WORSE_THAN_TAKEN:  # it still says who had it, and since when
        after = replace(after, acknowledged_by="", taken_from=incident.acknowledged_by)
    changes = {name: value for name in _COLUMNS if (value := getattr(after, name)) != getattr(incident, name)}
    if changes:
        queries.update_incidents([incident.id], **changes)
    return after


def conclude(
    queries: Queries,
    incident: Incident,
    conclusion: Conclusion,
    settings: Settings,
    *,
    now: datetime,
    facts: Facts | None = None,
) -> None:
    """Carry out what the exporter's word means for an incident."""
    changes: dict[str, object] = {}
    if facts is not None and facts != incident.facts:
        changes["facts"] = facts
    if conclusion.phase is not None:
        changes["phase"] = conclusion.phase
        if conclusion.phase.closed:
            changes |= {"closed_at": now, "ended_at": incident.ended_at or now}
            queries.update_records([record.fingerprint for record in incident.firing], ends_at=now)
    if changes:
        queries.update_incidents([incident.id], **changes)
    if conclusion.tell is not None:
        tell(queries, incident, conclusion.tell, settings, now=now)


def tell(
    queries: Queries,
    incident: Incident,
    what: Tell,
    settings: Settings,
    *,
    now: datetime,
    values: Mapping[str, str] | None = None,
) -> None:
    """Enqueue what is to be told of an incident, for each chat that it concerns; `values`: what its text needs."""
    if what in {Tell.UPDATE, Tell.OVER}:
        for name in filter(settings.chat, queries.chats_of(incident.id)):
            queries.enqueue(chat=name, kind=Tell.UPDATE, incident_id=incident.id, now=now)
            if what is Tell.OVER:
                queries.enqueue(chat=name, kind=Tell.OVER, incident_id=incident.id, now=now)
        return
    region, severity = incident.label("region"), incident.label("severity")
    for chat in chats_for(settings, region=region, severity=severity):
        held = held_until(chat, incident.level, now)
        queries.enqueue(chat=chat.name, kind=what, incident_id=incident.id, now=now, held_until=held, values=values)


def notify(queries: Queries, chats: Iterable[str], key: str, values: Mapping[str, str], *, now: datetime) -> None:
    """Enqueue a message of the bridge itself."""
    for name in chats:
        queries.enqueue(chat=name, kind=NOTICE, notice=key, values=values, now=now)
