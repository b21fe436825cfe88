"""What the exporter and its probing processes must have alike: one fingerprint, in the first bytes of the board.

A probing process is started from the code on disk, which may have changed (git pull, an upgrade) since the exporter
was started. Where the two would read the shared arrays or a plan in different ways, the process must not touch them: it
ends with EXIT_MISFIT, and the exporter says that it has to be restarted. The fingerprint is made of the very tables
that both sides work from, so nobody has to remember a version number.
"""

from __future__ import annotations

import hashlib
import os
import sys
from dataclasses import fields
from typing import Final

from exporter.engine import board
from exporter.engine.plan import SlotPlan
from exporter.engine.plan_wire import RECORD
from exporter.outcome import DISCARD_REASONS, REASONS, Status

EXIT_MISFIT: Final = 78  # EX_CONFIG of sysexits.h; Python itself ends with 1 or 2


def fingerprint() -> bytes:
    """Return 16 bytes that change with anything that one side writes and the other reads by its place."""
    same = (
        sys.byteorder,
        board.SLOT_FIELDS,
        board.PROCESS_FIELDS,
        board.REGION_FIELDS,
        board.CONTROL_FIELDS,
        board.PROCESSES,
        (board.RTT_BUCKETS, board.LATENESS_BUCKETS, board.REPLY_WAIT_BUCKETS),
        [(status.name, status.value) for status in Status],
        [reason.value for reason in (*REASONS, *DISCARD_REASONS)],
        RECORD.descr,
        [field.name for field in fields(SlotPlan)],
    )
    return hashlib.blake2b(repr(same).encode(), digest_size=16).digest()


def sign(fd: int) -> None:
    """Write the fingerprint of the code that runs here into a board that it has made."""
    os.pwrite(fd, fingerprint(), 0)


def fits(fd: int) -> bool:
    """Tell whether the board behind a descriptor is one that the code that runs here may map."""
    written = os.pread(fd, 16, 0)
    return written == fingerprint()
