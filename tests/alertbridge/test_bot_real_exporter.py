"""`/restart` from the phone against a real exporter that asks for a password."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from typing import TYPE_CHECKING

import bcrypt
import httpx

from tests.alertbridge.acting import ADMIN, data_of, press
from tests.alertbridge.conftest import running_bridge
from tests.alertbridge.test_bot import ask
from tests.alertbridge.test_real_alertmanager import free_port

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.alertbridge.peers import Peers
    from tests.botapi.server import BotApi

PASSWORD = "for this test only"
TARGETS = """
version: 1
regions: [{id: JBR, name: Jawa Barat, timezone: Asia/Jakarta, latitude: -6.9, longitude: 107.6}]
targets:
  - {id: hub, name: Hub, region: JBR, address: 127.0.0.1, kind: router, probe: "tcp:1"}
"""
CONFIG = """
version: 1
language: en
telegram: {{api_url: "{api}"}}
alertmanager: {{url: "{peers}"}}
prometheus: {{url: "{peers}"}}
exporter: {{{more}, username: bridge}}
chats: [{{name: noc, id: -1001234567890, role: viewer}}]
users: [{{name: boss, id: 33, role: admin}}]
"""


@contextlib.asynccontextmanager
async def running_exporter(folder: Path, targets: str = TARGETS) -> AsyncIterator[str]:
    """Run an exporter with one user; give its URL."""
    (folder / "targets.yml").write_text(targets, encoding="utf-8")
    hashed = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()
    (folder / "web.yml").write_text(f"basic_auth_users: {{bridge: '{hashed}'}}\n", encoding="utf-8")
    port = free_port()
    with (folder / "exporter.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "exporter", "serve", "--targets.file", "targets.yml", "--data.dir", "exporter"),
            *("--web.listen-address", f"127.0.0.1:{port}", "--web.config.file", "web.yml"),
            cwd=folder,
            stdout=log,
            stderr=log,
        )
    url = f"http://127.0.0.1:{port}"
    try:
        deadline = asyncio.get_running_loop().time() + 20
        async with httpx.AsyncClient() as http:
            while True:
                with contextlib.suppress(httpx.HTTPError):
                    if (await http.get(f"{url}/-/ready", auth=("bridge", PASSWORD))).is_success:
                        break
                assert process.returncode is None, (folder / "exporter.log").read_text()
                assert asyncio.get_running_loop().time() < deadline, (folder / "exporter.log").read_text()
                await asyncio.sleep(0.1)
        yield url
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def restarts(url: str) -> float:
    """Return how many probing processes were replaced because somebody asked, by the exporter's own count."""
    async with httpx.AsyncClient() as http:
        text = (await http.get(f"{url}/metrics", auth=("bridge", PASSWORD))).text
    return sum(
        float(line.rpartition(" ")[2])
        for line in text.splitlines()
        if line.startswith("vpn_engine_restarts_total{") and 'reason="requested"' in line
    )


async def test_restart_with_the_exporters_credentials(api: BotApi, peers: Peers, tmp_path: Path) -> None:
    """Done once and told; with a wrong password said plainly, and nothing is restarted."""
    password = tmp_path / "password"
    password.write_text(f"{PASSWORD}\n", encoding="utf-8")
    async with running_exporter(tmp_path) as url:
        peer = f'url: "{url}", password_file: "{password}"'
        async with running_bridge(api, peers, tmp_path, config=CONFIG, more=peer):
            asked = await ask(api, "/restart", user=ADMIN)
            api.press(asked, data_of(asked, "Yes"), user=ADMIN)
            await api.until(lambda: "✅ Restarted by boss: probing again after" in asked.text, seconds=40)
            done = await restarts(url)  # each probing process counts
            assert done >= 1
        password.write_text("wrong\n", encoding="utf-8")
        async with running_bridge(api, peers, tmp_path, config=CONFIG, more=peer) as trial:
            asked = await ask(api, "/restart", user=ADMIN)
            await press(trial, asked, data_of(asked, "Yes"), user=ADMIN)
            await api.until(lambda: asked.text == "Not done: exporter answered 401")
        assert await restarts(url) == done
