"""Writing probes into the board: begun, answered, failed, expired. All probing processes write through this file.

Every probe that was begun ends in exactly one outcome: its ring entry leaves PENDING once, whoever comes first (reply,
ICMP error, expiry, or the ring running full), and the counters move in the same call. A slot whose generation on the
board is not the one of our plan belongs to somebody else by now and is not touched.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from exporter.engine.board import CONFIRM, GRID, LATENESS_BUCKETS, REPLY_WAIT_BUCKETS, RTT_BUCKETS
from exporter.outcome import DISCARD_REASONS, REASONS, DiscardReason, FailureReason, Status, failure_status

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from exporter.engine.board import Board

PENDING: Final = int(Status.PENDING)
REPLY: Final = int(Status.REPLY)
VOID: Final = int(Status.VOID)
TIMEOUT: Final = failure_status(FailureReason.TIMEOUT)
UNREACHABLE: Final = failure_status(FailureReason.UNREACHABLE)

SHORTEST_RTT: Final = 1e-6  # send times are interpolated, so a loopback RTT may come out a little below nothing
_CLOCK_SLACK: Final = 0.001  # seconds by which a kernel time stamp may lie after the moment of reading


class Kind(IntEnum):
    """Which ring a probe belongs to; the number travels in the packet."""

    GRID = 0
    CONFIRM = 1


@dataclass(frozen=True, slots=True)
class _Ring:
    """One of the two rings, flattened: the entry of probe n of a slot is at slot * size + n % size."""

    size: int
    count: NDArray[Any]
    sent_at: NDArray[Any]
    status: NDArray[Any]
    rtt: NDArray[Any] | None


@dataclass(frozen=True, slots=True)
class _Batch:
    """Probes that were sent together and share one timeout."""

    last_sent_at: float
    kind: Kind
    entries: NDArray[np.int64]  # flat ring indices
    slots: NDArray[np.int64]
    sent_at: NDArray[np.float64]  # tells an entry from the later probe that took its place in the ring


class Ledger:
    """The writer of one process's slots. Slot arrays given to its methods are int64 and hold each slot once."""

    def __init__(self, board: Board, row: int) -> None:
        self.board = board
        self.slot: dict[str, NDArray[Any]] = board.slot
        self.process: dict[str, NDArray[Any]] = {name: column[row : row + 1] for name, column in board.process.items()}
        self.rings = (self._ring("grid", GRID), self._ring("confirm", CONFIRM))
        self._failures: NDArray[Any] = board.slot["failures_total"].reshape(-1)
        self._region_buckets: NDArray[Any] = board.region["rtt_buckets"][row].reshape(-1)
        self._region_sum: NDArray[Any] = board.region["rtt_sum"][row]
        self._rtt_bounds = np.array(RTT_BUCKETS)
        self._wait_bounds = np.array(REPLY_WAIT_BUCKETS)
        self._late_bounds = np.array(LATENESS_BUCKETS)
        slots = board.size.slots
        self.generation = np.zeros(slots, dtype=np.uint32)  # of our plan; 0: not ours
        self.timeout = np.ones(slots)
        self.watched_sent_at = np.zeros(slots)  # see schedule.suspects
        self._region = np.full(slots, -1, dtype=np.int64)
        self._batches: dict[float, deque[_Batch]] = {}
        self.in_flight = 0
        self._gathered: dict[str, tuple[NDArray[np.float64], list[NDArray[np.float64]]]] = {}

    def _ring(self, name: str, size: int) -> _Ring:
        column = self.board.slot
        rtt = column["grid_rtt"].reshape(-1) if name == "grid" else None
        sent_at, status = column[f"{name}_sent_at"].reshape(-1), column[f"{name}_status"].reshape(-1)
        return _Ring(size, column[f"{name}_count"], sent_at, status, rtt)

    def adopt(
        self, slots: NDArray[Any], generation: NDArray[Any], timeout: NDArray[Any], region: NDArray[Any]
    ) -> NDArray[np.int64]:
        """Take over the slots of a plan and return those that were not ours before.

        What their former prober left pending is void: nobody will ever know its answer.
        """
        gained: NDArray[np.int64] = slots[self.generation[slots] != generation]
        self.generation[:] = 0
        self.generation[slots] = generation
        self.timeout[slots] = timeout
        self._region[slots] = np.where(region < self.board.size.regions, region, -1)
        self.watched_sent_at[gained] = 0.0
        self.void(gained)
        live = slots[self.live(slots)]
        self.in_flight = sum(int((self._entries(ring, live) == PENDING).sum()) for ring in self.rings)
        return gained

    def _entries(self, ring: _Ring, slots: NDArray[np.int64]) -> NDArray[Any]:
        status: NDArray[Any] = ring.status.reshape(-1, ring.size)[slots]
        return status

    def void(self, slots: NDArray[np.int64]) -> None:
        """Give up what is pending of these slots, without an outcome."""
        slots = slots[self.live(slots)]
        for ring in self.rings:
            status = self._entries(ring, slots)
            pending = status == PENDING
            if pending.any():
                ring.status.reshape(-1, ring.size)[slots] = np.where(pending, VOID, status)
                self.in_flight -= int(pending.sum())
        self.watched_sent_at[slots] = 0.0
        self.slot["revision"][slots] += 1

    def live(self, slots: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return which slots still belong to the target of our plan."""
        mine = self.generation[slots]
        result: NDArray[np.bool_] = (self.slot["generation"][slots] == mine) & (mine != 0)
        return result

    def next_numbers(self, kind: Kind, slots: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the number that each slot's next probe will have."""
        numbers: NDArray[np.int64] = self.rings[kind].count[slots].astype(np.int64)
        return numbers

    def begin(
        self, kind: Kind, slots: NDArray[np.int64], sent_at: NDArray[np.float64], status: NDArray[np.uint8]
    ) -> None:
        """Write probes that were begun just now.

        Args:
            kind: the ring.
            slots: live ones.
            sent_at: CLOCK_MONOTONIC seconds, or the due time of what could not be sent.
            status: PENDING, or the failure that ended the probe at once.
        """
        ring = self.rings[kind]
        numbers = ring.count[slots]
        entries = slots * ring.size + (numbers % ring.size).astype(np.int64)
        crowded = ring.status[entries] == PENDING
        if crowded.any():  # a timeout longer than the ring: the oldest probe ends here
            self._end(kind, entries[crowded], slots[crowded], TIMEOUT)
        ring.sent_at[entries] = sent_at
        if ring.rtt is not None:
            ring.rtt[entries] = np.nan
        ring.status[entries] = status
        ring.count[slots] = numbers + 1
        pending = status == PENDING
        if pending.all():
            self._follow(kind, entries, slots, sent_at)
        else:
            self._follow(kind, entries[pending], slots[pending], sent_at[pending])
            failed = np.flatnonzero(~pending)
            self.in_flight += len(failed)  # _count_failures takes them off again
            self._count_failures(kind, slots[failed], status[failed])
        if kind is Kind.GRID:
            told = pending | (status == UNREACHABLE)
            watched = self.watched_sent_at[slots]
            replace = told & (watched <= self.slot["last_reply_sent_at"][slots])
            self.watched_sent_at[slots] = np.where(replace, sent_at, watched)
        self.slot["revision"][slots] += 1

    def _follow(
        self, kind: Kind, entries: NDArray[np.int64], slots: NDArray[np.int64], sent_at: NDArray[np.float64]
    ) -> None:
        """Remember probes for their expiry, apart by timeout."""
        if not len(slots):
            return
        self.in_flight += len(slots)
        timeout = self.timeout[slots]
        first = float(timeout[0])
        if (timeout == first).all():
            self._queue(first).append(_Batch(float(sent_at.max()), kind, entries, slots, sent_at))
            return
        for value in np.unique(timeout):
            part = timeout == value
            batch = _Batch(float(sent_at[part].max()), kind, entries[part], slots[part], sent_at[part])
            self._queue(float(value)).append(batch)

    def _queue(self, timeout: float) -> deque[_Batch]:
        return self._batches.setdefault(timeout, deque())

    def expire(self, drained_at: float) -> None:
        """End as `timeout` what had no reply in time; every reply received by `drained_at` must have been given."""
        for timeout, batches in self._batches.items():
            while batches and batches[0].last_sent_at + timeout < drained_at:
                batch = batches.popleft()
                ring = self.rings[batch.kind]
                same = ring.sent_at[batch.entries] == batch.sent_at
                open_ = (ring.status[batch.entries] == PENDING) & same & self.live(batch.slots)
                if open_.any():
                    slots = batch.slots[open_]
                    self._end(batch.kind, batch.entries[open_], slots, TIMEOUT)
                    self.slot["revision"][slots] += 1

    def answer(
        self,
        kind: Kind,
        slots: NDArray[np.int64],
        numbers: NDArray[np.int64],
        received_at: NDArray[np.float64],
        read_at: float,
    ) -> None:
        """Write replies whose source, id, sequence, token and generation were right. A slot may appear repeatedly.

        Args:
            kind: the ring.
            slots: ours.
            numbers: which probe of the slot is answered.
            received_at: the kernel's time stamp as CLOCK_MONOTONIC seconds: it decides whether the reply was in time.
            read_at: when the replies were read, to notice stamps that a clock step has spoilt.
        """
        ring = self.rings[kind]
        counts = ring.count[slots].astype(np.int64)
        known = (numbers < counts) & (numbers >= counts - ring.size) & self.live(slots)
        if not known.all():
            self.discard(DiscardReason.LATE, int((~known).sum()))
            slots, numbers, received_at = slots[known], numbers[known], received_at[known]
        entries = slots * ring.size + numbers % ring.size
        sent_at = ring.sent_at[entries]
        rtt = received_at - sent_at
        waited = read_at - sent_at
        spoilt = (rtt > waited + _CLOCK_SLACK) | (rtt < -_CLOCK_SLACK)
        if spoilt.any():
            rtt = np.where(spoilt, waited, rtt)
        rtt = np.maximum(rtt, SHORTEST_RTT)
        before = ring.status[entries]
        good = (before == PENDING) & (rtt <= self.timeout[slots])
        if not good.all():
            self.discard(DiscardReason.DUPLICATE, int((before == REPLY).sum()))
            self.discard(DiscardReason.LATE, int((~good & (before != REPLY)).sum()))
            slots, entries, sent_at, rtt = slots[good], entries[good], sent_at[good], rtt[good]
        if len(set(entries.tolist())) < len(entries):
            first = np.unique(entries, return_index=True)[1]
            self.discard(DiscardReason.DUPLICATE, len(entries) - len(first))
            slots, entries, sent_at, rtt = slots[first], entries[first], sent_at[first], rtt[first]
        if not len(slots):
            return
        if ring.rtt is not None:
            ring.rtt[entries] = rtt
            np.add.at(self.slot["probes_total"], slots, np.uint64(1))
            self._observe_rtt(self._region[slots], rtt)
        ring.status[entries] = REPLY
        np.maximum.at(self.slot["last_reply_sent_at"], slots, sent_at)
        self.slot["revision"][slots] += 1
        self.process["replies_total"][0] += len(slots)
        self.in_flight -= len(slots)

    def fail(self, kind: Kind, slots: NDArray[np.int64], numbers: NDArray[np.int64], status: NDArray[np.uint8]) -> None:
        """End pending probes with reasons that somebody told; what has ended already is left as it is."""
        ring = self.rings[kind]
        counts = ring.count[slots].astype(np.int64)
        entries = slots * ring.size + numbers % ring.size
        open_ = (
            (numbers < counts) & (numbers >= counts - ring.size) & (ring.status[entries] == PENDING) & self.live(slots)
        )
        for place in np.flatnonzero(open_).tolist():  # one by one: errors are few, and may repeat
            if ring.status[entries[place]] == PENDING:
                one = slice(place, place + 1)
                self._end(kind, entries[one], slots[one], int(status[place]))
                self.slot["revision"][slots[one]] += 1

    def _end(self, kind: Kind, entries: NDArray[np.int64], slots: NDArray[np.int64], status: int) -> None:
        self.rings[kind].status[entries] = status
        self._count_failures(kind, slots, np.full(len(slots), status, dtype=np.uint8))

    def _count_failures(self, kind: Kind, slots: NDArray[np.int64], status: NDArray[np.uint8]) -> None:
        self.in_flight -= len(slots)
        if kind is Kind.GRID:
            self.slot["probes_total"][slots] += 1
            self._failures[slots * len(REASONS) + status.astype(np.int64) - Status.FIRST_FAILURE] += 1

    def discard(self, reason: DiscardReason, count: int) -> None:
        """Count packets that came in and were no reply."""
        if count:
            self.process["discarded_total"][0, DISCARD_REASONS.index(reason)] += count

    def _observe_rtt(self, regions: NDArray[np.int64], rtt: NDArray[np.float64]) -> None:
        inside = regions >= 0
        if not inside.all():
            regions, rtt = regions[inside], rtt[inside]
        places = regions * (len(RTT_BUCKETS) + 1) + self._rtt_bounds.searchsorted(rtt, "left")
        np.add.at(self._region_buckets, places, np.uint64(1))
        np.add.at(self._region_sum, regions, rtt)

    def observe_lateness(self, seconds: NDArray[np.float64]) -> None:
        """Count how late probes were sent."""
        self._observe("lateness", self._late_bounds, seconds)

    def observe_wait(self, seconds: NDArray[np.float64]) -> None:
        """Count how long replies had lain in the kernel before they were read."""
        self._observe("reply_wait", self._wait_bounds, seconds)

    def _observe(self, name: str, bounds: NDArray[np.float64], seconds: NDArray[np.float64]) -> None:
        """Gather, and write a few times a second: the judge looks at seconds."""
        if len(seconds):
            self._gathered.setdefault(name, (bounds, []))[1].append(seconds)

    def flush(self) -> None:
        """Write the gathered histograms to the board."""
        for name, (bounds, parts) in self._gathered.items():
            seconds = np.concatenate(parts)
            counts = np.bincount(bounds.searchsorted(seconds, "left"), minlength=len(bounds) + 1)
            self.process[f"{name}_buckets"][0] += counts.astype(np.uint64)
            self.process[f"{name}_sum"][0] += float(seconds.sum())
        self._gathered.clear()
