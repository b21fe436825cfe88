"""The file's changes are noticed, whoever makes them and however."""

from __future__ import annotations

import asyncio
import os
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from httpservice.filewatch import FileWatch, watch_file

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path


class Watched:
    """A watch that runs beside the test; `told` counts the changes."""

    def __init__(self) -> None:
        self.told = 0
        self._news = asyncio.Condition()

    async def tell(self) -> None:
        async with self._news:
            self.told += 1
            self._news.notify_all()

    async def tells(self, number: int) -> bool:
        """Wait until so many changes were told; False after 15 seconds."""
        try:
            async with asyncio.timeout(15), self._news:
                await self._news.wait_for(lambda: self.told >= number)
        except TimeoutError:
            return False
        return self.told == number


@asynccontextmanager
async def watching(path: Path, *, still_seconds: float = 0.02) -> AsyncIterator[Watched]:
    changes = watch_file(path, interval_seconds=0.02, still_seconds=still_seconds)
    async with following(changes) as watched:
        yield watched


@asynccontextmanager
async def following(changes: AsyncIterator[None]) -> AsyncIterator[Watched]:
    watched = Watched()

    async def follow() -> None:
        async for _ in changes:
            await watched.tell()

    task = asyncio.create_task(follow())
    try:
        yield watched
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def rewrite(path: Path) -> None:
    path.write_text("two", encoding="utf-8")


def rename_over(path: Path) -> None:
    other = path.with_name("other")
    other.write_text("two", encoding="utf-8")
    other.replace(path)


def same_size_and_time(path: Path) -> None:
    """What cp -p of a backup does."""
    status = path.stat()
    path.write_text("ONE", encoding="utf-8")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def turn_link(path: Path) -> None:
    """What Kubernetes does with a ConfigMap."""
    target = path.with_name("next")
    target.write_text("two", encoding="utf-8")
    link = path.with_name("link")
    link.symlink_to(target)
    link.replace(path)


@pytest.mark.parametrize("change", [rewrite, rename_over, same_size_and_time, turn_link])
async def test_a_change_is_told_once(tmp_path: Path, change: Callable[[Path], None]) -> None:
    path = tmp_path / "targets.yml"
    path.write_text("one", encoding="utf-8")
    async with watching(path) as watched:
        change(path)
        assert await watched.tells(1)
        path.write_text("three", encoding="utf-8")
        assert await watched.tells(2)


async def test_a_touch_without_new_content_is_not_told(tmp_path: Path) -> None:
    """The change after it is the first one told, so the touch was not."""
    path = tmp_path / "targets.yml"
    path.write_text("one", encoding="utf-8")
    async with watching(path) as watched:
        for _ in range(5):
            path.touch()
            await asyncio.sleep(0.03)  # several looks at each touch
        assert watched.told == 0
        rewrite(path)
        assert await watched.tells(1)


async def test_a_file_that_stays_away_is_told_and_so_is_its_return(tmp_path: Path) -> None:
    """Else a person would go on editing a file that is not heard."""
    path = tmp_path / "targets.yml"
    path.write_text("one", encoding="utf-8")
    async with watching(path) as watched:
        path.unlink()
        assert await watched.tells(1)
        path.write_text("one", encoding="utf-8")
        assert await watched.tells(2)
        rewrite(path)
        assert await watched.tells(3)


async def test_a_file_that_is_being_written_is_told_once_it_is_still(tmp_path: Path) -> None:
    """Pieces come every 20 ms, or later on a busy machine; nothing is told before they end, then once."""
    path = tmp_path / "targets.yml"
    path.write_text("one", encoding="utf-8")
    async with watching(path, still_seconds=1.5) as watched:
        with path.open("a", encoding="utf-8") as file:
            for _ in range(20):
                file.write("more")
                file.flush()
                await asyncio.sleep(0.02)
                assert watched.told == 0
        assert await watched.tells(1)


async def test_of_several_files_each_is_told_and_those_changed_together_once(tmp_path: Path) -> None:
    """The settings and the secrets that they name."""
    first, second = tmp_path / "alertbridge.yml", tmp_path / "token"
    for path in (first, second):
        path.write_text("one", encoding="utf-8")
    async with following(FileWatch((first, second), interval_seconds=0.02, still_seconds=0.5).changes()) as watched:
        rewrite(second)
        assert await watched.tells(1)
        rewrite(first)
        assert await watched.tells(2)
        for path in (first, second):
            path.write_text("three", encoding="utf-8")
        assert await watched.tells(3)
        await asyncio.sleep(0.7)
        assert watched.told == 3


async def test_a_file_that_joins_is_known_as_it_is_then(tmp_path: Path) -> None:
    """It was just read by whoever named it; one that leaves is told no more."""
    first, second = tmp_path / "alertbridge.yml", tmp_path / "token"
    for path in (first, second):
        path.write_text("one", encoding="utf-8")
    watch = FileWatch([first], interval_seconds=0.02, still_seconds=0.02)
    async with following(watch.changes()) as watched:
        watch.follow([first, second])
        await asyncio.sleep(0.3)
        assert watched.told == 0
        rewrite(second)
        assert await watched.tells(1)
        watch.follow([first])
        await asyncio.sleep(0.3)
        second.write_text("three", encoding="utf-8")
        await asyncio.sleep(0.3)
        assert watched.told == 1
