"""Fixtures: the Bot API stand-in, peers, and a whole bridge in the test's own event loop."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import pytest_asyncio
from prometheus_client.parser import text_string_to_metric_families

from alertbridge.app import Bridge
from alertbridge.assembly import Options, Tuning
from alertbridge.limiter import Limiter
from alertbridge.live import Live
from alertbridge.loading import load
from tests.alertbridge.peers import Peers
from tests.alertbridge.webhooks import webhook
from tests.botapi.server import BotApi
from tests.botapi.world import World

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

NOC = -1001234567890


def quick_limiter() -> Limiter:
    """Return limits of the same shape, twenty times faster."""
    return Limiter(chat_seconds=0.05, group_count=400, all_count=600)


@dataclass(slots=True)
class Trial:
    """A running bridge, its surroundings, and what a test does with them."""

    bridge: Bridge
    api: BotApi
    peers: Peers
    http: httpx.AsyncClient
    config: Path
    data: Path
    task: asyncio.Task[None] | None = None
    extra: dict[str, Any] = field(default_factory=dict)

    async def post(self, *alerts: dict[str, Any], **more: Any) -> httpx.Response:
        """Post a webhook."""
        return await self.http.post(f"{self.bridge.url}/alerts", json=webhook(*alerts, **more))

    async def fire(self, *alerts: dict[str, Any]) -> None:
        """Post a webhook that must be taken."""
        answer = await self.post(*alerts)
        assert answer.status_code == 200, answer.text

    async def metric(self, name: str, **labels: str) -> float | None:
        """Return one sample of the bridge's /metrics; None: not there."""
        text = (await self.http.get(f"{self.bridge.url}/metrics")).text
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                if sample.name == name and sample.labels == labels:
                    return sample.value
        return None

    async def metric_becomes(self, expected: float, name: str, *, seconds: float = 10.0, **labels: str) -> None:
        """Wait until a sample has a value."""
        deadline = asyncio.get_running_loop().time() + seconds
        while (found := await self.metric(name, **labels)) != expected:
            assert asyncio.get_running_loop().time() < deadline, f"{name}{labels} is {found}, not {expected}"
            await asyncio.sleep(0.02)


CONFIG = """
version: 1
language: en
telegram: {{api_url: "{api}"}}
alertmanager: {{url: "{peers}"}}
prometheus: {{url: "{peers}"}}
exporter: {{url: "{peers}"}}
grafana: {{url: "https://monitor.example/grafana"}}
chats:
  - {{name: noc, id: -1001234567890, role: admin}}
{more}
"""


@pytest.fixture(scope="session")
def session_api() -> Iterator[BotApi]:
    """Give one Bot API server for all tests; starting and stopping one takes longer than most of them."""
    with BotApi() as running_api:
        yield running_api


@pytest.fixture
def api(session_api: BotApi) -> BotApi:
    """Give the stand-in with a world of its own; its rates are off, tests of rates turn them on."""
    session_api.world = World()
    session_api.world.rates.enforced = False
    return session_api


@pytest_asyncio.fixture
async def peers() -> AsyncIterator[Peers]:
    """Give exporter, Alertmanager and Prometheus."""
    found = Peers()
    async with found.serving():
        yield found


@contextlib.asynccontextmanager
async def running_bridge(
    api: BotApi,
    peers: Peers,
    folder: Path,
    *,
    more: str = "",
    config: str = CONFIG,
    token: bool = True,
    listen: str = "127.0.0.1:0",
) -> AsyncIterator[Trial]:
    """Run a bridge in this event loop, with quick limits."""
    path = folder / "alertbridge.yml"
    path.write_text(config.format(api=api.url, peers=peers.url, more=more), encoding="utf-8")
    settings, _ = load(path, {"TELEGRAM_TOKEN": api.token} if token else {})
    options = Options(config_file=path, data_dir=folder / "data", listen_address=listen)
    tuning = Tuning(
        limiter=quick_limiter,
        reconcile_every_seconds=0.2,
        confirm_every_seconds=0.1,
        watchdog_look_seconds=0.05,
        escalation_every_seconds=0.05,
        silences_every_seconds=0.1,
        polling_calm=timedelta(seconds=2),
        conflict_pause_seconds=0.3,
        watch_every_seconds=0.05,
    )
    bridge = Bridge(Live(path=path, settings=settings), options, tuning)
    async with httpx.AsyncClient(timeout=20.0) as http:
        trial = Trial(bridge=bridge, api=api, peers=peers, http=http, config=path, data=folder / "data")
        trial.task = asyncio.create_task(bridge.run())
        started = asyncio.create_task(bridge.started.wait())
        await asyncio.wait({trial.task, started}, return_when=asyncio.FIRST_COMPLETED)
        started.cancel()
        if trial.task.done():
            trial.task.result()
        try:
            yield trial
        finally:
            bridge.stop()
            await trial.task


@pytest_asyncio.fixture
async def trial(api: BotApi, peers: Peers, tmp_path: Path) -> AsyncIterator[Trial]:
    """Give a running bridge with one English chat."""
    async with running_bridge(api, peers, tmp_path) as running_trial:
        yield running_trial
