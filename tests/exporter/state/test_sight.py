"""When the engine cannot be believed: each reason at both sides of its threshold, and whom it blinds."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from exporter.engine.board import LATENESS_BUCKETS, PROCESS_CONNECT, REPLY_WAIT_BUCKETS
from exporter.inventory.model import ProbeKind, ProbeSpec
from exporter.outcome import ImpairedReason, State
from exporter.state.sight import ProcessSample, impairments, late_counts, remembered, waited_counts
from tests.exporter.state.fake_engine import target
from tests.exporter.state.scene import Scene

QUIET = ProcessSample(
    at=100.0,
    misfit=(False, False),
    heartbeat_at=(100.0, 0.0),
    drained_at=(100.0, 0.0),
    replies=(0, 0),
    drops=(0, 0),
    clock_steps=(0, 0),
    sends_timed=(0, 0),
    sends_late=(0, 0),
    replies_timed=(0, 0),
    replies_waited=(0, 0),
)


@pytest.mark.parametrize(
    ("changes", "reasons"),
    [
        ({}, set()),
        ({"heartbeat_at": (102.1, 0.0)}, set()),
        ({"heartbeat_at": (101.9, 0.0)}, {ImpairedReason.STUCK}),
        ({"drops": (4, 0)}, set()),
        ({"drops": (5, 0)}, {ImpairedReason.RECEIVE_DROPS}),
        ({"drops": (50, 0), "replies": (10_000, 0)}, set()),
        ({"drops": (150, 0), "replies": (10_000, 0)}, {ImpairedReason.RECEIVE_DROPS}),
        ({"sends_timed": (100, 0), "sends_late": (10, 0)}, set()),
        ({"sends_timed": (100, 0), "sends_late": (11, 0)}, {ImpairedReason.LATE}),
        ({"sends_timed": (4, 0), "sends_late": (4, 0)}, set()),
        ({"replies_timed": (100, 0), "replies_waited": (10, 0)}, set()),
        ({"replies_timed": (100, 0), "replies_waited": (11, 0)}, {ImpairedReason.REPLY_WAIT}),
        ({"clock_steps": (1, 0)}, {ImpairedReason.CLOCK_STEP}),
        ({"clock_steps": (1, 0), "drops": (9, 0)}, {ImpairedReason.CLOCK_STEP, ImpairedReason.RECEIVE_DROPS}),
        ({"misfit": (True, False)}, {ImpairedReason.CODE_CHANGED}),
        ({"misfit": (True, False), "heartbeat_at": (90.0, 0.0)}, {ImpairedReason.CODE_CHANGED}),
        ({"misfit": (False, True)}, set()),
        ({"drops": (9, 9), "clock_steps": (0, 5)}, {ImpairedReason.RECEIVE_DROPS}),
    ],
    ids=lambda value: str(
        value if isinstance(value, dict) else sorted(value)
    ),  # a set's own text changes from run to run
)
def test_impairment_thresholds(changes: dict[str, Any], reasons: set[ImpairedReason]) -> None:
    """Each reason holds from its threshold on and not below; a process that probes nothing is never asked."""
    present: dict[str, Any] = {"at": 103.0, "heartbeat_at": (103.0, 0.0)} | changes
    icmp, connect = impairments((QUIET, replace(QUIET, **present)), needed=(True, False), first_needed=(0.0, np.nan))
    assert icmp == reasons
    assert connect == frozenset()


def test_process_may_take_five_seconds_to_start() -> None:
    """A process that never gave a heartbeat is stuck only 5 s after it was first needed."""
    for at, stuck in ((104.9, False), (105.1, True)):
        new = replace(QUIET, at=at, heartbeat_at=(0.0, 0.0))
        reasons = impairments((new,), needed=(True, False), first_needed=(100.0, np.nan))[0]
        assert (ImpairedReason.STUCK in reasons) is stuck


def test_counters_that_went_back_are_no_growth() -> None:
    """A successor may begin its counters at 0."""
    old = replace(QUIET, drops=(500, 0), clock_steps=(3, 0))
    assert impairments((old, replace(QUIET, at=101.0)), needed=(True, True), first_needed=(0.0, 100.0))[0] == set()


def test_samples_reach_back_three_seconds() -> None:
    """The samples of the last three seconds and one older are kept, so that growth is never looked at too short."""
    samples: tuple[ProcessSample, ...] = ()
    for step in range(100):
        samples = remembered(samples, replace(QUIET, at=100.0 + 0.2 * step))
    assert samples[-1].at - samples[0].at == pytest.approx(3.2, abs=0.11)
    assert samples[-1].at - samples[1].at <= 3.0 + 1e-9


def test_histograms_are_split_at_their_bounds() -> None:
    """Late is above 0.25 s, waited above 0.1 s; the bucket whose upper bound that is does not count."""
    late = np.zeros(len(LATENESS_BUCKETS) + 1)
    late[LATENESS_BUCKETS.index(0.25)] = 7
    late[LATENESS_BUCKETS.index(0.25) + 1 :] = 1
    assert late_counts(late) == (9, 2)
    waited = np.zeros(len(REPLY_WAIT_BUCKETS) + 1)
    waited[REPLY_WAIT_BUCKETS.index(0.1)] = 7
    waited[-1] = 2
    assert waited_counts(waited) == (9, 2)


def test_impaired_process_blinds_only_its_own_targets() -> None:
    """Drops of the ICMP process make its targets unknown; TCP targets are judged on."""
    tcp = ProbeSpec(kind=ProbeKind.TCP, text="tcp:22", port=22)
    scene = Scene(target("a"), target("b", region="BTN", probe=tcp, interval_seconds=2.0), uplinks=("10.9.9.9",))
    scene.run(12)
    assert scene.engine.roster.process[scene.slot("b")] == PROCESS_CONNECT
    began = scene.now
    scene.engine.drop(0, 100)
    scene.run(1)
    assert (scene.state("a"), scene.reason("a")) == (State.UNKNOWN, "impaired")
    assert scene.state("b") is State.UP
    assert scene.verdict.impaired == {ImpairedReason.RECEIVE_DROPS}
    scene.run(8)
    assert scene.verdict.impaired == frozenset()
    assert scene.state("a") is State.UP
    assert not scene.was("b", State.UNKNOWN, since=began)


def test_impaired_engine_does_not_claim_isolation() -> None:
    """A stuck ICMP process hears no uplink; that is not our line."""
    scene = Scene(target("a"), uplinks=("10.9.9.9",)).run(10)
    scene.engine.stopped[0] = True
    scene.run(10)
    assert not scene.verdict.isolated
    assert scene.reason("a") == "impaired"


def test_failures_while_impaired_count_for_nothing() -> None:
    """What was lost in the seconds before the drops were noticed is part of no window."""
    scene = Scene(target("a"), target("b", region="BTN"), uplinks=("10.9.9.9",)).run(70)
    began = scene.now
    scene.engine.loss[scene.slot("a")] = 1.0
    scene.run(1.4)
    scene.engine.drop(0, 100)
    scene.run(0.4)
    scene.engine.loss[scene.slot("a")] = 0.0
    scene.run(10)
    assert scene.state("a") is State.UP
    assert scene.verdict.loss[scene.slot("a")] == 0.0
    assert not scene.was("a", State.LOW, since=began)
