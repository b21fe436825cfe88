"""The kernel's share of a probe: the calls of our ICMP process at its pace, sendmmsg and recvmmsg, and nothing else.

python -m bench.floor FILE      one address a line; each is asked once a second until the process is ended

What our process spends beyond this is its own: schedule, matching, ledger. No prober can be below it on this machine,
unless it sends and reads in larger heaps.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np

from exporter.engine.icmp import LOOK_SECONDS, tick_for
from exporter.engine.icmp_buffers import SEND_ROWS
from exporter.engine.icmp_socket import IcmpSocket
from exporter.engine.plan_wire import packed_address


def main() -> None:
    """Send and receive for ever."""
    lines = Path(sys.argv[1]).read_text(encoding="utf-8").split()
    sock = IcmpSocket(4, token=1)
    names = np.zeros((len(lines), sock.sending.name_words.shape[1]), dtype=np.uint32)
    names[:, 0] = 2  # AF_INET in the lower half
    names[:, 1] = [int(np.frombuffer(packed_address(line)[1][:4], dtype=np.uint32)[0]) for line in lines]
    tick = tick_for(float(len(lines)))
    begin = time.monotonic()
    look_at = begin
    sent = turn = 0
    while True:
        turn += 1
        now = time.monotonic()
        due = int((now - begin) * len(lines))
        while sent < due:
            first = sent % len(lines)
            count = min(SEND_ROWS, due - sent, len(lines) - first)
            sock.sending.name_words[:count] = names[first : first + count]
            sock.send(count)
            sent += count
        if now >= look_at - tick / 2:
            look_at = now + LOOK_SECONDS
            while sock.receive() is not None:
                pass
        time.sleep(max(begin + turn * tick - time.monotonic(), 0.0))


if __name__ == "__main__":
    main()
