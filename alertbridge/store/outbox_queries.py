"""Queries about what is to be sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from alertbridge.incidents import Tell
from alertbridge.store import schema
from alertbridge.store.base import WAITING, Connected, at, chunks, moment, stored
from alertbridge.store.rows import BACKLOG, Row, RowState

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime


_NEW_ROW = sa.insert(schema.outbox)


class OutboxQueries(Connected):
    """Queries about what is to be sent."""

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
        message: int | None = None,
    ) -> None:
        """Add a row. A second edit of the same message is not added: the first, still unsent, will show the newest."""
        table = schema.outbox
        if kind == Tell.UPDATE:
            same = table.c.message == message if message is not None else table.c.incident_id == incident_id
            waiting = self._connection.scalar(
                sa.select(table.c.id).where(
                    same,
                    table.c.chat == chat,
                    table.c.kind == kind,
                    table.c.state == RowState.PENDING.value,
                    table.c.message.is_not(None) if message is not None else table.c.message.is_(None),
                )
            )
            if waiting is not None:
                return
        row = {
            "chat": chat,
            "kind": str(kind),
            "incident_id": incident_id,
            "notice": notice,
            "values": dict(values or {}),
            "state": RowState.PENDING.value,
            "held": held_until is not None,
            "created_at": stored(held_until or now),  # the age of a row counts from when it may be sent
            "not_before": stored(held_until or now),
            "message": message,
        }
        self._connection.execute(_NEW_ROW, row)

    def due(self, chat: str, now: datetime, *, limit: int = 5000) -> tuple[Row, ...]:
        """Return what is to be sent to a chat now, in order; first the word about all the others, if there is one."""
        table = schema.outbox
        query = (
            sa.select(table)
            .where(table.c.chat == chat, table.c.state.in_(WAITING), table.c.not_before <= stored(now))
            .order_by(table.c.notice != BACKLOG, table.c.id)
            .limit(limit)
        )
        return tuple(_row(row) for row in self._connection.execute(query).mappings())

    def next_due(self, chat: str) -> datetime | None:
        """Return when the next row of a chat becomes due; None: nothing waits."""
        table = schema.outbox
        return moment(
            self._connection.scalar(
                sa.select(sa.func.min(table.c.not_before)).where(table.c.chat == chat, table.c.state.in_(WAITING))
            )
        )

    def told_since(self, chat: str, since: datetime) -> dict[str, list[datetime]]:
        """Return by kind when rows were told to a chat since a moment, oldest first."""
        table = schema.outbox
        query = (
            sa.select(table.c.kind, table.c.settled_at)
            .where(
                table.c.chat == chat,
                table.c.state == RowState.SENT.value,
                table.c.settled_at > stored(since),
                table.c.detail == "",  # others were dropped: nobody was told
            )
            .order_by(table.c.settled_at)
        )
        found: dict[str, list[datetime]] = {}
        for kind, settled_at in self._connection.execute(query):
            told = moment(settled_at)
            if told is not None:
                found.setdefault(kind, []).append(told)
        return found

    def update_rows(self, ids: Iterable[int], **values: Any) -> None:
        """Change columns of outbox rows; moments as aware datetimes, enums as they are."""
        columns = {key: stored(value) for key, value in values.items()}
        for chunk in chunks(sorted(ids)):
            table = schema.outbox
            self._connection.execute(sa.update(table).where(table.c.id.in_(chunk)).values(**columns))

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
            table.c.state.in_(WAITING), table.c.created_at <= stored(now)
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
        return frozenset(self._connection.scalars(sa.select(table.c.chat).where(table.c.state.in_(WAITING)).distinct()))


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
        created_at=at(row["created_at"]),
        not_before=at(row["not_before"]),
        attempts=row["attempts"],
        failure=row["failure"],
        detail=row["detail"],
        message=row["message"],
    )
