"""A bridge in a process of its own, that tests kill; and peers in a thread, for tests without an event loop."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import httpx

from tests.alertbridge.peers import Peers
from tests.alertbridge.webhooks import webhook

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CONFIG = """
version: 1
language: en
telegram: {{api_url: "{api}"}}
alertmanager: {{url: "{peers}"}}
prometheus: {{url: "{peers}"}}
exporter: {{url: "{peers}"}}
chats: [{{name: noc, id: -1001234567890}}]
users: [{{name: duty, id: 22, role: admin}}]
"""


@contextlib.contextmanager
def serving_peers() -> Iterator[Peers]:
    """Give exporter, Alertmanager and Prometheus, served by a thread."""
    peers, up, stop = Peers(), threading.Event(), threading.Event()

    async def serve() -> None:
        async with peers.serving():
            up.set()
            await asyncio.to_thread(stop.wait)

    thread = threading.Thread(target=lambda: asyncio.run(serve()), name="peers", daemon=True)
    thread.start()
    assert up.wait(10)
    try:
        yield peers
    finally:
        stop.set()
        thread.join(10)


def write_config(folder: Path, api_url: str, peers_url: str = "http://127.0.0.1:9") -> None:
    """Write the settings; without peers nobody answers there."""
    (folder / "alertbridge.yml").write_text(CONFIG.format(api=api_url, peers=peers_url), encoding="utf-8")


class Process:
    """A bridge in a process of its own."""

    def __init__(self, folder: Path, token: str) -> None:
        self._lines: list[str] = []
        self.process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "alertbridge",
                "serve",
                "--config.file",
                str(folder / "alertbridge.yml"),
                "--data.dir",
                str(folder),
                "--web.listen-address",
                "127.0.0.1:0",
            ],
            env=os.environ | {"TELEGRAM_TOKEN": token},
            stderr=subprocess.PIPE,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.url = self._wait_for_url()

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self._lines.append(line)

    @property
    def log(self) -> str:
        return "".join(self._lines)

    def _wait_for_url(self) -> str:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and self.process.poll() is None:
            found = re.search(r"event=\"alertbridge is up\".* url=(\S+)", self.log)
            if found:
                return found[1]
            time.sleep(0.02)
        raise AssertionError(f"the bridge did not start:\n{self.log}")

    def post(self, *alerts: dict[str, Any], timeout: float = 10.0) -> int | None:
        """Post alerts; return the status, None where the answer did not come."""
        try:
            return httpx.post(f"{self.url}/alerts", json=webhook(*alerts), timeout=timeout).status_code
        except httpx.HTTPError:
            return None

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self._end()

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self._end()

    def _end(self) -> int:
        code = self.process.wait(15)
        self._reader.join(5)
        assert self.process.stderr is not None
        self.process.stderr.close()
        return code
