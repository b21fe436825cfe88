"""One exporter of its own in a namespace, for what happens to it when things die around it."""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import requests

from tests.integration.waiting import until

if TYPE_CHECKING:
    import subprocess

    from tests.integration.namespace import Namespace

URL = "http://127.0.0.1:9921"


class LoneExporter:
    """A running `vpn-exporter serve`; `prefix` is put before the command (setpriv, for other users)."""

    def __init__(self, space: Namespace, targets: Path, data: Path, *, prefix: tuple[str, ...] = ()) -> None:
        self._space = space
        self._targets = targets
        self._data = data
        self._prefix = prefix
        self.log = data.with_name(f"{data.name}.log")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it answers."""
        arguments = ("serve", "--targets.file", str(self._targets), "--data.dir", str(self._data))
        command = (*self._prefix, sys.executable, "-m", "exporter", *arguments)
        self._process = self._space.start(*command, log=self.log)
        until(self._answers, f"the exporter answers (see {self.log})", seconds=20)

    def _answers(self) -> bool:
        if self._process is not None and self._process.poll() is not None:
            raise AssertionError(f"the exporter ended:\n{self.log.read_text()[-3000:]}")
        try:
            return self._space.call(requests.get, f"{URL}/-/ready", timeout=2).ok
        except requests.ConnectionError:
            return False

    def targets(self) -> dict[str, dict[str, Any]]:
        """Return all targets by id, as the API shows them."""
        answer = self._space.call(requests.get, f"{URL}/api/v1/targets", params={"limit": 1000}, timeout=5)
        return {item["id"]: item for item in json.loads(answer.text)["items"]}

    def states(self) -> dict[str, str]:
        """Return each target's state word."""
        return {name: item["state"] for name, item in self.targets().items()}

    def outages(self) -> list[dict[str, Any]]:
        """Return the journal's rows, newest first."""
        answer = self._space.call(requests.get, f"{URL}/api/v1/outages", timeout=5)
        items: list[dict[str, Any]] = json.loads(answer.text)["items"]
        return items

    def metric(self, line: str) -> float:
        """Return the value of one series, named as it stands in the text (name and labels)."""
        text = self._space.call(requests.get, f"{URL}/metrics", timeout=5).text
        for each in text.splitlines():
            name, _, value = each.rpartition(" ")
            if name == line:
                return float(value)
        raise AssertionError(f"no series {line}")

    def post(self, path: str) -> requests.Response:
        """Act, as a person on this machine would."""
        return self._space.call(requests.post, f"{URL}{path}", timeout=10)

    def engine_pid(self, kind: str) -> int:
        """Return the process id of a probing process; 0 while there is none."""
        if self._process is None:
            return 0
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                command = (folder / "cmdline").read_bytes()
                parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            except (OSError, ValueError):
                continue
            if parent == self._process.pid and f"exporter.engine.{kind}".encode() in command:
                return int(folder.name)
        return 0

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        if self._process is not None:
            self._process.send_signal(number)

    def kill(self) -> None:
        """Kill -9 it."""
        self.signal(signal.SIGKILL)
        if self._process is not None:
            self._process.wait(timeout=5)
            self._process = None

    def stop(self) -> int:
        """End it as a service manager does, and return its exit code."""
        if self._process is None:
            return 0
        self._process.send_signal(signal.SIGTERM)
        code = self._process.wait(timeout=15)
        self._process = None
        return code
