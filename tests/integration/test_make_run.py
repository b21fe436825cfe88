"""What a new user meets: `make run` on the shipped files, and a machine that does not allow ICMP."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import requests

from tests.integration.lone_exporter import LoneExporter
from tests.integration.namespace import Namespace
from tests.integration.stack import ALERTMANAGER, BRIDGE, EXPORTER, PROMETHEUS, Stack
from tests.integration.waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
# Every URL that README.md, docs/api.md and design section 3 name, for a GET without a login.
PATHS = (
    *(f"{EXPORTER}{path}" for path in ("/", "/metrics", "/metrics?collect[]=state", "/-/healthy", "/-/ready", "/sd")),
    *(f"{EXPORTER}/api/v1/{part}" for part in ("regions", "targets", "log", "pipeline", "outages")),
    *(f"{EXPORTER}/{page}" for page in ("regions", "targets", "log", "pipeline", "maintenance")),
    *(f"{BRIDGE}{path}" for path in ("/metrics", "/-/healthy", "/-/ready")),
    *(f"{PROMETHEUS}/-/ready", f"{ALERTMANAGER}/-/ready"),
)


@pytest.fixture
def space() -> Iterator[Namespace]:
    """A machine of our own: nothing listens on it, and ICMP is closed to users as on a stock Debian."""
    with Namespace("fresh") as fresh:
        yield fresh


@pytest.mark.timeout(240)
def test_the_shipped_files_come_up_and_stop_without_a_trace(space: Namespace, tmp_path: Path) -> None:
    """All targets up, all scrapes up, every documented URL answers, Ctrl-C leaves no process."""
    stack = Stack(space, tmp_path)
    try:
        stack.start(targets=ROOT / "targets.yml", bridge=ROOT / "alertbridge.yml", suite="installed")
        until(lambda: _states(stack) == {"up"}, "all targets are up", seconds=30)
        until(lambda: _health(stack) == {"up"}, "all scrape targets are up", seconds=30)
        answers = {url: space.call(requests.get, url, timeout=10).status_code for url in PATHS}
        assert {url: code for url, code in answers.items() if code != requests.codes.ok} == {}
        assert space.call(requests.post, f"{EXPORTER}/-/reload", timeout=10).status_code == requests.codes.ok
        assert space.call(requests.post, f"{EXPORTER}/-/restart", timeout=10).status_code == requests.codes.accepted
    finally:
        code = stack.stop()
    assert code == 0
    left = subprocess.run(["ip", "netns", "pids", space.name], capture_output=True, text=True, check=True)
    assert left.stdout.split() == []


def _states(stack: Stack) -> set[str]:
    return {item["state"] for item in stack.get(f"{EXPORTER}/api/v1/targets", limit=1000)["items"]}


def _health(stack: Stack) -> set[str]:
    targets = stack.get(f"{PROMETHEUS}/api/v1/targets")["data"]["activeTargets"]
    return {target["health"] for target in targets if len(targets) >= 5}


def test_without_permission_it_starts_and_turns_green_by_itself(space: Namespace, tmp_path: Path) -> None:
    """ICMP targets are unknown with reason `permission`, others are judged; the log names the sysctl line."""
    file = tmp_path / "targets.yml"
    file.write_text(
        "version: 1\n"
        "regions: [{id: JKT, name: DKI Jakarta}]\n"
        "targets:\n"
        "  - {id: a, name: A, region: JKT, address: 127.1.0.1}\n"
        "  - {id: b, name: B, region: JKT, address: 127.1.0.2}\n"
        "  - {id: web, name: Web, region: JKT, address: 127.0.0.1, probe: 'tcp:9921', interval: 1s}\n"
    )
    # A root without CAP_NET_RAW is as helpless as any user, and can still read this checkout.
    drop = ("setpriv", "--bounding-set=-net_raw,-net_admin", "--inh-caps=-net_raw,-net_admin", "--")
    exporter = LoneExporter(space, file, tmp_path / "data", prefix=drop)
    exporter.start()
    try:
        until(lambda: exporter.states() == {"a": "unknown", "b": "unknown", "web": "up"}, "only TCP is up", seconds=15)
        until(lambda: exporter.targets()["a"]["unknown_reason"] == "permission", "the reason", seconds=5)
        assert re.search(r"sysctl -w net\.ipv4\.ping_group_range=", exporter.log.read_text())
        space.run("sysctl", "-w", "net.ipv4.ping_group_range=0 2147483647")
        until(lambda: set(exporter.states().values()) == {"up"}, "green by itself", seconds=20)
    finally:
        assert exporter.stop() == 0
    assert (tmp_path / "data" / "journal.db").exists()
