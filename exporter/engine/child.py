"""What every probing process shares: its arguments, the board, plans coming in, reports going out, dying in time.

A probing process ends when its parent does: the control socket then reads as closed, and the kernel kills it besides,
should it hang (PR_SET_PDEATHSIG follows the *thread* that started it: the supervisor's thread has to live on).
It ignores SIGINT: Ctrl-C reaches the whole group, but stopping is the parent's decision.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import gc
import json
import os
import signal
import socket
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from exporter.engine.agreement import EXIT_MISFIT, fits
from exporter.engine.board import Board, BoardSize
from exporter.engine.plan_wire import receive_plan

if TYPE_CHECKING:
    from collections.abc import Sequence

_PR_SET_PDEATHSIG: Final = 1
_NICE: Final = -5  # where permitted: a late prober is a blind one


class ParentGoneError(Exception):
    """The parent has ended: so must we."""


@dataclass(frozen=True, slots=True)
class Child:
    """A probing process's ends of what it shares with the parent."""

    board: Board
    control: socket.socket

    def next_plan(self) -> bytes | None:
        """Return the newest plan that has come in, None where there is none; never waits.

        Raises:
            ParentGoneError: the parent has ended.
        """
        newest: bytes | None = None
        while True:
            try:
                data = receive_plan(self.control)
            except BlockingIOError:
                return newest
            except OSError as error:
                raise ParentGoneError from error
            if data is None:
                raise ParentGoneError
            newest = data

    def report(self, event: str, details: dict[str, object]) -> None:
        """Tell the parent what it is to log; a parent that does not read loses reports, not probes."""
        line = json.dumps({"event": event, **details}) + "\n"
        with contextlib.suppress(OSError):
            self.control.send(line.encode())


def arguments(control: int, board: Board) -> list[str]:
    """Return the command line arguments from which `become_child` is made."""
    size = board.size
    return [
        f"--control={control}",
        f"--board={board.fd}",
        f"--slots={size.slots}",
        f"--regions={size.regions}",
    ]


def become_child(argv: Sequence[str]) -> Child:
    """Set up this process as a probing process; it ends at once where the board was made by other code."""
    parser = argparse.ArgumentParser(description="A probing process of vpn-exporter; started by it, never by hand.")
    parser.add_argument("--control", type=int, required=True)
    parser.add_argument("--board", type=int, required=True)
    parser.add_argument("--slots", type=int, required=True)
    parser.add_argument("--regions", type=int, required=True)
    options = parser.parse_args(argv)
    if not fits(options.board):
        raise SystemExit(EXIT_MISFIT)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    with contextlib.suppress(OSError):
        os.nice(_NICE)
    control = socket.socket(fileno=options.control)
    control.setblocking(False)  # noqa: FBT003 - the standard library's signature
    board = Board(options.board, BoardSize(slots=options.slots, regions=options.regions))
    gc.freeze()  # what exists now lives for ever: no need to look through it again
    return Child(board, control)
