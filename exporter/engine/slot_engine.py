"""Probing slot by slot on an event loop: grid, confirmation probes and outcomes of the processes that do not batch.

TCP, HTTP and the portable ICMP engine differ only in the coroutine that asks once (`Prober`). A loop that stood still
cannot tell a late answer from one that waited unread, so what was pending then is void.
"""

from __future__ import annotations

import asyncio
import os
import time
from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np

from exporter.engine.confirming import Confirming
from exporter.engine.ledger import PENDING, Kind, Ledger
from exporter.engine.plan_wire import decode_json
from exporter.engine.schedule import SECOND_NS, Schedule, phase_fraction
from exporter.outcome import REASONS, FailureReason, failure_status

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from exporter.engine.board import Board
    from exporter.engine.child import Child
    from exporter.engine.plan import Plan, SlotPlan

TICK_SECONDS: Final = 0.02
STOOD_STILL_SECONDS: Final = 0.5  # a gap between two ticks after which nothing pending can be judged
_SAFETY_SECONDS: Final = 2.0  # beyond its timeout, a probe whose coroutine is lost ends as `timeout`
_CONFIRM_LOOK_SECONDS: Final = 0.1
_CATCH_UP_NS: Final = 50_000_000
_SKIP_NS: Final = 250_000_000
_UNCOUNTED: Final = frozenset({FailureReason.SEND_ERROR, FailureReason.PERMISSION, FailureReason.DNS})


class Prober(Protocol):
    """Asks a target once."""

    async def __call__(self, plan: SlotPlan, /) -> float | FailureReason:
        """Return the monotonic moment of the answer, or why there was none."""
        ...


class SlotEngine:
    """The work of one process."""

    def __init__(self, board: Board, row: int, prober: Prober, *, confirm_seconds: float) -> None:
        self.ledger = Ledger(board, row)
        self._prober = prober
        self._plans: dict[int, SlotPlan] = {}
        self._schedule: Schedule | None = None
        # Half a tick less: the ticks themselves are a little irregular.
        self._confirming = Confirming(board, self.ledger, spacing_seconds=confirm_seconds - TICK_SECONDS / 2)
        self._look_at = 0.0
        self._covered_ns = time.monotonic_ns()
        self._ticked_at = time.monotonic()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def process(self) -> dict[str, NDArray[Any]]:
        """This process's columns of the board."""
        return self.ledger.process

    def adopt(self, plan: Plan) -> None:
        """Follow a new plan."""
        rows = plan.slots
        slots = np.array([row.slot for row in rows], dtype=np.int64)
        moved = [
            row.slot for row in rows if (old := self._plans.get(row.slot)) is not None and old.address != row.address
        ]
        self.ledger.adopt(
            slots,
            np.array([row.generation for row in rows], dtype=np.uint32),
            np.array([row.timeout_seconds for row in rows], dtype=np.float64),
            np.array([row.region for row in rows], dtype=np.int64),
        )
        self.ledger.void(np.array(moved, dtype=np.int64))
        self._plans = {row.slot: row for row in rows}
        self._schedule = Schedule(
            slots,
            np.array([row.interval_seconds for row in rows], dtype=np.float64),
            np.array([phase_fraction(row.phase_key) for row in rows], dtype=np.float64),
            begun=self.ledger.slot["grid_count"][slots],
            now_ns=time.monotonic_ns(),
        )
        wanted = np.array([row.confirm and row.address is not None for row in rows], dtype=np.bool_)
        self._confirming.follow(slots, wanted, self._schedule.rate)
        self.process["plan_number"][0] = plan.number

    def tick(self) -> None:
        """Start what is due."""
        before, now = self._ticked_at, time.monotonic()
        self._ticked_at = now
        if now - before > STOOD_STILL_SECONDS:
            self.ledger.void(np.fromiter(self._plans, dtype=np.int64, count=len(self._plans)))
        # What was ready at the tick before has been dealt with by now: the loop has gone round since.
        self.ledger.expire(before - _SAFETY_SECONDS)
        self.process["drained_at"][0] = before
        if self._schedule is not None:
            self._start_due(self._schedule)
            if now >= self._look_at:
                self._look_at = now + _CONFIRM_LOOK_SECONDS
                for slot in self._confirming.due(now, before).tolist():
                    self._start(Kind.CONFIRM, self._plans[slot])
                self.ledger.flush()
        self.process["in_flight_probes"][0] = max(self.ledger.in_flight, 0)
        self.process["heartbeat_at"][0] = time.monotonic()

    def _start_due(self, schedule: Schedule) -> None:
        now_ns = time.monotonic_ns()
        if now_ns - self._covered_ns > _SKIP_NS:
            missed = schedule.count(self._covered_ns, now_ns - _SKIP_NS)
            if missed:
                spread = np.linspace(now_ns - self._covered_ns, _SKIP_NS, num=min(missed, 100_000)) / SECOND_NS
                self.ledger.observed.lateness(spread)
            self._covered_ns = now_ns - _SKIP_NS
        until_ns = min(now_ns, self._covered_ns + min(_CATCH_UP_NS, schedule.shortest_ns))
        due = schedule.due(self._covered_ns, until_ns)
        self._covered_ns = until_ns
        live = self.ledger.live(due.slots)
        slots, due_ns = due.slots[live], due.due_ns[live]
        self.process["due_probes"][0] = len(slots)
        self.ledger.observed.lateness((now_ns - due_ns) / SECOND_NS)
        for slot in slots.tolist():
            self._start(Kind.GRID, self._plans[slot])

    def _start(self, kind: Kind, plan: SlotPlan) -> None:
        slots = np.array([plan.slot], dtype=np.int64)
        sent_at = np.array([time.monotonic()])
        if plan.address is None:
            if kind is Kind.GRID:
                self.ledger.begin(kind, slots, sent_at, np.array([failure_status(FailureReason.DNS)], dtype=np.uint8))
            return
        numbers = self.ledger.next_numbers(kind, slots)
        self.ledger.begin(kind, slots, sent_at, np.array([PENDING], dtype=np.uint8))
        self.process["sent_total"][0] += 1
        task = asyncio.create_task(self._ask(kind, plan, slots, numbers), name=f"probe {plan.phase_key}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _ask(self, kind: Kind, plan: SlotPlan, slots: NDArray[np.int64], numbers: NDArray[np.int64]) -> None:
        answer = await self._prober(plan)
        now = time.monotonic()
        current = self._plans.get(plan.slot)
        if current is None or current.generation != plan.generation:
            return
        if now - self._ticked_at > STOOD_STILL_SECONDS:
            return  # the tick that follows at once voids it
        if isinstance(answer, float):
            self.ledger.answer(kind, slots, numbers, np.array([answer]), now)
            return
        if answer in _UNCOUNTED:
            self.process["send_errors_total"][0, REASONS.index(answer)] += 1
        self.ledger.fail(kind, slots, numbers, np.array([failure_status(answer)], dtype=np.uint8))

    async def run(self, child: Child) -> None:
        """Probe until the parent is gone (ParentGoneError)."""
        self.process["pid"][0] = os.getpid()
        try:
            while True:
                data = child.next_plan()
                if data is not None:
                    self.adopt(decode_json(data))
                self.tick()
                await asyncio.sleep(TICK_SECONDS)
        finally:
            self.ledger.flush()
