"""Every probe ends exactly once, whoever comes first; clocks spoil no RTT; others' slots are not touched."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.engine.board import CONFIRM, GRID, PROCESS_ICMP, Board, BoardSize
from exporter.engine.ledger import PENDING, REPLY, SHORTEST_RTT, TIMEOUT, UNREACHABLE, VOID, Kind, Ledger
from exporter.outcome import DISCARD_REASONS, REASONS, FailureReason, failure_status

if TYPE_CHECKING:
    from numpy.typing import NDArray

PERMISSION = failure_status(FailureReason.PERMISSION)


def _ledger(board: Board, *, timeout: float = 1.0) -> Ledger:
    ledger = Ledger(board, PROCESS_ICMP)
    slots = np.arange(4)
    ledger.adopt(slots, np.arange(1, 5), np.full(4, timeout), np.array([0, 1, 2, -1]))
    return ledger


def _slots(*slots: int) -> NDArray[np.int64]:
    return np.array(slots, dtype=np.int64)


def _begin(ledger: Ledger, at: float, *slots: int, kind: Kind = Kind.GRID, status: int = PENDING) -> None:
    ledger.begin(kind, _slots(*slots), np.full(len(slots), at), np.full(len(slots), status, dtype=np.uint8))


def _answer(
    ledger: Ledger, slot: int, number: int, received_at: float, *, read_at: float | None = None, kind: Kind = Kind.GRID
) -> None:
    read_at = received_at + 0.001 if read_at is None else read_at
    ledger.answer(kind, _slots(slot), np.array([number]), np.array([received_at]), read_at)


def _discarded(ledger: Ledger) -> dict[str, int]:
    row = ledger.process["discarded_total"][0]
    return {reason.value: int(count) for reason, count in zip(DISCARD_REASONS, row, strict=True) if count}


def test_a_reply_ends_its_probe(board: Board) -> None:
    """RTT, counters, histogram of the region and the send time of the newest answer are written together."""
    ledger = _ledger(board)
    _begin(ledger, 10.0, 1)
    assert ledger.in_flight == 1
    revision = int(board.slot["revision"][1])
    _answer(ledger, 1, 0, 10.030)
    assert board.slot["grid_status"][1, 0] == REPLY
    assert board.slot["grid_rtt"][1, 0] == pytest.approx(0.030)
    assert board.slot["probes_total"][1] == 1
    assert board.slot["failures_total"][1].sum() == 0
    assert board.slot["last_reply_sent_at"][1] == 10.0
    assert int(board.slot["revision"][1]) != revision
    ledger.flush()
    assert board.region["rtt_buckets"][PROCESS_ICMP, 1].sum() == 1
    assert board.region["rtt_sum"][PROCESS_ICMP, 1] == pytest.approx(0.030)
    assert ledger.in_flight == 0


def test_silence_ends_as_timeout_once_everything_has_been_read(board: Board) -> None:
    """A probe expires when `drained_at` is past its timeout, not when the clock is."""
    ledger = _ledger(board)
    _begin(ledger, 10.0, 0, 1)
    ledger.expire(11.0)
    assert ledger.in_flight == 2
    ledger.expire(11.0001)
    assert board.slot["grid_status"][:2, 0].tolist() == [TIMEOUT, TIMEOUT]
    assert np.isnan(board.slot["grid_rtt"][:2, 0]).all()
    assert board.slot["failures_total"][:2, REASONS.index(FailureReason.TIMEOUT)].tolist() == [1, 1]
    assert ledger.in_flight == 0


def test_the_kernels_stamp_decides_what_was_in_time(board: Board) -> None:
    """Read late but received in time is a reply; received late is late, and the probe still ends as timeout."""
    ledger = _ledger(board)
    _begin(ledger, 10.0, 0, 1)
    _answer(ledger, 0, 0, 10.9, read_at=25.0)
    _answer(ledger, 1, 0, 11.1, read_at=25.0)
    assert board.slot["grid_status"][:2, 0].tolist() == [REPLY, PENDING]
    ledger.expire(25.0)
    assert board.slot["grid_status"][1, 0] == TIMEOUT
    assert _discarded(ledger) == {"late": 1}


def test_duplicates_are_counted_apart(board: Board) -> None:
    """Within one read and in a later one."""
    ledger = _ledger(board)
    _begin(ledger, 10.0, 0)
    ledger.answer(Kind.GRID, _slots(0, 0), np.array([0, 0]), np.array([10.01, 10.02]), 10.03)
    _answer(ledger, 0, 0, 10.04)
    assert board.slot["probes_total"][0] == 1
    assert _discarded(ledger) == {"duplicate": 2}


@pytest.mark.parametrize(
    ("received_at", "rtt"),
    [
        pytest.param(9.99999, SHORTEST_RTT, id="interpolated send time a little after the receipt"),
        pytest.param(5.0, 0.2, id="clock stepped back: the reading time stands in"),
        pytest.param(15.0, 0.2, id="clock stepped ahead"),
    ],
)
def test_clock_trouble_never_makes_an_impossible_rtt(received_at: float, rtt: float, board: Board) -> None:
    """An RTT is never zero, negative, or longer than the time until the reply was read."""
    ledger = _ledger(board)
    _begin(ledger, 10.0, 0)
    _answer(ledger, 0, 0, received_at, read_at=10.2)
    assert board.slot["grid_rtt"][0, 0] == pytest.approx(rtt)


def test_a_told_reason_ends_a_probe_and_only_once(board: Board) -> None:
    """An ICMP error ends the probe at once; its repetition and a later reply change nothing."""
    ledger = _ledger(board)
    _begin(ledger, 10.0, 2)
    status = np.array([UNREACHABLE, UNREACHABLE], dtype=np.uint8)
    ledger.fail(Kind.GRID, _slots(2, 2), np.array([0, 0]), status)
    _answer(ledger, 2, 0, 10.5)
    ledger.expire(20.0)
    assert board.slot["grid_status"][2, 0] == UNREACHABLE
    assert board.slot["failures_total"][2].sum() == board.slot["probes_total"][2] == 1
    assert ledger.in_flight == 0


def test_what_cannot_be_sent_ends_where_it_begins(board: Board) -> None:
    """Permission and dns outcomes are written per grid probe, at its due time."""
    ledger = _ledger(board)
    _begin(ledger, 10.0, 0, status=PERMISSION)
    assert board.slot["failures_total"][0, REASONS.index(FailureReason.PERMISSION)] == 1
    assert board.slot["grid_sent_at"][0, 0] == 10.0
    assert ledger.in_flight == 0
    assert ledger.silent(11.0).tolist() == [], "it says nothing of the target: no confirmation"


def test_confirmation_probes_touch_nothing_of_the_grid(board: Board) -> None:
    """They feed their own ring and `last_reply_sent_at`, never the counters, the window or the histogram."""
    ledger = _ledger(board)
    _begin(ledger, 10.0, 0, kind=Kind.CONFIRM)
    _begin(ledger, 10.2, 0, kind=Kind.CONFIRM)
    _answer(ledger, 0, 1, 10.3, kind=Kind.CONFIRM)
    ledger.expire(20.0)
    assert board.slot["confirm_status"][0, :2].tolist() == [TIMEOUT, REPLY]
    assert board.slot["confirm_count"][0] == 2
    assert board.slot["last_reply_sent_at"][0] == 10.2
    assert board.slot["grid_count"][0] == board.slot["probes_total"][0] == board.slot["failures_total"][0].sum() == 0
    assert board.region["rtt_buckets"].sum() == 0


def test_a_full_ring_ends_its_oldest_probe(board: Board) -> None:
    """A timeout longer than the ring remembers loses no outcome."""
    ledger = _ledger(board, timeout=1000.0)
    for number in range(GRID + 5):
        _begin(ledger, 10.0 + number, 0)
    assert board.slot["probes_total"][0] == 5
    assert ledger.in_flight == GRID
    ledger.expire(5000.0)
    assert board.slot["probes_total"][0] == GRID + 5


def test_a_successor_voids_what_its_predecessor_left(board: Board) -> None:
    """Nobody will ever know the answers: neither reply nor failure."""
    _begin(_ledger(board), 10.0, 0, 1)
    successor = _ledger(board)
    successor.expire(99.0)
    assert board.slot["grid_status"][:2, 0].tolist() == [VOID, VOID]
    assert board.slot["probes_total"].sum() == 0
    assert successor.in_flight == 0


def test_the_same_plan_again_keeps_what_is_in_flight(board: Board) -> None:
    """A reload does not disturb targets that stay."""
    ledger = _ledger(board)
    _begin(ledger, 10.0, 0)
    ledger.adopt(_slots(0, 1), np.array([1, 2]), np.array([1.0, 1.0]), np.array([0, 0]))
    assert ledger.in_flight == 1
    _answer(ledger, 0, 0, 10.1)
    assert board.slot["grid_status"][0, 0] == REPLY


def test_many_replies_at_once_are_written_as_one_by_one_are(board: Board) -> None:
    """The short way through `answer` and the long way come to the same board."""
    other = Board.create(BoardSize(slots=8, regions=4))
    for slot in range(8):
        other.clear_slot(slot, slot + 1)
    at_once, singly = _ledger(board), _ledger(other)
    received_at = np.array([10.05, 10.2, 10.1, 10.3])
    for ledger in (at_once, singly):
        _begin(ledger, 10.0, 0, 1, 2, 3)
    at_once.answer(Kind.GRID, _slots(2, 0, 3, 1), _slots(0, 0, 0, 0), received_at, 10.4)
    for slot, moment in zip((2, 0, 3, 1), received_at.tolist(), strict=True):
        _answer(singly, slot, 0, moment, read_at=10.4)
    for ledger in (at_once, singly):
        ledger.flush()
    for name in board.slot:
        if name != "revision":
            np.testing.assert_array_equal(board.slot[name], other.slot[name], err_msg=name)
    for name in board.region:
        np.testing.assert_array_equal(board.region[name].round(9), other.region[name].round(9), err_msg=name)
    assert at_once.in_flight == singly.in_flight == 0


@given(st.data())
@settings(max_examples=60, deadline=None)  # a busy machine is slow now and then
def test_sent_equals_ended_plus_in_flight(data: st.DataObject) -> None:
    """In any order of sends, answers, errors, expiries and reloads, the account is even."""
    board = Board.create(BoardSize(slots=4, regions=1))
    for slot in range(4):
        board.clear_slot(slot, slot + 1)
    ledger = _ledger(board, timeout=data.draw(st.sampled_from([0.3, 1.0, 7.0])))
    now, begun, voided = 10.0, np.zeros((2, 4), dtype=np.int64), 0
    for _ in range(data.draw(st.integers(1, 60))):
        now += data.draw(st.sampled_from([0.0, 0.1, 0.4, 2.0]))
        kind = data.draw(st.sampled_from(list(Kind)))
        slot = data.draw(st.integers(0, 3))
        number = int(begun[kind, slot]) - data.draw(st.integers(-1, 9))
        action = data.draw(st.sampled_from(["begin", "begin", "answer", "answer all", "fail", "expire", "void"]))
        if action == "begin":
            _begin(ledger, now, *range(slot, 4), kind=kind)
            begun[kind, slot:] += 1
        elif action == "answer":
            _answer(ledger, slot, max(number, 0), now, kind=kind)
        elif action == "answer all":
            slots = _slots(*range(slot, 4), *data.draw(st.lists(st.integers(0, 3), max_size=1)))
            numbers = np.maximum(begun[kind, slots] - data.draw(st.integers(0, 2)), 0)
            ledger.answer(kind, slots, numbers, np.full(len(slots), now), now)
        elif action == "fail":
            status = np.array([UNREACHABLE], dtype=np.uint8)
            ledger.fail(kind, _slots(slot), np.array([max(number, 0)]), status)
        elif action == "expire":
            ledger.expire(now)
        else:
            before = ledger.in_flight
            ledger.void(_slots(slot))
            voided += before - ledger.in_flight
    pending_grid = (board.slot["grid_status"] == PENDING).sum(axis=1)
    pending = int(pending_grid.sum() + (board.slot["confirm_status"] == PENDING).sum())
    assert ledger.in_flight == pending
    void_grid = (board.slot["grid_status"] == VOID).sum(axis=1)
    assert (board.slot["grid_count"] == board.slot["probes_total"] + (pending_grid + void_grid).astype(np.uint64)).all()
    replies = (board.slot["grid_status"] == REPLY).sum(axis=1).astype(np.uint64)
    assert (board.slot["probes_total"] == replies + board.slot["failures_total"].sum(axis=1)).all()
    assert voided >= int(void_grid.sum())
    assert begun.max() <= min(GRID, CONFIRM), "the rings have not wrapped, so they are the whole account"
