"""The shared arrays between the probing processes and the judge: one slot per target, one writer per field.

The board is one block of anonymous shared memory, mapped by the parent and by each probing process. It holds structures
of arrays, so that every part works on whole columns with numpy. Memory is sparse: a column costs only the pages that
were touched, so the capacity is generous and a reload never moves a slot.

Rules
-----
- `SLOT_FIELDS` by "engine": only the process that probes the slot's target writes. By "parent": only the parent.
- Ring entry of probe n (n from 0) is n % GRID (or % CONFIRM). The entry is written first, then the count, then
  `revision`.
- The first page is no column: `agreement` writes there what a process must have alike before it maps the board.
- Times are CLOCK_MONOTONIC seconds (one clock for all processes of a machine); RTTs are seconds, NaN where no reply
  came.
- A slot that gets a new target gets a new `generation` and is cleared by the parent **before** the engine is told.
- `revision` is another number after each change; that it grows is not promised across 2**32 changes.
- A confirmation probe touches `confirm_*`, `last_reply_sent_at` and the process counters only: never the grid ring, the
  probe counters or the histogram (design section 5).
"""

from __future__ import annotations

import mmap
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from exporter.outcome import DISCARD_REASONS, REASONS

if TYPE_CHECKING:
    from numpy.typing import NDArray

GRID: Final = 128  # grid probes remembered per slot: the window of 60, those in flight, and the Ping log
CONFIRM: Final = 64  # confirmation probes remembered per slot
PROCESS_ICMP: Final = 0  # index into the process arrays
PROCESS_CONNECT: Final = 1
PROCESSES: Final = 2

# Upper bounds in seconds; +Inf is the last bucket. No integer bound: Prometheus 2 and 3 write those differently.
RTT_BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.4, 0.6, 0.9, 1.5, 2.5)
LATENESS_BUCKETS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5)
REPLY_WAIT_BUCKETS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5)

_Shape = tuple[int, ...]

# name -> (dtype, shape of one slot's value)
SLOT_FIELDS: Final[dict[str, tuple[str, _Shape]]] = {
    # written by the parent
    "generation": ("u4", ()),  # 0: the slot is free
    "quiet": ("u1", ()),  # 1: declared down, so no confirmation probes
    "median_rtt": ("f4", ()),  # the judge's median of the last 20 replies; NaN: none
    # written by the engine
    "revision": ("u4", ()),  # grows with every change of the slot: what the judge has to look at
    "grid_count": ("u8", ()),  # grid probes begun since the slot was given out
    "grid_sent_at": ("f8", (GRID,)),
    "grid_rtt": ("f4", (GRID,)),
    "grid_status": ("u1", (GRID,)),  # outcome.Status
    "confirm_count": ("u8", ()),
    "confirm_sent_at": ("f8", (CONFIRM,)),
    "confirm_status": ("u1", (CONFIRM,)),
    "last_reply_sent_at": ("f8", ()),  # send time of the newest-sent probe of either kind that was answered; 0: none
    "probes_total": ("u8", ()),  # grid probes that ended; VOID ones do not count
    "failures_total": ("u8", (len(REASONS),)),
}

PROCESS_FIELDS: Final[dict[str, tuple[str, _Shape]]] = {
    "pid": ("i8", ()),
    "plan_number": ("u8", ()),  # the plan that the process follows; 0: none yet
    "heartbeat_at": ("f8", ()),  # CLOCK_MONOTONIC; written every loop, at least 20 times a second
    "drained_at": ("f8", ()),  # every reply the kernel had received by then has been read: the engine's "now"
    "sent_total": ("u8", ()),  # packets or connections begun, grid and confirmation
    "confirmations_total": ("u8", ()),
    "replies_total": ("u8", ()),
    "discarded_total": ("u8", (len(DISCARD_REASONS),)),
    "receive_drops_total": ("u8", ()),
    "send_errors_total": ("u8", (len(REASONS),)),
    "clock_steps_total": ("u8", ()),
    "due_probes": ("u4", ()),  # due in the present tick
    "in_flight_probes": ("u4", ()),
    "permission_missing": ("u1", ()),  # 1: no socket of at least one needed family may be opened
    "lateness_buckets": ("u8", (len(LATENESS_BUCKETS) + 1,)),  # not cumulative
    "lateness_sum": ("f8", ()),
    "reply_wait_buckets": ("u8", (len(REPLY_WAIT_BUCKETS) + 1,)),
    "reply_wait_sum": ("f8", ()),
}

REGION_FIELDS: Final[dict[str, tuple[str, _Shape]]] = {  # one row per process and region: each has one writer
    "rtt_buckets": ("u8", (len(RTT_BUCKETS) + 1,)),  # not cumulative
    "rtt_sum": ("f8", ()),
}

CONTROL_FIELDS: Final[dict[str, tuple[str, _Shape]]] = {  # written by the parent
    "isolated": ("u1", ()),  # 1: no confirmation probes at all
    "misfit": ("u1", (PROCESSES,)),  # 1: the code on disk is another; no process can be started until we are restarted
    "handovers": ("u8", ()),  # grows before any slot changes hands: while it stands still, nobody's slots have
}

_ALIGN = 4096  # each column starts on its own page, so that untouched tails cost nothing
_HEADER_BYTES = _ALIGN


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardSize:
    """What two processes must agree on to map the same board."""

    slots: int
    regions: int


class Board:
    """All columns as numpy arrays over one shared mapping.

    Attributes are named in the `*_FIELDS` tables above: `board.slot["grid_count"]` has shape (slots,),
    `board.process["heartbeat_at"]` (PROCESSES,), `board.region["rtt_buckets"]` (PROCESSES, regions, buckets),
    `board.control["isolated"]` (1,).
    """

    def __init__(self, fd: int, size: BoardSize) -> None:
        """Map the board behind the file descriptor; the descriptor stays the caller's."""
        self.fd = fd
        self.size = size
        self.slot: dict[str, NDArray[np.generic]] = {}
        self.process: dict[str, NDArray[np.generic]] = {}
        self.region: dict[str, NDArray[np.generic]] = {}
        self.control: dict[str, NDArray[np.generic]] = {}
        layout, total = _layout(size)
        self._map = mmap.mmap(fd, total)
        for group, name, dtype, shape, offset in layout:
            count = int(np.prod(shape, dtype=np.int64))
            array = np.frombuffer(self._map, dtype=dtype, count=count, offset=offset).reshape(shape)
            getattr(self, group)[name] = array

    @classmethod
    def create(cls, size: BoardSize) -> Board:
        """Make a new, zeroed board. The descriptor is inheritable: pass `board.fd` to the probing processes."""
        fd = anonymous_file()
        os.ftruncate(fd, _layout(size)[1])
        os.set_inheritable(fd, True)  # noqa: FBT003 - the flag is the function's own
        return cls(fd, size)

    def clear_slot(self, slot: int, generation: int) -> None:
        """Give a slot to a new target: every column zeroed, RTTs NaN, the new generation last. Parent only."""
        self._hand_over()
        for name, column in self.slot.items():
            if name != "generation":
                column[slot] = 0
        self.slot["grid_rtt"][slot] = np.nan
        self.slot["median_rtt"][slot] = np.nan
        self.slot["generation"][slot] = generation

    def free_slot(self, slot: int) -> None:
        """Mark a slot as free; its evidence is void from now on. Parent only."""
        self._hand_over()
        self.slot["generation"][slot] = 0

    def _hand_over(self) -> None:
        handovers = self.control["handovers"]
        handovers[0] = int(handovers[0]) + 1


def _layout(size: BoardSize) -> tuple[list[tuple[str, str, str, _Shape, int]], int]:
    """Return (group, name, dtype, shape, byte offset) of each column, and the total size in bytes."""
    groups = (
        ("slot", SLOT_FIELDS, (size.slots,)),
        ("process", PROCESS_FIELDS, (PROCESSES,)),
        ("region", REGION_FIELDS, (PROCESSES, size.regions)),
        ("control", CONTROL_FIELDS, (1,)),
    )
    layout: list[tuple[str, str, str, _Shape, int]] = []
    offset = _HEADER_BYTES
    for group, fields, outer in groups:
        for name, (dtype, inner) in fields.items():
            shape = (*outer, *inner)
            layout.append((group, name, dtype, shape, offset))
            length = int(np.prod(shape, dtype=np.int64)) * np.dtype(dtype).itemsize
            offset += -(-length // _ALIGN) * _ALIGN
    return layout, offset


def anonymous_file() -> int:
    """Open a file that has no name: memfd on Linux, an unlinked temporary file elsewhere."""
    if hasattr(os, "memfd_create"):
        return os.memfd_create("vpn-board")
    import tempfile  # noqa: PLC0415 - only where there is no memfd

    fd, path = tempfile.mkstemp(prefix="vpn-board-")
    os.unlink(path)  # noqa: PTH108 - the descriptor lives on
    return fd
