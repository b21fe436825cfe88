"""What the exporter and its probing processes must have alike: one fingerprint, in the first bytes of the board.

A probing process is started from the code on disk, which may have changed (git pull, an upgrade) since the exporter
was started. Where the two would read the shared arrays or a plan in different ways, the process must not touch them: it
ends with EXIT_MISFIT, and the exporter says that it has to be restarted. The fingerprint is made of the very tables
that both sides work from, so nobody has to remember a version number.

python -m exporter.engine.agreement FD      ends with 0 where processes of the code on disk may map that board
"""

from __future__ import annotations

import hashlib
import importlib
import os
import subprocess
import sys
from dataclasses import fields
from typing import Final

from exporter.engine import board
from exporter.engine.plan import SlotPlan
from exporter.engine.plan_wire import RECORD
from exporter.outcome import DISCARD_REASONS, REASONS, Status

_LOOK_SECONDS: Final = 5.0  # an interpreter starts and imports; longer than this, and the machine is busy
_MODULES: Final = ("exporter.engine.icmp", "exporter.engine.connect", "exporter.engine.portable")
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


def disk_fits(fd: int) -> bool:
    """Tell whether processes may be started from the code on disk, which may not be what runs here; waits for a look.

    A machine too busy to say is no reason against it.
    """
    command = [sys.executable, "-m", __name__, str(fd)]
    quiet = subprocess.DEVNULL
    try:
        done = subprocess.run(  # noqa: S603 - our own interpreter and module
            command, pass_fds=(fd,), stdin=quiet, stdout=quiet, stderr=quiet, timeout=_LOOK_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return True
    return done.returncode == 0


def main() -> None:
    """Look at a board as a process would that starts now; what cannot even be imported ends with 1."""
    for module in _MODULES:
        importlib.import_module(module)
    sys.exit(0 if fits(int(sys.argv[1])) else EXIT_MISFIT)


if __name__ == "__main__":
    main()
