"""A file that a person named is read whole or refused; reading never waits."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from httpservice.regular import read_regular


def test_a_file_is_read_through_a_link(tmp_path: Path) -> None:
    """Kubernetes mounts configuration as links; what they lead to is a regular file."""
    (tmp_path / "real").write_bytes(b"text")
    (tmp_path / "link").symlink_to("real")
    assert read_regular(tmp_path / "link", limit_bytes=4) == b"text"


def test_a_fifo_is_refused_at_once(tmp_path: Path) -> None:
    """Nobody writes to it: reading it would hold the daemon's reload, and its end, for ever."""
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(OSError, match="it is a pipe or device"):
        read_regular(tmp_path / "fifo")


def test_a_device_without_end_is_refused() -> None:
    with pytest.raises(OSError, match="it is a pipe or device"):
        read_regular(Path(os.devnull))


def test_a_folder_is_refused_and_nothing_stays_open(tmp_path: Path) -> None:
    """A reload every few seconds for a year must not use up the descriptors."""
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(20):
        with pytest.raises(IsADirectoryError):
            read_regular(tmp_path)
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_more_than_the_limit_is_refused(tmp_path: Path) -> None:
    """A log file that was named by mistake must not take the memory of the machine."""
    (tmp_path / "large").write_bytes(b"x" * ((1 << 20) + 1))
    with pytest.raises(OSError, match="it is larger than 1 MiB"):
        read_regular(tmp_path / "large", limit_bytes=1 << 20)


def test_a_name_that_no_file_can_have_is_refused_like_any_other(tmp_path: Path) -> None:
    """YAML can write a NUL into a path; Python would raise something else than for every other file."""
    with pytest.raises(OSError, match="no file can have such a name"):
        read_regular(tmp_path / "a\0b")
