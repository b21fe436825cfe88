"""One step of the judge as a pure function: evidence, settings and memory in, the next memory and the verdict out.

The order of questions: can we see (sight.py), what is each target's state (rules.py), who explains whom (cause.py).
Arrays are never written after they have been handed out: the verdict is read by other threads.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from exporter.engine.board import GRID
from exporter.outcome import State
from exporter.state import cause, rules, sight
from exporter.state.memory import STILL_BLIND, Memory
from exporter.state.regions import remember_regions
from exporter.state.verdict import Verdict

if TYPE_CHECKING:
    from exporter.state.arrays import Bools, Floats, Ints, Slots
    from exporter.state.evidence import Evidence, Now
    from exporter.state.layout import Layout
    from exporter.state.window import Window

_RECENT: Final = 32  # grid probes among which the begin of a blindness is looked for


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What one step yields."""

    memory: Memory
    verdict: Verdict


def decide(evidence: Evidence, layout: Layout, memory: Memory, now: Now) -> Decision:
    """Judge everything once. `layout` carries the settings; all arrays must belong to its roster."""
    roster = layout.roster
    first = _streak_first(evidence, memory)
    ripe = rules.is_ripe(evidence.streak, first, roster)
    seen = sight.look(evidence, layout, memory, now, ripe)
    memory = seen.memory
    blind = seen.blindness.blind
    witnessed = np.zeros(roster.size, dtype=np.bool_)
    if ripe.any():
        witnessed = sight.witness_times(layout, evidence.last_reply_sent_at, seen.uplinks) > first
    states = rules.judge_states(
        roster=roster,
        memory=memory,
        window=evidence.window,
        streak=evidence.streak,
        last_reply_sent_at=evidence.last_reply_sent_at,
        now=evidence.now,
        blind=seen.blindness,
        ripe=ripe,
        witnessed=witnessed,
    )
    region_code = cause.region_states(layout, states.code)
    regions = remember_regions(layout, memory, region_code, now.wall)
    signs = cause.Signs(
        code=states.code,
        failures=evidence.streak.failures,
        streak_first=first,
        last_reply_sent_at=evidence.last_reply_sent_at,
        blind=blind,
    )
    falls = cause.explain_falls(layout, memory, signs, region_code, now.monotonic)
    causes = cause.own_causes(layout, memory, falls, states.code, evidence.window.newest_status)
    flaps = cause.judge_flapping(memory, falls, now.monotonic)
    remembered = _remember(evidence, memory, now, blind, first, states, falls, seen)
    remembered = replace(
        remembered,
        cause=causes,
        own_times=flaps.own_times,
        own_at=flaps.own_at,
        flapping=flaps.flapping,
        region_code=region_code,
        region_since=regions.since,
        region_last_known=regions.last_known,
        region_known_since=regions.known_since,
        region_outage=falls.region_outage,
    )
    pending = rules.judge_pending(
        roster=roster,
        code=states.code,
        fallen=falls.fallen,
        back=memory.fallen & ~falls.fallen,
        blind=blind,
        window=evidence.window,
        streak=evidence.streak,
        calm_from=states.calm_from,
    )
    hubs = falls.culprit[falls.culprit >= 0]
    verdict = Verdict(
        at=now.wall,
        code=states.code,
        unknown_reason=states.reason,
        last_known=remembered.last_known,
        since=remembered.since,
        outage=falls.own & ~flaps.hidden,
        cut_off=falls.cut_off,
        cause=np.where(flaps.hidden, -1, causes).astype(np.int8),
        culprit=falls.culprit,
        cut_off_count=np.bincount(hubs, minlength=roster.size).astype(np.int32),
        flapping=flaps.flapping,
        pending_state=pending.state,
        pending_probes=pending.probes,
        rtt=evidence.window.rtt,
        last_rtt=evidence.window.last_rtt,
        jitter=evidence.window.jitter,
        loss=_loss(evidence.window),
        region_code=region_code,
        region_since=remembered.region_since,
        region_outage=falls.region_outage,
        isolated=seen.isolation.isolated,
        impaired=seen.reasons,
        uplink_up=seen.uplink_up,
    )
    return Decision(memory=remembered, verdict=verdict)


def _loss(window: Window) -> Floats:
    """Return the share of lost probes; NaN where none ended."""
    return np.where(window.ended > 0, window.lost / np.maximum(window.ended, 1), np.nan)


def _streak_first(evidence: Evidence, memory: Memory) -> Floats:
    """Return when each streak began, also where the rings have forgotten it; NaN: no streak.

    The older begin is kept while nothing newer was answered, and only for slots that are down (nobody counts their
    streak again) or whose ring no longer reaches back: a probe that turned VOID must not date a streak.
    """
    since = np.maximum(evidence.last_reply_sent_at, memory.floor)
    lasting = memory.streak_first > since  # false for NaN
    if not lasting.any():
        return evidence.streak.first
    rows = lasting.nonzero()[0]
    oldest = evidence.grid.sent_at.reshape(-1)[rows * GRID + (evidence.count[rows] & (GRID - 1))]
    forgotten = (oldest > since[rows]) & (evidence.streak.failures[rows] > 0)
    rows = rows[forgotten | (memory.code[rows] == State.DOWN)]
    first = evidence.streak.first.copy()
    first[rows] = np.fmin(first[rows], memory.streak_first[rows])
    return first


def _remember(
    evidence: Evidence,
    memory: Memory,
    now: Now,
    blind: Bools,
    first: Floats,
    states: rules.States,
    falls: cause.Falls,
    seen: sight.Sight,
) -> Memory:
    """Return the next memory, but for causes, flapping and regions."""
    code = states.code
    known = code != State.UNKNOWN
    changed = code != memory.code
    since = np.where(changed, now.wall, memory.since)
    # Unknown does not end an outage; a restart ends nothing.
    goes_on = changed & (memory.code == State.UNKNOWN) & (code == memory.last_known)
    goes_on &= (memory.restarted | (code == State.DOWN)) & known
    since = np.where(goes_on, memory.known_since, since)
    back = memory.fallen & ((code == State.UP) | (code == State.LOW))
    window_from, blind_first, blind_end, dirty = _window_marks(evidence, memory, blind, seen, back, now)
    return replace(
        memory,
        code=code,
        reason=states.reason,
        last_known=np.where(known, code, memory.last_known).astype(np.uint8),
        since=since,
        known_since=np.where(known, since, memory.known_since),
        restarted=memory.restarted & ~known,
        floor=np.where(blind, np.maximum(evidence.now, memory.floor), memory.floor),
        streak_first=first,
        window_from=window_from,
        blind=blind,
        blind_first=blind_first,
        blind_end=blind_end,
        calm_from=states.calm_from,
        fallen=falls.fallen,
        own=falls.own,
        fell_at=falls.fell_at,
        explained_at=falls.explained_at,
        explained_by=np.where(falls.cut_off, falls.culprit, memory.explained_by).astype(np.int32),
        dirty=dirty,
        isolated=seen.isolation.isolated,
        isolated_mark=seen.isolation.mark,
    )


def _window_marks(
    evidence: Evidence, memory: Memory, blind: Bools, seen: sight.Sight, back: Bools, now: Now
) -> tuple[Ints, Ints, Ints, Bools]:
    """Return what the windows exclude from now on, and whose has changed.

    A target that is back begins a new window with the first of its replies in a row. What was sent in blindness is
    left out; only the newest blindness is remembered, so one that begins while an older is still in the ring takes
    what lies between with it.
    """
    window_from, blind_first, blind_end = memory.window_from, memory.blind_first, memory.blind_end
    entered = (blind & ~memory.blind).nonzero()[0]
    left = (memory.blind & ~blind).nonzero()[0]
    dirty = np.zeros(len(blind), dtype=np.bool_)
    if len(entered):
        began_at = np.full(len(blind), now.monotonic)
        began_at[seen.blindness.impaired] = now.monotonic - sight.LOOKBACK_SECONDS
        if seen.isolation.isolated:
            began_at = np.minimum(began_at, seen.isolation.since)
        number = _first_after(evidence, entered, began_at[entered])
        old = blind_end[entered] > evidence.count[entered] - GRID
        old &= blind_end[entered] > blind_first[entered]
        blind_first = blind_first.copy()
        blind_first[entered] = np.where(old, np.minimum(blind_first[entered], number), number)
    if len(entered) or len(left):
        blind_end = blind_end.copy()
        blind_end[entered] = STILL_BLIND
        blind_end[left] = _first_after(evidence, left, memory.floor[left])
        dirty[entered] = True
        dirty[left] = True
    if back.any():
        rows = back.nonzero()[0]
        after = evidence.streak.run_after[rows, None]
        sent_at = evidence.grid.sent_at[rows]
        window_from = window_from.copy()
        window_from[rows] = evidence.count[rows] - (sent_at > after).sum(axis=1)
        dirty[rows] = True
    return window_from, blind_first, blind_end, dirty


def _first_after(evidence: Evidence, rows: Slots, moment: Floats) -> Ints:
    """Return the number of the first recent probe of each row that was sent after a moment; the next one if none."""
    number = evidence.count[rows, None] - np.arange(1, _RECENT + 1)
    sent_at = evidence.grid.sent_at.reshape(-1)[rows[:, None] * GRID + (number & (GRID - 1))]
    later: Ints = (sent_at > moment[:, None]).sum(axis=1)
    return evidence.count[rows] - later
