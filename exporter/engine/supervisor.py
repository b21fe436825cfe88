"""The probing processes as one thing: started, told what to do, watched, replaced, stopped.

`check` is called five times a second and never waits. A process that gives no heartbeat for two seconds is killed; one
that ended is replaced at the next check. Names are resolved here, in the background, and a new address makes a new
plan.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from exporter.engine.agreement import sign
from exporter.engine.assignment import Assignment, assign
from exporter.engine.board import PROCESS_CONNECT, PROCESS_ICMP, Board
from exporter.engine.icmp_socket import supported
from exporter.engine.resolve import Resolver
from exporter.engine.worker import ProcessInfo, Worker
from httpservice.logs import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable

    from exporter.roster import Roster

log = get_logger(__name__)

PERMISSION_REMEDY: Final = 'sysctl -w net.ipv4.ping_group_range="0 2147483647"'
MISFIT_REMEDY: Final = "restart vpn-exporter"
_ASLEEP_SECONDS: Final = 1.0  # a longer gap between checks means that we ourselves stood still
_GRACE_SECONDS: Final = 3.0  # after that: time for the processes to give a heartbeat again

_MODULES: Final = {
    PROCESS_ICMP: ("icmp", "exporter.engine.icmp"),
    PROCESS_CONNECT: ("connect", "exporter.engine.connect"),
}
_PORTABLE: Final = "exporter.engine.portable"


class Supervisor:
    """Owns the probing processes. Its methods belong to one thread, which must live on: they end with it."""

    def __init__(
        self,
        board: Board,
        *,
        portable: bool = False,
        on_event: Callable[[str, dict[str, object]], None] | None = None,
    ) -> None:
        """Prepare; nothing runs before `start`.

        Args:
            board: the shared arrays.
            portable: probe through icmplib; also where the kernel has no sendmmsg.
            on_event: called with each event and its details, beside the log.
        """
        self.board = board
        sign(board.fd)
        self.portable = portable or not supported()
        self.restarts: dict[str, int] = {"stuck": 0, "dead": 0, "requested": 0}
        self._on_event = on_event
        self._workers: dict[int, Worker] = {}
        self._assignments: dict[int, Assignment] = {}
        self._resolver = Resolver()
        self._plan_number = 0
        self._running = False
        self._checked_at = 0.0
        self._grace_until = 0.0

    @property
    def unresolved(self) -> frozenset[str]:
        """Names of targets that have never resolved."""
        return self._resolver.unresolved

    @property
    def restart_needed(self) -> bool:
        """Whether no process can be started from the code on disk, because it is newer or older than ours."""
        return any(worker.misfit for worker in self._workers.values())

    @property
    def processes(self) -> tuple[ProcessInfo, ...]:
        """The processes that run now."""
        return tuple(info for worker in self._workers.values() if (info := worker.info) is not None)

    def start(self) -> None:
        """Start what the roster needs; the ICMP process always.

        Raises:
            EngineError: no process can be started at all.
        """
        self._running = True
        self._staff()
        for worker in self._workers.values():
            if worker.info is None:
                worker.start()

    def apply(self, roster: Roster) -> None:
        """Follow a roster: clear the slots of new targets, free those of removed ones, send new plans."""
        for slot in roster.freed:
            self.board.free_slot(slot)
        on_board = self.board.slot["generation"]
        for slot in roster.fresh:
            generation = int(roster.generation[slot])
            if int(on_board[slot]) != generation:  # the same roster may be applied again
                self.board.clear_slot(slot, generation)
        self._assignments = assign(roster, portable=self.portable)
        self._resolver.want(name for assignment in self._assignments.values() for name in assignment.names)
        self._resolver.poll(time.monotonic())
        if self._running:
            self._staff()
        self._send_plans()

    def _staff(self) -> None:
        """Have a worker for every process that is needed, and none besides."""
        for row, (kind, module) in _MODULES.items():
            assignment = self._assignments.get(row)
            needed = row == PROCESS_ICMP or (assignment is not None and bool(assignment.slots))
            if needed and row not in self._workers:
                chosen = _PORTABLE if row == PROCESS_ICMP and self.portable else module
                self._workers[row] = Worker(self.board, row, kind, chosen)
                if assignment is not None:
                    self._workers[row].follow(assignment.encode(self._plan_number, self._resolver.address))
            elif not needed and row in self._workers:
                self._workers.pop(row).stop(time.monotonic())

    def _send_plans(self) -> None:
        self._plan_number += 1
        for row, worker in self._workers.items():
            assignment = self._assignments.get(row)
            if assignment is not None:
                worker.follow(assignment.encode(self._plan_number, self._resolver.address))

    def check(self, now: float) -> None:
        """Look after everything (monotonic seconds)."""
        if now - self._checked_at > _ASLEEP_SECONDS:
            self._grace_until = now + _GRACE_SECONDS
        self._checked_at = now
        if self._resolver.poll(now):
            self._send_plans()
        if not self._running:
            return
        for worker in self._workers.values():
            for report in worker.reports():
                self._tell(str(report.pop("event", "report")), {"process": worker.kind, **report})
            fitted = not worker.misfit
            reason = worker.check(now, patient=now < self._grace_until)
            if fitted is worker.misfit:
                self._tell_of_fit(worker)
            if reason is not None:
                self.restarts[reason] += 1
                log.warning("probing process replaced", process=worker.kind, reason=reason)
                self._pass_on("probing process replaced", {"process": worker.kind, "reason": reason})

    def _tell_of_fit(self, worker: Worker) -> None:
        if worker.misfit:
            log.error("probing code on disk has changed", process=worker.kind, remedy=MISFIT_REMEDY)
            self._pass_on("probing code on disk has changed", {"process": worker.kind, "remedy": MISFIT_REMEDY})
        else:
            log.info("probing code fits again", process=worker.kind)
            self._pass_on("probing code fits again", {"process": worker.kind})

    def _tell(self, event: str, details: dict[str, object]) -> None:
        if details.get("reason") == "permission":
            event, details = "icmp permission missing", {**details, "remedy": PERMISSION_REMEDY}
            log.warning(event, **details)
        elif "reason" in details:
            log.warning(event, **details)
        else:
            log.info(event, **details)
        self._pass_on(event, details)

    def _pass_on(self, event: str, details: dict[str, object]) -> None:
        if self._on_event is not None:
            self._on_event(event, details)

    def restart(self, reason: str = "requested") -> None:
        """Replace all processes; counted under the reason when it has happened."""
        for worker in self._workers.values():
            worker.kill(reason)

    def stop(self, timeout: float) -> None:
        """End all processes within the timeout (seconds); what does not end is killed."""
        self._running = False
        deadline = time.monotonic() + timeout
        for worker in self._workers.values():
            if worker.stop(deadline):
                log.warning("probing process killed", process=worker.kind)
        self._workers.clear()
        self._resolver.close()
