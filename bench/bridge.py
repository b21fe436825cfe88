"""Measures the bridge: webhooks a second with commit, how soon a storm of 2,000 alerts is told, how fast it draws.

    python -m bench.bridge [--alerts 2000] [--seconds 10] [--regions 40]

The bridge runs as its own process with its real limits, anew for each measurement, so that none waits for the chat's
budget of a minute that another has spent. The Bot API stand-in enforces Telegram's rates over real HTTP. Who posts is a
third process (bench.posting). Prints a Markdown table; ends within three minutes, whatever happens.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import re
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bench import drawing
from bench.processor import cpu_seconds
from bench.progress import say
from tests.alertbridge.peers import Peers
from tests.botapi.server import BotApi

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

CONFIG = """
version: 1
language: id
telegram: {{api_url: "{api}"}}
alertmanager: {{url: "{peers}"}}
prometheus: {{url: "{peers}"}}
exporter: {{url: "{peers}"}}
chats: [{{name: noc, id: -1001234567890}}]
"""
START_SECONDS: Final = 30.0
TOLD_SECONDS: Final = 60.0  # after the last webhook
STEADY_SECONDS: Final = 6.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Bridge:
    """A running one."""

    pid: int
    url: str

    @property
    def peak_mib(self) -> float:
        """Its largest resident size so far, in MiB."""
        status = Path(f"/proc/{self.pid}/status").read_text(encoding="utf-8")
        found = re.search(r"VmHWM:\s+(\d+) kB", status)
        return int(found[1]) / 1024 if found else float("nan")


@dataclass(frozen=True, slots=True, kw_only=True)
class Posted:
    """What bench.posting measured."""

    times: Sequence[float]  # seconds to each answer
    took: float
    retries: int

    @property
    def p50_ms(self) -> float:
        """The median."""
        return statistics.median(self.times) * 1000

    @property
    def p99_ms(self) -> float:
        """The slowest of a hundred."""
        return statistics.quantiles(self.times, n=100)[98] * 1000


@contextlib.asynccontextmanager
async def bridge(api: BotApi, peers: Peers) -> AsyncIterator[Bridge]:
    """Run a bridge with a new store while the block runs."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "a.yml").write_text(CONFIG.format(api=api.url, peers=peers.url), encoding="utf-8")
        flags = ("--config.file", name + "/a.yml", "--data.dir", name, "--web.listen-address", "127.0.0.1:0")
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "alertbridge", "serve", *flags),
            env=os.environ | {"TELEGRAM_TOKEN": api.token},
            stderr=asyncio.subprocess.PIPE,
            limit=2**20,
        )
        try:
            async with asyncio.timeout(START_SECONDS):
                url = await _url(process)
            reading = asyncio.create_task(_read_away(process))
            yield Bridge(pid=process.pid, url=url)
            reading.cancel()
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.kill()  # it is measured, not stopped: what it still would tell is of no interest
            await process.wait()


async def _url(process: asyncio.subprocess.Process) -> str:
    """Return the address that a starting bridge logs."""
    assert process.stderr is not None  # noqa: S101 - it was asked for
    said = []
    while line := (await process.stderr.readline()).decode():
        said.append(line)
        found = re.search(r"alertbridge is up.* url=(\S+)", line)
        if found:
            return found[1]
    raise SystemExit("the bridge did not start:\n" + "".join(said[-20:]))


async def _read_away(process: asyncio.subprocess.Process) -> None:
    assert process.stderr is not None  # noqa: S101 - it was asked for
    while await process.stderr.readline():
        pass


async def posted(url: str, *arguments: str) -> Posted:
    """Run bench.posting and return what it measured."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.posting", url, *arguments), stdout=asyncio.subprocess.PIPE
    )
    try:
        output, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
    if process.returncode:
        raise SystemExit("posting failed; its lines above say why")
    return Posted(**json.loads(output))


async def steady(peers: Peers, together: int) -> str:
    """Measure how many webhooks a second are taken; return a row."""
    say(f"webhooks, {together} at a time, {STEADY_SECONDS:g} s")
    with BotApi() as api:
        async with bridge(api, peers) as running:
            before = cpu_seconds(running.pid)
            found = await posted(running.url, "steady", f"--together={together}", f"--seconds={STEADY_SECONDS}")
            cpu = (cpu_seconds(running.pid) - before) / len(found.times) * 1000
    rate = len(found.times) / found.took
    return f"| {together} | {rate:.0f}/s | {found.p50_ms:.1f} ms | {found.p99_ms:.1f} ms | {cpu:.2f} ms |"


async def storm(peers: Peers, *, alerts: int, seconds: float, regions: int) -> str:
    """Fire many alerts over some seconds; return when everything was told, and with how many messages."""
    say(f"storm of {alerts} alerts in {seconds:g} s over {regions} regions")
    for number in range(alerts):
        region = f"R{number % regions:02d}"
        peers.put(f"site-{number:05d}", "down", region=region, region_name=f"Wilayah {region}", age_seconds=4)
    with BotApi() as api:
        async with bridge(api, peers) as running:
            cpu = cpu_seconds(running.pid)
            begin = time.perf_counter()
            arguments = (f"--alerts={alerts}", f"--seconds={seconds}", f"--regions={regions}")
            posting = asyncio.create_task(posted(running.url, "storm", *arguments))
            first = 0.0
            while not posting.done() or (told(api) < alerts and time.perf_counter() - begin < seconds + TOLD_SECONDS):
                await asyncio.sleep(0.05)
                first = first or (time.perf_counter() - begin if api.messages else 0.0)
            took = time.perf_counter() - begin
            found = posting.result()
            cpu = cpu_seconds(running.pid) - cpu
            lines = (
                f"Storm of {alerts} alerts in {seconds:g} s over {regions} regions:",
                f"- webhooks during it: p50 {found.p50_ms:.1f} ms, p99 {found.p99_ms:.1f} ms; 503: {found.retries}",
                f"- the first webhook came {found.took:.1f} s before the last, {first:.1f} s before the first message",
                f"- all {told(api)} were told {took:.1f} s after the first webhook",
                f"- {len(api.messages)} messages, {len(api.calls)} requests, {api.world.rates.refused} refused by rate",
                f"- {cpu:.1f} s of processor time, largest resident size {running.peak_mib:.0f} MiB",
            )
    return "\n".join(lines)


def told(api: BotApi) -> int:
    """Return how many sites the messages tell of, as their first lines count them."""
    counts = [re.match(r"🔴 (\d+) DOWN", message.first_line) for message in api.messages]
    return sum(int(found[1]) if found else 1 for found in counts)


async def measure(*, alerts: int, seconds: float, regions: int) -> None:
    """Run both measurements and print what they found."""
    peers = Peers()
    async with peers.serving():
        print("| webhooks at a time | taken, each committed | answer, median | answer, p99 | CPU of the bridge, each |")
        print("|---:|---:|---:|---:|---:|")
        for together in (1, 8, 32):
            print(await steady(peers, together))
        print("\n" + await storm(peers, alerts=alerts, seconds=seconds, regions=regions))
    say("pictures")
    print("\nPictures for the phone, drawn (`python -m bench.drawing`; what the peers take to answer is not in it):\n")
    print(drawing.table())


def main() -> None:
    """Measure as the command line says."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--alerts", type=int, default=2000)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--regions", type=int, default=40)
    given = parser.parse_args()
    asyncio.run(measure(alerts=given.alerts, seconds=given.seconds, regions=given.regions))


if __name__ == "__main__":
    main()
