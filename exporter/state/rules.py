"""Evidence -> up, low, down or unknown, and what is near: one small function per rule of docs/states.md (pure).

Precedence: unknown > down > low > up.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from exporter.outcome import UNKNOWN_REASONS, FailureReason, State, UnknownReason, failure_status
from exporter.state.verdict import NO_STATE
from exporter.state.window import SHORT, WINDOW

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from exporter.roster import Roster
    from exporter.state.arrays import Bools, Bytes, Floats, Ints
    from exporter.state.memory import Memory
    from exporter.state.streak import Streak
    from exporter.state.window import Window

OLD_ENOUGH_SECONDS: Final = 20.0  # of window, before anything can be LOW
FIRST_OUTCOMES: Final = 3  # fewer say nothing
FIRST_REPLIES: Final = 3  # are UP while the window is young
LEAST_LOST: Final = 2  # a single lost packet never makes a LOW, however short the window
LEAST_REPLIES: Final = 3  # nor does a single slow reply: a median of two is moved by one
LEAST_JITTER_REPLIES: Final = 6  # one slow reply spoils two differences: three more must stand against them
LEAVE_SHARE: Final = 0.8  # of the limits, to leave LOW
CALM_PROBES: Final = 10
STALE_INTERVALS: Final = 3.0  # without any outcome that counts
STALE_SECONDS: Final = 5.0  # at least
NEAR_FAILURES: Final = 2  # one lost packet is no streak
_ROUNDING: Final = 1e-9  # 6 lost of 60 are 10 %, whatever binary fractions say

REASON: Final = {reason: UNKNOWN_REASONS.index(reason) for reason in UnknownReason}


@dataclass(frozen=True, slots=True, kw_only=True)
class Blindness:
    """Why nothing can be said of a slot; a later line wins over an earlier one."""

    unresolved: Bools
    permission: Bools
    impaired: Bools  # its prober
    isolated: bool

    @property
    def blind(self) -> Bools:
        """Slots of which nothing can be said."""
        return self.unresolved | self.permission | self.impaired | self.isolated


@dataclass(frozen=True, slots=True, kw_only=True)
class States:
    """The states of this step, and what the next step must remember of how they came about."""

    code: Bytes
    reason: Bytes
    calm_from: Ints


def blindness_of(window: Window, impaired: Bools, *, isolated: bool) -> Blindness:
    """Tell why slots are blind: the newest outcome says that nothing was sent, or we cannot see at all."""
    return Blindness(
        unresolved=window.newest_status == failure_status(FailureReason.DNS),
        permission=window.newest_status == failure_status(FailureReason.PERMISSION),
        impaired=impaired,
        isolated=isolated,
    )


def is_ripe(streak: Streak, first: Floats, roster: Roster) -> Bools:
    """Tell who has all it takes to be down but a witness: enough judged failures, over a long enough time."""
    span = streak.last - first  # NaN without a streak, so that the comparison is false
    return (streak.failures >= roster.down_after_probes) & (span >= roster.down_after_seconds)


def is_low(window: Window, streak: Streak, roster: Roster, was_low: Bools) -> Bools:
    """Tell who is lossy or slow enough to be LOW: loss of 60, loss of 20, median RTT or median jitter.

    Losses do not make a LOW while a streak runs: it ends in a reply within seconds, and then they count, or it was the
    beginning of a fall. Else a young window (three losses of 24) would tell each fall of a hub as LOW of all its sites.
    """
    limit = roster.low_loss_ratio
    lossy = (window.lost >= LEAST_LOST) & (window.lost >= limit * window.ended - _ROUNDING)
    short = (window.short_lost >= LEAST_LOST) & (window.short_lost >= 2 * limit * window.short_ended - _ROUNDING)
    loss = (lossy | short) & (was_low | (streak.failures < NEAR_FAILURES))
    slow = (window.rtt_replies >= LEAST_REPLIES) & (window.rtt >= roster.low_rtt_seconds)
    jittery = (window.rtt_replies >= LEAST_JITTER_REPLIES) & (window.jitter >= roster.low_jitter_seconds)
    return is_old_enough(window) & (loss | slow | jittery)


def is_old_enough(window: Window) -> Bools:
    """Tell whose window is long enough to call anything LOW."""
    return (window.ended >= FIRST_OUTCOMES) & (window.span >= OLD_ENOUGH_SECONDS)


def is_calm(window: Window, roster: Roster) -> Bools:
    """Tell who is well below every limit: the condition of leaving LOW, to be held for ten probes."""
    limit = roster.low_loss_ratio
    loss = window.lost < LEAVE_SHARE * limit * window.ended - _ROUNDING
    loss |= window.lost == 0
    short = window.short_lost <= limit / 2 * window.short_ended + _ROUNDING
    rtt = np.isnan(window.rtt) | (window.rtt < LEAVE_SHARE * roster.low_rtt_seconds)
    jitter = np.isnan(window.jitter) | (window.jitter < LEAVE_SHARE * roster.low_jitter_seconds)
    return is_old_enough(window) & (window.rtt_replies > 0) & loss & short & rtt & jitter


def is_stale(window: Window, streak: Streak, last_reply_sent_at: Floats, roster: Roster, now: Floats) -> Bools:
    """Tell whose evidence has run out: probes are not sent, or only fail to be sent. Missing data is unknown."""
    newest = np.fmax(np.maximum(window.newest_sent_at, last_reply_sent_at), streak.last)
    return now - newest > stale_after(roster)


def stale_after(roster: Roster) -> Floats:
    """Return how old the newest evidence of each slot may become, in seconds."""
    return np.maximum(STALE_INTERVALS * roster.interval_seconds, STALE_SECONDS) + roster.timeout_seconds


def judge_states(
    *,
    roster: Roster,
    memory: Memory,
    window: Window,
    streak: Streak,
    last_reply_sent_at: Floats,
    now: Floats,
    blind: Blindness,
    ripe: Bools,
    witnessed: Bools,
) -> States:
    """Decide every slot's state.

    Args:
        roster: settings.
        memory: of the last step.
        window: measured now.
        streak: counted now.
        last_reply_sent_at: send time of the newest answered probe.
        now: per slot: up to when its prober has read replies.
        blind: who cannot be seen, and why.
        ripe: `is_ripe`.
        witnessed: another answered since the streak began, or none is needed.
    """
    was_down = memory.code == State.DOWN
    was_unknown = memory.code == State.UNKNOWN
    answered = last_reply_sent_at > memory.floor
    calm = is_calm(window, roster)
    calm_from = np.where(calm, np.where(memory.calm_from >= 0, memory.calm_from, window.newest), -1)
    held = calm & (window.newest - calm_from >= CALM_PROBES)
    was_low = (memory.code == State.LOW) | (was_unknown & (memory.last_known == State.LOW))
    low = is_low(window, streak, roster, was_low) | (was_low & ~held)

    outcomes = window.ended + streak.failures
    down = np.where(was_down, streak.run < roster.up_after_probes, ripe & witnessed)
    unwitnessed = ripe & ~witnessed & ~was_down
    still_fallen = memory.fallen & ~was_down & ~down & (streak.run < roster.up_after_probes)
    first_time = was_unknown & ((memory.last_known == State.UNKNOWN) | memory.restarted) & ~memory.fallen
    enough = (window.replies >= FIRST_REPLIES) | (is_old_enough(window) & (window.replies > 0))
    waiting = was_unknown & ~down & ~memory.fallen & (~answered | (first_time & ~enough))
    too_few = was_unknown & (outcomes < FIRST_OUTCOMES) & (first_time | ~answered)

    back = memory.fallen & ~down  # its window starts afresh, so nothing in it can make it LOW
    code = np.where(low & ~back, State.LOW, State.UP)
    code[down] = State.DOWN
    reason = np.zeros(roster.size, dtype=np.uint8)
    unjudged = waiting | still_fallen | too_few
    stale = is_stale(window, streak, last_reply_sent_at, roster, now) & ~unjudged & ~unwitnessed
    began = np.where(memory.restarted, REASON[UnknownReason.RESTARTED], REASON[UnknownReason.STARTING])
    for mask, why in (
        (unjudged, began),
        (unwitnessed, REASON[UnknownReason.NO_WITNESS]),
        (stale, REASON[UnknownReason.IMPAIRED]),
        (blind.unresolved, REASON[UnknownReason.UNRESOLVED]),
        (blind.permission, REASON[UnknownReason.PERMISSION]),
        (blind.impaired, REASON[UnknownReason.IMPAIRED]),
        (np.full(roster.size, blind.isolated), REASON[UnknownReason.ISOLATED]),
        (~roster.is_target, REASON[UnknownReason.STARTING]),
    ):
        if mask.any():
            code[mask] = State.UNKNOWN
            reason[mask] = why[mask] if isinstance(why, np.ndarray) else why
    return States(code=code.astype(np.uint8), reason=reason, calm_from=calm_from)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """A change that is near."""

    state: Bytes  # outcome.State, or NO_STATE
    probes: NDArray[np.int32]  # still missing; 0 where none is near


def judge_pending(
    *,
    roster: Roster,
    code: Bytes,
    fallen: Bools,
    back: Bools,
    blind: Bools,
    window: Window,
    streak: Streak,
    calm_from: Ints,
) -> Pending:
    """Tell which change is near and how many probes are missing to it.

    - to DOWN: two judged failures or more; missing are judged failures.
    - to UP from DOWN or from the start: at least one reply; missing are consecutive replies.
    - to UP from LOW: the conditions of leaving hold; missing are probes for which they must go on holding.
    - to LOW: half of the losses that make a LOW are there; missing are losses, were all the next probes lost. Not for
      who has just come back from DOWN: its window is the old one for the last time.
    """
    state = np.full(roster.size, NO_STATE, dtype=np.uint8)
    probes = np.zeros(roster.size, dtype=np.int32)
    candidates = roster.is_target & ~blind
    limit = roster.low_loss_ratio
    missing_low = np.minimum(
        np.ceil(limit * np.minimum(window.ended, WINDOW) - _ROUNDING) - window.lost,
        np.ceil(2 * limit * np.minimum(window.ended, SHORT) - _ROUNDING) - window.short_lost,
    )
    near_low = (window.lost >= LEAST_LOST) & (window.lost >= limit / 2 * window.ended) & is_old_enough(window)
    returning = fallen | (code == State.UNKNOWN)
    so_far = np.where(fallen, streak.run, np.minimum(window.replies, FIRST_REPLIES))
    needed = np.where(fallen, roster.up_after_probes, FIRST_REPLIES)
    for mask, to, missing in (
        ((code == State.UP) & near_low & ~back, State.LOW, missing_low),
        ((code == State.LOW) & (calm_from >= 0), State.UP, CALM_PROBES - (window.newest - calm_from)),
        (returning & (so_far > 0) & (so_far < needed), State.UP, needed - so_far),
        (
            (code != State.DOWN) & (streak.failures >= NEAR_FAILURES),
            State.DOWN,
            roster.down_after_probes - streak.failures,
        ),
    ):
        rows = (mask & candidates).nonzero()[0]
        if len(rows):
            state[rows] = to
            probes[rows] = np.maximum(missing[rows], 1)
    return Pending(state=state, probes=probes)
