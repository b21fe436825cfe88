"""The ICMP process: one loop that receives, expires, sends what is due, and confirms suspects.

One turn of the loop takes a batch of whatever is due, so its cost is shared by many probes. Order within a turn
matters: everything the kernel has received is read before anything is declared lost, and `drained_at` is published
after what it promises has been written. A process that was stopped skips what it missed (counted as lateness) instead
of sending it in a burst.
"""

from __future__ import annotations

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
from exporter.engine.icmp_lane import Lane
from exporter.engine.ledger import Kind, Ledger
from exporter.engine.plan_wire import decode_records
from exporter.engine.schedule import (
    CONFIRM_SECONDS,
    SECOND_NS,
    ConfirmBudget,
    Schedule,
    oldest_first,
    suspects,
)
from exporter.outcome import FailureReason, failure_status

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

TICK_SECONDS: Final = 0.005  # shortest turn of the loop while there is little to do
CALM_RATE: Final = 200.0  # grid probes a second up to which that holds
# Above, a turn waits until about BATCH probes are due: a wake-up costs as much as tens of packets.
BATCH: Final = 50
BATCH_SECONDS: Final = (0.010, 0.020)  # but not shorter, and not longer
IDLE_SECONDS: Final = 0.05  # longest turn: 20 heartbeats a second
CONFIRM_LOOK_SECONDS: Final = 0.05  # between two looks for suspects
_CATCH_UP_NS: Final = 50_000_000  # of the grid in one turn, when behind
_SKIP_NS: Final = 250_000_000  # a probe later than this is not sent any more
_DNS: Final = failure_status(FailureReason.DNS)


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
        self._confirmable = np.empty(0, dtype=np.int64)
        self._next_confirm = np.zeros(board.size.slots)
        self._budget = ConfirmBudget()
        self._look_at = 0.0
        self._control: dict[str, NDArray[Any]] = board.control
        self._mixed = False  # more than one lane, or slots without an address

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
            now_ns=time.monotonic_ns(),
        )
        self._budget.follow(self._schedule.rate)
        self._confirmable = slots[records["confirm"] & (versions > 0)]
        self.process["plan_number"][0] = number

    @property
    def process(self) -> dict[str, NDArray[Any]]:
        """This process's columns of the board."""
        return self._ledger.process

    @property
    def tick_seconds(self) -> float:
        """The shortest turn at the present rate."""
        rate = self._schedule.rate if self._schedule is not None else 0.0
        return TICK_SECONDS if rate <= CALM_RATE else min(max(BATCH / rate, BATCH_SECONDS[0]), BATCH_SECONDS[1])

    def turn(self, *, errors: bool = True) -> None:
        """Do everything that can be done now, without waiting.

        Args:
            errors: whether a socket may have an error queued (poll said so, or nobody has asked).
        """
        ledger, process = self._ledger, self.process
        process["clock_steps_total"][0] += self._wall.look()
        now = time.monotonic()
        for lane in self.lanes:
            lane.keep_open(now)
        drained_at = min(lane.receive(errors=errors) for lane in self.lanes)
        ledger.expire(drained_at)
        process["drained_at"][0] = drained_at
        if self._schedule is not None:
            self._send_due(self._schedule)
            if now >= self._look_at:
                self._look_at = now + CONFIRM_LOOK_SECONDS
                self._confirm(now, drained_at)
                ledger.flush()
        process["in_flight_probes"][0] = max(ledger.in_flight, 0)
        missing = any(lane.failure is FailureReason.PERMISSION and len(lane.slots) for lane in self.lanes)
        process["permission_missing"][0] = missing
        process["heartbeat_at"][0] = time.monotonic()

    def _send_due(self, schedule: Schedule) -> None:
        now_ns = time.monotonic_ns()
        if now_ns - self._covered_ns > _SKIP_NS:
            until_ns = now_ns - _SKIP_NS
            missed = schedule.count(self._covered_ns, until_ns)
            if missed:
                spread = np.linspace(now_ns - self._covered_ns, _SKIP_NS, num=min(missed, 100_000)) / SECOND_NS
                self._ledger.observe_lateness(spread)
            self._covered_ns = until_ns
        until_ns = min(now_ns, self._covered_ns + min(_CATCH_UP_NS, schedule.shortest_ns))
        due = schedule.due(self._covered_ns, until_ns)
        self._covered_ns = until_ns
        live = self._ledger.live(due.slots)
        slots, due_ns = (due.slots, due.due_ns) if live.all() else (due.slots[live], due.due_ns[live])
        self.process["due_probes"][0] = len(slots)
        if len(slots):
            self._ledger.observe_lateness((time.monotonic_ns() - due_ns) / SECOND_NS)
            self._dispatch(Kind.GRID, slots, due_ns / SECOND_NS)

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

    def _confirm(self, now: float, drained_at: float) -> None:
        """Send confirmation probes to suspects, within the budget."""
        allowed = self._budget.allowed(now)
        if self._control["isolated"][0]:
            return
        ledger, slots = self._ledger, self._confirmable
        watched = ledger.watched_sent_at[slots]
        chosen = suspects(
            drained_at=drained_at,
            watched_sent_at=watched,
            last_reply_sent_at=ledger.slot["last_reply_sent_at"][slots],
            median_rtt=ledger.slot["median_rtt"][slots],
            timeout_seconds=ledger.timeout[slots],
        )
        if not chosen.any():
            return
        chosen &= (ledger.slot["quiet"][slots] == 0) & (self._next_confirm[slots] <= now)
        candidates = slots[chosen]
        candidates = candidates[ledger.live(candidates)]
        candidates = oldest_first(candidates, ledger.watched_sent_at, allowed)
        if len(candidates):
            self._budget.spend(len(candidates))
            # A quarter of a look earlier: the looks themselves are a little irregular.
            self._next_confirm[candidates] = now + CONFIRM_SECONDS - CONFIRM_LOOK_SECONDS / 4
            self.process["confirmations_total"][0] += len(candidates)
            self._dispatch(Kind.CONFIRM, candidates, np.full(len(candidates), now))

    def idle_seconds(self) -> float:
        """Return how long there is nothing to send: 0 to IDLE_SECONDS."""
        if self._schedule is None:
            return IDLE_SECONDS
        wait = (self._schedule.next_ns(self._covered_ns) - time.monotonic_ns()) / SECOND_NS
        return min(max(wait, 0.0), IDLE_SECONDS)

    def close(self) -> None:
        """Close the sockets."""
        for lane in self.lanes:
            lane.close()


def run(child: Child) -> None:
    """Probe until the parent is gone."""
    engine = IcmpEngine(child.board, PROCESS_ICMP, child.report)
    engine.process["pid"][0] = os.getpid()
    waiter = select.poll()
    waiter.register(child.control, select.POLLIN)
    watched: set[int] = set()
    errors = True
    try:
        while True:
            began = time.monotonic()
            plan = child.next_plan()
            if plan is not None:
                engine.adopt(*decode_records(plan))
            engine.turn(errors=errors)
            for lane in engine.lanes:
                if lane.socket is not None and (fd := lane.socket.socket.fileno()) not in watched:
                    waiter.register(fd, select.POLLIN)
                    watched.add(fd)
            spare = engine.tick_seconds - (time.monotonic() - began)
            if spare > 0:
                time.sleep(spare)
            errors = any(events & select.POLLERR for _, events in waiter.poll(engine.idle_seconds() * 1000))
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
