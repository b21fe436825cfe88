"""A board of a few slots, each given to a target."""

from __future__ import annotations

import pytest

from exporter.engine.board import Board, BoardSize


@pytest.fixture
def board() -> Board:
    """Eight slots, four regions; slot n has generation n + 1."""
    board = Board.create(BoardSize(slots=8, regions=4))
    for slot in range(8):
        board.clear_slot(slot, slot + 1)
    return board
