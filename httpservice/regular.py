"""Reads a whole file that a person named, without ever waiting for it: configuration that a running daemon reads again.

A FIFO has no end until somebody writes to it, a device has none at all, and a file of gigabytes is not the one that was
meant. Each would hold the reader's thread, and with it every later reload and the daemon's own end.
"""

from __future__ import annotations

import errno
import os
import stat
from typing import TYPE_CHECKING, BinaryIO, Final

if TYPE_CHECKING:
    from pathlib import Path

LIMIT_BYTES: Final = 32 << 20  # a hundred thousand targets take half of it; YAML takes 70 bytes of memory for each
# Opening a FIFO would wait for a writer; of a regular file the flag changes nothing. Windows has neither.
_FLAGS: Final = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)


def open_regular(path: Path) -> BinaryIO:
    """Open a regular file for reading; links to one are followed.

    Raises:
        OSError: it cannot be opened, or is no regular file; `strerror` says which.
    """
    try:
        descriptor = os.open(path, _FLAGS)
    except ValueError as error:  # a NUL in the name, which YAML can write
        raise OSError(errno.EINVAL, "no file can have such a name", str(path)) from error
    kind = os.fstat(descriptor).st_mode
    if stat.S_ISREG(kind):
        return os.fdopen(descriptor, "rb")
    os.close(descriptor)
    if stat.S_ISDIR(kind):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    raise OSError(errno.EINVAL, "it is a pipe or device, no regular file", str(path))


def read_regular(path: Path, *, limit_bytes: int = LIMIT_BYTES) -> bytes:
    """Return the content of a regular file.

    Args:
        path: the file.
        limit_bytes: a larger one is refused; no more than this is read.

    Raises:
        OSError: it cannot be read, is no regular file or is too large; `strerror` says which.
    """
    with open_regular(path) as file:
        raw = file.read(limit_bytes + 1)  # what stat says is not asked: it may grow meanwhile
    if len(raw) > limit_bytes:
        raise OSError(errno.EFBIG, f"it is larger than {limit_bytes >> 20} MiB", str(path))
    return raw
