"""The bridge behind a real Alertmanager, old and new, with the shipped routing: told, silenced, ended, reconciled."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.alertbridge.conftest import running_bridge
from tools.debian import ensure

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.alertbridge.peers import Peers
    from tests.botapi.server import BotApi

ROOT = Path(__file__).resolve().parents[2]
SITE = "jbr-gt-pasteur-1"
CONFIG = """
version: 1
language: en
telegram: {{api_url: "{api}"}}
alertmanager: {{url: "{more}"}}
prometheus: {{url: "{peers}"}}
exporter: {{url: "{peers}"}}
chats: [{{name: noc, id: -1001234567890}}]
"""


def free_port() -> int:
    """Return a port that nobody listens on now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@dataclass(slots=True)
class RealAlertmanager:
    """A running Alertmanager, and what Prometheus would send it."""

    url: str
    http: httpx.AsyncClient

    async def send(self, target: str, *, started: datetime, firing: bool) -> None:
        """Post an alert as Prometheus does: an end in the future while it fires, one in the past when it ended."""
        now = datetime.now(UTC)
        ends = now + timedelta(minutes=4) if firing else now - timedelta(milliseconds=1)
        body: list[dict[str, Any]] = [
            {
                "labels": {
                    "alertname": "VPNTargetDown",
                    "target": target,
                    "region": "JBR",
                    "severity": "critical",
                },
                "annotations": {"summary": f"{target} is DOWN"},
                "startsAt": started.isoformat(),
                "endsAt": ends.isoformat(),
            }
        ]
        (await self.http.post(f"{self.url}/api/v2/alerts", json=body)).raise_for_status()

    async def silence(self, target: str) -> str:
        """Silence a target for an hour; return the silence's id."""
        now = datetime.now(UTC)
        body = {
            "matchers": [{"name": "target", "value": target, "isRegex": False, "isEqual": True}],
            "startsAt": now.isoformat(),
            "endsAt": (now + timedelta(hours=1)).isoformat(),
            "createdBy": "test",
            "comment": "test",
        }
        answer = await self.http.post(f"{self.url}/api/v2/silences", json=body)
        answer.raise_for_status()
        return str(answer.json()["silenceID"])


@contextlib.asynccontextmanager
async def running_alertmanager(
    suite: str, folder: Path, bridge_port: int, *, repeat_seconds: int | None = None
) -> AsyncIterator[RealAlertmanager]:
    """Run an Alertmanager with the shipped configuration, its webhook led to our bridge, perhaps impatient."""
    program = (await asyncio.to_thread(ensure, "alertmanager", suite=suite))["alertmanager"]
    text = (ROOT / "prometheus" / "alertmanager.yml").read_text(encoding="utf-8")
    shipped = "http://127.0.0.1:9922/alerts"
    assert shipped in text
    text = text.replace(shipped, f"http://127.0.0.1:{bridge_port}/alerts")
    if repeat_seconds is not None:
        assert {"  group_interval: 5s\n", "  repeat_interval: 4h\n"} <= set(text.splitlines(keepends=True))
        text = text.replace("  group_interval: 5s\n", "  group_interval: 1s\n", 1)
        text = text.replace("  repeat_interval: 4h\n", f"  repeat_interval: {repeat_seconds}s\n", 1)
    (folder / "am.yml").write_text(text, encoding="utf-8")
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        str(program),
        f"--config.file={folder}/am.yml",
        f"--storage.path={folder}/am",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        async with httpx.AsyncClient(timeout=10.0) as http:
            deadline = asyncio.get_running_loop().time() + 20
            while True:
                with contextlib.suppress(httpx.HTTPError):
                    if (await http.get(f"{url}/-/ready")).is_success:
                        break
                assert asyncio.get_running_loop().time() < deadline, "Alertmanager does not answer"
                await asyncio.sleep(0.05)
            yield RealAlertmanager(url=url, http=http)
    finally:
        process.terminate()
        await process.wait()


@pytest.mark.parametrize("suite", ["installed", "sid"])
async def test_told_silenced_and_ended_through_a_real_alertmanager(
    suite: str, api: BotApi, peers: Peers, tmp_path: Path
) -> None:
    """One message, the mark "silenced", and an end that Alertmanager never sends because it is silenced."""
    port = free_port()
    async with (
        running_alertmanager(suite, tmp_path, port) as alertmanager,
        running_bridge(api, peers, tmp_path, config=CONFIG, more=alertmanager.url, listen=f"127.0.0.1:{port}") as trial,
    ):
        began = datetime.now(UTC)
        peers.put(SITE, "down", age_seconds=4)
        await alertmanager.send(SITE, started=began, firing=True)
        await api.until(lambda: api.messages)
        assert api.messages[0].first_line.startswith("🔴 DOWN")
        # An ordinary end: webhook, confirmed by the exporter.
        peers.put(SITE, "up", age_seconds=1)
        await alertmanager.send(SITE, started=began, firing=False)
        await api.until(lambda: len(api.messages) == 2, seconds=15)
        assert api.messages[1].first_line.startswith("✅ UP")
        # An end while silenced: no webhook ever comes.
        other, began = "jbr-pk-dago", datetime.now(UTC)
        peers.put(other, "down", age_seconds=4)
        await alertmanager.send(other, started=began, firing=True)
        await api.until(lambda: len(api.messages) == 3)
        await alertmanager.silence(other)
        await api.until(lambda: "Silenced in Alertmanager" in api.messages[2].text, seconds=15)
        webhooks = await trial.metric("alertbridge_webhooks_total", result="ok")
        await alertmanager.send(other, started=began, firing=False)
        peers.put(other, "up", age_seconds=95)
        old = datetime.now(UTC) - timedelta(minutes=2)
        found = await trial.bridge.store.transact(lambda q: q.newest_incident(f"target:{other}"))
        assert found is not None
        await trial.bridge.store.transact(
            lambda q: q.update_records([r.fingerprint for r in found.records], seen_at=old)
        )
        await api.until(lambda: len(api.messages) == 4, seconds=15)
        assert api.messages[3].reply_to == api.messages[2].message_id
        assert await trial.metric("alertbridge_webhooks_total", result="ok") == webhooks
