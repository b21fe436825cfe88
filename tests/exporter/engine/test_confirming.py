"""Who is asked again, how soon after another, and who never: the one place that both engines ask."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from exporter.engine.board import PROCESS_ICMP, Board, BoardSize
from exporter.engine.confirming import Confirming
from exporter.engine.ledger import PENDING, Kind, Ledger

if TYPE_CHECKING:
    from numpy.typing import NDArray

SPACING = 0.2
BEGUN = 10.0  # when every target's only probe was sent; suspicious 0.4 s later


def _silent_targets(board: Board, count: int) -> tuple[Ledger, NDArray[np.int64]]:
    slots = np.arange(count)
    ledger = Ledger(board, PROCESS_ICMP)
    ledger.adopt(slots, slots + 1, np.ones(count), np.zeros(count, dtype=np.int64))
    ledger.begin(Kind.GRID, slots, np.full(count, BEGUN), PENDING)
    return ledger, slots


def _confirming(board: Board, *, wanted: tuple[bool, ...] = (True,) * 4) -> tuple[Ledger, Confirming]:
    ledger, slots = _silent_targets(board, len(wanted))
    confirming = Confirming(board, ledger, spacing_seconds=SPACING)
    confirming.follow(slots, np.array(wanted), 4.0)
    return ledger, confirming


def test_suspects_are_asked_once_a_spacing_until_they_answer(board: Board) -> None:
    """And each time is counted."""
    ledger, confirming = _confirming(board)
    found = {at: confirming.due(at, at).tolist() for at in (10.375, 10.5, 10.625, 10.75)}
    assert found == {10.375: [], 10.5: [0, 1, 2, 3], 10.625: [], 10.75: [0, 1, 2, 3]}
    assert int(ledger.process["confirmations_total"][0]) == 8
    ledger.answer(Kind.GRID, np.array([1]), np.array([0]), np.array([10.8]), 10.8)
    assert confirming.due(11.0, 11.0).tolist() == [0, 2, 3]


def test_some_are_never_asked(board: Board) -> None:
    """Uplinks by the plan, targets that are down by the judge's word; nobody while we are isolated or stood still."""
    _, confirming = _confirming(board, wanted=(True, False, True, True))
    board.slot["quiet"][2] = 1
    assert confirming.due(99.0, 10.3).tolist() == []
    board.control["isolated"][0] = 1
    assert confirming.due(99.0, 99.0).tolist() == []
    board.control["isolated"][0] = 0
    assert confirming.due(99.0, 99.0).tolist() == [0, 3]
    confirming.follow(np.array([3]), np.array([True]), 1.0)
    assert confirming.due(99.5, 99.5).tolist() == [3]


@pytest.mark.parametrize(("grid_rate", "most"), [(4.0, 20), (5000.0, 100)], ids=["200 a second", "a fifth of the grid"])
def test_what_the_budget_does_not_allow_waits(grid_rate: float, most: int) -> None:
    """A tenth of a second's worth at once, the oldest first; the others come with the next looks."""
    board = Board.create(BoardSize(slots=512, regions=1))
    for slot in range(512):
        board.clear_slot(slot, slot + 1)
    ledger, slots = _silent_targets(board, 512)
    confirming = Confirming(board, ledger, spacing_seconds=60.0)
    confirming.follow(slots, np.ones(512, dtype=np.bool_), grid_rate)
    asked = [confirming.due(11.0 + look / 8, 11.0).tolist() for look in range(3)]
    assert [len(each) for each in asked] == [most] * 3
    assert len({slot for each in asked for slot in each}) == 3 * most
