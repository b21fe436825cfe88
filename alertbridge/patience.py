"""Reads or writes the store, and tries again while it cannot: for what must be noted before anything else is sent.

A full disk fails everybody's every try, for hours: that is logged once a minute, not by each of them each second.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, TypeVar

from alertbridge.errors import StoreError
from httpservice.logs import get_logger

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from alertbridge.store import Transactions
    from alertbridge.store.queries import Queries

log = get_logger(__name__)

T = TypeVar("T")
PAUSE_SECONDS = 1.0
_LOGGED_REASONS = 100
_LOG_EVERY_SECONDS = 60.0
_logged: dict[str, float] = {}  # reason -> when it was last logged; the log is the process's, whoever tried


def store_failed(error: StoreError) -> None:
    """Log why the store cannot be used, each reason once a minute."""
    reason, now = str(error), time.monotonic()
    if now - _logged.get(reason, -_LOG_EVERY_SECONDS) < _LOG_EVERY_SECONDS:
        return
    if len(_logged) >= _LOGGED_REASONS:
        _logged.clear()
    _logged[reason] = now
    log.error("store failed", reason=reason)


async def attempted(look: Callable[[], Awaitable[T]], part: str) -> T | None:
    """Return what a look returns, or None where it failed: whoever looks every few seconds looks again.

    No mistake of one part may end the bridge, and with it what the other parts deliver.
    """
    try:
        return await look()
    except StoreError as error:
        store_failed(error)
    except Exception:
        log.exception("look failed", part=part)
    return None


async def patiently(store: Transactions, work: Callable[[Queries], T]) -> T:
    """Return what the work returns once it is committed, however long that takes."""
    while True:
        try:
            return await store.transact(work)
        except StoreError as error:
            store_failed(error)
            await asyncio.sleep(PAUSE_SECONDS)
