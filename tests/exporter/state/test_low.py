"""LOW: what makes one, what never does, and how it is left; pending changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from exporter.engine.board import GRID
from exporter.outcome import FailureReason, State, Status, failure_status
from tests.exporter.state.fake_engine import target
from tests.exporter.state.scene import Scene

if TYPE_CHECKING:
    from collections.abc import Sequence

UPLINK = ("10.9.9.9",)
TIMEOUT = failure_status(FailureReason.TIMEOUT)


def write(scene: Scene, name: str, rtts: Sequence[float | None]) -> State:
    """Put one ended probe per second into a target's ring, newest last, judge after each; None is a lost probe."""
    slot, engine = scene.slot(name), scene.engine
    for rtt in rtts:
        engine.now += 1.0
        number = int(engine.column("grid_count")[slot])
        engine.column("grid_sent_at")[slot, number % GRID] = engine.now - 0.5
        engine.column("grid_rtt")[slot, number % GRID] = np.nan if rtt is None else rtt
        engine.column("grid_status")[slot, number % GRID] = TIMEOUT if rtt is None else Status.REPLY
        engine.column("grid_count")[slot] = number + 1
        if rtt is not None:
            engine.column("last_reply_sent_at")[slot] = engine.now - 0.5
        engine.column("revision")[slot] += 1
        uplink = scene.uplink_slot()
        engine.column("last_reply_sent_at")[uplink] = engine.now - 0.1
        engine.column("revision")[uplink] += 1
        for clock in ("heartbeat_at", "drained_at"):
            engine.process(clock)[:] = engine.now
        scene.seen.append(scene.judge.step(monotonic=engine.now, wall=engine.now))
    return scene.state(name)


def settled(probes: int = 60, **settings: float) -> Scene:
    """Return a target with a window of good replies; the fake engine itself sends nothing here."""
    scene = Scene(target("a", **settings), uplinks=UPLINK)
    write(scene, "a", [0.02] * probes)
    assert scene.state("a") is State.UP
    return scene


SPREAD = [None, *[0.02] * 9]  # one of ten lost


@pytest.mark.parametrize(
    ("probes", "state"),
    [
        ([None], State.UP),
        ([None, 0.02, None, 0.02, 0.02, None], State.UP),
        ([*SPREAD] * 5, State.UP),
        ([*SPREAD] * 6, State.LOW),
        ([None, 0.02, 0.02, 0.02] * 3 + [None], State.LOW),
        ([0.9], State.UP),
        ([0.16] * 11, State.LOW),
        ([0.16] * 10, State.UP),
        ([0.149] * 20, State.UP),
        ([0.02, 0.08] * 12, State.LOW),
        ([0.02, 0.06] * 12, State.UP),
        ([0.02, 0.02, 0.02, 0.14] * 5, State.UP),
    ],
    ids=[
        "one lost",
        "three lost",
        "5 of 60",
        "6 of 60",
        "4 of the last 20",
        "one slow reply",
        "most of 20 slow",
        "half of 20 slow",
        "just below the limit",
        "jitter of 60 ms",
        "jitter of 40 ms",
        "every fourth late: half of the differences",
    ],
)
def test_what_makes_low(probes: list[float | None], state: State) -> None:
    """Loss over 60 or over 20, median RTT, or median jitter make a LOW; few bad probes never do."""
    scene = settled()
    assert write(scene, "a", probes) is state


@pytest.mark.parametrize("interval", [1.0, 2.0, 5.0, 10.0])
def test_single_bad_probe_never_makes_low(interval: float) -> None:
    """However short the window is when it becomes old enough, one lost packet or slow reply is no LOW."""
    for bad in (None, 3.0):
        scene = Scene(target("a", interval_seconds=interval), uplinks=UPLINK)
        for position in range(8):
            write(scene, "a", [bad if position == 4 else 0.02])
            scene.engine.now += interval - 1.0
        assert not scene.was("a", State.LOW, since=-1e12)


def test_nothing_is_low_before_twenty_seconds() -> None:
    """A young window is UP after three replies, whatever its loss; LOW comes when it is 20 s long."""
    scene = Scene(target("a"), uplinks=UPLINK)
    assert write(scene, "a", [0.02, None, 0.02, 0.02]) is State.UP
    assert write(scene, "a", [None, 0.02] * 8) is State.UP
    assert write(scene, "a", [None]) is State.LOW


def test_a_running_streak_makes_no_low() -> None:
    """Three losses of 24 in a row may be the beginning of a fall; the reply that ends them makes them count."""
    scene = Scene(target("a"), uplinks=UPLINK)
    assert write(scene, "a", [0.02] * 22 + [None] * 3) is State.UP
    assert write(scene, "a", [0.02]) is State.LOW


def test_leaving_low_needs_ten_calm_probes() -> None:
    """LOW ends when loss is below 80 % of its limit over 60 and half of it over 20, held for ten probes."""
    scene = settled()
    assert write(scene, "a", [None] * 3 + [0.02] * 10 + [None] * 3) is State.LOW
    calm = 0
    while scene.state("a") is State.LOW:
        write(scene, "a", [0.02])
        calm += 1
        assert calm < 100
    # After 46 good ones the second of the first three leaves the window (4 of 60 are below 8 %), then ten more.
    assert calm == 46 + 10
    pending = [int(v.pending_probes[scene.slot("a")]) for v in scene.seen[-11:-1]]
    assert pending == [10, 9, 8, 7, 6, 5, 4, 3, 2, 1]


def test_calm_must_be_held() -> None:
    """A setback within the ten probes begins the count anew."""
    scene = settled()
    write(scene, "a", [0.2] * 20)
    assert scene.state("a") is State.LOW
    write(scene, "a", [0.02] * 16)  # the median is low again after 11
    assert scene.state("a") is State.LOW
    write(scene, "a", [None, None, 0.02, 0.02])  # 2 of 20 is more than half of the limit
    assert write(scene, "a", [0.02] * 8) is State.LOW


def test_rtt_hysteresis() -> None:
    """Between 80 % and 100 % of the RTT limit a LOW stays and an UP stays."""
    scene = settled()
    assert write(scene, "a", [0.13] * 30) is State.UP
    assert write(scene, "a", [0.2] * 20) is State.LOW
    assert write(scene, "a", [0.13] * 40) is State.LOW
    assert write(scene, "a", [0.1] * 30) is State.UP


def test_profile_limits_are_used() -> None:
    """What is slow on fiber is normal on a satellite."""
    scene = settled(low_rtt_seconds=0.9, low_jitter_seconds=0.15)
    assert write(scene, "a", [0.6] * 30) is State.UP


def test_low_survives_blindness() -> None:
    """A LOW target is LOW again after blindness, not UP for a while: what was seen before still counts."""
    scene = Scene(target("a"), target("b", region="BTN"), uplinks=UPLINK).run(70)
    scene.engine.rtt[scene.slot("a")] = 0.3
    scene.until(lambda: scene.state("a") is State.LOW, limit=20)
    began = scene.now
    scene.cut_line().run(10).heal_line().run(8)
    assert scene.state("a") is State.LOW
    assert not scene.was("a", State.UP, since=began)


def test_pending_down_counts_the_missing_failures() -> None:
    """From the second judged failure on, the probes still missing to DOWN are told; a single loss is not near."""
    scene = Scene(target("a"), target("b", region="BTN"), uplinks=UPLINK).run(10).cut("a")
    missing = []
    while scene.state("a") is not State.DOWN:
        scene.step()
        if (near := scene.pending("a")) is not None:
            assert near[0] is State.DOWN
            missing.append(near[1])
    assert missing[0] == 10
    assert missing == sorted(missing, reverse=True)
    assert missing[-1] == 1
    assert scene.pending("a") is None


def test_pending_up_counts_the_missing_replies() -> None:
    """On the way back the missing replies are told."""
    scene = Scene(target("a"), target("b", region="BTN"), uplinks=UPLINK).run(10).cut("a").run(10).heal("a")
    seen = set()
    while scene.state("a") is State.DOWN:
        scene.step()
        seen.add(scene.pending("a"))
    assert seen == {None, (State.UP, 2), (State.UP, 1)}


def test_pending_low_counts_the_missing_losses() -> None:
    """Half way to LOW, the losses still missing are told."""
    scene = settled()
    write(scene, "a", SPREAD * 2)
    assert scene.pending("a") is None
    write(scene, "a", SPREAD)
    assert scene.pending("a") == (State.LOW, 2)  # 2 of the last 20: two more are 20 %
