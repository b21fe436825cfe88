"""Puts a new targets.yml in the old one's place: atomically, with its mode and owner, and never two runs at once."""

from __future__ import annotations

import errno
import os
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from exporter.errors import ExporterError

try:
    import fcntl
except ImportError:  # pragma: no cover - Windows has none: two runs are then the user's to avoid
    fcntl = None  # type: ignore[assignment]  # says that there is none

if TYPE_CHECKING:
    from collections.abc import Iterator

_NEW_FILE_MODE: Final = 0o644


class WriteError(ExporterError):
    """The file was not written; the text says why and the remedy."""


@contextmanager
def only_run(path: Path) -> Iterator[None]:
    """Hold the lock of a targets file: that of its folder, so that no lock file stays behind.

    Raises:
        WriteError: another run holds it, or there is no such folder.
    """
    folder = path.resolve().parent
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError as error:
        raise WriteError(f"{folder} cannot be opened ({error.strerror}); check the path") from None
    try:
        if fcntl is not None:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise WriteError(f"another run is editing {path}; wait until it has ended") from None
        yield
    finally:
        os.close(descriptor)


def replace_file(path: Path, new: bytes, *, expected: bytes | None) -> None:
    """Write a file anew: a temporary file in its folder, synced, given mode and owner, renamed over it.

    Args:
        path: a symbolic link is followed, and stays.
        new: the content.
        expected: what the file must still hold; None: it must not exist.

    Raises:
        WriteError: somebody else has changed it meanwhile, or the folder does not let us.
    """
    real = path.resolve()
    present = real.read_bytes() if real.exists() else None
    if present != expected:
        raise WriteError(f"{path} has been changed by somebody else meanwhile; run the command again")
    temporary = ""
    try:
        descriptor, temporary = tempfile.mkstemp(dir=real.parent, prefix=f".{real.name}.", suffix=".tmp")
        with os.fdopen(descriptor, "wb") as file:
            file.write(new)
            file.flush()
            _give_mode(file.fileno(), real)
            os.fsync(file.fileno())
        Path(temporary).replace(real)
    except OSError as error:
        if temporary:
            Path(temporary).unlink(missing_ok=True)
        if error.errno == errno.EBUSY:
            raise WriteError(f"{path} is a mount of its own and cannot be replaced; mount its folder instead") from None
        raise WriteError(f"{path} cannot be written ({error.strerror}); check who may write into its folder") from None
    _sync_folder(real.parent)


def _give_mode(descriptor: int, like: Path) -> None:
    """Give the new file the old one's mode, and its owner where we may."""
    try:
        status = like.stat()
    except FileNotFoundError:
        os.fchmod(descriptor, _NEW_FILE_MODE)
        return
    os.fchmod(descriptor, status.st_mode & 0o7777)
    if (status.st_uid, status.st_gid) != (os.geteuid(), os.getegid()) and os.geteuid() == 0:
        os.fchown(descriptor, status.st_uid, status.st_gid)


def _sync_folder(folder: Path) -> None:
    """Make the rename last through a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
