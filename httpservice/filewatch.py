"""Notices that a file of settings changed.

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
    from collections.abc import AsyncIterator
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
    return _changes(path, _stamp(path), _digest(path), interval_seconds, still_seconds)


async def _changes(
    path: Path, stamp: _Stamp | None, digest: bytes | None, interval_seconds: float, still_seconds: float
) -> AsyncIterator[None]:
    missing = 0
    while True:
        await asyncio.sleep(interval_seconds)
        now = await asyncio.to_thread(_stamp, path)
        missing = missing + 1 if now is None else 0
        if now == stamp or missing == 1:
            continue  # an editor that renames leaves no file for a moment
        await asyncio.sleep(still_seconds)
        if await asyncio.to_thread(_stamp, path) != now:
            continue  # still being written: looked at again in the next round
        stamp = now
        new_digest = await asyncio.to_thread(_digest, path)
        if new_digest != digest:
            digest = new_digest
            yield


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
