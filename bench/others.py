"""The other probers, and the kernel's own share: how each is started, and where it tells its RTTs.

Programs come from Debian's package files.
"""

from __future__ import annotations

import http.client
import json
import re
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bench.probers import SETTLE_SECONDS, Result, addresses, echo_requests, measured, running
from tools.debian import ensure

if TYPE_CHECKING:
    from tests.integration.namespace import Namespace

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


def fping(space: Namespace, count: int, seconds: float, *, gap: str = "0") -> Result:
    """Measure fping in its loop mode; `gap` is in milliseconds between two packets."""
    program = str(ensure("fping")["fping"])
    with tempfile.NamedTemporaryFile("w") as file:
        file.write("\n".join(addresses(count)))
        file.flush()
        command = (program, "-l", "-p", "1000", "-i", gap, "-f", file.name)
        with running(space, *command) as (pid, log):

            def rtts() -> list[float]:
                return [float(value) / 1000 for value in re.findall(r"bytes, ([\d.]+) ms", log.read_text())]

            return measured(f"fping -l -i {gap}", count, pid, lambda: time.sleep(seconds), rtts)


def paced_fping(space: Namespace, count: int, seconds: float) -> Result:
    """Measure fping with its packets spread over the second."""
    return fping(space, count, seconds, gap=f"{1000 / count:g}")


def floor(space: Namespace, count: int, seconds: float) -> Result:
    """Measure our calls of the kernel at our pace, without what we do beside; it tells no RTT."""
    with tempfile.NamedTemporaryFile("w") as file:
        file.write("\n".join(addresses(count)))
        file.flush()
        with running(space, sys.executable, "-m", "bench.floor", file.name) as (pid, _):
            return measured(
                "the kernel's share of ours", count, pid, lambda: time.sleep(seconds), lambda: [float("nan")]
            )


def smokeping_prober(space: Namespace, count: int, seconds: float) -> Result:
    """Measure smokeping_prober; RTT quantiles are interpolated in its histogram."""
    program = str(ensure("smokeping_prober")["smokeping_prober"])
    bounds = ",".join(f"{bound:g}" for bound in BUCKETS)
    flags = ("--web.listen-address=127.0.0.1:19374", f"--buckets={bounds}", "--ping.interval=1s", "--no-privileged")
    with running(space, program, *flags, *addresses(count)) as (pid, _):
        deadline = time.monotonic() + 60  # it staggers its pingers before it listens
        while (echo_requests(pid) < 2 * count or not _listens(space, 19374)) and time.monotonic() < deadline:
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

        return measured("smokeping_prober", count, pid, lambda: time.sleep(seconds), rtts)


def blackbox_exporter(space: Namespace, count: int, seconds: float) -> Result:
    """Measure blackbox_exporter, scraped 200 times a second over one kept connection (the scraper is not counted)."""
    program = str(ensure("blackbox_exporter")["blackbox_exporter"])
    with tempfile.NamedTemporaryFile("w", suffix=".yml") as file:
        file.write("modules: {icmp: {prober: icmp, icmp: {preferred_ip_protocol: ip4}}}\n")
        file.flush()
        flags = (f"--config.file={file.name}", "--web.listen-address=127.0.0.1:19115", "--log.level=error")
        with running(space, program, *flags) as (pid, _):
            told: list[float] = []

            def scrape() -> None:
                told.extend(space.call(_scrape, 19115, addresses(count), seconds))

            return measured("blackbox_exporter", count, pid, scrape, lambda: told)


def icmplib(space: Namespace, count: int, seconds: float) -> Result:
    """Measure icmplib's async_multiping, every target once a second."""
    with tempfile.TemporaryDirectory() as folder:
        given = Path(folder) / "addresses"
        given.write_text(json.dumps(addresses(count)))
        command = f"exec {sys.executable} -c '{_ICMPLIB}' {seconds + SETTLE_SECONDS + 3} < {given}"
        with running(space, "sh", "-c", command) as (pid, log):

            def rtts() -> list[float]:
                deadline = time.monotonic() + 30
                while not log.read_text().endswith("]") and time.monotonic() < deadline:
                    time.sleep(0.1)
                return [rtt / 1000 for rtt in json.loads(log.read_text())]

            return measured("icmplib", count, pid, lambda: time.sleep(seconds), rtts)


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
