"""Whose slots are ours, and which of them are silent: what the ledger knows beside its accounts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from exporter.engine.ledger import PENDING, UNREACHABLE, Kind, Ledger

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from exporter.engine.board import Board


def _ledger(board: Board) -> Ledger:
    ledger = Ledger(board, 0)
    ledger.adopt(np.arange(4), np.arange(1, 5), np.ones(4), np.zeros(4, dtype=np.int64))
    return ledger


def _slots(*slots: int) -> NDArray[np.int64]:
    return np.array(slots, dtype=np.int64)


def _begin(ledger: Ledger, at: float, *slots: int, status: int = PENDING) -> None:
    ledger.begin(Kind.GRID, _slots(*slots), np.full(len(slots), at), np.full(len(slots), status, dtype=np.uint8))


def _answer(ledger: Ledger, slot: int, number: int, received_at: float) -> None:
    ledger.answer(Kind.GRID, _slots(slot), np.array([number]), np.array([received_at]), received_at)


def test_a_slot_that_changed_hands_is_not_touched(board: Board) -> None:
    """The parent clears a slot before it tells the process; answers of the old target go nowhere."""
    ledger = _ledger(board)
    _begin(ledger, 10.0, 0)
    board.clear_slot(0, 99)
    _answer(ledger, 0, 0, 10.1)
    ledger.fail(Kind.GRID, _slots(0), np.array([0]), np.array([UNREACHABLE], dtype=np.uint8))
    ledger.expire(99.0)
    assert not ledger.live(_slots(0)).any()
    assert board.slot["grid_status"][0].sum() == 0
    assert board.slot["probes_total"][0] == board.slot["last_reply_sent_at"][0] == 0


def test_the_watched_probe_is_the_oldest_since_the_last_answer(board: Board) -> None:
    """It stays while nothing is answered and moves on with the first silent probe after a reply."""
    ledger = _ledger(board)
    _begin(ledger, 10.0, 0, 1)
    _begin(ledger, 11.0, 0)
    _answer(ledger, 1, 0, 10.1)
    assert ledger.silent(10.399).tolist() == []
    assert ledger.silent(10.4).tolist() == [0]
    assert ledger.silent(11.5).tolist() == [0]
    assert ledger.watched_sent_at[0] == 10.0
    _answer(ledger, 0, 1, 11.5)
    assert ledger.silent(11.6).tolist() == []
    _begin(ledger, 12.0, 0)
    assert ledger.silent(12.5).tolist() == [0]
    assert ledger.watched_sent_at[0] == 12.0


def test_who_refuses_is_watched_and_who_was_voided_is_not(board: Board) -> None:
    """An unreachable target, whoever says so, is to be asked again soon; a probe given up says nothing."""
    ledger = _ledger(board)
    _begin(ledger, 10.0, 0, status=UNREACHABLE)
    _begin(ledger, 10.0, 1, 2)
    ledger.fail(Kind.GRID, _slots(1), np.array([0]), np.array([UNREACHABLE], dtype=np.uint8))
    ledger.void(_slots(2))
    assert sorted(ledger.silent(10.5).tolist()) == [0, 1]
    board.clear_slot(0, 99)
    assert ledger.silent(10.6).tolist() == [1]


def test_a_slot_given_away_within_one_turn_starts_at_nothing(board: Board) -> None:
    """Freed and given away before the process heard of either: what it wrote meanwhile is cleared."""
    ledger = _ledger(board)
    _begin(ledger, 10.0, 0, 1)
    generation = board.slot["generation"].copy()
    board.free_slot(0)
    board.clear_slot(0, 99)
    board.slot["generation"][:] = generation
    _begin(ledger, 11.0, 0)  # as if the look at the generations had come just before
    board.slot["generation"][0] = 99
    revision = int(board.slot["revision"][0])
    gained = ledger.adopt(_slots(0, 1), np.array([99, 2]), np.array([1.0, 1.0]), np.array([0, 1]))
    assert gained.tolist() == [0]
    assert board.slot["grid_count"][:2].tolist() == [0, 1]
    assert np.isnan(board.slot["grid_rtt"][0]).all()
    assert board.slot["grid_status"][0].sum() == 0
    assert int(board.slot["revision"][0]) != revision, "the judge looks again"
    assert ledger.in_flight == 1
