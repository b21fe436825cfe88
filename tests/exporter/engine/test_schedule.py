"""The grid has no drift, no gaps and no doubles; confirmation probes keep to their rules."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.engine.schedule import (
    NEVER_NS,
    SECOND_NS,
    ConfirmBudget,
    Schedule,
    oldest_first,
    phase_fraction,
    suspects,
)

OLD = 1_000_000  # grid probes begun: not a new target


def _schedule(intervals: list[float], *, begun: int = OLD, now_ns: int = 0) -> Schedule:
    count = len(intervals)
    return Schedule(
        np.arange(count),
        np.array(intervals),
        np.array([phase_fraction(f"target-{number}") for number in range(count)]),
        begun=np.full(count, begun),
        now_ns=now_ns,
    )


@settings(deadline=None)  # a busy machine is slow now and then
@given(
    intervals=st.lists(st.sampled_from([0.2, 0.5, 1.0, 2.0, 5.0, 1 / 3, 0.7]), min_size=1, max_size=12),
    steps=st.lists(st.integers(1, 200_000_000), min_size=1, max_size=60),
    start=st.integers(0, 10**15),
)
def test_the_grid_is_arithmetic_however_it_is_cut(intervals: list[float], steps: list[int], start: int) -> None:
    """Cut into any spans, each slot is due exactly at k * interval + phase: nothing twice, nothing missed, no drift."""
    schedule = _schedule(intervals)
    seen: list[tuple[int, int]] = []
    after = start
    for step in steps:
        due = schedule.due(after, after + step)
        assert len(np.unique(due.slots)) == len(due.slots)
        assert ((due.due_ns > after) & (due.due_ns <= after + step)).all()
        seen += zip(due.slots.tolist(), due.due_ns.tolist(), strict=True)
        after += step
    expected = []
    for slot, interval in enumerate(intervals):
        interval_ns = round(interval * SECOND_NS)
        phase_ns = int(phase_fraction(f"target-{slot}") * interval_ns)
        turn = (start - phase_ns) // interval_ns + 1
        while (moment := turn * interval_ns + phase_ns) <= after:
            if moment > start:
                expected.append((slot, moment))
            turn += 1
    assert sorted(seen) == sorted(expected)


@settings(deadline=None)
@given(intervals=st.lists(st.sampled_from([0.2, 1.0, 5.0]), min_size=1, max_size=6), after=st.integers(0, 10**13))
def test_the_next_moment_is_the_first_that_is_due(intervals: list[float], after: int) -> None:
    """Nothing is due before the announced moment, something is at it."""
    schedule = _schedule(intervals)
    moment = schedule.next_ns(after)
    span = min(moment - after, schedule.shortest_ns)
    assert len(schedule.due(moment - 1, moment).slots) >= 1
    assert len(schedule.due(moment - span, moment - 1).slots) == 0


def test_phases_are_stable_and_spread() -> None:
    """A target keeps its place for ever, and 10,000 targets fill the second evenly."""
    assert phase_fraction("jbr-gt-pasteur-1") == phase_fraction("jbr-gt-pasteur-1")
    fractions = np.array([phase_fraction(f"t{number}") for number in range(10_000)])
    assert ((fractions >= 0) & (fractions < 1)).all()
    per_tick = np.histogram(fractions, bins=100, range=(0, 1))[0]
    assert per_tick.max() < 150
    assert per_tick.min() > 60


@pytest.mark.parametrize(("begun", "left"), [(0, 3), (1, 2), (2, 1), (3, 0)])
@given(now_ns=st.integers(0, 10**12))
@settings(max_examples=20, deadline=None)
def test_a_new_target_is_asked_three_times_a_second_apart(begun: int, left: int, now_ns: int) -> None:
    """Whatever its interval, a new target has three outcomes within about three seconds; then the grid takes over."""
    schedule = _schedule([60.0], begun=begun, now_ns=now_ns)
    moments: list[int] = []
    after = now_ns
    while after < now_ns + 70 * SECOND_NS:
        moments += schedule.due(after, after + SECOND_NS // 20).due_ns.tolist()
        after += SECOND_NS // 20
    early, grid = moments[:left], moments[left:]
    assert all(moment <= now_ns + left * SECOND_NS + 1 for moment in early)
    assert all(b - a == SECOND_NS for a, b in pairwise(early))
    phase_ns = int(phase_fraction("target-0") * 60 * SECOND_NS)
    assert all(moment % (60 * SECOND_NS) == phase_ns for moment in grid)
    assert len(grid) in {1, 2}


def test_no_slots_never_come_due() -> None:
    """An empty plan is no special case for the loop."""
    schedule = _schedule([])
    assert schedule.next_ns(5) == NEVER_NS
    assert len(schedule.due(0, SECOND_NS).slots) == 0
    assert schedule.count(0, SECOND_NS) == 0


def _suspects(**values: Any) -> bool:
    row: dict[str, Any] = {
        "drained_at": 100.5,
        "watched_sent_at": 100.0,
        "last_reply_sent_at": 99.0,
        "median_rtt": np.nan,
        "timeout_seconds": 1.0,
        **values,
    }
    drained_at = row.pop("drained_at")
    return bool(suspects(drained_at=drained_at, **{name: np.array([value]) for name, value in row.items()})[0])


@pytest.mark.parametrize(
    ("values", "suspect"),
    [
        pytest.param({}, True, id="silent for 0.5 s"),
        pytest.param({"drained_at": 100.39}, False, id="not yet 0.4 s"),
        pytest.param({"median_rtt": 0.4}, False, id="usually slow: 1.5 x the median not over"),
        pytest.param({"median_rtt": 0.4, "drained_at": 100.6}, True, id="1.5 x the median over"),
        pytest.param({"median_rtt": 3.0, "timeout_seconds": 0.45}, True, id="the timeout is enough"),
        pytest.param({"last_reply_sent_at": 100.0}, False, id="answered"),
        pytest.param({"last_reply_sent_at": 100.2}, False, id="something newer was answered"),
        pytest.param({"watched_sent_at": 0.0, "last_reply_sent_at": 0.0}, False, id="never asked"),
    ],
)
def test_who_is_suspect(values: dict[str, Any], suspect: bool) -> None:
    """A target is confirmed when its probe is overdue by max(0.4 s, 1.5 x median RTT), at most the timeout."""
    assert _suspects(**values) is suspect


def test_the_oldest_suspects_come_first() -> None:
    """When not all may be confirmed, those silent longest are."""
    watched = np.array([5.0, 3.0, 4.0, 1.0])
    candidates = np.array([0, 1, 2, 3])
    assert oldest_first(candidates, watched, 2).tolist() == [3, 1]
    assert oldest_first(candidates, watched, 9).tolist() == [0, 1, 2, 3]
    assert oldest_first(candidates, watched, 0).tolist() == []


@pytest.mark.parametrize(("grid_rate", "rate"), [(10, 200), (1_000, 200), (10_000, 2_000)])
def test_confirmations_keep_to_their_rate(grid_rate: float, rate: float) -> None:
    """At most max(200/s, 20 % of the base rate), however often it is asked."""
    budget = ConfirmBudget()
    budget.follow(grid_rate)
    budget.allowed(1000.0)
    sent = 0
    for step in range(1, 201):
        allowed = budget.allowed(1000.0 + step * 0.05)
        budget.spend(allowed)
        sent += allowed
    assert 0.9 * rate * 10 <= sent <= 1.02 * rate * 10
