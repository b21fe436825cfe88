"""Every query of the bridge, on one connection inside one transaction. The only reader and writer of the tables."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

import sqlalchemy as sa

from alertbridge.facts import Facts, from_json
from alertbridge.incidents import Incident, Level, Phase, Record, Tell
from alertbridge.store import schema
from alertbridge.store.rows import MessageKind, Row, RowState, Shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

T = TypeVar("T")
_OPEN = (Phase.OPEN.value, Phase.CONFIRMING.value, Phase.NO_DATA.value)
_WAITING = (RowState.PENDING.value, RowState.SENDING.value)
_CHUNK = 500  # values of one IN list; SQLite's limit was 999 for long


def seconds(moment: datetime | None) -> float | None:
    """Return a moment as it is stored."""
    return None if moment is None else moment.timestamp()


def moment(stored: float | None) -> datetime | None:
    """Return a stored moment as aware UTC."""
    return None if stored is None else datetime.fromtimestamp(stored, tz=UTC)


def _at(stored: float) -> datetime:
    return datetime.fromtimestamp(stored, tz=UTC)


class Queries:
    """All reads and writes. Made by the store for one transaction; never kept."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    # ---- meta ----------------------------------------------------------------------------------------------------

    def value(self, key: str) -> str | None:
        """Return a remembered value."""
        return self._connection.scalar(sa.select(schema.meta.c.value).where(schema.meta.c.key == key))

    def remember(self, key: str, value: str) -> None:
        """Remember a value."""
        self._upsert(schema.meta, {"key": key}, {"value": value})

    def forget(self, key: str) -> None:
        """Forget a value."""
        self._connection.execute(sa.delete(schema.meta).where(schema.meta.c.key == key))

    # ---- incidents and alerts --------------------------------------------------------------------------------------

    def record(self, fingerprint: str) -> Record | None:
        """Return the newest episode of an alert."""
        table = schema.alerts
        row = self._connection.execute(sa.select(table).where(table.c.fingerprint == fingerprint)).mappings().first()
        return None if row is None else _record(row)

    def save_record(self, record: Record, incident_id: int | None, *, new: bool = False) -> None:
        """Store an alert as the newest episode of its fingerprint; `new`: none is stored yet."""
        values = {
            "incident_id": incident_id,
            "starts_at": seconds(record.starts_at),
            "ends_at": seconds(record.ends_at),
            "seen_at": seconds(record.seen_at),
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
        stored = {key: seconds(v) if isinstance(v, datetime) else v for key, v in values.items()}
        for chunk in _chunks(sorted(fingerprints)):
            table = schema.alerts
            self._connection.execute(sa.update(table).where(table.c.fingerprint.in_(chunk)).values(**stored))

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
        for chunk in _chunks(sorted(set(ids))):
            found += self._incidents(sa.select(table).where(table.c.id.in_(chunk)).order_by(table.c.id))
        return tuple(found)

    def add_incident(self, *, subject: str, level: Level, opened_at: datetime, started_at: datetime) -> int:
        """Open an incident; return its id."""
        result = self._connection.execute(
            sa.insert(schema.incidents).values(
                subject=subject,
                phase=Phase.OPEN.value,
                level=int(level),
                opened_at=seconds(opened_at),
                started_at=seconds(started_at),
                facts={},
            )
        )
        return int(result.inserted_primary_key[0])  # type: ignore[index] # an insert of one row has one

    def update_incidents(self, ids: Iterable[int], **values: Any) -> None:
        """Change columns of incidents; moments as aware datetimes, enums as they are."""
        stored = {
            key: seconds(v)
            if isinstance(v, datetime)
            else v.value
            if isinstance(v, Phase | Level)
            else v.to_json()
            if isinstance(v, Facts)
            else v
            for key, v in values.items()
        }
        for chunk in _chunks(sorted(ids)):
            table = schema.incidents
            self._connection.execute(sa.update(table).where(table.c.id.in_(chunk)).values(**stored))

    def _incidents(self, query: sa.Select[Any]) -> tuple[Incident, ...]:
        rows = self._connection.execute(query).mappings().all()
        records: dict[int, list[Record]] = {}
        for chunk in _chunks([row["id"] for row in rows]):
            table = schema.alerts
            for item in self._connection.execute(
                sa.select(table).where(table.c.incident_id.in_(chunk)).order_by(table.c.fingerprint)
            ).mappings():
                records.setdefault(item["incident_id"], []).append(_record(item))
        return tuple(_incident(row, tuple(records.get(row["id"], ()))) for row in rows)

    # ---- outbox ----------------------------------------------------------------------------------------------------

    def enqueue(
        self,
        *,
        chat: str,
        kind: str,
        now: datetime,
        incident_id: int | None = None,
        notice: str = "",
        values: Mapping[str, str] | None = None,
        held_until: datetime | None = None,
    ) -> None:
        """Add a row. A second edit of the same incident is not added: the first, still unsent, will show the newest."""
        table = schema.outbox
        if kind == Tell.UPDATE:
            waiting = self._connection.scalar(
                sa.select(table.c.id).where(
                    table.c.chat == chat,
                    table.c.incident_id == incident_id,
                    table.c.kind == kind,
                    table.c.state == RowState.PENDING.value,
                )
            )
            if waiting is not None:
                return
        self._connection.execute(
            sa.insert(table).values(
                chat=chat,
                kind=str(kind),
                incident_id=incident_id,
                notice=notice,
                values=dict(values or {}),
                state=RowState.PENDING.value,
                held=held_until is not None,
                created_at=seconds(held_until or now),  # the age of a row counts from when it may be sent
                not_before=seconds(held_until or now),
            )
        )

    def due(self, chat: str, now: datetime, *, limit: int = 5000) -> tuple[Row, ...]:
        """Return what is to be sent to a chat now, in order."""
        table = schema.outbox
        query = (
            sa.select(table)
            .where(table.c.chat == chat, table.c.state.in_(_WAITING), table.c.not_before <= seconds(now))
            .order_by(table.c.id)
            .limit(limit)
        )
        return tuple(_row(row) for row in self._connection.execute(query).mappings())

    def next_due(self, chat: str) -> datetime | None:
        """Return when the next row of a chat becomes due; None: nothing waits."""
        table = schema.outbox
        return moment(
            self._connection.scalar(
                sa.select(sa.func.min(table.c.not_before)).where(table.c.chat == chat, table.c.state.in_(_WAITING))
            )
        )

    def update_rows(self, ids: Iterable[int], **values: Any) -> None:
        """Change columns of outbox rows; moments as aware datetimes, enums as they are."""
        stored = {
            key: seconds(v) if isinstance(v, datetime) else v.value if isinstance(v, RowState) else v
            for key, v in values.items()
        }
        for chunk in _chunks(sorted(ids)):
            table = schema.outbox
            self._connection.execute(sa.update(table).where(table.c.id.in_(chunk)).values(**stored))

    def rows(self, states: Sequence[RowState], *, limit: int = 1000) -> tuple[Row, ...]:
        """Return rows by state, oldest first."""
        table = schema.outbox
        query = sa.select(table).where(table.c.state.in_([s.value for s in states])).order_by(table.c.id).limit(limit)
        return tuple(_row(row) for row in self._connection.execute(query).mappings())

    def row_counts(self) -> dict[RowState, int]:
        """Return how many rows stand where."""
        table = schema.outbox
        query = sa.select(table.c.state, sa.func.count()).group_by(table.c.state)
        return {RowState(state): int(count) for state, count in self._connection.execute(query)}

    def oldest_pending(self, now: datetime) -> datetime | None:
        """Return when the oldest row became due that is not sent yet; rows that wait for the morning are not due."""
        table = schema.outbox
        query = sa.select(sa.func.min(table.c.created_at)).where(
            table.c.state.in_(_WAITING), table.c.created_at <= seconds(now)
        )
        return moment(self._connection.scalar(query))

    def chats_of(self, incident_id: int) -> tuple[str, ...]:
        """Return the names of the chats that were or will be told of an incident."""
        rows, shown, messages = schema.outbox, schema.shown, schema.messages
        told = sa.select(rows.c.chat).where(rows.c.incident_id == incident_id)
        showing = (
            sa.select(messages.c.chat)
            .join(shown, shown.c.message_id == messages.c.id)
            .where(shown.c.incident_id == incident_id)
        )
        return tuple(sorted(set(self._connection.scalars(told)) | set(self._connection.scalars(showing))))

    def chats_with_rows(self) -> frozenset[str]:
        """Return the names of chats for which something waits."""
        table = schema.outbox
        return frozenset(
            self._connection.scalars(sa.select(table.c.chat).where(table.c.state.in_(_WAITING)).distinct())
        )

    # ---- what chats show ---------------------------------------------------------------------------------------------

    def shown_for(self, chat: str, incident_ids: Iterable[int]) -> dict[int, Shown]:
        """Return the newest message of a chat for each incident that has one."""
        found: dict[int, Shown] = {}
        for chunk in _chunks(sorted(set(incident_ids))):
            query = (
                sa.select(schema.messages, schema.shown.c.incident_id)
                .join(schema.shown, schema.shown.c.message_id == schema.messages.c.id)
                .where(schema.messages.c.chat == chat, schema.shown.c.incident_id.in_(chunk))
                .order_by(schema.messages.c.id)
            )
            for row in self._connection.execute(query).mappings():
                found[row["incident_id"]] = _shown(row)
        return found

    def messages_of(self, incident_id: int) -> tuple[Shown, ...]:
        """Return every message that shows an incident, in any chat."""
        query = (
            sa.select(schema.messages)
            .join(schema.shown, schema.shown.c.message_id == schema.messages.c.id)
            .where(schema.shown.c.incident_id == incident_id)
            .order_by(schema.messages.c.id)
        )
        return tuple(_shown(row) for row in self._connection.execute(query).mappings())

    def members(self, message: int) -> tuple[int, ...]:
        """Return the incidents that a message shows, by our id of the message."""
        table = schema.shown
        query = sa.select(table.c.incident_id).where(table.c.message_id == message).order_by(table.c.incident_id)
        return tuple(self._connection.scalars(query))

    def newest_digest(self, chat: str) -> Shown | None:
        """Return the newest digest of a chat."""
        table = schema.messages
        query = (
            sa.select(table)
            .where(table.c.chat == chat, table.c.kind == MessageKind.DIGEST.value)
            .order_by(table.c.id.desc())
            .limit(1)
        )
        row = self._connection.execute(query).mappings().first()
        return None if row is None else _shown(row)

    def add_message(
        self, *, chat: str, chat_id: int, message_id: int, kind: MessageKind, now: datetime, quiet: bool
    ) -> int:
        """Note a message that Telegram took; return our id of it."""
        result = self._connection.execute(
            sa.insert(schema.messages).values(
                chat=chat,
                chat_id=chat_id,
                message_id=message_id,
                kind=kind.value,
                sent_at=seconds(now),
                edited_at=seconds(now),
                quiet=quiet,
            )
        )
        return int(result.inserted_primary_key[0])  # type: ignore[index] # an insert of one row has one

    def add_members(self, message: int, incident_ids: Iterable[int]) -> None:
        """Note that a message shows these incidents."""
        known = set(self.members(message))
        rows = [{"message_id": message, "incident_id": i} for i in sorted(set(incident_ids) - known)]
        if rows:
            self._connection.execute(sa.insert(schema.shown), rows)

    def note_edit(self, message: int, now: datetime) -> None:
        """Note that a message was edited."""
        table = schema.messages
        self._connection.execute(sa.update(table).where(table.c.id == message).values(edited_at=seconds(now)))

    def remove_message(self, message: int) -> None:
        """Forget a message that is no longer there."""
        self._connection.execute(sa.delete(schema.shown).where(schema.shown.c.message_id == message))
        self._connection.execute(sa.delete(schema.messages).where(schema.messages.c.id == message))

    def messages_at(self, chat_id: int, message_id: int) -> Shown | None:
        """Return our note of a message by Telegram's ids."""
        table = schema.messages
        query = sa.select(table).where(table.c.chat_id == chat_id, table.c.message_id == message_id)
        row = self._connection.execute(query).mappings().first()
        return None if row is None else _shown(row)

    # ---- chats, actions, age -----------------------------------------------------------------------------------------

    def moved_chats(self) -> dict[int, int]:
        """Return old -> newest id of every chat that moved, chains followed."""
        table = schema.moved_chats
        moved = {row.old_id: row.new_id for row in self._connection.execute(sa.select(table))}
        return {old: _follow(moved, old) for old in moved}

    def note_move(self, old_id: int, new_id: int, now: datetime) -> None:
        """Remember that a group became a supergroup; its old messages are void."""
        self._upsert(schema.moved_chats, {"old_id": old_id}, {"new_id": new_id, "moved_at": seconds(now)})
        void = list(
            self._connection.scalars(sa.select(schema.messages.c.id).where(schema.messages.c.chat_id == old_id))
        )
        for chunk in _chunks(void):
            self._connection.execute(sa.delete(schema.shown).where(schema.shown.c.message_id.in_(chunk)))
            self._connection.execute(sa.delete(schema.messages).where(schema.messages.c.id.in_(chunk)))

    def begin_action(self, *, update_id: int, at: datetime, user_id: int, who: str, chat_id: int, what: str) -> bool:
        """Note an action before it is done; False when this update was acted on already."""
        table = schema.actions
        if self._connection.scalar(sa.select(table.c.update_id).where(table.c.update_id == update_id)) is not None:
            return False
        self._connection.execute(
            sa.insert(table).values(
                update_id=update_id, at=seconds(at), user_id=user_id, who=who, chat_id=chat_id, what=what, result=""
            )
        )
        return True

    def end_action(self, update_id: int, result: str) -> None:
        """Note what became of an action."""
        table = schema.actions
        self._connection.execute(sa.update(table).where(table.c.update_id == update_id).values(result=result))

    def prune(self, now: datetime) -> None:
        """Forget what is of no use any more: settled rows, old incidents, their messages and alerts."""
        week, month = seconds(now - timedelta(days=7)), seconds(now - timedelta(days=30))
        tables = schema
        self._connection.execute(
            sa.delete(tables.outbox).where(
                tables.outbox.c.state == RowState.SENT.value, tables.outbox.c.settled_at < week
            )
        )
        old = sa.select(tables.incidents.c.id).where(tables.incidents.c.closed_at < month)
        self._connection.execute(sa.delete(tables.shown).where(tables.shown.c.incident_id.in_(old)))
        self._connection.execute(sa.delete(tables.incidents).where(tables.incidents.c.closed_at < month))
        self._connection.execute(sa.delete(tables.alerts).where(tables.alerts.c.ends_at < month))
        alive = sa.select(tables.shown.c.message_id)
        self._connection.execute(
            sa.delete(tables.messages).where(tables.messages.c.sent_at < month, tables.messages.c.id.not_in(alive))
        )
        self._connection.execute(
            sa.delete(tables.actions).where(tables.actions.c.at < seconds(now - timedelta(days=400)))
        )

    def _upsert(self, table: sa.Table, key: dict[str, Any], values: dict[str, Any]) -> None:
        """Change the row with this key, or add it; with one writer that is safe on every database."""
        match = sa.and_(*(table.c[name] == value for name, value in key.items()))
        if self._connection.execute(sa.update(table).where(match).values(**values)).rowcount == 0:
            self._connection.execute(sa.insert(table).values(**key, **values))


def _follow(moved: Mapping[int, int], old: int) -> int:
    seen = {old}
    new = moved[old]
    while new in moved and new not in seen:
        seen.add(new)
        new = moved[new]
    return new


def _chunks(items: Sequence[T]) -> Iterable[Sequence[T]]:
    return (items[start : start + _CHUNK] for start in range(0, len(items), _CHUNK))


def _record(row: sa.RowMapping) -> Record:
    return Record(
        fingerprint=row["fingerprint"],
        starts_at=_at(row["starts_at"]),
        ends_at=moment(row["ends_at"]),
        seen_at=_at(row["seen_at"]),
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
        opened_at=_at(row["opened_at"]),
        started_at=_at(row["started_at"]),
        ended_at=moment(row["ended_at"]),
        closed_at=moment(row["closed_at"]),
        told_at=moment(row["told_at"]),
        reopenings=row["reopenings"],
        acknowledged_by=row["acknowledged_by"],
        acknowledged_at=moment(row["acknowledged_at"]),
        facts=from_json(row["facts"]),
        records=records,
    )


def _row(row: sa.RowMapping) -> Row:
    return Row(
        id=row["id"],
        chat=row["chat"],
        kind=row["kind"],
        incident_id=row["incident_id"],
        notice=row["notice"],
        values=row["values"],
        state=RowState(row["state"]),
        held=row["held"],
        created_at=_at(row["created_at"]),
        not_before=_at(row["not_before"]),
        attempts=row["attempts"],
        failure=row["failure"],
        detail=row["detail"],
    )


def _shown(row: sa.RowMapping) -> Shown:
    return Shown(
        id=row["id"],
        chat=row["chat"],
        chat_id=row["chat_id"],
        message_id=row["message_id"],
        kind=MessageKind(row["kind"]),
        sent_at=_at(row["sent_at"]),
        edited_at=_at(row["edited_at"]),
        quiet=row["quiet"],
    )
