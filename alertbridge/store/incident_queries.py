"""Queries about incidents and alerts, and the values that are remembered by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from alertbridge.facts import from_json
from alertbridge.incidents import Incident, Level, Phase, Record
from alertbridge.store import schema
from alertbridge.store.base import Connected, at, chunks, moment, stored

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime


_OPEN = (Phase.OPEN.value, Phase.CONFIRMING.value, Phase.NO_DATA.value)


class IncidentQueries(Connected):
    """Queries about incidents and alerts, and the values that are remembered by name."""

    def value(self, key: str) -> str | None:
        """Return a remembered value."""
        return self._connection.scalar(sa.select(schema.meta.c.value).where(schema.meta.c.key == key))

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
        table = schema.alerts
        row = self._connection.execute(sa.select(table).where(table.c.fingerprint == fingerprint)).mappings().first()
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
        if new:
            self._connection.execute(sa.insert(schema.alerts).values(fingerprint=record.fingerprint, **values))
        else:
            self._upsert(schema.alerts, {"fingerprint": record.fingerprint}, values)

    def update_records(self, fingerprints: Iterable[str], **values: Any) -> None:
        """Change columns of some alerts; moments as aware datetimes."""
        columns = {key: stored(value) for key, value in values.items()}
        for chunk in chunks(sorted(fingerprints)):
            table = schema.alerts
            self._connection.execute(sa.update(table).where(table.c.fingerprint.in_(chunk)).values(**columns))

    def newest_incident(self, subject: str) -> Incident | None:
        """Return the newest incident of a subject, open or closed."""
        table = schema.incidents
        query = sa.select(table).where(table.c.subject == subject).order_by(table.c.id.desc()).limit(1)
        return next(iter(self._incidents(query)), None)

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
        result = self._connection.execute(
            sa.insert(schema.incidents).values(
                subject=subject,
                phase=Phase.OPEN.value,
                level=int(level),
                opened_at=stored(opened_at),
                started_at=stored(started_at),
                facts={},
            )
        )
        return int(result.inserted_primary_key[0])  # type: ignore[index] # an insert of one row has one

    def update_incidents(self, ids: Iterable[int], **values: Any) -> None:
        """Change columns of incidents; moments as aware datetimes, enums as they are."""
        columns = {key: stored(value) for key, value in values.items()}
        for chunk in chunks(sorted(ids)):
            table = schema.incidents
            self._connection.execute(sa.update(table).where(table.c.id.in_(chunk)).values(**columns))

    def _incidents(self, query: sa.Select[Any]) -> tuple[Incident, ...]:
        rows = self._connection.execute(query).mappings().all()
        records: dict[int, list[Record]] = {}
        for chunk in chunks([row["id"] for row in rows]):
            table = schema.alerts
            for item in self._connection.execute(
                sa.select(table).where(table.c.incident_id.in_(chunk)).order_by(table.c.fingerprint)
            ).mappings():
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
