"""The ICMP process: one loop that receives, expires, sends what is due, and confirms suspects.

One turn of the loop takes a batch of whatever is due, so its cost is shared by many probes. Order within a turn
matters: everything the kernel has received is read before anything is declared lost, and `drained_at` is published
after what it promises has been written. A process that was stopped skips what it missed (counted as lateness) instead
of sending it in a burst.

A turn sends what is due within half a tick of it, before or after: so no probe is further than that from its time.
Replies are read every second turn, as long as the receive buffer has room for them: the kernel has stamped
them, and a waking process, whose caches are cold, pays for every different thing that it does.
"""

from __future__ import annotations

import gc
import os
import secrets
import select
import sys
import time
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from exporter.engine.board import PROCESS_ICMP, Board
from exporter.engine.child import Child, ParentGoneError, become_child
from exporter.engine.clock import WallOffset
from exporter.engine.confirming import Confirming
from exporter.engine.icmp_lane import Lane
from exporter.engine.ledger import Kind, Ledger
from exporter.engine.plan_wire import decode_records
from exporter.engine.schedule import (
    CONFIRM_SECONDS,
    NEVER_NS,
    SECOND_NS,
    Schedule,
)
from exporter.outcome import FailureReason, failure_status

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

TICK_SECONDS: Final = 0.018  # a turn of the loop: a wake-up costs as much as tens of packets, so packets share it
BATCH: Final = 200  # probes a turn up to which that holds; above, turns come more often,
SHORTEST_TICK_SECONDS: Final = 0.010  # up to this
LOOK_SECONDS: Final = 0.040  # between two looks at replies, expiry and suspects; and the longest turn
TIDY_SECONDS: Final = 0.2  # between two looks at drops, permissions, plans; and between two flushes of histograms
_DENSE: Final = 4.0  # probes a turn from which it is not worth asking when the next one is due
_CATCH_UP_NS: Final = 50_000_000  # of the grid in one turn, when behind
_SKIP_NS: Final = 250_000_000  # a probe later than this is not sent any more
_DNS: Final = failure_status(FailureReason.DNS)


def tick_for(rate: float) -> float:
    """Return the seconds between two turns at a number of probes a second."""
    return min(TICK_SECONDS, max(BATCH / rate, SHORTEST_TICK_SECONDS)) if rate else TICK_SECONDS


class IcmpEngine:
    """The work of the ICMP process, one turn at a time."""

    def __init__(self, board: Board, row: int, report: Callable[[str, dict[str, object]], None]) -> None:
        self._ledger = Ledger(board, row)
        token = secrets.randbits(64)
        self._wall = WallOffset()
        self.lanes = tuple(Lane(version, self._ledger, token, self._wall, report) for version in (4, 6))
        self._lane_of = np.zeros(board.size.slots, dtype=np.int8)  # index into lanes; -1: no address
        self._addresses = np.zeros((board.size.slots, 20), dtype=np.uint8)
        self._schedule: Schedule | None = None
        self._covered_ns = time.monotonic_ns()  # the grid up to here has been dealt with
        # A quarter of a look less: the looks themselves are a little irregular.
        self._confirming = Confirming(board, self._ledger, spacing_seconds=CONFIRM_SECONDS - LOOK_SECONDS / 4)
        self._look_at = self._tidy_at = 0.0
        self._read_always = self._dense = False
        self._mixed = False  # more than one lane, or slots without an address
        self._active: tuple[Lane, ...] = ()  # lanes that have slots
        self.tick_seconds = TICK_SECONDS

    def adopt(self, number: int, records: NDArray[Any]) -> None:
        """Follow a new plan. What stays the same keeps its place in the grid and its probes in flight."""
        ledger = self._ledger
        slots = records["slot"].astype(np.int64)
        addresses = np.zeros((len(slots), 20), dtype=np.uint8)
        addresses[:, :16] = records["address"]
        addresses[:, 16] = records["version"]
        moved = slots[(self._addresses[slots] != addresses).any(axis=1)]
        ledger.adopt(slots, records["generation"], records["timeout_seconds"], records["region"])
        ledger.void(moved)  # asked elsewhere: neither answer nor silence says anything of the new address
        self._addresses[slots] = addresses
        versions = records["version"]
        self._lane_of[slots] = np.select([versions == 4, versions == 6], [0, 1], -1)  # noqa: PLR2004 - IP versions
        for lane in self.lanes:
            lane.adopt(records[versions == lane.version])
        self._mixed = len(np.unique(versions)) > 1 or bool((versions == 0).any())
        self._schedule = Schedule(
            slots,
            records["interval_seconds"],
            records["fraction"],
            begun=ledger.slot["grid_count"][slots],
            now_ns=max(time.monotonic_ns(), self._covered_ns),
        )
        rate = self._schedule.rate
        self.tick_seconds = min(tick_for(rate), self._schedule.shortest_ns / SECOND_NS)
        self._active = tuple(lane for lane in self.lanes if len(lane.slots))
        self._confirming.follow(slots, records["confirm"] & (versions > 0), rate)
        self._look_at = self._tidy_at = 0.0
        self._dense = rate * self.tick_seconds > _DENSE
        self.process["plan_number"][0] = number

    @property
    def process(self) -> dict[str, NDArray[Any]]:
        """This process's columns of the board."""
        return self._ledger.process

    def turn(self) -> None:
        """Do everything that is to be done now, without waiting."""
        now, process = time.monotonic(), self.process
        look, tidy = now >= self._look_at - self.tick_seconds / 2, now >= self._tidy_at
        if tidy:
            self._tidy(now)
        if look:
            process["clock_steps_total"][0] += self._wall.look()
        if look or self._read_always:
            drained_at = min((lane.receive(errors=tidy) for lane in self._active), default=now)
            if look:
                self._ledger.expire(drained_at)
            process["drained_at"][0] = drained_at
        if self._schedule is not None:
            self._send_due(self._schedule)
            if look:
                suspects = self._confirming.due(now, drained_at)
                if len(suspects):
                    self._dispatch(Kind.CONFIRM, suspects, np.full(len(suspects), now))
        if look:
            self._look_at = now + LOOK_SECONDS
            process["in_flight_probes"][0] = max(self._ledger.in_flight, 0)
        process["heartbeat_at"][0] = time.monotonic()

    def _tidy(self, now: float) -> None:
        self._tidy_at = now + TIDY_SECONDS
        self._ledger.flush()
        for lane in self._active:
            lane.look_after(now)
        # Half of the room: a look may be late, and confirmation probes are answered as well.
        rate = self._schedule.rate if self._schedule is not None else 0.0
        self._read_always = any(rate * LOOK_SECONDS > lane.room / 2 for lane in self._active)
        missing = any(lane.failure is FailureReason.PERMISSION for lane in self._active)
        self.process["permission_missing"][0] = missing

    def _send_due(self, schedule: Schedule) -> None:
        now_ns = time.monotonic_ns()
        if now_ns - self._covered_ns > _SKIP_NS:
            until_ns = now_ns - _SKIP_NS
            missed = schedule.count(self._covered_ns, until_ns)
            if missed:
                spread = np.linspace(now_ns - self._covered_ns, _SKIP_NS, num=min(missed, 100_000)) / SECOND_NS
                self._ledger.observed.lateness(spread)
            self._covered_ns = until_ns
        ahead_ns = now_ns + int(self.tick_seconds / 2 * SECOND_NS)
        until_ns = min(ahead_ns, self._covered_ns + min(_CATCH_UP_NS, schedule.shortest_ns))
        due = schedule.due(self._covered_ns, until_ns)
        self._covered_ns = until_ns
        slots, due_ns = due.slots, due.due_ns
        live = self._ledger.live(slots)
        if not np.logical_and.reduce(live):
            slots, due_ns = slots[live], due_ns[live]
        self.process["due_probes"][0] = len(slots)
        if len(slots):
            due_at = np.multiply(due_ns, 1e-9, dtype=np.float64)
            self._ledger.observed.lateness(time.monotonic() - due_at)
            self._dispatch(Kind.GRID, slots, due_at)

    def _dispatch(self, kind: Kind, slots: NDArray[np.int64], due_at: NDArray[np.float64]) -> None:
        if not self._mixed:
            self.lanes[int(self._lane_of[slots[0]])].send(kind, slots, due_at)
            return
        lane_of = self._lane_of[slots]
        for index, lane in enumerate(self.lanes):
            part = lane_of == index
            if part.any():
                lane.send(kind, slots[part], due_at[part])
        nameless = lane_of < 0
        if kind is Kind.GRID and nameless.any():
            status = np.full(int(nameless.sum()), _DNS, dtype=np.uint8)
            self._ledger.begin(kind, slots[nameless], due_at[nameless], status)

    def rest_seconds(self, now: float) -> float:
        """Return how long there is nothing to do after this turn; monotonic seconds in, seconds out, maybe negative."""
        if self._dense:
            return 0.0
        next_ns = self._schedule.next_ns(self._covered_ns) if self._schedule is not None else NEVER_NS
        return min(next_ns / SECOND_NS, self._look_at) - now

    def close(self) -> None:
        """Write what was gathered, close the sockets."""
        self._ledger.flush()
        for lane in self.lanes:
            lane.close()


def run(child: Child) -> None:
    """Probe until the parent is gone."""
    engine = IcmpEngine(child.board, PROCESS_ICMP, child.report)
    engine.process["pid"][0] = os.getpid()
    gc.disable()  # turns make no cycles; what a plan leaves is collected when it goes
    waiter = select.poll()
    waiter.register(child.control, select.POLLIN)
    listen_at = 0.0
    try:
        while True:
            began = time.monotonic()
            if began >= listen_at:
                listen_at = began + TIDY_SECONDS
                plan = child.next_plan()
                if plan is not None:
                    engine.adopt(*decode_records(plan))
                    gc.collect()
            engine.turn()
            spare = engine.tick_seconds - (time.monotonic() - began)
            if spare > 0:
                time.sleep(spare)
            rest = engine.rest_seconds(time.monotonic())
            if rest > 0 and waiter.poll(rest * 1000):
                listen_at = 0.0
    finally:
        engine.close()


def main(argv: Sequence[str] | None = None) -> None:
    """Run the process; see child.py for its arguments."""
    child = become_child(sys.argv[1:] if argv is None else argv)
    try:
        run(child)
    except ParentGoneError:
        return


if __name__ == "__main__":
    main()
