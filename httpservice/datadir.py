"""One daemon per data folder: two that write the same journal or database undo each other's work silently."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

from httpservice.errors import DataDirError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

try:
    import fcntl
except ImportError:  # no such lock on Windows: there the second daemon is not noticed
    fcntl = None  # type: ignore[assignment] # the module is absent


@contextlib.contextmanager
def sole_user(folder: Path, name: str) -> Iterator[None]:
    """Hold a data folder for one daemon while the block runs; the folder is made where it is missing.

    The kernel drops the lock with the process, so a killed daemon leaves nothing to clean up.

    Args:
        folder: the data folder.
        name: the daemon's name; two different daemons may share a folder.

    Raises:
        DataDirError: another one of that name holds it, or the folder cannot be written; the text says the remedy.
    """
    path = folder / f"{name}.lock"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise DataDirError(
            f"the data folder {folder} cannot be written ({error.strerror}); name another with --data.dir"
        ) from error
    try:
        if fcntl is not None:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                holder = os.read(descriptor, 32).decode("ascii", "replace").strip() or "unknown"
                raise DataDirError(
                    f"another {name} (pid {holder}) uses the data folder {folder}; "
                    "stop it, or give this one its own with --data.dir"
                ) from error
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode("ascii"), 0)
        yield
    finally:
        os.close(descriptor)
