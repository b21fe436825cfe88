"""Reads or writes the store, and tries again while it cannot: for what must be noted before anything else is sent."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

from alertbridge.errors import StoreError
from httpservice.logs import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable

    from alertbridge.store import Transactions
    from alertbridge.store.queries import Queries

log = get_logger(__name__)

T = TypeVar("T")
PAUSE_SECONDS = 1.0


async def patiently(store: Transactions, work: Callable[[Queries], T]) -> T:
    """Return what the work returns once it is committed, however long that takes."""
    while True:
        try:
            return await store.transact(work)
        except StoreError as error:
            log.error("store failed", reason=str(error))  # noqa: TRY400 - the reason says all, a trace no more
            await asyncio.sleep(PAUSE_SECONDS)
