"""What `alertbridge outbox` does to the database of a bridge, running or not."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

from alertbridge.errors import StoreError
from alertbridge.opening import open_store
from alertbridge.store.rows import Row, RowState
from alertbridge.wording import utc_now

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from pathlib import Path

    from alertbridge.settings import Settings
    from alertbridge.store.queries import Queries

T = TypeVar("T")
_MANY = 100_000


def listed(settings: Settings, data_dir: Path) -> list[str]:
    """Return waiting and dead messages, oldest first, a line each.

    Raises:
        StoreError: there is no database, or it cannot be used.
    """
    states = [RowState.PENDING, RowState.SENDING, RowState.DEAD]
    return [_line(row) for row in _with_store(settings, data_dir, lambda q: q.rows(states))]


def retried(settings: Settings, data_dir: Path, ids: Collection[int] | None) -> list[int]:
    """Queue dead messages again; return which. `ids`: None means all of them.

    Raises:
        StoreError: there is no database, or it cannot be used.
    """
    now = utc_now()

    def work(queries: Queries) -> list[int]:
        chosen = [row.id for row in queries.rows([RowState.DEAD], limit=_MANY) if ids is None or row.id in ids]
        queries.update_rows(chosen, state=RowState.PENDING, not_before=now, attempts=0, settled_at=None)
        return chosen

    return _with_store(settings, data_dir, work)


def dropped(settings: Settings, data_dir: Path, ids: Collection[int] | None) -> list[int]:
    """Give messages up for good; return which. `ids`: None means all dead ones; named ones may be waiting too.

    Raises:
        StoreError: there is no database, or it cannot be used.
    """
    now = utc_now()
    states = [RowState.DEAD] if ids is None else [RowState.DEAD, RowState.PENDING]

    def work(queries: Queries) -> list[int]:
        chosen = [row.id for row in queries.rows(states, limit=_MANY) if ids is None or row.id in ids]
        queries.update_rows(chosen, state=RowState.SENT, settled_at=now, detail="dropped by hand")
        return chosen

    return _with_store(settings, data_dir, work)


def _line(row: Row) -> str:
    about = row.notice or f"incident {row.incident_id}"
    trouble = f", {row.failure}: {row.detail}" if row.failure else ""
    when = row.created_at.isoformat(timespec="seconds")
    tries = f"{row.attempts} attempt{'s' if row.attempts != 1 else ''}"
    return f"{row.id}  {row.state.value}  {when}  chat {row.chat}  {row.kind} {about}, {tries}{trouble}"


def _with_store(settings: Settings, data_dir: Path, work: Callable[[Queries], T]) -> T:
    if settings.store_url is None:
        path = settings.store_path or data_dir / "alertbridge.db"
        if not path.is_file():  # opening it would make one: an empty list, and a file nobody wants
            raise StoreError(
                f"{path}: there is no database; give --data.dir (or store.path in the settings) of the bridge"
            )

    async def run() -> T:
        store = open_store(settings, data_dir)
        try:
            await store.open()
            return await store.transact(work)
        finally:
            await store.close()

    return asyncio.run(run())
