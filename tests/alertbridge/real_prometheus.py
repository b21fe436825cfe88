"""A real Prometheus with a past: OpenMetrics text made into blocks, served on a free port of loopback."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

import httpx

from alertbridge.peers import client
from alertbridge.prometheus import Prometheus
from alertbridge.settings import Peer
from tests.alertbridge.test_real_alertmanager import free_port
from tools.debian import ensure

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Mapping
    from pathlib import Path

_START_SECONDS = 20.0


def openmetrics(series: Mapping[str, Iterable[tuple[float, float]]]) -> str:
    """Return series as OpenMetrics text: name with labels -> samples as (seconds since the epoch, value)."""
    lines = []
    for name, samples in series.items():
        lines.append(f"# TYPE {name.partition('{')[0]} gauge")
        lines += [f"{name} {value} {at:.3f}" for at, value in samples]
    return "\n".join([*lines, "# EOF", ""])


@contextlib.asynccontextmanager
async def running_prometheus(folder: Path, past: str) -> AsyncIterator[Prometheus]:
    """Give our client of a running Prometheus that holds a past."""
    programs = await asyncio.to_thread(ensure, "prometheus")
    (folder / "past.txt").write_text(past, encoding="utf-8")
    (folder / "prometheus.yml").write_text("global: {}\n", encoding="utf-8")
    importing = await asyncio.create_subprocess_exec(
        str(programs["promtool"]),
        *("tsdb", "create-blocks-from", "openmetrics", str(folder / "past.txt"), str(folder / "data")),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    _, errors = await importing.communicate()
    assert importing.returncode == 0, errors
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        str(programs["prometheus"]),
        f"--config.file={folder}/prometheus.yml",
        f"--storage.tsdb.path={folder}/data",
        "--storage.tsdb.retention.time=93d",
        f"--web.listen-address=127.0.0.1:{port}",
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with client() as http:
            deadline = asyncio.get_running_loop().time() + _START_SECONDS
            while True:
                with contextlib.suppress(httpx.HTTPError):
                    if (await http.get(f"http://127.0.0.1:{port}/-/ready")).is_success:
                        break
                assert asyncio.get_running_loop().time() < deadline, "Prometheus does not answer"
                await asyncio.sleep(0.05)
            yield Prometheus(http, lambda: Peer(url=f"http://127.0.0.1:{port}"))
    finally:
        process.terminate()
        await process.wait()
