"""The whole product as `make run` starts it, inside a namespace, on files of the test's own."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import requests

from tests.integration.waiting import until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.namespace import Namespace

EXPORTER = "http://127.0.0.1:9921"
PROMETHEUS = "http://127.0.0.1:9090"
ALERTMANAGER = "http://127.0.0.1:9093"
BRIDGE = "http://127.0.0.1:9922"


class Stack:
    """A running `python -m tools.run`; ask it with `get`, stop it with `stop`."""

    def __init__(self, space: Namespace, folder: Path) -> None:
        self.space = space
        self.folder = folder
        self.log = folder / "stack.log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, *, targets: Path, bridge: Path, suite: str, seconds: float = 90) -> None:
        """Start everything and wait until it says that it is up."""
        self._process = self.space.start(
            sys.executable,
            *("-m", "tools.run", "--targets", str(targets), "--bridge", str(bridge)),
            *("--data", str(self.folder / "data"), "--suite", suite),
            log=self.log,
        )
        until(self._is_up, f"the stack is up (see {self.log})", seconds=seconds)

    def _is_up(self) -> bool:
        """Tell whether the banner has come; a stack that ended will never print it."""
        text = self.log.read_text(encoding="utf-8")
        if self._process is not None and self._process.poll() is not None:
            raise AssertionError(f"the stack ended:\n{text[-4000:]}")
        return "Everything is up" in text

    def get(self, url: str, **parameters: Any) -> Any:
        """Return a JSON answer from inside the namespace."""
        return json.loads(self.text(url, **parameters))

    def text(self, url: str, **parameters: Any) -> str:
        """Return an answer's text from inside the namespace."""
        answer = self.space.call(requests.get, url, params=parameters, timeout=10)
        answer.raise_for_status()
        return answer.text

    def target(self, target_id: str) -> dict[str, Any]:
        """Return one target as the exporter's API shows it."""
        items = self.get(f"{EXPORTER}/api/v1/targets", q=target_id)["items"]
        found: list[dict[str, Any]] = [item for item in items if item["id"] == target_id]
        if len(found) != 1:
            raise AssertionError(f"{target_id}: {len(found)} items")
        return found[0]

    def state(self, target_id: str) -> str:
        """Return one target's state word."""
        return str(self.target(target_id)["state"])

    def firing(self) -> set[tuple[str, str]]:
        """Return (alertname, target) of what Alertmanager holds, the Watchdog left out."""
        alerts = self.get(f"{ALERTMANAGER}/api/v2/alerts")
        names = {(alert["labels"]["alertname"], alert["labels"].get("target", "")) for alert in alerts}
        return {pair for pair in names if pair[0] != "Watchdog"}

    def stop(self) -> int:
        """Press Ctrl-C and return the exit code."""
        if self._process is None:
            return 0
        self._process.send_signal(signal.SIGINT)
        try:
            return self._process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            raise
