"""Entering and leaving DOWN: streak, witness, isolation, and what unknown does in between."""

from __future__ import annotations

import numpy as np
import pytest

from exporter.outcome import ImpairedReason, State
from tests.exporter.state.fake_engine import DNS, PERMISSION, REFUSED, SEND_ERROR, target
from tests.exporter.state.scene import Scene

UPLINK = ("10.9.9.9",)


def two() -> Scene:
    """Return two settled targets of different trees and regions, with an uplink."""
    return Scene(target("a"), target("b", region="BTN"), uplinks=UPLINK).run(10)


def test_first_state_comes_with_three_replies() -> None:
    """Fewer than three outcomes are unknown (starting); three replies are UP, within 5 s of the start."""
    scene = Scene(target("a", interval_seconds=5.0), uplinks=UPLINK)
    scene.run(0.4)
    assert (scene.state("a"), scene.reason("a")) == (State.UNKNOWN, "starting")
    assert scene.until(lambda: scene.state("a") is State.UP, limit=5.0) > 1.0
    assert scene.engine.column("probes_total")[scene.slot("a")] == 3


def test_target_that_never_answers_is_down() -> None:
    """A target that has never answered is DOWN after the same evidence, not unknown for ever."""
    scene = Scene(target("a"), uplinks=UPLINK).cut("a")
    scene.until(lambda: scene.state("a") is State.DOWN, limit=8.0)


def test_down_needs_failures_over_time() -> None:
    """Twelve failures within less than `down_after` are not DOWN: refusals come at once, only the span is missing."""
    scene = two()
    scene.engine.failure[scene.slot("a")] = REFUSED
    began = scene.now
    scene.run(2.8)
    slot = scene.slot("a")
    assert scene.engine.column("confirm_count")[slot] + scene.engine.column("failures_total")[slot].sum() >= 12
    assert scene.state("a") is not State.DOWN
    scene.until(lambda: scene.state("a") is State.DOWN, limit=2.0)
    assert scene.now - began >= 3.0


def test_down_needs_enough_failures() -> None:
    """A long silence with fewer than `down_after_probes` failures is not DOWN."""
    scene = Scene(target("a", down_after_probes=40), target("b"), uplinks=UPLINK).run(10).cut("a")
    scene.run(6)
    assert scene.state("a") is State.UP
    assert scene.pending("a") is not None
    scene.until(lambda: scene.state("a") is State.DOWN, limit=5.0)


def test_reply_clears_older_failures() -> None:
    """One reply clears every failure of an older probe: a target that answers each third second is never DOWN."""
    scene = two()
    began = scene.now
    for _ in range(6):
        scene.cut("a").run(2.6).heal("a").run(0.6)
    assert not scene.was("a", State.DOWN, since=began)


def test_late_reply_withdraws_the_judgement() -> None:
    """A reply after 0.7 s is later than overdue but within the timeout: never a streak that lasts, never DOWN."""
    scene = two()
    began = scene.now
    scene.engine.rtt[scene.slot("a")] = 0.7
    scene.run(20)
    assert not scene.was("a", State.DOWN, since=began)
    assert scene.verdict.loss[scene.slot("a")] == 0.0


def test_stopped_prober_makes_no_failures() -> None:
    """Overdue is measured against what the prober has read: while it is stopped nobody gets a streak."""
    scene = two()
    began = scene.now
    scene.engine.stopped[0] = True
    scene.run(10)
    assert scene.verdict.impaired == {ImpairedReason.STUCK}
    assert (scene.state("a"), scene.reason("a")) == (State.UNKNOWN, "impaired")
    scene.engine.stopped[0] = False
    scene.until(lambda: scene.state("a") is State.UP, limit=5.0)
    assert not scene.was("a", State.DOWN, since=began)


def test_killed_prober_makes_no_failures_and_no_isolation() -> None:
    """Probes of a prober that died are void; its successor's first moments are not taken for a cut line."""
    scene = two()
    began = scene.now
    scene.engine.stopped[0] = True
    scene.run(2.6)
    scene.engine.kill(0)
    scene.engine.stopped[0] = False
    scene.run(10)
    assert not scene.was("a", State.DOWN, since=began)
    assert not any(v.isolated for v in scene.seen)
    assert scene.verdict.loss[scene.slot("a")] == 0.0


def test_send_errors_say_nothing_of_the_target() -> None:
    """Probes that our kernel refuses to send are neither loss nor a streak; when nothing else comes it is unknown."""
    scene = two()
    began = scene.now
    scene.engine.failure[scene.slot("a")] = SEND_ERROR
    scene.run(5)
    assert scene.state("a") is State.UP
    assert scene.verdict.loss[scene.slot("a")] == 0.0
    scene.run(10)
    assert (scene.state("a"), scene.reason("a")) == (State.UNKNOWN, "impaired")
    assert not scene.was("a", State.DOWN, since=began)


@pytest.mark.parametrize(
    ("status", "reason"), [(PERMISSION, "permission"), (DNS, "unresolved")], ids=["permission", "dns"]
)
def test_unaskable_is_unknown(status: int, reason: str) -> None:
    """Without permission, or without an address, a target is unknown, and comes back with its first reply."""
    scene = two()
    scene.engine.failure[scene.slot("a")] = status
    scene.run(10)
    assert (scene.state("a"), scene.reason("a")) == (State.UNKNOWN, reason)
    assert scene.state("b") is State.UP
    scene.engine.failure[scene.slot("a")] = 0
    scene.until(lambda: scene.state("a") is State.UP, limit=2.5)


def test_silence_of_everything_is_never_down() -> None:
    """While no uplink has answered since the streak began, nobody enters DOWN."""
    scene = two()
    began = scene.now
    scene.cut_line().run(12)
    assert scene.verdict.isolated
    assert not scene.was("a", State.DOWN, since=began)


def test_witness_from_another_tree() -> None:
    """Without uplinks a target outside the gateway tree is the witness: until it answers again, unknown."""
    scene = Scene(target("a"), target("b", region="BTN", interval_seconds=30.0)).run(32)
    scene.until(lambda: scene.engine.due[scene.slot("b")] - scene.now > 20, limit=31)
    scene.cut("a")
    scene.until(lambda: scene.reason("a") == "no_witness", limit=6.0)
    assert not scene.verdict.isolated
    assert scene.until(lambda: scene.state("a") is State.DOWN, limit=30.0) > 10


def test_site_of_the_same_tree_is_no_witness_between_trees() -> None:
    """Where two trees exist, only the other tree's targets count."""
    scene = Scene(target("h"), target("s", gateway="h"), target("x", region="BTN", interval_seconds=60.0)).run(62)
    scene.until(lambda: scene.engine.due[scene.slot("x")] - scene.now > 30, limit=61)
    scene.cut("s").run(8)
    assert scene.state("h") is State.UP
    assert (scene.state("s"), scene.reason("s")) == (State.UNKNOWN, "no_witness")


def test_lone_target_needs_no_witness() -> None:
    """Where none can exist none is needed."""
    scene = Scene(target("a")).run(10).cut("a")
    scene.until(lambda: scene.state("a") is State.DOWN, limit=6.0)


def test_single_tree_needs_no_outside_witness() -> None:
    """In a single tree a site goes DOWN while its hub answers, and the hub while a site does."""
    scene = Scene(target("h"), target("s", gateway="h")).run(10).cut("s")
    scene.until(lambda: scene.state("s") is State.DOWN, limit=6.0)
    scene.heal("s").run(10).cut("h")
    scene.until(lambda: scene.state("h") is State.DOWN, limit=6.0)


def test_isolated_by_uplinks() -> None:
    """No uplink has answered for 2 s: isolated, everything unknown, nobody DOWN, also after the line is back."""
    scene = Scene(target("a"), target("b", region="BTN"), uplinks=("10.9.9.9", "10.9.9.8")).run(10)
    began = scene.now
    scene.cut_line()
    assert scene.until(lambda: scene.verdict.isolated, limit=3.0) > 1.0
    assert (scene.state("a"), scene.reason("a")) == (State.UNKNOWN, "isolated")
    assert scene.engine.board.control["isolated"][0] == 1
    assert scene.verdict.uplink_up == {"10.9.9.9": False, "10.9.9.8": False}
    scene.run(60).heal_line()
    scene.until(lambda: scene.state("a") is State.UP and scene.state("b") is State.UP, limit=4.0)
    scene.run(60)
    assert not scene.was("a", State.DOWN, since=began)
    assert not scene.was("a", State.LOW, since=began), "what was sent while blind is part of no window"
    assert scene.verdict.uplink_up == {"10.9.9.9": True, "10.9.9.8": True}


def test_one_uplink_is_enough() -> None:
    """As long as one uplink answers the line works."""
    scene = Scene(target("a"), uplinks=("10.9.9.9", "10.9.9.8")).run(10)
    scene.engine.cut[scene.uplink_slot(0)] = True
    scene.run(10)
    assert not scene.verdict.isolated
    assert scene.verdict.uplink_up == {"10.9.9.9": False, "10.9.9.8": True}


def test_isolated_without_uplinks() -> None:
    """Without uplinks, two or more targets of which none answers: isolated until the first one answers."""
    scene = Scene(target("a"), target("b", region="BTN")).run(10)
    began = scene.now
    scene.cut_line().run(20)
    assert scene.verdict.isolated
    assert scene.reason("b") == "isolated"
    scene.heal("b")
    scene.until(lambda: not scene.verdict.isolated, limit=2.0)
    scene.until(lambda: scene.state("b") is State.UP and scene.state("a") is State.DOWN, limit=8.0)
    assert not scene.ever_outage("b", since=began)


def test_single_tree_that_falls_silent_is_isolation() -> None:
    """A hub and everything behind it is all there is: nothing answers, so it may be our own line."""
    scene = Scene(target("h"), target("s", gateway="h"), target("l", gateway="h", interval_seconds=5.0)).run(20)
    began = scene.now
    scene.cut_line().run(20)
    assert scene.verdict.isolated
    assert not scene.was("h", State.DOWN, since=began)


def test_streak_starts_at_zero_after_blindness() -> None:
    """Failures from before or during blindness count for nothing: DOWN needs its whole evidence afterwards."""
    scene = two().cut("a").run(2.5)
    scene.engine.cut[scene.uplink_slot()] = True
    scene.until(lambda: scene.verdict.isolated, limit=4.0)
    scene.engine.cut[scene.uplink_slot()] = False
    scene.until(lambda: not scene.verdict.isolated, limit=2.0)
    assert scene.until(lambda: scene.state("a") is State.DOWN, limit=8.0) >= 3.0


def test_leaving_down_needs_three_replies_in_a_row() -> None:
    """Two replies are not enough, a failure between them begins the count anew, and no LOW follows an outage."""
    scene = two().cut("a").run(30)
    scene.heal("a").run(2.0).cut("a").run(2)
    assert scene.state("a") is State.DOWN
    began = scene.now
    scene.heal("a")
    assert scene.until(lambda: scene.state("a") is not State.DOWN, limit=5.0) > 2.0
    assert scene.state("a") is State.UP
    scene.run(70)
    assert not scene.was("a", State.LOW, since=began)
    assert scene.verdict.loss[scene.slot("a")] == 0.0


def test_down_target_is_quiet() -> None:
    """A target that is DOWN gets no confirmation probes; the engine is told so, and told when it is back."""
    scene = two().cut("a").run(10)
    assert scene.engine.column("quiet")[scene.slot("a")] == 1
    assert scene.engine.column("quiet")[scene.slot("b")] == 0
    scene.heal("a").run(6)
    assert scene.engine.column("quiet")[scene.slot("a")] == 0


def test_median_rtt_is_told_to_the_engine() -> None:
    """The board's median is the verdict's; the engine's confirmation probes and our own patience depend on it."""
    scene = two()
    slot = scene.slot("a")
    assert scene.engine.column("median_rtt")[slot] == np.float32(scene.verdict.rtt[slot])


def test_long_outage_keeps_its_begin() -> None:
    """The rings forget after minutes; DOWN, its since-time and when the silence began do not."""
    scene = two().cut("a")
    cut_at = scene.now
    scene.until(lambda: scene.state("a") is State.DOWN, limit=6.0)
    since = scene.since("a")
    scene.run(200)
    assert scene.state("a") is State.DOWN
    assert scene.since("a") == since
    silent = scene.judge.evidence_of(scene.slot("a"))
    assert silent["silent_since"] - 1_700_000_000.0 == pytest.approx(cut_at + 0.5, abs=0.6)
    assert silent["newest_failure"] == "timeout"


def test_unknown_does_not_end_an_outage() -> None:
    """Blindness in the middle of an outage leaves it, and its since-time; only UP or LOW clear it."""
    scene = two().cut("a").run(10)
    since = scene.since("a")
    scene.cut_line().run(10)
    assert scene.state("a") is State.UNKNOWN
    assert scene.outage("a")
    scene.heal_line().cut("a").run(10)
    assert scene.state("a") is State.DOWN
    assert scene.since("a") == since
    scene.heal("a").run(5)
    assert not scene.outage("a")


def test_reload_keeps_what_is_unchanged() -> None:
    """A slot whose target is unchanged keeps state, window and since; a new target starts afresh."""
    scene = Scene(target("a"), target("b"), uplinks=UPLINK, room=4).run(30)
    since = scene.since("a")
    scene.reload(target("a", low_rtt_seconds=0.5), target("c")).run(0.4)
    assert scene.since("a") == since
    assert scene.verdict.loss[scene.slot("a")] == 0.0
    assert (scene.state("c"), scene.reason("c")) == (State.UNKNOWN, "starting")
    scene.run(5)
    assert scene.state("c") is State.UP


def test_slot_given_to_another_starts_afresh() -> None:
    """A reused slot has nothing of its former target."""
    scene = Scene(target("a"), target("b"), uplinks=UPLINK, room=4).run(10).cut("b").run(10)
    old = scene.slot("b")
    assert scene.outage("b")
    scene.reload(target("a")).run(1)
    scene.engine.cut[:] = False
    scene.reload(target("a"), target("c")).run(0.2)
    assert scene.slot("c") == old
    assert scene.reason("c") == "starting"
    assert not scene.outage("c")
