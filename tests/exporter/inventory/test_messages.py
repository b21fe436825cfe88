"""Every way in which targets.yml can be wrong that we thought of: a file each, and what people are told."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from exporter.errors import InventoryError, UnreadableError
from exporter.inventory.load import load_inventory, parse_inventory

BROKEN = Path(__file__).parents[2] / "data" / "targets"
MESSAGES = BROKEN / "messages.txt"  # as `vpn-exporter check *.yml` prints them, a mistake a line


def _expected() -> dict[str, list[str]]:
    expected: dict[str, list[str]] = {}
    for line in MESSAGES.read_text(encoding="utf-8").splitlines():
        expected.setdefault(line.partition(":")[0], []).append(line)
    return expected


EXPECTED = _expected()


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_a_broken_file_is_refused_with_exactly_these_messages(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each mistake is told with line, path, value and remedy; none is left out and none is told twice."""
    monkeypatch.chdir(BROKEN)
    with pytest.raises(InventoryError) as caught:
        load_inventory(Path(name))
    assert str(caught.value).splitlines() == EXPECTED[name]


def test_every_broken_file_is_in_the_table() -> None:
    """A file added without its message would prove nothing."""
    assert sorted(path.name for path in BROKEN.glob("*.yml")) == sorted(EXPECTED)
    assert len(EXPECTED) >= 40


def test_a_file_that_is_not_there_is_told_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(InventoryError, match=r"there is no such file; name another one with --targets\.file"):
        load_inventory(tmp_path / "absent.yml")


def test_a_folder_instead_of_a_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(InventoryError, match=r"cannot be read \(Is a directory\); check the path"):
        load_inventory(tmp_path)


def test_a_pipe_is_refused_at_once_where_nobody_may_wait(tmp_path: Path) -> None:
    """A running exporter whose file became a FIFO goes on; it would otherwise never reload nor stop again."""
    os.mkfifo(tmp_path / "targets.yml")
    with pytest.raises(UnreadableError, match=r"cannot be read \(it is a pipe or device, no regular file\); check"):
        load_inventory(tmp_path / "targets.yml")


def test_a_large_wrong_file_is_told_up_to_a_limit() -> None:
    """Megabytes of nonsense would otherwise take the machine's memory, and a reload's answer with it."""
    text = "version: 1\nregions: []\ntargets:\n" + "  - {id: a}\n" * 8_000
    with pytest.raises(InventoryError) as caught:
        parse_inventory(text, "targets.yml")
    assert len(caught.value.mistakes) == 10_001
    assert str(caught.value.mistakes[-1]).endswith(
        "there are more mistakes; correct these first, or name the right file"
    )
