"""Real Prometheus and Alertmanager on free ports, with the project's own files; only addresses are exchanged."""

from __future__ import annotations

import socket
import subprocess
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import requests
import yaml

from tests.integration.waiting import until
from tools.debian import ensure

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ROOT = Path(__file__).resolve().parents[2]
CONFIGURATION = ROOT / "prometheus"


def free_port() -> int:
    """Return a TCP port of loopback that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def with_addresses(text: str, addresses: Mapping[str, str]) -> str:
    """Return a configuration with each address exchanged; every one must be there."""
    for ours, theirs in addresses.items():
        assert ours in text, f"{ours} is not in the configuration"
        text = text.replace(ours, theirs)
    return text


@contextmanager
def running(command: list[str], *, url: str, folder: Path) -> Iterator[str]:
    """Run a server until the block ends; yields its URL once it says that it is ready."""
    log = folder / "server.log"
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=folder, stdout=output, stderr=subprocess.STDOUT)

        def ready() -> bool:
            assert process.poll() is None, f"{command[0]} ended: {log.read_text(encoding='utf-8')[-2000:]}"
            try:
                return requests.get(f"{url}/-/ready", timeout=1).ok
            except requests.ConnectionError:
                return False

        try:
            until(ready, f"{command[0]} is ready", seconds=30)
            yield url
        finally:
            process.terminate()
            process.wait(timeout=20)


@contextmanager
def prometheus(
    folder: Path, *, suite: str, exporter: str, alertmanager: str, bridge: str = "127.0.0.1:1"
) -> Iterator[str]:
    """Run Prometheus with prometheus/prometheus.yml and its rules against the given addresses."""
    port = free_port()
    text = with_addresses(
        (CONFIGURATION / "prometheus.yml").read_text(encoding="utf-8"),
        {
            "rules/*.yml": str(CONFIGURATION / "rules" / "*.yml"),
            "127.0.0.1:9921": exporter,
            "127.0.0.1:9922": bridge,
            "127.0.0.1:9093": alertmanager,
            "127.0.0.1:9090": f"127.0.0.1:{port}",
        },
    )
    configuration = folder / "prometheus.yml"
    configuration.write_text(text, encoding="utf-8")
    command = [
        str(ensure("prometheus", suite=suite)["prometheus"]),
        f"--config.file={configuration}",
        f"--storage.tsdb.path={folder / 'tsdb'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--rules.alert.resend-delay=30s",
    ]
    with running(command, url=f"http://127.0.0.1:{port}", folder=folder) as url:
        yield url


@contextmanager
def alertmanager(folder: Path, *, suite: str, webhook: str, group_interval: str = "5s") -> Iterator[str]:
    """Run Alertmanager with prometheus/alertmanager.yml; its webhook goes to the given base URL."""
    port = free_port()
    text = with_addresses(
        (CONFIGURATION / "alertmanager.yml").read_text(encoding="utf-8"),
        {"http://127.0.0.1:9922": webhook, "group_interval: 5s": f"group_interval: {group_interval}"},
    )
    configuration = folder / "alertmanager.yml"
    configuration.write_text(text, encoding="utf-8")
    command = [
        str(ensure("alertmanager", suite=suite)["alertmanager"]),
        f"--config.file={configuration}",
        f"--storage.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
    ]
    with running(command, url=f"http://127.0.0.1:{port}", folder=folder) as url:
        yield url


def query(url: str, expression: str) -> list[tuple[dict[str, str], float]]:
    """Ask Prometheus and return (labels, value) of each sample."""
    answer = requests.get(f"{url}/api/v1/query", params={"query": expression}, timeout=10)
    answer.raise_for_status()
    return [(sample["metric"], float(sample["value"][1])) for sample in answer.json()["data"]["result"]]


def alert_rules() -> list[dict[str, Any]]:
    """Return every alerting rule of prometheus/rules/."""
    return [
        rule
        for path in sorted((CONFIGURATION / "rules").glob("*.yml"))
        for group in yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]
        for rule in group["rules"]
        if "alert" in rule
    ]
