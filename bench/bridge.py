"""Measures the bridge: webhooks a second with commit, and how soon a storm of 2,000 alerts is told.

    python -m bench.bridge [--alerts 2000] [--seconds 10] [--regions 40]

The bridge runs as its own process with its real limits; the Bot API stand-in enforces Telegram's rates over real HTTP.
Prints a Markdown table.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import statistics
import sys
import tempfile
import time
from pathlib import Path

from tests.alertbridge.peers import Peers
from tests.alertbridge.webhooks import alert, webhook
from tests.botapi.server import BotApi

CONFIG = """
version: 1
language: id
telegram: {{api_url: "{api}"}}
alertmanager: {{url: "{peers}"}}
prometheus: {{url: "{peers}"}}
exporter: {{url: "{peers}"}}
chats: [{{name: noc, id: -1001234567890}}]
"""


async def start(folder: Path, token: str) -> tuple[asyncio.subprocess.Process, str]:
    """Start a bridge; return it and its URL."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "alertbridge",
        "serve",
        "--config.file",
        str(folder / "a.yml"),
        "--data.dir",
        str(folder),
        "--web.listen-address",
        "127.0.0.1:0",
        env=os.environ | {"TELEGRAM_TOKEN": token},
        stderr=asyncio.subprocess.PIPE,
        limit=2**20,
    )
    assert process.stderr is not None  # noqa: S101 - it was asked for
    while True:
        line = (await process.stderr.readline()).decode()
        if not line:
            raise SystemExit("the bridge did not start")
        found = re.search(r"alertbridge is up.* url=(\S+)", line)
        if found:
            return process, found[1]


async def drain(process: asyncio.subprocess.Process) -> None:
    """Read the log away."""
    assert process.stderr is not None  # noqa: S101 - it was asked for
    while await process.stderr.readline():
        pass


def peak_mib(pid: int) -> float:
    """Return the largest resident size of a process so far, in MiB."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    return int(found[1]) / 1024 if found else float("nan")


class Client:
    """One kept-alive connection that posts JSON: a client library would cost more than the bridge that is measured."""

    def __init__(self, url: str) -> None:
        self._host, _, port = url.removeprefix("http://").partition(":")
        self._port = int(port)
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None
        self.retries = 0

    async def post(self, body: bytes) -> float:
        """Post a webhook that must be taken; return the seconds to the answer."""
        begin = time.perf_counter()
        if self._reader is None or self._writer is None:
            self._reader, self._writer = await asyncio.open_connection(self._host, self._port)
        kind = "Content-Type: application/json"
        head = f"POST /alerts HTTP/1.1\r\nHost: 127.0.0.1\r\n{kind}\r\nContent-Length: {len(body)}\r\n\r\n"
        self._writer.write(head.encode() + body)
        answer = await self._reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", answer.lower())
        await self._reader.readexactly(int(length[1]) if length else 0)
        if b" 503 " in answer[:20]:  # as Alertmanager does: try again
            self.retries += 1
            return await self.post(body)
        if b" 200 " not in answer[:20]:
            raise SystemExit(f"refused: {answer[:60]!r}")
        return time.perf_counter() - begin

    def close(self) -> None:
        """Close the connection."""
        if self._writer is not None:
            self._writer.close()


async def webhooks(url: str, *, count: int, together: int) -> tuple[float, list[float]]:
    """Post repeats of known alerts and new ones in turn; return requests a second and each one's seconds."""
    times: list[float] = []
    waiting = iter(range(count))

    async def one(client: Client) -> None:
        for number in waiting:
            body = json.dumps(webhook(alert("VPNTargetLow", f"speed-{number % 200}", severity="info"))).encode()
            times.append(await client.post(body))
        client.close()

    begin = time.perf_counter()
    await asyncio.gather(*(one(Client(url)) for _ in range(together)))
    return count / (time.perf_counter() - begin), times


async def storm(url: str, peers: Peers, api: BotApi, *, alerts: int, seconds: float, regions: int) -> dict[str, float]:
    """Fire many alerts over some seconds; return when everything was told, and with how many messages."""
    for number in range(alerts):
        region = f"R{number % regions:02d}"
        peers.put(f"site-{number:05d}", "down", region=region, region_name=f"Wilayah {region}", age_seconds=4)
    api.messages.clear()
    calls = len(api.calls)
    times: list[float] = []
    begin = time.perf_counter()
    waiting = iter(range(alerts))

    async def one(client: Client) -> None:
        for number in waiting:
            await asyncio.sleep(max(0.0, begin + seconds * number / alerts - time.perf_counter()))
            region = f"R{number % regions:02d}"
            body = json.dumps(webhook(alert("VPNTargetDown", f"site-{number:05d}", region=region))).encode()
            times.append(await client.post(body))
        client.close()

    await asyncio.gather(*(one(Client(url)) for _ in range(64)))
    posted = time.perf_counter() - begin

    def told() -> int:
        """Return how many sites the messages tell of, as their first lines count them."""
        counts = [re.match(r"🔴 (\d+) DOWN", m.first_line) for m in api.messages]
        return sum(int(found[1]) if found else 1 for found in counts)

    while told() < alerts and time.perf_counter() - begin < seconds + 120:  # noqa: ASYNC110 - the stand-in has no event for it
        await asyncio.sleep(0.05)
    return {
        "posted": posted,
        "told": time.perf_counter() - begin,
        "sites": told(),
        "messages": len(api.messages),
        "requests": len(api.calls) - calls,
        "refused": api.world.rates.refused,
        "p50": statistics.median(times),
        "p99": statistics.quantiles(times, n=100)[98],
    }


async def measure(*, alerts: int, seconds: float, regions: int) -> None:
    """Run both measurements and print the table."""
    peers = Peers()
    with tempfile.TemporaryDirectory() as name, BotApi() as api:
        folder = Path(name)
        async with peers.serving():
            (folder / "a.yml").write_text(CONFIG.format(api=api.url, peers=peers.url), encoding="utf-8")
            process, url = await start(folder, api.token)
            reading = asyncio.create_task(drain(process))
            try:
                rows = []
                for together in (1, 8, 32):
                    rate, times = await webhooks(url, count=1500, together=together)
                    p50, p99 = statistics.median(times) * 1000, statistics.quantiles(times, n=100)[98] * 1000
                    what = f"webhooks with commit, {together} at a time"
                    rows.append((what, f"{rate:.0f}/s", f"{p50:.1f}", f"{p99:.1f}"))
                await asyncio.sleep(65)  # the group's budget of a minute starts afresh
                found = await storm(url, peers, api, alerts=alerts, seconds=seconds, regions=regions)
                memory = peak_mib(process.pid)
            finally:
                process.terminate()
                await process.wait()
                await reading
    print("| what | rate | p50 ms | p99 ms |\n|---|---|---|---|")
    for row in rows:
        print(f"| {' | '.join(row)} |")
    print(f"\nStorm of {alerts} alerts in {seconds:g} s over {regions} regions:")
    print(f"- webhooks during it: p50 {found['p50'] * 1000:.1f} ms, p99 {found['p99'] * 1000:.1f} ms")
    print(f"- all {found['sites']:.0f} told {found['told']:.1f} s after the first ({found['posted']:.1f} s of posting)")
    print(
        f"- {found['messages']:.0f} messages, {found['requests']:.0f} requests, {found['refused']:.0f} refused by rate"
    )
    print(f"- largest resident size of the bridge: {memory:.0f} MiB")


def main() -> None:
    """Measure as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--alerts", type=int, default=2000)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--regions", type=int, default=40)
    arguments = parser.parse_args()
    asyncio.run(measure(alerts=arguments.alerts, seconds=arguments.seconds, regions=arguments.regions))


if __name__ == "__main__":
    main()
