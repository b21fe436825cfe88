"""Notices that a file of settings changed, or one of several.

The path is looked at every two seconds rather than watched: that sees atomic renames, symbolic links that turn to
another file (Kubernetes), network drives and bind mounts alike, and needs nothing of the system. A change is told once
the file has been still for one look, so that a half-written file is not read; told means the content differs.
"""

from __future__ import annotations

import asyncio
import hashlib
from typing import TYPE_CHECKING, Final

from httpservice.regular import read_regular

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable
    from pathlib import Path

INTERVAL_SECONDS: Final = 2.0
STILL_SECONDS: Final = 0.3  # an editor or copy that writes in pieces is done, or writes again, within this

_Stamp = tuple[int, int, int, int]


def watch_file(
    path: Path, *, interval_seconds: float = INTERVAL_SECONDS, still_seconds: float = STILL_SECONDS
) -> AsyncIterator[None]:
    """Return an iterator that yields once for each change of the file's content since this call, for ever.

    The call itself reads the file. A file that is gone is no change; one that comes back with other content is.
    Changes that come while the consumer is busy are told together.

    Args:
        path: the file; need not exist.
        interval_seconds: how often it is looked at.
        still_seconds: how long it must not have changed before it is told.
    """
    return FileWatch((path,), interval_seconds=interval_seconds, still_seconds=still_seconds).changes()


class FileWatch:
    """Watches several files, as `watch_file` does one.

    Args:
        paths: the files; they are read here.
        interval_seconds: how often they are looked at.
        still_seconds: how long one must not have changed before it is told.
    """

    def __init__(
        self,
        paths: Iterable[Path],
        *,
        interval_seconds: float = INTERVAL_SECONDS,
        still_seconds: float = STILL_SECONDS,
    ) -> None:
        self._interval_seconds, self._still_seconds = interval_seconds, still_seconds
        self._files: dict[Path, _Watched] = {}
        self.follow(paths)

    def follow(self, paths: Iterable[Path]) -> None:
        """Watch these files from now on, and no others.

        One that joins is known as it is at this moment: call this before reading it, and no change is lost between.
        """
        self._files = {path: self._files.get(path) or _Watched(path) for path in paths}

    async def changes(self) -> AsyncIterator[None]:
        """Yield once for each change of content, for ever; what changes together is told together."""
        while True:
            await asyncio.sleep(self._interval_seconds)
            moved = [file for file in self._files.values() if await asyncio.to_thread(file.moved)]
            if not moved:
                continue
            await asyncio.sleep(self._still_seconds)
            if any([await asyncio.to_thread(file.changed) for file in moved]):  # each is asked: asking takes note
                yield


class _Watched:
    """One file: how it was when its content was told last."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stamp, self._digest = _stamp(path), _digest(path)
        self._now: _Stamp | None = None
        self._missing = 0

    def moved(self) -> bool:
        """Look at it; tell whether it may be another than before."""
        self._now = _stamp(self._path)
        self._missing = self._missing + 1 if self._now is None else 0
        return self._now != self._stamp and self._missing != 1  # an editor that renames leaves no file for a moment

    def changed(self) -> bool:
        """Tell whether it has been still since that look and has other content, and take note of it."""
        if _stamp(self._path) != self._now:
            return False  # still being written: looked at again in the next round
        self._stamp = self._now
        before, self._digest = self._digest, _digest(self._path)
        return self._digest != before


def _stamp(path: Path) -> _Stamp | None:
    """Return what changes when a file is written or replaced; None where there is none.

    ctime is in it because cp -p and rsync -t set mtime back.
    """
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def _digest(path: Path) -> bytes | None:
    """Return a hash of the content; None where it cannot be read."""
    try:
        return hashlib.blake2b(read_regular(path)).digest()
    except OSError:
        return None
