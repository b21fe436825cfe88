"""What a DOWN message says of before the fall, from a real exporter that has measured it."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Any

import httpx

from tests.alertbridge.conftest import running_bridge
from tests.alertbridge.test_bot_real_exporter import CONFIG, PASSWORD, running_exporter
from tests.alertbridge.webhooks import alert

if TYPE_CHECKING:
    from pathlib import Path

    from tests.alertbridge.peers import Peers
    from tests.botapi.server import BotApi

TARGETS = """
version: 1
regions: [{{id: JBR, name: Jawa Barat, timezone: Asia/Jakarta, latitude: -6.9, longitude: 107.6}}]
targets:
  - {{id: stays, name: Stays, region: JBR, address: 127.0.0.1, kind: router, probe: "tcp:{stays}"}}
  - {{id: falls, name: Falls, region: JBR, address: 127.0.0.1, kind: router, probe: "tcp:{falls}"}}
"""


async def test_a_real_exporter_says_what_was_before(api: BotApi, peers: Peers, tmp_path: Path) -> None:
    """A port that answered and is closed: refused, and what was measured while it answered."""
    stays, falls = [await asyncio.start_server(_greet, "127.0.0.1", 0) for _ in range(2)]
    targets = TARGETS.format(stays=_port(stays), falls=_port(falls))
    (tmp_path / "password").write_text(f"{PASSWORD}\n", encoding="utf-8")
    async with running_exporter(tmp_path, targets) as url:
        await _becomes(url, "up")
        falls.close()
        item = await _becomes(url, "down")
        peer = f'url: "{url}", password_file: "{tmp_path / "password"}"'
        async with running_bridge(api, peers, tmp_path, config=CONFIG, more=peer) as trial:
            await trial.fire(alert(target="falls"))
            await api.until(lambda: api.messages)
    stays.close()
    assert item["last_measured"]["at"] < item["silent_since"]
    assert re.search(
        r"^No answer since [\d:/ ]+ WIB: connection refused\nBefore that \([\d:/ ]+ WIB\): RTT [\d.]+ ms, loss \d+ %$",
        api.messages[0].text,
        re.MULTILINE,
    ), api.messages[0].text


async def _greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()


def _port(server: asyncio.Server) -> int:
    port: int = server.sockets[0].getsockname()[1]
    return port


async def _becomes(url: str, state: str) -> dict[str, Any]:
    """Wait until the exporter says that the target is in a state; return its item."""
    async with asyncio.timeout(60), httpx.AsyncClient(auth=("bridge", PASSWORD)) as http:
        while True:
            items = (await http.get(f"{url}/api/v1/targets", params={"q": "falls"})).json()["items"]
            if items[0]["state"] == state:
                found: dict[str, Any] = items[0]
                return found
            await asyncio.sleep(0.2)
