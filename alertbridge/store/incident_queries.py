"""Queries about incidents and alerts, and the values that are remembered by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from alertbridge.facts import from_json
from alertbridge.incidents import Incident, Level, Phase, Record
from alertbridge.store import schema
from alertbridge.store.base import Connected, at, chunks, moment, stored

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime


# Built once: what every webhook asks. Building a statement, and finding its text again, costs more than running it.
_VALUE = sa.select(schema.meta.c.value).where(schema.meta.c.key == sa.bindparam("key"))
_RECORD = sa.select(schema.alerts).where(schema.alerts.c.fingerprint == sa.bindparam("fingerprint"))
_RECORDS = (
    sa.select(schema.alerts)
    .where(schema.alerts.c.incident_id.in_(sa.bindparam("ids", expanding=True)))
    .order_by(schema.alerts.c.fingerprint)
)
_NEW_RECORD = sa.insert(schema.alerts)
_CHANGED_RECORD = sa.update(schema.alerts).where(schema.alerts.c.fingerprint == sa.bindparam("known"))
_NEW_INCIDENT = sa.insert(schema.incidents)
_NEWEST = (
    sa.select(schema.incidents)
    .where(schema.incidents.c.subject == sa.bindparam("subject"))
    .order_by(schema.incidents.c.id.desc())
    .limit(1)
)
_OPEN = (Phase.OPEN.value, Phase.CONFIRMING.value, Phase.NO_DATA.value)


class IncidentQueries(Connected):
    """Queries about incidents and alerts, and the values that are remembered by name."""

    def value(self, key: str) -> str | None:
        """Return a remembered value."""
        return self._connection.scalar(_VALUE, {"key": key})

    def remember(self, key: str, value: str) -> None:
        """Remember a value."""
        self._upsert(schema.meta, {"key": key}, {"value": value})

    def forget(self, key: str) -> None:
        """Forget a value."""
        self._connection.execute(sa.delete(schema.meta).where(schema.meta.c.key == key))

    def remembered(self, prefix: str) -> dict[str, str]:
        """Return the values whose keys begin like this, by the rest of the key."""
        table = schema.meta
        rows = self._connection.execute(sa.select(table).where(table.c.key.startswith(prefix, autoescape=True)))
        return {row.key.removeprefix(prefix): row.value for row in rows}

    def record(self, fingerprint: str) -> Record | None:
        """Return the newest episode of an alert."""
        row = self._connection.execute(_RECORD, {"fingerprint": fingerprint}).mappings().first()
        return None if row is None else _record(row)

    def save_record(self, record: Record, incident_id: int | None, *, new: bool = False) -> None:
        """Store an alert as the newest episode of its fingerprint; `new`: none is stored yet."""
        values = {
            "incident_id": incident_id,
            "starts_at": stored(record.starts_at),
            "ends_at": stored(record.ends_at),
            "seen_at": stored(record.seen_at),
            "suppressed": record.suppressed,
            "labels": dict(record.labels),
            "annotations": dict(record.annotations),
        }
        if new or self._connection.execute(_CHANGED_RECORD, {"known": record.fingerprint, **values}).rowcount == 0:
            self._connection.execute(_NEW_RECORD, {"fingerprint": record.fingerprint, **values})

    def update_records(self, fingerprints: Iterable[str], **values: Any) -> None:
        """Change columns of some alerts; moments as aware datetimes."""
        columns = {key: stored(value) for key, value in values.items()}
        for chunk in chunks(sorted(fingerprints)):
            table = schema.alerts
            self._connection.execute(sa.update(table).where(table.c.fingerprint.in_(chunk)).values(**columns))

    def newest_incident(self, subject: str) -> Incident | None:
        """Return the newest incident of a subject, open or closed."""
        return next(iter(self._incidents(_NEWEST, {"subject": subject})), None)

    def open_incidents(self) -> tuple[Incident, ...]:
        """Return all incidents that are not closed, oldest first."""
        table = schema.incidents
        return self._incidents(sa.select(table).where(table.c.phase.in_(_OPEN)).order_by(table.c.id))

    def incidents(self, ids: Iterable[int]) -> tuple[Incident, ...]:
        """Return incidents by id, oldest first."""
        table = schema.incidents
        found: list[Incident] = []
        for chunk in chunks(sorted(set(ids))):
            found += self._incidents(sa.select(table).where(table.c.id.in_(chunk)).order_by(table.c.id))
        return tuple(found)

    def add_incident(self, *, subject: str, level: Level, opened_at: datetime, started_at: datetime) -> int:
        """Open an incident; return its id."""
        values = {
            "subject": subject,
            "phase": Phase.OPEN.value,
            "level": int(level),
            "opened_at": stored(opened_at),
            "started_at": stored(started_at),
            "facts": {},
        }
        result = self._connection.execute(_NEW_INCIDENT, values)
        return int(result.inserted_primary_key[0])  # type: ignore[index] # an insert of one row has one

    def update_incidents(self, ids: Iterable[int], **values: Any) -> None:
        """Change columns of incidents; moments as aware datetimes, enums as they are."""
        columns = {key: stored(value) for key, value in values.items()}
        for chunk in chunks(sorted(ids)):
            table = schema.incidents
            self._connection.execute(sa.update(table).where(table.c.id.in_(chunk)).values(**columns))

    def _incidents(self, query: sa.Select[Any], values: Mapping[str, Any] | None = None) -> tuple[Incident, ...]:
        rows = self._connection.execute(query, values).mappings().all()
        records: dict[int, list[Record]] = {}
        for chunk in chunks([row["id"] for row in rows]):
            for item in self._connection.execute(_RECORDS, {"ids": chunk}).mappings():
                records.setdefault(item["incident_id"], []).append(_record(item))
        return tuple(_incident(row, tuple(records.get(row["id"], ()))) for row in rows)


def _record(row: sa.RowMapping) -> Record:
    return Record(
        fingerprint=row["fingerprint"],
        starts_at=at(row["starts_at"]),
        ends_at=moment(row["ends_at"]),
        seen_at=at(row["seen_at"]),
        labels=row["labels"],
        annotations=row["annotations"],
        suppressed=row["suppressed"],
    )


def _incident(row: sa.RowMapping, records: tuple[Record, ...]) -> Incident:
    return Incident(
        id=row["id"],
        subject=row["subject"],
        phase=Phase(row["phase"]),
        level=Level(row["level"]),
        opened_at=at(row["opened_at"]),
        started_at=at(row["started_at"]),
        ended_at=moment(row["ended_at"]),
        closed_at=moment(row["closed_at"]),
        told_at=moment(row["told_at"]),
        reopenings=row["reopenings"],
        acknowledged_by=row["acknowledged_by"],
        acknowledged_at=moment(row["acknowledged_at"]),
        taken_from=row["taken_from"],
        released_by=row["released_by"],
        facts=from_json(row["facts"]),
        records=records,
    )
