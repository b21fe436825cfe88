"""Processes that are killed or stopped make no false down, no false recovery, and lose no counter."""

from __future__ import annotations

import os
import signal
import time
from typing import TYPE_CHECKING

import pytest

from tests.integration.lone_exporter import LoneExporter
from tests.integration.namespace import Namespace
from tests.integration.test_vpn_path import ALL, TARGETS
from tests.integration.vpn import Vpn
from tests.integration.waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SERIES = 'vpn_target_probe_failures_total{target="ssl-hub",region="SSL",reason="timeout"}'


@pytest.fixture
def site(tmp_path: Path) -> Iterator[tuple[Vpn, LoneExporter]]:
    """A VPN and an exporter that sees all of it up."""
    with Namespace("noc") as noc, Namespace("site") as far:
        vpn = Vpn(noc, far, tmp_path)
        vpn.open()
        (tmp_path / "targets.yml").write_text(TARGETS)
        exporter = LoneExporter(noc, tmp_path / "targets.yml", tmp_path / "data")
        exporter.start()
        until(lambda: set(exporter.states().values()) == {"up"}, "all targets are up", seconds=15)
        yield vpn, exporter
        exporter.stop()


def _watch(exporter: LoneExporter, seconds: float) -> set[str]:
    """Return every state word that any target shows during some seconds; counters must never go back."""
    seen: set[str] = set()
    counters = {name: int(item["probes_total"]) for name, item in exporter.targets().items()}
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for name, item in exporter.targets().items():
            seen.add(item["state"])
            assert item["probes_total"] >= counters[name]
            counters[name] = item["probes_total"]
        time.sleep(0.1)
    return seen


def test_a_killed_icmp_process_is_replaced_and_nobody_looks_down(site: tuple[Vpn, LoneExporter]) -> None:
    """Kill -9 of the ICMP process: unknown at most, no failure counted, replaced within seconds."""
    _, exporter = site
    first = exporter.engine_pid("icmp")
    os.kill(first, signal.SIGKILL)
    assert _watch(exporter, 6) <= {"up", "unknown"}
    until(lambda: set(exporter.states().values()) == {"up"}, "all up again", seconds=10)
    assert exporter.engine_pid("icmp") not in {0, first}
    assert exporter.metric('vpn_engine_restarts_total{reason="dead"}') == 1
    assert exporter.metric(SERIES) == 0


def test_a_stopped_icmp_process_is_replaced_and_nobody_looks_down(site: tuple[Vpn, LoneExporter]) -> None:
    """SIGSTOP for 10 s: it is killed as stuck and replaced; unknown at most, no failure counted."""
    _, exporter = site
    first = exporter.engine_pid("icmp")
    os.kill(first, signal.SIGSTOP)
    assert _watch(exporter, 10) <= {"up", "unknown"}
    until(lambda: set(exporter.states().values()) == {"up"}, "all up again", seconds=10)
    assert exporter.engine_pid("icmp") not in {0, first}
    assert exporter.metric('vpn_engine_restarts_total{reason="stuck"}') == 1
    assert exporter.metric(SERIES) == 0


def test_a_killed_exporter_goes_on_with_the_outage_it_knew(site: tuple[Vpn, LoneExporter]) -> None:
    """Kill -9 of the exporter in an outage: no recovery is told, since-time, counters and journal go on."""
    vpn, exporter = site
    vpn.cut()
    until(lambda: exporter.states()["ssl-hub"] == "down", "the hub is down", seconds=15)
    saved_by = time.time() + 11  # states are saved every 10 s
    until(lambda: time.time() > saved_by, "the states are saved", seconds=15)
    before = exporter.targets()["ssl-hub"]
    exporter.kill()
    exporter.start()
    seen = []
    while True:
        hub = exporter.targets()["ssl-hub"]
        seen.append(hub)
        if hub["state"] == "down":
            break
        assert len(seen) < 200
        time.sleep(0.1)
    assert all(item["outage"] for item in seen)
    assert {item["state"] for item in seen} <= {"unknown", "down"}
    assert seen[0]["last_known"] == "down"
    assert seen[-1]["state_since"] == before["state_since"]
    assert seen[-1]["probes_total"] >= before["probes_total"] - 12  # at most what came after the last save
    assert [row["end"] for row in exporter.outages() if row["target"] == "ssl-hub"] == [None]
    vpn.restore()
    until(lambda: set(exporter.states().values()) == {"up"}, "all up again", seconds=30)
    (row,) = [row for row in exporter.outages() if row["target"] == "ssl-hub"]
    assert row["start"] == before["state_since"]
    assert row["end"] is not None


def test_a_broken_file_changes_nothing_but_the_reload_metric(site: tuple[Vpn, LoneExporter]) -> None:
    """A broken file is refused with 400 and the metric; a good one applies the difference and keeps counters."""
    _, exporter = site
    file = exporter._targets
    good = file.read_text()
    before = {name: item["probes_total"] for name, item in exporter.targets().items()}
    file.write_text(good + "  - {id: ssl-hub, nmae: twice}\n")
    assert exporter.post("/-/reload").status_code == 400
    assert exporter.metric("vpn_config_last_reload_successful") == 0
    assert set(exporter.states()) == set(ALL)
    assert set(exporter.states().values()) == {"up"}
    file.write_text(good.replace("Hub Makassar", "Hub Ujung Pandang"))
    assert exporter.post("/-/reload").status_code == 200
    assert exporter.metric("vpn_config_last_reload_successful") == 1
    after = exporter.targets()
    assert after["ssl-hub"]["name"] == "Hub Ujung Pandang"
    assert all(after[name]["probes_total"] >= count for name, count in before.items())
