"""Queries about what chats show, and where chats moved."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from alertbridge.store import schema
from alertbridge.store.base import Connected, at, chunks, moment, stored
from alertbridge.store.rows import MessageKind, Shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime


class MessageQueries(Connected):
    """Queries about what chats show, and where chats moved."""

    def shown_for(self, chat: str, incident_ids: Iterable[int]) -> dict[int, Shown]:
        """Return the newest message of a chat for each incident that has one."""
        return {incident: every[-1] for incident, every in self.every_shown_for(chat, incident_ids).items()}

    def every_shown_for(self, chat: str, incident_ids: Iterable[int]) -> dict[int, tuple[Shown, ...]]:
        """Return all messages of a chat for each incident that has some, oldest first."""
        found: dict[int, tuple[Shown, ...]] = {}
        for chunk in chunks(sorted(set(incident_ids))):
            query = (
                sa.select(schema.messages, schema.shown.c.incident_id)
                .join(schema.shown, schema.shown.c.message_id == schema.messages.c.id)
                .where(schema.messages.c.chat == chat, schema.shown.c.incident_id.in_(chunk))
                .order_by(schema.messages.c.id)
            )
            for row in self._connection.execute(query).mappings():
                found[row["incident_id"]] = (*found.get(row["incident_id"], ()), _shown(row))
        return found

    def messages(self, ids: Iterable[int]) -> dict[int, Shown]:
        """Return messages by our id; those that are gone are missing."""
        found: dict[int, Shown] = {}
        for chunk in chunks(sorted(set(ids))):
            query = sa.select(schema.messages).where(schema.messages.c.id.in_(chunk))
            found |= {row["id"]: _shown(row) for row in self._connection.execute(query).mappings()}
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
                sent_at=stored(now),
                edited_at=stored(now),
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
        self._connection.execute(sa.update(table).where(table.c.id == message).values(edited_at=stored(now)))

    def note_ended(self, message: int, now: datetime | None) -> None:
        """Note that a digest's "all is over" was told; None: something of it is open again."""
        table = schema.messages
        self._connection.execute(sa.update(table).where(table.c.id == message).values(ended_at=stored(now)))

    def remove_message(self, message: int) -> None:
        """Forget a message that is no longer there."""
        self._connection.execute(sa.delete(schema.shown).where(schema.shown.c.message_id == message))
        self._connection.execute(sa.delete(schema.messages).where(schema.messages.c.id == message))

    def messagesat(self, chat_id: int, message_id: int) -> Shown | None:
        """Return our note of a message by Telegram's ids."""
        table = schema.messages
        query = sa.select(table).where(table.c.chat_id == chat_id, table.c.message_id == message_id)
        row = self._connection.execute(query).mappings().first()
        return None if row is None else _shown(row)

    def moved_chats(self) -> dict[int, int]:
        """Return old -> newest id of every chat that moved, chains followed."""
        table = schema.moved_chats
        moved = {row.old_id: row.new_id for row in self._connection.execute(sa.select(table))}
        return {old: _follow(moved, old) for old in moved}

    def note_move(self, old_id: int, new_id: int, now: datetime) -> None:
        """Remember that a group became a supergroup; its old messages are void."""
        self._upsert(schema.moved_chats, {"old_id": old_id}, {"new_id": new_id, "moved_at": stored(now)})
        void = list(
            self._connection.scalars(sa.select(schema.messages.c.id).where(schema.messages.c.chat_id == old_id))
        )
        for chunk in chunks(void):
            self._connection.execute(sa.delete(schema.shown).where(schema.shown.c.message_id.in_(chunk)))
            self._connection.execute(sa.delete(schema.messages).where(schema.messages.c.id.in_(chunk)))


def _follow(moved: Mapping[int, int], old: int) -> int:
    seen = {old}
    new = moved[old]
    while new in moved and new not in seen:
        seen.add(new)
        new = moved[new]
    return new


def _shown(row: sa.RowMapping) -> Shown:
    return Shown(
        id=row["id"],
        chat=row["chat"],
        chat_id=row["chat_id"],
        message_id=row["message_id"],
        kind=MessageKind(row["kind"]),
        sent_at=at(row["sent_at"]),
        edited_at=at(row["edited_at"]),
        quiet=row["quiet"],
        ended_at=moment(row["ended_at"]),
    )
