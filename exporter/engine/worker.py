"""One probing process seen from the parent: starting, handing over plans, hearing reports, killing, replacing.

A slot has one writer, so a process is replaced only when the kernel says that it has ended. Nothing here waits, `stop`
excepted.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from exporter.engine.agreement import EXIT_MISFIT
from exporter.engine.child import arguments
from exporter.engine.plan_wire import send_plan
from exporter.errors import EngineError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from exporter.engine.board import Board

STUCK_SECONDS: Final = 2.0  # without a heartbeat
STARTING_SECONDS: Final = 15.0  # until the first heartbeat: a busy machine takes long to import
_BACK_OFF: Final = (0.0, 0.5, 1.0, 2.0, 5.0)  # seconds before a process that died young is started again
_YOUNG_SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessInfo:
    """A probing process, for pages and logs."""

    kind: str  # icmp or connect
    pid: int


class Worker:
    """Keeps one probing process running."""

    def __init__(self, board: Board, row: int, kind: str, module: str) -> None:
        self.kind = kind
        self._board = board
        self._heartbeat: NDArray[Any] = board.process["heartbeat_at"][row : row + 1]
        self._misfit: NDArray[Any] = board.control["misfit"][0, row : row + 1]
        self._pid: NDArray[Any] = board.process["pid"][row : row + 1]
        self._module = module
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._heard = b""
        self._started_at = 0.0
        self._start_at = 0.0
        self._ending: str | None = None  # why it was killed
        self._young_deaths = 0
        self._plan: bytes | None = None
        self._plan_sent = False

    @property
    def info(self) -> ProcessInfo | None:
        """The running process; None: none at the moment."""
        return ProcessInfo(kind=self.kind, pid=self._process.pid) if self._process is not None else None

    @property
    def misfit(self) -> bool:
        """Whether the code on disk is other than ours: a process started from it may not touch the board."""
        return bool(self._misfit[0])

    def follow(self, plan: bytes) -> None:
        """Hand over a plan, now or as soon as there is a process."""
        self._plan, self._plan_sent = plan, False
        self._send_plan()

    def start(self) -> None:
        """Start a process.

        Raises:
            EngineError: no process can be started at all.
        """
        ours, theirs = socket.socketpair()
        with theirs:
            command = [
                sys.executable,
                "-m",
                self._module,
                *arguments(theirs.fileno(), self._board),
            ]
            try:
                self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
                    command,
                    stdin=subprocess.DEVNULL,
                    pass_fds=(theirs.fileno(), self._board.fd),
                    env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},  # numpy's idle threads are no use here
                )
            except OSError as error:
                ours.close()
                raise EngineError(f"cannot start the {self.kind} process: {error}") from error
        ours.setblocking(False)  # noqa: FBT003 - the standard library's signature
        self._control, self._heard = ours, b""
        self._started_at = time.monotonic()
        self._ending = None
        self._plan_sent = False
        self._send_plan()

    def _send_plan(self) -> None:
        if self._control is None or self._plan is None or self._plan_sent:
            return
        try:
            send_plan(self._control, self._plan)
        except OSError:
            return  # full or gone: `check` tries again, with the next process if need be
        self._plan_sent = True

    def check(self, now: float, *, patient: bool = False) -> str | None:
        """Look after the process; return `stuck`, `dead` or `requested` when it has just ended and is replaced.

        One that does not fit (see `misfit`) has replaced nothing: it is tried again, for its code may be put back.

        Args:
            now: CLOCK_MONOTONIC seconds.
            patient: kill nothing for a missing heartbeat (the whole machine, or we, stood still).
        """
        if self._process is None:
            if now >= self._start_at:
                self.start()
            return None
        if (code := self._process.poll()) is not None:
            reason = None if code == EXIT_MISFIT else self._ending or "dead"
            self._misfit[0] = code == EXIT_MISFIT
            self._forget(now)
            if now >= self._start_at:
                self.start()
            return reason
        self._send_plan()
        if self.misfit and float(self._heartbeat[0]) >= self._started_at:
            self._misfit[0] = 0
        if self._ending is None and not patient and self._is_stuck(now):
            self.kill("stuck")
        return None

    def _is_stuck(self, now: float) -> bool:
        beaten_at = float(self._heartbeat[0])
        if beaten_at < self._started_at:  # its predecessor's
            return now - self._started_at > STARTING_SECONDS
        return now - beaten_at > STUCK_SECONDS

    def _forget(self, now: float) -> None:
        young = self._ending is None and now - self._started_at < _YOUNG_SECONDS
        self._young_deaths = min(self._young_deaths + 1, len(_BACK_OFF) - 1) if young else 0
        self._start_at = now + _BACK_OFF[self._young_deaths]
        if self._control is not None:
            self._control.close()
        self._process = self._control = None
        self._pid[0] = 0

    def kill(self, reason: str) -> None:
        """End the process at once; `check` replaces it when it has ended. Its evidence is on the board."""
        if self._process is not None and self._ending is None:
            self._ending = reason
            self._process.kill()

    def reports(self) -> list[dict[str, object]]:
        """Return what the process has told since the last call."""
        if self._control is None:
            return []
        try:
            data = self._control.recv(65536)
        except OSError:
            return []
        *lines, self._heard = (self._heard + data).split(b"\n")
        return [json.loads(line) for line in lines]

    def stop(self, deadline: float) -> bool:
        """End the process, politely until the deadline (monotonic); return whether it had to be killed."""
        process = self._process
        if process is None:
            return False
        if self._control is not None:
            self._control.close()  # which it takes as the end of its parent
        killed = False
        try:
            process.wait(max(deadline - time.monotonic(), 0.0))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            killed = True
        self._process = self._control = None
        self._pid[0] = 0
        return killed
