"""Reload: a broken file changes nothing, half a file is held, a person's word confirms."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from exporter.errors import InventoryError
from exporter.reloading import Reloader, Trigger

if TYPE_CHECKING:
    from pathlib import Path


def _text(count: int) -> str:
    rows = "".join(f"  - {{id: t{n}, name: T{n}, region: JKT, address: 10.0.0.{n + 1}}}\n" for n in range(count))
    return f"version: 1\nregions: [{{id: JKT, name: DKI Jakarta}}]\ntargets:\n{rows}"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file of twenty targets."""
    path = tmp_path / "targets.yml"
    path.write_text(_text(20))
    return path


def test_the_first_reading_must_succeed(tmp_path: Path) -> None:
    """There is no older inventory to fall back on."""
    with pytest.raises(InventoryError):
        Reloader(tmp_path / "missing.yml", wall=lambda: 1.0)


def test_a_broken_file_changes_nothing_and_says_everything(file: Path) -> None:
    """The old inventory stays; the status has every mistake and the time of the last good reading."""
    clock = iter((100.0, 200.0))
    reloader = Reloader(file, wall=lambda: next(clock))
    old = reloader.inventory
    file.write_text(_text(20) + "  - {id: t1, nmae: x}\n")
    assert reloader.reload(Trigger.REQUEST) is None
    assert reloader.inventory is old
    status = reloader.status
    assert not status.successful
    assert (status.attempted_at, status.success_at) == (200.0, 100.0)
    assert len(status.mistakes) >= 2
    assert all(mistake.line == 24 for mistake in status.mistakes)


def test_a_file_change_that_removes_many_is_held_until_a_person_confirms(file: Path) -> None:
    """An editor saves halves: 20 % and five targets are the limit, and any person's reload is the confirmation."""
    reloader = Reloader(file, wall=lambda: 1.0)
    file.write_text(_text(15))
    assert reloader.reload(Trigger.FILE) is None
    assert reloader.status.removal_held == 5
    assert len(reloader.inventory.targets) == 20
    confirmed = reloader.reload(Trigger.SIGNAL)
    assert confirmed is not None
    assert len(confirmed.targets) == 15
    assert (reloader.status.removal_held, reloader.status.removed) == (0, 5)


def test_a_held_removal_ends_an_older_complaint(file: Path) -> None:
    """Broken, then half: the page must not say that the file has mistakes when it has none."""
    reloader = Reloader(file, wall=lambda: 1.0)
    file.write_text("version: 7\n")
    reloader.reload(Trigger.FILE)
    file.write_text(_text(10))
    assert reloader.reload(Trigger.FILE) is None
    assert (reloader.status.successful, reloader.status.mistakes, reloader.status.removal_held) == (True, (), 10)


def test_a_small_removal_by_file_change_is_applied(file: Path) -> None:
    """Four of twenty are a person's edit, not half a file."""
    reloader = Reloader(file, wall=lambda: 1.0)
    file.write_text(_text(16))
    assert reloader.reload(Trigger.FILE) is not None
    assert reloader.status.removed == 4


def test_more_targets_than_the_board_has_room_for_are_refused(file: Path) -> None:
    """The running board cannot grow; the text says that a restart helps."""
    reloader = Reloader(file, wall=lambda: 1.0)
    reloader.capacity = 20
    file.write_text(_text(21))
    assert reloader.reload(Trigger.REQUEST) is None
    (mistake,) = reloader.status.mistakes
    assert "restart the exporter" in str(mistake)
