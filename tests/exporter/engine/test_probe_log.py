"""The log of single probes is the newest of both rings, newest first."""

from __future__ import annotations

import time

import numpy as np
import pytest

from exporter.engine.board import GRID, Board, BoardSize
from exporter.engine.probe_log import recent_probes
from exporter.outcome import FailureReason, Status, failure_status

TIMEOUT = failure_status(FailureReason.TIMEOUT)


def _put(board: Board, slot: int, sent_at: float, status: int, rtt: float = np.nan, *, ring: str = "grid") -> None:
    number = int(board.slot[f"{ring}_count"][slot])
    size = board.slot[f"{ring}_status"].shape[1]
    board.slot[f"{ring}_sent_at"][slot, number % size] = sent_at
    board.slot[f"{ring}_status"][slot, number % size] = status
    if ring == "grid":
        board.slot["grid_rtt"][slot, number % size] = rtt
    board.slot[f"{ring}_count"][slot] = number + 1


def test_both_rings_newest_first(board: Board) -> None:
    """Grid and confirmation probes in one order of time, with what became of each."""
    now, wall = time.monotonic(), time.time()
    _put(board, 0, now - 4, Status.REPLY, 0.02)
    _put(board, 1, now - 3, TIMEOUT)
    _put(board, 1, now - 2, TIMEOUT, ring="confirm")
    _put(board, 0, now - 1, Status.PENDING)
    entries = recent_probes(board, [0, 1, 2], 10)
    assert [(e.slot, e.sequence, e.confirmation, e.status) for e in entries] == [
        (0, 1, False, Status.PENDING),
        (1, 0, True, TIMEOUT),
        (1, 0, False, TIMEOUT),
        (0, 0, False, Status.REPLY),
    ]
    assert [e.rtt for e in entries] == [None, None, None, pytest.approx(0.02)]
    assert entries[0].sent_at == pytest.approx(wall - 1, abs=0.5)


def test_only_the_slots_asked_for_and_only_those_in_use(board: Board) -> None:
    """A freed slot's evidence is void."""
    for slot in range(3):
        _put(board, slot, 10.0 + slot, Status.REPLY, 0.01)
    board.free_slot(1)
    assert [e.slot for e in recent_probes(board, [0, 1], 10)] == [0]
    assert recent_probes(board, [], 10) == recent_probes(board, [0], 0) == []


@pytest.mark.parametrize("limit", [1, 7, 50, 400])
def test_the_quick_way_finds_the_same(limit: int) -> None:
    """With unevenly busy targets, looking at a few entries of each first changes nothing of the answer."""
    board = Board.create(BoardSize(slots=64, regions=1))
    random = np.random.default_rng(7)
    everything: list[float] = []
    for slot in range(64):
        board.clear_slot(slot, 1)
        busy = 300 if slot < 3 else int(random.integers(0, 12))
        times = np.sort(random.uniform(90 if slot < 3 else 0, 100, size=busy))
        for moment in times:
            _put(board, slot, float(moment), Status.REPLY, 0.01)
        everything += times[-GRID:].tolist()
    offset = time.time() - time.monotonic()
    found = [entry.sent_at - offset for entry in recent_probes(board, np.arange(64), limit)]
    assert found == pytest.approx(sorted(everything, reverse=True)[:limit], abs=0.05)
    assert len(found) == min(limit, len(everything))
