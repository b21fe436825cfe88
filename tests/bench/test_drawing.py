"""The pictures that are measured are pictures; how fast is not judged here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench import drawing

if TYPE_CHECKING:
    import pytest


def test_every_measured_picture_is_one_and_has_a_row(monkeypatch: pytest.MonkeyPatch) -> None:
    """The largest map, a region's and a graph: a table of numbers about nothing would look the same."""
    monkeypatch.setattr(drawing, "ROUNDS", 2)
    drawn = drawing.pictures()
    assert [draw()[:8] for draw in drawn.values()] == [b"\x89PNG\r\n\x1a\n"] * 3
    assert [row.split("|")[1].strip() for row in drawing.table().splitlines()[2:]] == list(drawn)
