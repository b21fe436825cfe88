"""Whose fault it is: the gateway tree, regions, what fell together, causes and flapping (pure).

A target that entered DOWN has *fallen* until it is UP or LOW again. What has fallen is at each moment one of three:
held (we wait a few seconds to see what else falls), cut off (a fallen hub or region explains it), or in outage of its
own. An outage of its own stays so until UP or LOW: who was told as down is not taken over by a hub that falls later.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from exporter.outcome import CAUSES, Cause, FailureReason, State, failure_status

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from exporter.state.arrays import Bools, Bytes, Floats, Ints
    from exporter.state.layout import Layout
    from exporter.state.memory import Memory

ANCESTOR_HOLD_SECONDS: Final = 5.0
COMPANION_HOLD_SECONDS: Final = 3.0
GRACE_SECONDS: Final = 15.0
SHARE_DOWN: Final = 0.8
SHARE_LOW: Final = 0.2
SHARE_UNKNOWN: Final = 0.5
TOGETHER: Final = 2  # one target's fall says nothing of its region
STREAK: Final = 2  # judged failures; one lost packet is no streak
PROVIDER_LEAST: Final = 3
FLAP_SECONDS: Final = 15 * 60.0
FLAP_HIDE_SECONDS: Final = 5 * 60.0

NO_CULPRIT: Final = -1
_ANSWERS = [
    failure_status(reason)
    for reason in (
        FailureReason.REFUSED,
        FailureReason.RESET,
        FailureReason.TLS,
        FailureReason.PROTOCOL,
        FailureReason.STATUS,
    )
]
_CAUSE: Final = {cause: CAUSES.index(cause) for cause in Cause}
# Evidence for a wider cause may come later; within one outage a cause is never taken back.
_RANK: Final = np.zeros(len(CAUSES) + 1, dtype=np.int8)  # the last entry stands for -1: no cause yet
_RANK[[_CAUSE[Cause.UNKNOWN], _CAUSE[Cause.DEVICE], _CAUSE[Cause.SITE], _CAUSE[Cause.PROVIDER]]] = (1, 2, 3, 4)


def region_culprit(index: NDArray[np.int32]) -> NDArray[np.int32]:
    """Return how `Verdict.culprit` names regions."""
    return (-index - 2).astype(np.int32)


def topmost_fallen(layout: Layout, fallen: Bools, answering: Bools) -> NDArray[np.int32]:
    """Return per slot the topmost fallen hub above it; -1: none.

    A hub in between that answers ends the search: what lies behind it is not cut off by anything above it.
    """
    top = np.full(layout.roster.size, NO_CULPRIT, dtype=np.int32)
    for level in layout.levels:
        parent = layout.roster.gateway[level]
        found = np.where(top[parent] >= 0, top[parent], np.where(fallen[parent], parent, NO_CULPRIT))
        top[level] = np.where(answering[parent], NO_CULPRIT, found)
    return top


def any_ancestor(layout: Layout, marked: Bools) -> Bools:
    """Tell who has a marked ancestor."""
    below = np.zeros(layout.roster.size, dtype=np.bool_)
    for level in layout.levels:
        parent = layout.roster.gateway[level]
        below[level] = below[parent] | marked[parent]
    return below


def region_states(layout: Layout, code: Bytes) -> Bytes:
    """Return every region's state; a region without targets is unknown.

    Unknown when more than half are (as with targets, unknown goes first); down when all its hubs are, or at least 80 %
    of two or more judged targets; low when any is down or at least 20 % of the judged are low. The only target of a
    region lends it its state.
    """
    slots = layout.target_slots
    regions = len(layout.roster.regions)
    region = layout.roster.region[slots]
    of = code[slots]

    def count(mask: Bools) -> Ints:
        return np.bincount(region[mask], minlength=regions)

    total = np.bincount(region, minlength=regions)
    hubs, hubs_down = count(layout.is_hub[slots]), count(layout.is_hub[slots] & (of == State.DOWN))
    down, low, unknown = count(of == State.DOWN), count(of == State.LOW), count(of == State.UNKNOWN)
    judged = total - unknown
    result = np.full(regions, State.UP, dtype=np.uint8)
    result[(down > 0) | (low >= np.maximum(SHARE_LOW * judged, 1))] = State.LOW
    fallen = (judged >= TOGETHER) & (down >= SHARE_DOWN * judged)
    result[fallen | ((hubs > 0) & (hubs_down == hubs))] = State.DOWN
    result[(total == 0) | (unknown > SHARE_UNKNOWN * total)] = State.UNKNOWN
    alone = total[region] == 1
    result[region[alone]] = of[alone]
    return result


@dataclass(frozen=True, slots=True, kw_only=True)
class Falls:
    """Who has fallen, and why."""

    fallen: Bools
    own: Bools
    cut_off: Bools
    culprit: NDArray[np.int32]  # of who is cut off
    explained_at: Floats
    fell_at: Floats
    region_outage: Bools


@dataclass(frozen=True, slots=True, kw_only=True)
class Signs:
    """What the falls are explained from; slot-indexed."""

    code: Bytes
    failures: Ints  # judged failures in the streak
    streak_first: Floats
    last_reply_sent_at: Floats
    blind: Bools


def explain_falls(layout: Layout, memory: Memory, signs: Signs, region_code: Bytes, now: float) -> Falls:
    """Decide who is held, cut off or in outage of its own. `now` is monotonic seconds."""
    code = signs.code
    entered = (code == State.DOWN) & (memory.code != State.DOWN)
    fallen = (memory.fallen | entered) & ~((code == State.UP) | (code == State.LOW)) & layout.roster.is_target
    region_outage = memory.region_outage & ~((region_code == State.UP) | (region_code == State.LOW))
    if not fallen.any():
        return Falls(
            fallen=fallen,
            own=fallen,
            cut_off=fallen,
            culprit=np.full(layout.roster.size, NO_CULPRIT, dtype=np.int32),
            explained_at=np.where(memory.fallen, -np.inf, memory.explained_at),
            fell_at=memory.fell_at,
            region_outage=region_outage,
        )
    own = memory.own & fallen
    fell_at = np.where(entered & ~own, now, memory.fell_at)
    age = now - fell_at
    open_ = fallen & ~own

    answering = ~fallen & ((code == State.UP) | (code == State.LOW))
    hub = topmost_fallen(layout, fallen, answering)
    by_hub = open_ & (hub >= 0)
    by_ancestor = open_ & ~by_hub & (age < ANCESTOR_HOLD_SECONDS) & _ancestor_may_fall(layout, signs, fallen)
    region_outage = region_outage | (
        (region_code == State.DOWN) & _region_fell(layout, code, by_hub, by_ancestor, fallen)
    )
    region = layout.roster.region
    by_region = open_ & ~by_hub & ~by_ancestor & (region >= 0) & region_outage[np.maximum(region, 0)]
    explained = by_hub | by_region
    culprit = np.where(by_hub, hub, np.where(by_region, region_culprit(region), memory.explained_by))
    explained_at = np.where(explained, now, np.where(fallen, memory.explained_at, -np.inf))
    grace = open_ & ~explained & (now - explained_at < GRACE_SECONDS)
    companions = _companions_falling(layout, signs, fallen, hub)
    held = by_ancestor | ((age < COMPANION_HOLD_SECONDS) & companions)
    own = own | (open_ & (code == State.DOWN) & ~explained & ~grace & ~held)
    cut_off = explained | grace
    return Falls(
        fallen=fallen,
        own=own,
        cut_off=cut_off,
        culprit=np.where(cut_off, culprit, NO_CULPRIT).astype(np.int32),
        explained_at=explained_at,
        fell_at=fell_at,
        region_outage=region_outage,
    )


def _ancestor_may_fall(layout: Layout, signs: Signs, fallen: Bools) -> Bools:
    """Tell who has an ancestor that may be falling too.

    One with failures in its streak; or a gateway that has not answered anything since the target's streak began: it
    may be probed more seldom, or be on a slower link, than the target.
    """
    failing = any_ancestor(layout, (signs.failures > 0) & ~fallen)
    gateway = np.maximum(layout.roster.gateway, 0)
    silent = (layout.roster.gateway >= 0) & ~fallen[gateway] & ~signs.blind[gateway]
    return failing | (silent & (signs.last_reply_sent_at[gateway] <= signs.streak_first))


def _region_fell(layout: Layout, code: Bytes, by_hub: Bools, by_ancestor: Bools, fallen: Bools) -> Bools:
    """Tell which regions are down even without what fallen hubs explain, or may come to explain."""
    slots = layout.target_slots
    regions = len(layout.roster.regions)
    rest = ~by_hub[slots] & ~(layout.is_hub[slots] & fallen[slots]) & (code[slots] != State.UNKNOWN)
    down = rest & (code[slots] == State.DOWN) & ~by_ancestor[slots]
    region = layout.roster.region[slots]
    judged = np.bincount(region[rest], minlength=regions)
    fell = np.bincount(region[down], minlength=regions)
    result: Bools = (fell >= TOGETHER) & (fell >= SHARE_DOWN * judged)
    return result


def _companions_falling(layout: Layout, signs: Signs, fallen: Bools, hub: NDArray[np.int32]) -> Bools:
    """Tell in whose hub, region or provider others are in a streak that no fallen hub explains."""
    suspects = (signs.failures >= STREAK) & ~fallen & (hub < 0) & ~signs.blind & layout.roster.is_target
    found = np.zeros(layout.roster.size, dtype=np.bool_)
    if not suspects.any():
        return found
    for group in (layout.roster.gateway, layout.roster.region, layout.roster.provider):
        marked = np.zeros(int(group.max(initial=-1)) + 1, dtype=np.bool_)
        marked[group[suspects & (group >= 0)]] = True
        members = group >= 0
        found[members] |= marked[group[members]]
    return found


def own_causes(layout: Layout, memory: Memory, falls: Falls, code: Bytes, newest_status: Bytes) -> NDArray[np.int8]:
    """Return the cause of every outage (index into CAUSES; -1: not in outage), only as far as the evidence goes.

    - hub, region: what it is cut off by.
    - provider: three or more of a provider's targets, at least 80 % of those judged, have fallen, in two gateway trees
      or more, while a target of somebody else answers.
    - site: everything at its place has fallen.
    - device: something else at its place answers, or its address itself still answers (refused, reset, ...).
    - unknown: else. Tunnel needs the VPN's own facts, uplink and engine are told by isolated and impaired.
    """
    cause = np.full(layout.roster.size, -1, dtype=np.int8)
    if not falls.fallen.any():
        return cause
    guess = np.full(layout.roster.size, _CAUSE[Cause.UNKNOWN], dtype=np.int8)
    fallen, answers = falls.fallen, (code == State.UP) | (code == State.LOW)
    guess[np.isin(newest_status, _ANSWERS)] = _CAUSE[Cause.DEVICE]
    here = layout.place >= 0
    if here.any():
        at = layout.place[here]
        gone = np.bincount(at, weights=fallen[here], minlength=layout.places)[at]
        alive = np.bincount(at, weights=answers[here], minlength=layout.places)[at]
        members = np.bincount(at, minlength=layout.places)[at]
        slots = here.nonzero()[0]
        guess[slots[alive > 0]] = _CAUSE[Cause.DEVICE]
        guess[slots[gone == members]] = _CAUSE[Cause.SITE]
    provider = _provider_fell(layout, falls, answers, code)
    guess[provider] = _CAUSE[Cause.PROVIDER]
    guess = np.where(_RANK[guess] > _RANK[memory.cause], guess, memory.cause)
    cause[falls.own] = guess[falls.own]
    cause[falls.cut_off] = np.where(
        falls.culprit[falls.cut_off] < NO_CULPRIT, _CAUSE[Cause.REGION], _CAUSE[Cause.HUB]
    ).astype(np.int8)
    return cause


def _provider_fell(layout: Layout, falls: Falls, answers: Bools, code: Bytes) -> Bools:
    """Tell whose provider as a whole has fallen."""
    result = np.zeros(layout.roster.size, dtype=np.bool_)
    provider = layout.roster.provider
    for number in range(layout.providers) if falls.own.any() else ():
        members = provider == number
        gone = members & falls.fallen
        if (
            int(gone.sum()) >= max(PROVIDER_LEAST, SHARE_DOWN * int((members & (code != State.UNKNOWN)).sum()))
            and len(np.unique(layout.tree[gone])) >= TOGETHER
            and bool((answers & ~members).any())
        ):
            result |= gone & falls.own
    return result


@dataclass(frozen=True, slots=True, kw_only=True)
class Flapping:
    """Who goes up and down all the time."""

    flapping: Bools
    own_times: Floats
    own_at: Floats
    hidden: Bools  # in an outage of its own that is too young to be told


def judge_flapping(memory: Memory, falls: Falls, now: float) -> Flapping:
    """Enter at the third outage of its own within 15 minutes, leave after 15 minutes without one.

    While flapping, an outage is told only when it has lasted for 5 minutes. `now` is monotonic seconds.
    """
    began = falls.own & ~memory.own
    own_times = memory.own_times
    if began.any():
        own_times = own_times.copy()
        own_times[began, 1:] = own_times[began, :-1]
        own_times[began, 0] = now
    own_at = np.where(falls.own, now, memory.own_at)
    enters = began & (own_times[:, -1] > now - FLAP_SECONDS)
    flapping = (memory.flapping | enters) & (now - own_at < FLAP_SECONDS)
    hidden = flapping & falls.own & (now - falls.fell_at < FLAP_HIDE_SECONDS)
    return Flapping(flapping=flapping, own_times=own_times, own_at=own_at, hidden=hidden)
