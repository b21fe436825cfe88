"""A stop waits for what is out, but not for ever."""

from __future__ import annotations

import asyncio

import pytest

from alertbridge.finishing import finish_first


class Work:
    """Something that takes until `let_go` is set; notes how it ended."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()
        self.let_go = asyncio.Event()
        self.ended = ""

    async def run(self) -> None:
        self.begun.set()
        try:
            await self.let_go.wait()
        except asyncio.CancelledError:
            self.ended = "cancelled"
            raise
        self.ended = "finished"


async def test_a_cancelled_task_lets_its_work_finish() -> None:
    """The answer that is on its way is still noted; then the cancellation goes on."""
    work = Work()
    task = asyncio.create_task(finish_first(work.run(), seconds=5))
    await work.begun.wait()
    task.cancel()
    await asyncio.sleep(0)
    work.let_go.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert work.ended == "finished"


async def test_work_that_does_not_end_is_cancelled_in_time() -> None:
    """A peer that never answers does not hold up a stop."""
    work = Work()
    task = asyncio.create_task(finish_first(work.run(), seconds=0.05))
    await work.begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert work.ended == "cancelled"


async def test_failures_pass_through() -> None:
    """Without a stop it is as if the work had been awaited directly."""

    async def fails() -> None:
        raise ValueError("wrong")

    with pytest.raises(ValueError, match="wrong"):
        await finish_first(fails(), seconds=1)
