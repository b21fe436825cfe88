"""Alerts and conclusions -> incidents and outbox rows, inside one transaction of the store.

The decisions are pure (incidents.py, truth.py, routing.py); this file carries them out. What it enqueues has no text
yet: a message is rendered when it is sent, from what is true then.
"""

from __future__ import annotations

from dataclasses import dataclass
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
from alertbridge.payload import AlertStatus
from alertbridge.routing import chats_for, held_until
from alertbridge.store.rows import NOTICE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from alertbridge.payload import Alert
    from alertbridge.settings import Settings
    from alertbridge.store.queries import Queries
    from alertbridge.truth import Conclusion

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
    incident, known = queries.newest_incident(subject), queries.record(alert.fingerprint)
    decision = decide(incident, known, alert, now=now)
    if decision.reason is Reason.NEW:
        level = level_of(alert.labels)
        incident_id: int | None = queries.add_incident(
            subject=subject, level=level, opened_at=now, started_at=alert.starts_at
        )
    else:
        incident_id = incident.id if incident is not None else None
    if decision.remember:
        queries.save_record(_merged(known, record_of(alert, now=now)), incident_id)
    if incident_id is not None:
        _apply(queries, incident_id, incident, decision, alert, now=now)
        if decision.tell is not None:
            tell(queries, incident_id, decision.tell, settings, now=now)
    return Taken(subject=subject, alertname=alert.name, reason=decision.reason, tell=decision.tell)


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


def _apply(
    queries: Queries, incident_id: int, before: Incident | None, decision: Decision, alert: Alert, *, now: datetime
) -> None:
    """Bring the incident's own row to what the decision says."""
    after = queries.incidents([incident_id])[0]
    changes: dict[str, object] = {}
    if decision.phase is not None and decision.phase is not after.phase:
        changes["phase"] = decision.phase
    if after.firing:
        changes |= {"level": after.firing[0].level, "ended_at": None, "closed_at": None}
    elif alert.status is AlertStatus.RESOLVED and decision.phase is Phase.CONFIRMING:
        changes["ended_at"] = alert.ends_at or now
    reopened = before is not None and decision.reason in _REOPENING
    if reopened and before is not None:
        changes |= {"started_at": alert.starts_at, "reopenings": before.reopenings + 1, "acknowledged_by": ""}
        changes["facts"] = {key: value for key, value in before.facts.items() if key != "bad_since"}
    if changes:
        queries.update_incidents([incident_id], **changes)


def conclude(
    queries: Queries,
    incident: Incident,
    conclusion: Conclusion,
    settings: Settings,
    *,
    now: datetime,
    facts: Mapping[str, object] | None = None,
) -> None:
    """Carry out what the exporter's word means for an incident."""
    changes: dict[str, object] = {}
    if facts is not None:
        changes["facts"] = dict(facts)
    if conclusion.phase is not None:
        changes["phase"] = conclusion.phase
        if conclusion.phase.closed:
            changes |= {"closed_at": now, "ended_at": incident.ended_at or now}
            queries.update_records([record.fingerprint for record in incident.firing], ends_at=now)
    if changes:
        queries.update_incidents([incident.id], **changes)
    if conclusion.tell is not None:
        tell(queries, incident.id, conclusion.tell, settings, now=now)


def tell(queries: Queries, incident_id: int, what: Tell, settings: Settings, *, now: datetime) -> None:
    """Enqueue what is to be told of an incident, for each chat that it concerns."""
    incident = queries.incidents([incident_id])[0]
    if what in {Tell.UPDATE, Tell.OVER}:
        for name in queries.chats_of(incident_id):
            queries.enqueue(chat=name, kind=Tell.UPDATE, incident_id=incident_id, now=now)
            if what is Tell.OVER:
                queries.enqueue(chat=name, kind=Tell.OVER, incident_id=incident_id, now=now)
        return
    region, severity = incident.label("region"), incident.label("severity")
    for chat in chats_for(settings, region=region, severity=severity):
        held = held_until(chat, incident.level, now)
        queries.enqueue(chat=chat.name, kind=what, incident_id=incident_id, now=now, held_until=held)


def notify(queries: Queries, chats: Iterable[str], key: str, values: Mapping[str, str], *, now: datetime) -> None:
    """Enqueue a message of the bridge itself."""
    for name in chats:
        queries.enqueue(chat=name, kind=NOTICE, notice=key, values=values, now=now)
