"""Lets work that has begun end before a cancelled task stops: a request that is out has an answer to note."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Coroutine


async def finish_first(work: Coroutine[Any, Any, None], *, seconds: float) -> None:
    """Await some work; when cancelled meanwhile, give it some time to finish before the cancellation goes on.

    Without this a bridge that is stopped between Telegram's answer and our note of it sends the message again.

    Args:
        work: what must not be left half done.
        seconds: how long a cancellation waits for it; then it is cancelled too.
    """
    task = asyncio.ensure_future(work)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        if not task.done():
            await asyncio.wait({task}, timeout=seconds)
        if not task.done():
            task.cancel()
            await asyncio.wait({task})
        if not task.cancelled():
            task.exception()  # looked at, so that asyncio does not complain: the caller stops either way
        raise
