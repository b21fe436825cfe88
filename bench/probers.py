"""Measuring a running prober: processor time, what it really sent, and the RTTs that it tells."""

from __future__ import annotations

import os
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from bench.processor import cpu_seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tests.integration.namespace import Namespace

SETTLE_SECONDS: Final = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One prober's numbers."""

    prober: str
    targets: int
    rate: float  # probes a second, by the kernel's count
    cpu_us: float  # per probe
    rtt_p50_us: float  # as the prober tells it
    rtt_p99_us: float
    load: float  # of the machine, average over a minute: other work makes caches cold and processor time longer


def addresses(count: int) -> list[str]:
    """Return loopback addresses."""
    return [f"127.{1 + number // 62500}.{number // 250 % 250}.{1 + number % 250}" for number in range(count)]


def echo_requests(pid: int) -> int:
    """Return how many echo requests the process's namespace has sent."""
    lines = [line.split() for line in Path(f"/proc/{pid}/net/snmp").read_text().splitlines() if "IcmpMsg:" in line]
    return int(dict(zip(lines[0], lines[1], strict=True)).get("OutType8", "0"))


def measured(
    name: str, targets: int, pid: int, wait: Callable[[], None], rtts: Callable[[], Sequence[float]]
) -> Result:
    """Measure a running prober over one `wait`."""
    began, cpu, sent = time.monotonic(), cpu_seconds(pid), echo_requests(pid)
    wait()
    seconds, cpu, sent = time.monotonic() - began, cpu_seconds(pid) - cpu, echo_requests(pid) - sent
    p50, p99 = np.percentile(rtts(), (50, 99)) * 1e6
    return Result(
        prober=name,
        targets=targets,
        rate=sent / seconds,
        cpu_us=cpu / sent * 1e6,
        rtt_p50_us=p50,
        rtt_p99_us=p99,
        load=os.getloadavg()[0],
    )


@contextmanager
def running(space: Namespace, *command: str) -> Iterator[tuple[int, Path]]:
    """Run a prober in the namespace; its output goes to a file."""
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        process = space.start(*command, log=log)
        try:
            time.sleep(SETTLE_SECONDS)
            if process.poll() is not None:
                raise RuntimeError(f"{command[0]} has ended: {log.read_text()[-500:]}")
            yield process.pid, log
        finally:
            process.terminate()
            process.wait()
