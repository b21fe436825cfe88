"""The new file takes the old one's place at once, or the old one stays as it is."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from exporter.inventory.write import WriteError, only_run, replace_file

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "targets.yml"
    path.write_bytes(b"old")
    return path


def test_mode_and_owner_stay_and_nothing_is_left_behind(file: Path) -> None:
    file.chmod(0o640)
    if os.geteuid() == 0:
        os.chown(file, 12345, 23456)
    before = file.stat()
    replace_file(file, b"new", expected=b"old")
    after = file.stat()
    assert file.read_bytes() == b"new"
    assert (after.st_mode, after.st_uid, after.st_gid) == (before.st_mode, before.st_uid, before.st_gid)
    assert after.st_ino != before.st_ino
    assert [each.name for each in file.parent.iterdir()] == ["targets.yml"]


def test_a_new_file_can_be_read_by_the_exporter(tmp_path: Path) -> None:
    path = tmp_path / "new.yml"
    replace_file(path, b"new", expected=None)
    assert path.read_bytes() == b"new"
    assert path.stat().st_mode & 0o777 == 0o644


def test_a_symbolic_link_stays_one(file: Path) -> None:
    link = file.with_name("link.yml")
    link.symlink_to(file.name)
    replace_file(link, b"new", expected=b"old")
    assert link.is_symlink()
    assert file.read_bytes() == b"new"


@pytest.mark.parametrize("expected", [b"older", None], ids=["changed", "appeared"])
def test_a_file_that_somebody_changed_meanwhile_is_not_overwritten(file: Path, expected: bytes | None) -> None:
    with pytest.raises(WriteError, match="has been changed by somebody else meanwhile; run the command again"):
        replace_file(file, b"new", expected=expected)
    assert file.read_bytes() == b"old"


def test_a_write_that_fails_leaves_the_old_file_and_no_other(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk, told by fsync."""

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(WriteError, match=r"cannot be written \(No space left on device\)"):
        replace_file(file, b"new", expected=b"old")
    assert [(each.name, each.read_bytes()) for each in file.parent.iterdir()] == [("targets.yml", b"old")]


def test_a_mounted_file_is_told_with_the_remedy(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Docker mounts single files so, and rename over one is EBUSY."""

    def busy(_self: Path, _target: Path) -> None:
        raise OSError(16, "Device or resource busy")

    monkeypatch.setattr(type(file), "replace", busy)
    with pytest.raises(WriteError, match="is a mount of its own and cannot be replaced; mount its folder instead"):
        replace_file(file, b"new", expected=b"old")


def test_a_second_run_is_refused_until_the_first_has_ended(file: Path) -> None:
    with only_run(file), pytest.raises(WriteError, match="another run is editing"), only_run(file):
        pass
    with only_run(file):
        pass
    assert [each.name for each in file.parent.iterdir()] == ["targets.yml"]


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with (
        pytest.raises(WriteError, match=r"cannot be opened \(No such file or directory\)"),
        only_run(tmp_path / "a/b.yml"),
    ):
        pass
