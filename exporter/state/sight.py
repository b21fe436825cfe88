"""Whether we can see at all: the impaired engine, the isolated monitor, and who is a witness (pure).

A monitor that is blind must say "unknown", never "down". Three questions, in this order:

- *Impaired*: does a probing process tell the truth? Asked per process, from its counters over the last seconds.
- *Isolated*: does our own line work?
- *Witness*: has anything else answered since this target fell silent?
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from exporter.engine.board import LATENESS_BUCKETS, PROCESS_ICMP, PROCESSES, REPLY_WAIT_BUCKETS
from exporter.outcome import FailureReason, ImpairedReason, State, Status, failure_status
from exporter.state.rules import Blindness, blindness_of
from exporter.state.streak import OVERDUE_SECONDS

if TYPE_CHECKING:
    from exporter.state.arrays import Bools, Floats, Slots
    from exporter.state.evidence import Evidence, Now
    from exporter.state.layout import Layout
    from exporter.state.memory import Memory

# Impaired. The reasons of the numbers are in docs/states.md.
LOOKBACK_SECONDS: Final = 3.0
STUCK_SECONDS: Final = 1.0  # heartbeats come at least 20 times a second
START_SECONDS: Final = 5.0  # a process that has never given a heartbeat may still be starting
LATE_SECONDS: Final = 0.25
WAITED_SECONDS: Final = 0.1
BAD_SHARE: Final = 0.1  # of the sends or replies of the last seconds
LEAST_EVENTS: Final = 5  # a share of fewer says nothing
DROP_SHARE: Final = 0.01

# Isolated.
UPLINK_SILENT_SECONDS: Final = 2.0
_SILENT_UPLINK_ASKS: Final = 2  # probes that each uplink left unanswered; a replaced prober must not look isolated
_PERMISSION: Final = failure_status(FailureReason.PERMISSION)

_LATE_FROM: Final = LATENESS_BUCKETS.index(LATE_SECONDS) + 1
_WAITED_FROM: Final = REPLY_WAIT_BUCKETS.index(WAITED_SECONDS) + 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessSample:
    """The counters of all processes at one moment; tuples are indexed by process."""

    at: float  # monotonic seconds
    misfit: tuple[bool, ...]  # the code on disk has changed, so that no process can be started
    heartbeat_at: tuple[float, ...]  # 0: never
    drained_at: tuple[float, ...]  # 0: never
    replies: tuple[int, ...]
    drops: tuple[int, ...]
    clock_steps: tuple[int, ...]
    sends_timed: tuple[int, ...]
    sends_late: tuple[int, ...]
    replies_timed: tuple[int, ...]
    replies_waited: tuple[int, ...]


def late_counts(lateness_buckets: Floats) -> tuple[int, int]:
    """Return (sends, late sends) of one process's histogram."""
    return int(lateness_buckets.sum()), int(lateness_buckets[_LATE_FROM:].sum())


def waited_counts(reply_wait_buckets: Floats) -> tuple[int, int]:
    """Return (replies, replies that sat unread too long) of one process's histogram."""
    return int(reply_wait_buckets.sum()), int(reply_wait_buckets[_WAITED_FROM:].sum())


def remembered(samples: tuple[ProcessSample, ...], newest: ProcessSample) -> tuple[ProcessSample, ...]:
    """Return the samples to keep: those of the last seconds and one older, oldest first."""
    kept = [sample for sample in samples if newest.at - sample.at <= LOOKBACK_SECONDS]
    older = len(samples) - len(kept)
    return (*((samples[older - 1],) if older else ()), *kept, newest)


def impairments(
    samples: tuple[ProcessSample, ...], *, needed: tuple[bool, ...], first_needed: tuple[float, ...]
) -> tuple[frozenset[ImpairedReason], ...]:
    """Tell per process why it cannot be believed; empty where it can, or where nothing is probed by it.

    Args:
        samples: `remembered`, at least one.
        needed: per process: some slot is probed by it.
        first_needed: per process: since when; monotonic seconds.
    """
    return tuple(
        _impairment(samples, process, first_needed[process]) if needed[process] else frozenset()
        for process in range(PROCESSES)
    )


def _impairment(samples: tuple[ProcessSample, ...], process: int, first_needed: float) -> frozenset[ImpairedReason]:
    """Judge one process by the growth of its counters since the oldest sample."""
    old, new = samples[0], samples[-1]
    if new.misfit[process]:
        return frozenset({ImpairedReason.CODE_CHANGED})  # which is why there is no heartbeat
    reasons = set()
    heartbeat = new.heartbeat_at[process]
    alive_until = heartbeat + STUCK_SECONDS if heartbeat > 0 else first_needed + START_SECONDS
    if new.at > alive_until:
        reasons.add(ImpairedReason.STUCK)

    def grown(before: tuple[int, ...], after: tuple[int, ...]) -> int:
        return max(after[process] - before[process], 0)  # a successor may have begun at 0

    drops = grown(old.drops, new.drops)
    if drops >= LEAST_EVENTS and drops >= DROP_SHARE * (drops + grown(old.replies, new.replies)):
        reasons.add(ImpairedReason.RECEIVE_DROPS)
    late = grown(old.sends_late, new.sends_late)
    if late >= LEAST_EVENTS and late > BAD_SHARE * grown(old.sends_timed, new.sends_timed):
        reasons.add(ImpairedReason.LATE)
    waited = grown(old.replies_waited, new.replies_waited)
    if waited >= LEAST_EVENTS and waited > BAD_SHARE * grown(old.replies_timed, new.replies_timed):
        reasons.add(ImpairedReason.REPLY_WAIT)
    if grown(old.clock_steps, new.clock_steps):
        reasons.add(ImpairedReason.CLOCK_STEP)
    return frozenset(reasons)


@dataclass(frozen=True, slots=True, kw_only=True)
class Isolation:
    """Whether our own line works."""

    isolated: bool
    mark: float  # what to remember: while isolated, the newest reply at its begin
    since: float  # send times later than this belong to the blindness


def isolated_by_uplinks(*, newest_reply: float, watched_since: float, now: float) -> Isolation:
    """Judge by uplinks: isolated when none of them has answered for two seconds.

    Args:
        newest_reply: send time of the newest probe that any uplink answered; 0: none.
        watched_since: when uplinks were first probed.
        now: up to when replies have been read.
    """
    seen = max(newest_reply, watched_since)
    return Isolation(isolated=now - seen > UPLINK_SILENT_SECONDS, mark=newest_reply, since=seen)


def isolated_by_silence(
    *, silent: Bools, ripe: Bools, newest_reply: float, was_isolated: bool, mark: float
) -> Isolation:
    """Judge without uplinks: two or more targets, none answers, and one of them would be down now.

    "Nothing answers: our own line, or all of it." It ends with the first newer reply.

    Args:
        silent: per usable target: a judged failure and no newer reply.
        ripe: per usable target: has all it takes to be down but a witness.
        newest_reply: send time of the newest probe that any of them answered.
        was_isolated: in the last step.
        mark: the newest reply when isolation was entered.
    """
    if was_isolated:
        return Isolation(isolated=len(silent) > 1 and newest_reply <= mark, mark=mark, since=mark)
    isolated = len(silent) > 1 and bool(silent.all()) and bool(ripe.any())
    return Isolation(isolated=isolated, mark=newest_reply, since=newest_reply)


def witness_times(layout: Layout, last_reply_sent_at: Floats, uplinks: Floats | None) -> Floats:
    """Return per slot the send time of the newest probe that a possible witness answered.

    An uplink where there is one that can be probed; else any target of another gateway tree. In a single tree nothing
    outside can exist, but another of its targets that answers still proves that our line works, and if none does the
    monitor is isolated; so it is asked. A lone target needs no witness: infinity.
    """
    size = layout.roster.size
    if uplinks is not None:
        return np.full(size, uplinks.max())
    slots = layout.target_slots
    if len(slots) < 2:  # noqa: PLR2004 - a lone target
        return np.full(size, np.inf)
    group = layout.tree if layout.trees > 1 else np.arange(size)
    best = np.zeros(size)  # per group: its newest reply
    np.maximum.at(best, group[slots], last_reply_sent_at[slots])
    first = int(best.argmax())
    newest = best[first]
    best[first] = -np.inf
    times: Floats = np.where(group == first, best.max(), newest)
    return times


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """What we can see."""

    blindness: Blindness
    reasons: frozenset[ImpairedReason]
    isolation: Isolation
    uplinks: Floats | None  # newest answered send time per uplink that can be probed; None: there is none
    uplink_up: dict[str, bool]
    memory: Memory


def look(evidence: Evidence, layout: Layout, memory: Memory, now: Now, ripe: Bools) -> Sight:
    """Answer whether we can see: impaired, isolated, and who may be a witness."""
    roster = layout.roster
    needed = tuple(bool(used) for used in layout.process_used)
    process_first = tuple(
        (now.monotonic if np.isnan(first) else first) if need else np.nan
        for need, first in zip(needed, memory.process_first, strict=True)
    )
    samples = remembered(memory.samples, evidence.sample)
    per_process = impairments(samples, needed=needed, first_needed=process_first)
    impaired_process = np.array([bool(reasons) for reasons in per_process])
    impaired = impaired_process[roster.process] & (roster.generation > 0)

    blindness = blindness_of(evidence.window, impaired, isolated=False)
    usable_uplinks = layout.uplink_slots[evidence.window.newest_status[layout.uplink_slots] != _PERMISSION]
    watched = tuple(int(g) for g in roster.generation[layout.uplink_slots])
    since = memory.watched_since
    drained = evidence.sample.drained_at[PROCESS_ICMP]
    if watched != memory.watched or not np.isfinite(since):
        since = drained if drained > 0 else np.inf
    memory = replace(memory, samples=samples, process_first=process_first, watched=watched, watched_since=since)
    newest = evidence.last_reply_sent_at
    uplinks = newest[usable_uplinks] if len(usable_uplinks) else None
    if uplinks is not None:
        isolation = isolated_by_uplinks(newest_reply=float(uplinks.max()), watched_since=since, now=drained)
        blind_or_unasked = impaired_process[PROCESS_ICMP] or not _all_asked(evidence, usable_uplinks)
        if blind_or_unasked and not (memory.isolated and isolation.isolated):
            isolation = replace(isolation, isolated=False)
    else:
        isolation = _isolated_without_uplinks(evidence, layout, memory, ripe, blindness)
    uplink_up = {
        address: bool(newest[slot] > 0 and drained - newest[slot] <= UPLINK_SILENT_SECONDS)
        for address, slot in roster.uplinks
    }
    return Sight(
        blindness=replace(blindness, isolated=isolation.isolated),
        reasons=frozenset().union(*per_process),
        isolation=isolation,
        uplinks=uplinks,
        uplink_up=uplink_up,
        memory=memory,
    )


def _isolated_without_uplinks(
    evidence: Evidence, layout: Layout, memory: Memory, ripe: Bools, blindness: Blindness
) -> Isolation:
    """Judge isolation by the targets alone: those that can be seen at all."""
    slots = layout.target_slots
    usable = slots[~blindness.blind[slots]]
    newest = evidence.last_reply_sent_at[usable]
    since = np.maximum(newest, memory.floor[usable])
    down = (memory.code[usable] == State.DOWN) & (memory.streak_first[usable] > since)
    return isolated_by_silence(
        silent=(evidence.streak.failures[usable] > 0) | down,
        ripe=ripe[usable],
        newest_reply=float(newest.max(initial=0.0)),
        was_isolated=memory.isolated,
        mark=memory.isolated_mark,
    )


def _all_asked(evidence: Evidence, uplinks: Slots) -> bool:
    """Tell whether every uplink has left at least two probes unanswered; failed sends count, VOID ones do not."""
    sent_at = evidence.grid.sent_at[uplinks]
    status = evidence.grid.status[uplinks]
    overdue = (status == Status.PENDING) & (evidence.now[uplinks, None] - sent_at > OVERDUE_SECONDS)
    unanswered = (status >= Status.FIRST_FAILURE) | overdue
    asked = (unanswered & (sent_at > evidence.last_reply_sent_at[uplinks, None])).sum(axis=1)
    return bool((asked >= _SILENT_UPLINK_ASKS).all())
