"""Posts webhooks to a bridge as Alertmanager would, and prints how long each answer took, as JSON.

python -m bench.posting URL steady --together 8 --seconds 5      repeats of 200 known alerts, as fast as they are taken
python -m bench.posting URL storm --alerts 2000 --seconds 10 --regions 40     each alert once, evenly over the time

A process of its own, for what it measures must not wait for the stand-ins that serve the bridge.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import sys
import time
from typing import TYPE_CHECKING, Final

from tests.alertbridge.webhooks import alert, webhook

if TYPE_CHECKING:
    from collections.abc import Iterator

GRACE_SECONDS: Final = 60.0  # after which posting is given up
_STORM_CLIENTS: Final = 64


class Client:
    """One kept-alive connection that posts JSON: a client library would cost more than the bridge that is measured."""

    def __init__(self, url: str) -> None:
        self._host, _, port = url.removeprefix("http://").partition(":")
        self._port = int(port)
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None
        self.retries = 0

    async def post(self, body: bytes) -> float:
        """Post a webhook until it is taken; return the seconds to the answer."""
        begin = time.perf_counter()
        while not await self._taken(body):
            self.retries += 1  # 503: as Alertmanager does, try again
        return time.perf_counter() - begin

    async def _taken(self, body: bytes) -> bool:
        if self._reader is None or self._writer is None:
            self._reader, self._writer = await asyncio.open_connection(self._host, self._port)
        kind = "Content-Type: application/json"
        head = f"POST /alerts HTTP/1.1\r\nHost: 127.0.0.1\r\n{kind}\r\nContent-Length: {len(body)}\r\n\r\n"
        self._writer.write(head.encode() + body)
        answer = await self._reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", answer.lower())
        await self._reader.readexactly(int(length[1]) if length else 0)
        status = answer.split(b" ", 2)[1]
        if status not in {b"200", b"503"}:
            raise SystemExit(f"refused: {answer[:60]!r}")
        return status == b"200"

    def close(self) -> None:
        """Close the connection."""
        if self._writer is not None:
            self._writer.close()


def _steady_bodies(end: float) -> Iterator[tuple[float, bytes]]:
    """Yield (when, body) without end, until the time is over: repeats of known alerts, and at first new ones."""
    number = 0
    while time.perf_counter() < end:
        body = webhook(alert("VPNTargetLow", f"speed-{number % 200}", severity="info"))
        yield 0.0, json.dumps(body).encode()
        number += 1


def _storm_bodies(begin: float, *, alerts: int, seconds: float, regions: int) -> Iterator[tuple[float, bytes]]:
    """Yield (when, body) of a storm."""
    for number in range(alerts):
        body = webhook(alert("VPNTargetDown", f"site-{number:05d}", region=f"R{number % regions:02d}"))
        yield begin + seconds * number / alerts, json.dumps(body).encode()


async def _post_all(url: str, bodies: Iterator[tuple[float, bytes]], *, together: int) -> tuple[list[float], int]:
    """Post everything over some connections at once; return each one's seconds, and how many tries were in vain."""
    times: list[float] = []
    clients = [Client(url) for _ in range(together)]

    async def one(client: Client) -> None:
        for when, body in bodies:
            await asyncio.sleep(max(0.0, when - time.perf_counter()))
            times.append(await client.post(body))
        client.close()

    await asyncio.gather(*(one(client) for client in clients))
    return times, sum(client.retries for client in clients)


def main() -> None:
    """Post as the command line says."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("url")
    parser.add_argument("shape", choices=["steady", "storm"])
    parser.add_argument("--together", type=int, default=_STORM_CLIENTS)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--alerts", type=int, default=2000)
    parser.add_argument("--regions", type=int, default=40)
    given = parser.parse_args()
    begin = time.perf_counter()
    if given.shape == "steady":
        bodies = _steady_bodies(begin + given.seconds)
    else:
        bodies = _storm_bodies(begin, alerts=given.alerts, seconds=given.seconds, regions=given.regions)

    async def work() -> tuple[list[float], int]:
        async with asyncio.timeout(given.seconds + GRACE_SECONDS):
            return await _post_all(given.url, bodies, together=given.together)

    times, retries = asyncio.run(work())
    json.dump({"times": times, "took": time.perf_counter() - begin, "retries": retries}, sys.stdout)


if __name__ == "__main__":
    main()
