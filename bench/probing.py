"""What a probe costs, side by side: our ICMP process, fping, smokeping_prober, blackbox_exporter and icmplib.

python -m bench.probing [SECONDS]      default: 10 per prober; needs root (a network namespace of its own)

All ask addresses in 127.0.0.0/8 of a fresh namespace, one after the other, so nothing leaves the machine. CPU is the
prober's own (all its threads, user and system; the kernel's work of answering is in everybody's). Probes are counted by
the kernel (IcmpMsg OutType8), not by the probers. The true RTT on loopback is a few microseconds: what a prober tells
beyond that is its own error. fping is measured twice: paced over the second, as we are (-i 1), and sending each round
in one burst (-i 0), which is cheapest for the processor and hardest on the network.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from tests.integration.namespace import Namespace
from tests.network.rig import Rig, icmp_target
from tools.debian import ensure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

SETTLE_SECONDS: Final = 3.0
BUCKETS: Final = (
    *(n * 1e-6 for n in (2, 5, 10, 20, 30, 50, 75, 100, 150, 200, 300, 500, 750, 1000)),
    0.002,
    0.005,
    0.1,
)
_ICMPLIB: Final = """
import asyncio, json, sys, time
from icmplib import async_multiping
addresses, seconds, rtts = json.load(sys.stdin), float(sys.argv[1]), []
async def main():
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        began = time.monotonic()
        hosts = await async_multiping(
            addresses, count=1, timeout=1, concurrent_tasks=len(addresses), privileged=False
        )
        for host in hosts:
            rtts.extend(host.rtts)
        await asyncio.sleep(max(0, 1 - (time.monotonic() - began)))
asyncio.run(main())
json.dump(rtts, sys.stdout)
"""


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


def _cpu_seconds(pid: int) -> float:
    """Return the processor time of all its threads, as the scheduler counts it: /proc/PID/stat has steps of 10 ms."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9


def _echo_requests(pid: int) -> int:
    """Return how many echo requests the process's namespace has sent."""
    lines = [line.split() for line in Path(f"/proc/{pid}/net/snmp").read_text().splitlines() if "IcmpMsg:" in line]
    return int(dict(zip(lines[0], lines[1], strict=True)).get("OutType8", "0"))


def _measure(
    name: str, targets: int, pid: int, wait: Callable[[], None], rtts: Callable[[], Sequence[float]]
) -> Result:
    """Measure a running prober over one `wait`."""
    began, cpu, sent = time.monotonic(), _cpu_seconds(pid), _echo_requests(pid)
    wait()
    seconds, cpu, sent = time.monotonic() - began, _cpu_seconds(pid) - cpu, _echo_requests(pid) - sent
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


def ours(space: Namespace, count: int, seconds: float, *, portable: bool = False) -> Result:
    """Measure our own ICMP process, one probe a second per target."""
    targets = [icmp_target(f"t{number}", address) for number, address in enumerate(addresses(count))]
    with Rig(targets, space=space, portable=portable) as rig:
        rig.until(lambda: int(rig.columns["probes_total"][:count].min()) >= 2, seconds=60)

        def rtts() -> Sequence[float]:
            values: list[float] = rig.columns["grid_rtt"][:count][rig.columns["grid_status"][:count] == 2].tolist()
            return values

        name = "ours, --engine portable" if portable else "ours"
        return _measure(name, count, rig.pid(), lambda: rig.watch(seconds), rtts)


@contextmanager
def _running(space: Namespace, *command: str) -> Iterator[tuple[int, Path]]:
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


def fping(space: Namespace, count: int, seconds: float, *, gap: str = "0") -> Result:
    """Measure fping in its loop mode; `gap` is in milliseconds between two packets."""
    program = str(ensure("fping")["fping"])
    with tempfile.NamedTemporaryFile("w") as file:
        file.write("\n".join(addresses(count)))
        file.flush()
        command = (program, "-l", "-p", "1000", "-i", gap, "-f", file.name)
        with _running(space, *command) as (pid, log):

            def rtts() -> list[float]:
                return [float(value) / 1000 for value in re.findall(r"bytes, ([\d.]+) ms", log.read_text())]

            return _measure(f"fping -l -i {gap}", count, pid, lambda: time.sleep(seconds), rtts)


def paced_fping(space: Namespace, count: int, seconds: float) -> Result:
    """Measure fping with its packets spread over the second."""
    return fping(space, count, seconds, gap=f"{1000 / count:g}")


def smokeping_prober(space: Namespace, count: int, seconds: float) -> Result:
    """Measure smokeping_prober; RTT quantiles are interpolated in its histogram."""
    program = str(ensure("smokeping_prober")["smokeping_prober"])
    bounds = ",".join(f"{bound:g}" for bound in BUCKETS)
    flags = ("--web.listen-address=127.0.0.1:19374", f"--buckets={bounds}", "--ping.interval=1s", "--no-privileged")
    with _running(space, program, *flags, *addresses(count)) as (pid, _):
        deadline = time.monotonic() + 60  # it staggers its pingers before it listens
        while (_echo_requests(pid) < 2 * count or not _listens(space, 19374)) and time.monotonic() < deadline:
            time.sleep(0.5)

        def rtts() -> list[float]:
            page = space.call(_get, 19374, "/metrics")
            counts: dict[float, float] = {}
            pattern = r'smokeping_response_duration_seconds_bucket\{.*le="([^"]+)"\} (\S+)'
            for bound, value in re.findall(pattern, page):
                counts[float(bound)] = counts.get(float(bound), 0.0) + float(value)
            below, middle = 0.0, []
            for bound in sorted(counts):
                middle += [min(bound, 0.2)] * round(counts[bound] - below)
                below = counts[bound]
            return middle

        return _measure("smokeping_prober", count, pid, lambda: time.sleep(seconds), rtts)


def blackbox_exporter(space: Namespace, count: int, seconds: float) -> Result:
    """Measure blackbox_exporter, scraped 200 times a second over one kept connection (the scraper is not counted)."""
    program = str(ensure("blackbox_exporter")["blackbox_exporter"])
    with tempfile.NamedTemporaryFile("w", suffix=".yml") as file:
        file.write("modules: {icmp: {prober: icmp, icmp: {preferred_ip_protocol: ip4}}}\n")
        file.flush()
        flags = (f"--config.file={file.name}", "--web.listen-address=127.0.0.1:19115", "--log.level=error")
        with _running(space, program, *flags) as (pid, _):
            told: list[float] = []

            def scrape() -> None:
                told.extend(space.call(_scrape, 19115, addresses(count), seconds))

            return _measure("blackbox_exporter", count, pid, scrape, lambda: told)


def icmplib(space: Namespace, count: int, seconds: float) -> Result:
    """Measure icmplib's async_multiping, every target once a second."""
    with tempfile.TemporaryDirectory() as folder:
        given = Path(folder) / "addresses"
        given.write_text(json.dumps(addresses(count)))
        command = f"exec {sys.executable} -c '{_ICMPLIB}' {seconds + SETTLE_SECONDS + 3} < {given}"
        with _running(space, "sh", "-c", command) as (pid, log):

            def rtts() -> list[float]:
                deadline = time.monotonic() + 30
                while not log.read_text().endswith("]") and time.monotonic() < deadline:
                    time.sleep(0.1)
                return [rtt / 1000 for rtt in json.loads(log.read_text())]

            return _measure("icmplib", count, pid, lambda: time.sleep(seconds), rtts)


def _listens(space: Namespace, port: int) -> bool:
    try:
        space.call(_get, port, "/")
    except OSError:
        return False
    return True


def _get(port: int, path: str) -> str:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("GET", path)
    return connection.getresponse().read().decode()


def _scrape(port: int, targets: list[str], seconds: float) -> list[float]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    told: list[float] = []
    began = time.monotonic()
    while (number := len(told)) < 200 * seconds:
        time.sleep(max(began + number / 200 - time.monotonic(), 0.0))
        connection.request("GET", f"/probe?module=icmp&target={targets[number % len(targets)]}")
        page = connection.getresponse().read().decode()
        found = re.search(r'probe_icmp_duration_seconds\{phase="rtt"\} (\S+)', page)
        told.append(float(found.group(1)) if found else float("nan"))
    return told


def table(results: Sequence[Result]) -> str:
    """Return the results as a Markdown table."""
    lines = [
        "| prober | targets | probes/s | CPU per probe | RTT told, median | RTT told, p99 | load |",
        "|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {result.prober} | {result.targets:,} | {result.rate:,.0f} | {result.cpu_us:.1f} us "
        f"| {result.rtt_p50_us:,.0f} us | {result.rtt_p99_us:,.0f} us | {result.load:.1f} |"
        for result in results
    ]
    return "\n".join(lines)


def measure(seconds: float) -> str:
    """Measure all probers and return the Markdown table."""
    results = []
    with Namespace("bench-probing") as space:
        space.run("sysctl", "-q", "-w", "net.ipv4.ping_group_range=0 2147483647")  # the cheapest socket for everybody
        runs: list[tuple[Callable[[Namespace, int, float], Result], int]] = [
            (ours, 100),
            (ours, 1_000),
            (paced_fping, 1_000),
            (fping, 1_000),
            (smokeping_prober, 200),
            (icmplib, 200),
            (blackbox_exporter, 200),
            (ours, 10_000),
            (paced_fping, 5_000),
            (fping, 5_000),  # at 10,000 it ends by itself: more than 65,535 pings in 10 s (schweikert/fping#385)
            (ours, 50_000),
            (ours, 100_000),
        ]
        for run, count in runs:
            results.append(run(space, count, seconds))
            print(table(results[-1:]).splitlines()[-1], file=sys.stderr)
        results.append(ours(space, 100, seconds, portable=True))
    return table(results)


def main() -> None:
    """Print the table."""
    print(measure(float(sys.argv[1]) if len(sys.argv) > 1 else 10.0))


if __name__ == "__main__":
    main()
