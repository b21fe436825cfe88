"""Queries about what people did, and about the silences that are watched."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime  # noqa: TC003 - the dataclass names it
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from alertbridge.store import schema
from alertbridge.store.base import Connected, at, stored

if TYPE_CHECKING:
    from collections.abc import Mapping

_SILENCE = "silence:"
_ANSWER = "answer:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """What somebody did from a chat."""

    at: datetime
    user_id: int
    who: str
    chat_id: int
    what: str
    result: str  # empty: begun, and its end is not known
    update_id: int
    topic: int | None = None


class ActionQueries(Connected):
    """Queries about what people did, and about the silences that are watched."""

    def begin_action(
        self,
        *,
        update_id: int,
        at: datetime,
        user_id: int,
        who: str,
        chat_id: int,
        what: str,
        topic: int | None = None,
    ) -> bool:
        """Note an action before it is done; False when this update was acted on already."""
        table = schema.actions
        if self._connection.scalar(sa.select(table.c.update_id).where(table.c.update_id == update_id)) is not None:
            return False
        self._connection.execute(
            sa.insert(table).values(
                update_id=update_id,
                at=stored(at),
                user_id=user_id,
                who=who,
                chat_id=chat_id,
                what=what,
                result="",
                topic=topic,
            )
        )
        return True

    def end_action(self, update_id: int, result: str, *, answer: str = "") -> None:
        """Note what became of an action, and what its asker is still to be told of it (empty: nothing)."""
        table = schema.actions
        self._connection.execute(sa.update(table).where(table.c.update_id == update_id).values(result=result))
        if answer:
            self._upsert(schema.meta, {"key": f"{_ANSWER}{update_id}"}, {"value": answer})

    def answered(self, update_id: int) -> None:
        """Note that the asker of an action was told."""
        self._connection.execute(sa.delete(schema.meta).where(schema.meta.c.key == f"{_ANSWER}{update_id}"))

    def actions(self, *, limit: int) -> tuple[Action, ...]:
        """Return the newest actions, newest first."""
        table = schema.actions
        query = sa.select(table).order_by(table.c.at.desc(), table.c.update_id.desc()).limit(limit)
        return tuple(_action(row) for row in self._connection.execute(query).mappings())

    def unfinished_actions(self) -> tuple[Action, ...]:
        """Return the actions that were begun and whose end is not known, oldest first."""
        table = schema.actions
        query = sa.select(table).where(table.c.result == "").order_by(table.c.at, table.c.update_id)
        return tuple(_action(row) for row in self._connection.execute(query).mappings())

    def unanswered_actions(self) -> tuple[tuple[Action, str], ...]:
        """Return the actions that ended and whose askers were not told, with the answers, oldest first."""
        meta, table = schema.meta, schema.actions
        key = sa.literal(_ANSWER).concat(sa.cast(table.c.update_id, sa.String))
        query = sa.select(table, meta.c.value.label("answer")).join(meta, meta.c.key == key)
        rows = self._connection.execute(query.order_by(table.c.at, table.c.update_id)).mappings()
        return tuple((_action(row), row["answer"]) for row in rows)

    def watched_silences(self) -> dict[str, dict[str, Any]]:
        """Return what is noted of each silence that is watched, by its id."""
        table = schema.meta
        rows = self._connection.execute(sa.select(table).where(table.c.key.startswith(_SILENCE, autoescape=True)))
        return {row.key.removeprefix(_SILENCE): json.loads(row.value) for row in rows}

    def watch_silence(self, silence_id: str, note: Mapping[str, Any]) -> None:
        """Note a silence, until it is over."""
        self._upsert(schema.meta, {"key": f"{_SILENCE}{silence_id}"}, {"value": json.dumps(note)})

    def forget_silence(self, silence_id: str) -> bool:
        """Forget a silence; False when it was not watched."""
        table = schema.meta
        result = self._connection.execute(sa.delete(table).where(table.c.key == f"{_SILENCE}{silence_id}"))
        return result.rowcount > 0


def _action(row: sa.RowMapping) -> Action:
    return Action(
        at=at(row["at"]),
        user_id=row["user_id"],
        who=row["who"],
        chat_id=row["chat_id"],
        what=row["what"],
        result=row["result"],
        update_id=row["update_id"],
        topic=row["topic"],
    )
