"""Writing probes into the board: begun, answered, failed, expired. All probing processes write through this file.

Every probe that was begun ends in exactly one outcome: its ring entry leaves PENDING once, whoever comes first (reply,
ICMP error, expiry, or the ring running full), and the counters move in the same call. A slot whose generation on the
board is not the one of our plan belongs to somebody else by now and is not touched.

What nearly always happens takes few numpy calls: a process that wakes has cold caches, and a call costs ten times more.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from exporter.engine.board import CONFIRM, GRID, SLOT_FIELDS
from exporter.engine.flights import Batch, Flights
from exporter.engine.observations import Observations
from exporter.engine.schedule import SUSPECT_SECONDS
from exporter.engine.silence import Silence
from exporter.engine.tenants import Tenants
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
NUMBER_BITS: Final = 0xFFFFFFFF  # as much of a probe's number as travels in a packet
_CLOCK_SLACK: Final = 0.001  # seconds by which a kernel time stamp may lie after the moment of reading
_PENDING_BYTE: Final = bytes([PENDING])
_PARENTS: Final = frozenset({"generation", "quiet", "median_rtt"})  # slot fields that the parent writes


class Kind(IntEnum):
    """Which ring a probe belongs to; the number travels in the packet."""

    GRID = 0
    CONFIRM = 1


@dataclass(frozen=True, slots=True)
class _Ring:
    """One of the two rings, flattened: the entry of probe n of a slot is at slot * size + n % size."""

    size: int  # a power of two
    count: NDArray[np.int64]
    sent_at: NDArray[Any]
    status: NDArray[Any]
    rtt: NDArray[Any] | None


class Ledger:
    """The writer of one process's slots. Slot arrays given to its methods are int64 and hold each slot once."""

    def __init__(self, board: Board, row: int) -> None:
        self.board = board
        self.slot: dict[str, NDArray[Any]] = board.slot
        self.process: dict[str, NDArray[Any]] = {name: column[row : row + 1] for name, column in board.process.items()}
        self.rings = (self._ring("grid", GRID), self._ring("confirm", CONFIRM))
        self.observed = Observations(board, row)
        slots = board.size.slots
        self._tenants = Tenants(board)
        self.generation = self._tenants.generation  # of our plan; 0: not ours
        self.live = self._tenants.live
        self.timeout = np.ones(slots)
        self._silence = Silence(board)
        self.watched_sent_at = self._silence.watched_sent_at
        self.in_flight = 0
        self._flights = Flights(slots)
        self._region = np.full(slots, -1, dtype=np.int64)
        self._failures: NDArray[Any] = board.slot["failures_total"].reshape(-1)
        self._probes: NDArray[Any] = board.slot["probes_total"].view(np.int64)
        self._last_reply: NDArray[Any] = board.slot["last_reply_sent_at"]
        self._revision: NDArray[Any] = board.slot["revision"]
        self._changes = int(self._revision.max(initial=0))
        self._turn = np.zeros(slots, dtype=np.int64)  # scratch: who wrote here last
        self._turns = np.arange(1024)

    def _ring(self, name: str, size: int) -> _Ring:
        column = self.board.slot
        rtt = column["grid_rtt"].reshape(-1) if name == "grid" else None
        sent_at, status = column[f"{name}_sent_at"].reshape(-1), column[f"{name}_status"].reshape(-1)
        return _Ring(size, column[f"{name}_count"].view(np.int64), sent_at, status, rtt)

    def adopt(
        self, slots: NDArray[Any], generation: NDArray[Any], timeout: NDArray[Any], region: NDArray[Any]
    ) -> NDArray[np.int64]:
        """Take over the slots of a plan and return those that were not ours before.

        What their former prober left pending is void: nobody will ever know its answer.
        """
        self.flush()
        gained, fresh = self._tenants.follow(slots, generation)
        self._clear(fresh)
        self.timeout[slots] = timeout
        self._flights.follow(slots, timeout)
        self._region[slots] = np.where(region < self.board.size.regions, region, -1)
        self.watched_sent_at[gained] = 0.0
        self.void(gained)
        live = slots[self.live(slots)]
        self.in_flight = sum(int((self._entries(ring, live) == PENDING).sum()) for ring in self.rings)
        return gained

    def _clear(self, slots: NDArray[np.int64]) -> None:
        """Clear, once more, slots that nobody has probed since the parent cleared them.

        Two reloads may come within one turn of a probing process. The second gives away a slot that the first had
        freed, and the process, who knew of neither, may have written of its former target after the clearing.
        """
        for name in SLOT_FIELDS:
            if name not in _PARENTS and name != "revision":
                self.slot[name][slots] = np.nan if name == "grid_rtt" else 0

    def _entries(self, ring: _Ring, slots: NDArray[np.int64]) -> NDArray[Any]:
        status: NDArray[Any] = ring.status.reshape(-1, ring.size)[slots]
        return status

    def _changed(self, slots: NDArray[np.int64]) -> None:
        """Give the slots a revision that none has had (u4: what matters is that it is another one)."""
        self._changes += 1
        self._revision[slots] = self._changes & 0xFFFFFFFF

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
        self._changed(slots)

    def next_numbers(self, kind: Kind, slots: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the number that each slot's next probe will have."""
        return self.rings[kind].count.take(slots)

    def begin(
        self, kind: Kind, slots: NDArray[np.int64], sent_at: NDArray[np.float64], status: NDArray[np.uint8] | int
    ) -> None:
        """Write probes that were begun just now.

        Args:
            kind: the ring.
            slots: live ones.
            sent_at: CLOCK_MONOTONIC seconds, or the due time of what could not be sent.
            status: PENDING, or the failure that ended the probe at once; of all, or of each.
        """
        ring = self.rings[kind]
        numbers = ring.count.take(slots)
        entries = slots * ring.size + (numbers & (ring.size - 1))
        if _PENDING_BYTE in ring.status.take(entries).tobytes():
            crowded = ring.status[entries] == PENDING  # a timeout longer than the ring: the oldest probe ends here
            self._end(kind, entries[crowded], slots[crowded], TIMEOUT)
        ring.sent_at[entries] = sent_at
        if ring.rtt is not None:
            ring.rtt[entries] = np.nan
        ring.status[entries] = status
        ring.count[slots] = numbers + 1
        self.in_flight += len(slots)
        if isinstance(status, int) and status == PENDING:
            self._flights.add(kind, entries, slots, sent_at)
        else:
            self._begin_apart(kind, entries, slots, sent_at)
        self._changed(slots)

    def _begin_apart(
        self, kind: Kind, entries: NDArray[np.int64], slots: NDArray[np.int64], sent_at: NDArray[np.float64]
    ) -> None:
        status = self.rings[kind].status[entries]
        for part in (np.flatnonzero(status == PENDING), np.flatnonzero(status != PENDING)):
            if len(part) and status[part[0]] == PENDING:
                self._flights.add(kind, entries[part], slots[part], sent_at[part])
            elif len(part):
                self._count_failures(kind, slots[part], status[part])
                if kind is Kind.GRID:
                    last = float(sent_at[part].max())
                    self._flights.note(Batch(last, kind, entries[part], slots[part], sent_at[part]))

    def expire(self, drained_at: float) -> None:
        """End as `timeout` what had no reply in time; every reply received by `drained_at` must have been given."""
        for batch in self._flights.expired(drained_at):
            ring = self.rings[batch.kind]
            status = ring.status.take(batch.entries)
            if _PENDING_BYTE in status.tobytes():
                same = ring.sent_at[batch.entries] == batch.sent_at
                open_ = (status == PENDING) & same & self.live(batch.slots)
                slots = batch.slots[open_]
                self._end(Kind(batch.kind), batch.entries[open_], slots, TIMEOUT)
                self._changed(slots)

    def silent(self, drained_at: float) -> NDArray[np.int64]:
        """Return the slots that may be suspect by now (see `Silence`); of these, `watched_sent_at` says since when."""
        age = min(SUSPECT_SECONDS, self._flights.shortest_timeout)
        return self._silence.slots(self._flights.grown_up(drained_at, age), self.live)

    def answer(
        self,
        kind: Kind,
        slots: NDArray[np.int64],
        numbers: NDArray[np.int64],
        received_at: NDArray[np.float64],
        read_at: float,
    ) -> None:
        """Write replies; those too late, and those to probes that have ended, are counted as discarded.

        Args:
            kind: the ring.
            slots: may repeat.
            numbers: probe numbers, or their low 32 bits.
            received_at: CLOCK_MONOTONIC seconds: it decides whether the reply was in time.
            read_at: when the replies were read, to notice stamps that a clock step has spoilt.
        """
        ring = self.rings[kind]
        ages = (ring.count.take(slots) - numbers - 1) & NUMBER_BITS  # 0: the newest probe
        known = (ages < ring.size) & self.live(slots)
        if not np.logical_and.reduce(known):
            self.discard(DiscardReason.LATE, int((~known).sum()))
            slots, numbers, received_at = slots[known], numbers[known], received_at[known]
            if not len(slots):
                return
        entries = slots * ring.size + (numbers & (ring.size - 1))
        sent_at = ring.sent_at.take(entries)
        rtt = received_at - sent_at
        shortest = np.minimum.reduce(rtt)
        if shortest < SHORTEST_RTT or np.maximum.reduce(received_at) > read_at + _CLOCK_SLACK:
            waited = read_at - sent_at
            rtt = np.where((rtt > waited + _CLOCK_SLACK) | (rtt < -_CLOCK_SLACK), waited, rtt)
            rtt = np.maximum(rtt, SHORTEST_RTT)
        before = ring.status.take(entries)
        pending = before.tobytes().count(_PENDING_BYTE) == len(slots)
        if not pending or np.maximum.reduce(rtt) > self._flights.shortest_timeout:
            good = (before == PENDING) & (rtt <= self.timeout[slots])
            self.discard(DiscardReason.DUPLICATE, int((before == REPLY).sum()))
            self.discard(DiscardReason.LATE, int((~good & (before != REPLY)).sum()))
            slots, entries, sent_at, rtt = slots[good], entries[good], sent_at[good], rtt[good]
        turns = self._turns[: len(slots)]
        self._turn[slots] = turns
        repeated = not np.logical_and.reduce(self._turn.take(slots) == turns)
        if repeated:  # two probes of one target, or one twice
            first = np.unique(entries, return_index=True)[1]
            self.discard(DiscardReason.DUPLICATE, len(entries) - len(first))
            slots, entries, sent_at, rtt = slots[first], entries[first], sent_at[first], rtt[first]
        if not len(slots):
            return
        if ring.rtt is not None:
            ring.rtt[entries] = rtt
            if repeated:
                np.add.at(self._probes, slots, 1)
            else:
                self._probes[slots] += 1
            self.observed.rtt(slots, rtt)
        ring.status[entries] = REPLY
        np.maximum.at(self._last_reply, slots, sent_at)
        self._changed(slots)
        self.process["replies_total"][0] += len(slots)
        self.in_flight -= len(slots)

    def fail(self, kind: Kind, slots: NDArray[np.int64], numbers: NDArray[np.int64], status: NDArray[np.uint8]) -> None:
        """End pending probes with reasons that somebody told; what has ended already is left as it is."""
        ring = self.rings[kind]
        counts = ring.count[slots]
        entries = slots * ring.size + numbers % ring.size
        open_ = (
            (numbers < counts) & (numbers >= counts - ring.size) & (ring.status[entries] == PENDING) & self.live(slots)
        )
        for place in np.flatnonzero(open_).tolist():  # one by one: errors are few, and may repeat
            if ring.status[entries[place]] == PENDING:
                one = slice(place, place + 1)
                self._end(kind, entries[one], slots[one], int(status[place]))
                self._changed(slots[one])

    def _end(self, kind: Kind, entries: NDArray[np.int64], slots: NDArray[np.int64], status: int) -> None:
        self.rings[kind].status[entries] = status
        self._count_failures(kind, slots, np.full(len(slots), status, dtype=np.uint8))

    def _count_failures(self, kind: Kind, slots: NDArray[np.int64], status: NDArray[np.uint8]) -> None:
        self.in_flight -= len(slots)
        if kind is Kind.GRID:
            self._probes[slots] += 1
            self._failures[slots * len(REASONS) + status.astype(np.int64) - Status.FIRST_FAILURE] += 1

    def discard(self, reason: DiscardReason, count: int) -> None:
        """Count packets that came in and were no reply."""
        if count:
            self.process["discarded_total"][0, DISCARD_REASONS.index(reason)] += count

    def flush(self) -> None:
        """Write the gathered histograms to the board."""
        self.observed.flush(self._region)
