"""What every group of queries needs: the connection, moments as they are stored, long lists in pieces."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import Enum
from typing import TYPE_CHECKING, Any, TypeVar

import sqlalchemy as sa

from alertbridge.facts import Facts
from alertbridge.store.rows import RowState

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

T = TypeVar("T")
WAITING = (RowState.PENDING.value, RowState.SENDING.value)
_CHUNK = 500  # values of one IN list; SQLite's limit was 999 for long


class Connected:
    """Queries on one connection inside one transaction; never kept."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def clock(self) -> float:
        """Return the database's own time, seconds since the epoch: the same for all that share it (PostgreSQL only)."""
        return float(self._connection.scalar(sa.text("SELECT extract(epoch FROM clock_timestamp())")) or 0.0)

    def _upsert(self, table: sa.Table, key: dict[str, Any], values: dict[str, Any]) -> None:
        """Change the row with this key, or add it; safe because transactions do not overlap."""
        match = sa.and_(*(table.c[name] == value for name, value in key.items()))
        if self._connection.execute(sa.update(table).where(match).values(**values)).rowcount == 0:
            self._connection.execute(sa.insert(table).values(**key, **values))


def stored(value: Any) -> Any:
    """Return a value as a column holds it: moments as seconds, enums as their value, facts as JSON."""
    if isinstance(value, datetime):
        return value.timestamp()
    if isinstance(value, Enum):
        return value.value
    return value.to_json() if isinstance(value, Facts) else value


def moment(seconds: float | None) -> datetime | None:
    """Return a stored moment as aware UTC."""
    return None if seconds is None else at(seconds)


def at(seconds: float) -> datetime:
    """Return a stored moment that is always there."""
    return datetime.fromtimestamp(seconds, tz=UTC)


def chunks(items: Sequence[T]) -> Iterable[Sequence[T]]:
    """Return a list in pieces that fit into one IN (...)."""
    return (items[start : start + _CHUNK] for start in range(0, len(items), _CHUNK))
