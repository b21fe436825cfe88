"""Reading a file that somebody else rewrites in place: only a picture of one moment counts.

OpenVPN rewrites its status file line by line and cuts it to length last, so a reader can meet half of the new and half
of the old, and the END at the end proves nothing. A reading counts when the file's time of change was the same before
and after it, and lies a little back.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Final

from exporter.vpn.reading import SourceError, Trouble
from httpservice.regular import open_regular

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SETTLED_SECONDS: Final = 0.150  # a server with 50,000 clients writes for about 100 ms
MAX_BYTES: Final = 256 << 20  # 50,000 clients are 6 MB
_TRIES: Final = 5
_PAUSE_SECONDS: Final = 0.2


def read_settled(
    path: Path, *, wall: Callable[[], float] = time.time, sleep: Callable[[float], None] = time.sleep
) -> tuple[str, float]:
    """Return the text of a file that is not being written at this moment, and its time of change in UTC seconds.

    May take a second.

    Raises:
        SourceError: it cannot be read, or it is being written all the time.
    """
    for attempt in range(_TRIES):
        if attempt:
            sleep(_PAUSE_SECONDS)
        try:
            before, text, after = _read(path)
        except OSError as error:
            raise SourceError(_trouble(error), f"{path}: {error.strerror}") from None
        # A change that lies in the future (a clock that was set back) cannot be one of this moment.
        if before == after and abs(wall() - after / 1e9) > SETTLED_SECONDS:
            return text, after / 1e9
    raise SourceError(Trouble.BUSY, f"{path}: it is being written all the time")


def _read(path: Path) -> tuple[int, str, int]:
    """Return the time of change before, the text, and the time of change after; nanoseconds."""
    with open_regular(path) as file:
        before = os.fstat(file.fileno())
        if before.st_size > MAX_BYTES:
            raise SourceError(Trouble.FORMAT, f"{path}: it is larger than {MAX_BYTES >> 20} MiB")
        text = file.read(MAX_BYTES).decode("utf-8", errors="replace")
        return before.st_mtime_ns, text, os.fstat(file.fileno()).st_mtime_ns


def _trouble(error: OSError) -> Trouble:
    match error:
        case FileNotFoundError() | NotADirectoryError():
            return Trouble.MISSING
        case PermissionError():
            return Trouble.PERMISSION
        case IsADirectoryError():
            return Trouble.FORMAT
        case _:
            return Trouble.FAILED
