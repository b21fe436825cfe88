"""When each slot is probed: the grid, the first three probes of a new target, confirmation probes (pure).

The grid is arithmetic on CLOCK_MONOTONIC alone: probe k of a slot is due at k * interval + phase, where the phase is a
stable hash of the target's id spread over the interval. Nothing is remembered between calls, so lateness never shifts
the grid, and a restart or a new plan neither repeats nor moves a probe. Times of the grid are integer nanoseconds, so
that two adjacent spans (a, b] and (b, c] share no probe and lose none.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

SECOND_NS: Final = 1_000_000_000
EARLY_PROBES: Final = 3  # design section 5: a first state within about 5 s of the start
EARLY_SPACING_NS: Final = SECOND_NS
NEVER_NS: Final = 1 << 62

SUSPECT_SECONDS: Final = 0.4  # a probe is suspect when overdue by max(this, 1.5 x median RTT), at most the timeout
SUSPECT_MEDIANS: Final = 1.5
CONFIRM_SECONDS: Final = 0.2  # between two confirmation probes of one ICMP target
CONNECT_CONFIRM_SECONDS: Final = 1.0  # the same of a TCP or HTTP target
CONFIRM_RATE: Final = 200.0  # confirmation probes a second that are always allowed
CONFIRM_SHARE: Final = 0.2  # of the grid's rate


def phase_fraction(phase_key: str) -> float:
    """Return the stable place of a target within its interval, 0 <= fraction < 1."""
    digest = hashlib.blake2b(phase_key.encode(), digest_size=6).digest()
    return int.from_bytes(digest, "big") / 2**48


@dataclass(frozen=True, slots=True, kw_only=True)
class _Group:
    """Slots that share one interval, in order of phase."""

    interval_ns: int
    phase_ns: NDArray[np.int64]  # sorted, 0 <= phase < interval
    slots: NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """Slots to probe now, each at most once, and when each should have been probed."""

    slots: NDArray[np.int64]
    due_ns: NDArray[np.int64]


class Schedule:
    """The grid of one plan."""

    def __init__(
        self,
        slots: NDArray[Any],
        interval_seconds: NDArray[Any],
        fractions: NDArray[Any],
        *,
        begun: NDArray[Any],
        now_ns: int,
    ) -> None:
        """Lay the grid.

        Args:
            slots: board slots, each once.
            interval_seconds: per slot, at least a millisecond.
            fractions: `phase_fraction` per slot.
            begun: grid probes begun so far per slot; fewer than three makes it a new target.
            now_ns: CLOCK_MONOTONIC; the first probes of new targets are spread over the second that follows.
        """
        slots = slots.astype(np.int64)
        interval_ns = np.maximum(np.rint(interval_seconds * SECOND_NS), 1_000_000).astype(np.int64)
        phase_ns = np.minimum((fractions * interval_ns).astype(np.int64), interval_ns - 1)
        self.rate = float((SECOND_NS / interval_ns).sum())  # grid probes a second
        self.shortest_ns = int(interval_ns.min()) if len(slots) else SECOND_NS
        self._groups: list[_Group] = []
        for interval in np.unique(interval_ns):
            members = np.flatnonzero(interval_ns == interval)
            members = members[np.argsort(phase_ns[members], kind="stable")]
            self._groups.append(
                _Group(interval_ns=int(interval), phase_ns=phase_ns[members], slots=slots[members]),
            )
        self._seat_early(slots, interval_ns, fractions, begun, now_ns)

    def _seat_early(
        self,
        slots: NDArray[np.int64],
        interval_ns: NDArray[np.int64],
        fractions: NDArray[Any],
        begun: NDArray[Any],
        now_ns: int,
    ) -> None:
        """Place the first probes of new targets a second apart; the grid of such a target starts after them."""
        new = np.flatnonzero((begun < EARLY_PROBES) & (interval_ns > EARLY_SPACING_NS))
        missing = EARLY_PROBES - begun[new].astype(np.int64)
        first_ns = now_ns + 1 + (fractions[new] * EARLY_SPACING_NS).astype(np.int64)
        dues = [first_ns[missing > turn] + turn * EARLY_SPACING_NS for turn in range(EARLY_PROBES)]
        who = [slots[new][missing > turn] for turn in range(EARLY_PROBES)]
        early_ns, early_slots = np.concatenate(dues), np.concatenate(who)
        order = np.argsort(early_ns, kind="stable")
        self._early_ns, self._early_slots = early_ns[order], early_slots[order]
        self._early_until_ns = int(early_ns.max()) if len(early_ns) else 0
        self._grid_from_ns = np.zeros(int(slots.max()) + 1 if len(slots) else 0, dtype=np.int64)
        self._grid_from_ns[slots[new]] = first_ns + (missing - 1) * EARLY_SPACING_NS

    def due(self, after_ns: int, until_ns: int) -> Due:
        """Return what is due in (after, until]; the span must not be longer than the shortest interval."""
        slots: list[NDArray[np.int64]] = []
        dues: list[NDArray[np.int64]] = []
        for group in self._groups:
            base = after_ns - after_ns % group.interval_ns
            for start in (base, base + group.interval_ns):
                if start > until_ns:
                    break
                low = group.phase_ns.searchsorted(after_ns - start, "right")
                high = group.phase_ns.searchsorted(until_ns - start, "right")
                if high > low:
                    slots.append(group.slots[low:high])
                    dues.append(group.phase_ns[low:high] + start)
        if after_ns > self._early_until_ns:
            return _joined(slots, dues)
        grid = _joined(slots, dues)
        keep = grid.due_ns > self._grid_from_ns[grid.slots]
        low = self._early_ns.searchsorted(after_ns, "right")
        high = self._early_ns.searchsorted(until_ns, "right")
        early = self._early_slots[low:high]
        keep &= ~np.isin(grid.slots, early)
        return _joined([grid.slots[keep], early], [grid.due_ns[keep], self._early_ns[low:high]])

    def next_ns(self, after_ns: int) -> int:
        """Return when the next probe after a moment is due; NEVER_NS where there are no slots."""
        found = NEVER_NS
        for group in self._groups:
            base = after_ns - after_ns % group.interval_ns
            place = int(group.phase_ns.searchsorted(after_ns - base, "right"))
            if place < len(group.phase_ns):
                found = min(found, base + int(group.phase_ns[place]))
            else:
                found = min(found, base + group.interval_ns + int(group.phase_ns[0]))
        if after_ns < self._early_until_ns:
            found = min(found, int(self._early_ns[self._early_ns.searchsorted(after_ns, "right")]))
        return found

    def count(self, after_ns: int, until_ns: int) -> int:
        """Return about how many grid probes a span of any length holds: what a stopped process has missed."""
        return round(self.rate * max(until_ns - after_ns, 0) / SECOND_NS)


def _joined(slots: Sequence[NDArray[np.int64]], dues: Sequence[NDArray[np.int64]]) -> Due:
    """Put parts together without a copy where there is only one."""
    if len(slots) == 1:
        return Due(slots=slots[0], due_ns=dues[0])
    if not slots:
        nothing = np.empty(0, dtype=np.int64)
        return Due(slots=nothing, due_ns=nothing)
    return Due(slots=np.concatenate(slots), due_ns=np.concatenate(dues))


def suspects(
    *,
    drained_at: float,
    watched_sent_at: NDArray[Any],
    last_reply_sent_at: NDArray[Any],
    median_rtt: NDArray[Any],
    timeout_seconds: NDArray[Any],
) -> NDArray[np.bool_]:
    """Return which slots are to be confirmed.

    The watched probe is the oldest one that was sent after the newest answered one; "now" is the time up to which all
    replies have been read, so that a process that stood still suspects nobody.

    Args:
        drained_at: CLOCK_MONOTONIC seconds.
        watched_sent_at: send time per slot; 0: none.
        last_reply_sent_at: send time of the newest answered probe per slot; 0: none.
        median_rtt: seconds; NaN: none.
        timeout_seconds: per slot.
    """
    patience = np.fmin(np.fmax(SUSPECT_SECONDS, SUSPECT_MEDIANS * median_rtt), timeout_seconds)
    result: NDArray[np.bool_] = (watched_sent_at > last_reply_sent_at) & (watched_sent_at + patience <= drained_at)
    return result


def oldest_first(candidates: NDArray[np.int64], watched_sent_at: NDArray[Any], allowed: int) -> NDArray[np.int64]:
    """Return at most `allowed` of the candidate slots, those that have been silent longest."""
    if len(candidates) <= allowed:
        return candidates
    if allowed <= 0:
        return candidates[:0]
    return candidates[np.argsort(watched_sent_at[candidates], kind="stable")[:allowed]]


@dataclass(slots=True)
class ConfirmBudget:
    """How many confirmation probes may still be sent: max(200/s, 20 % of the grid's rate), saved up for 0.1 s."""

    rate: float = CONFIRM_RATE  # probes a second
    saved: float = 0.0
    counted_at: float = 0.0

    def follow(self, grid_rate: float) -> None:
        """Adopt the rate of a new grid."""
        self.rate = max(CONFIRM_RATE, CONFIRM_SHARE * grid_rate)

    def allowed(self, now: float) -> int:
        """Return how many may be sent now (monotonic seconds)."""
        elapsed = max(now - self.counted_at, 0.0)
        self.counted_at = now
        self.saved = min(self.saved + elapsed * self.rate, max(self.rate * 0.1, 1.0))
        return int(self.saved)

    def spend(self, count: int) -> None:
        """Take what was sent off the savings."""
        self.saved -= count
