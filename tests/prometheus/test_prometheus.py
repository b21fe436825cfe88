"""prometheus/prometheus.yml and the rules in the real Prometheus, old and new, with an exporter set by hand."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
import requests

from tests.integration.waiting import until
from tests.prometheus.listeners import FakeExporter, Receiver, fake_exporter, receiver
from tests.prometheus.servers import prometheus, query
from tools.debian import SUITES

if TYPE_CHECKING:
    from collections.abc import Iterator

_SOON = 15.0  # seconds; far more than it takes on an idle machine
_INFO = (
    'vpn_target_info{target="gt-1",region="JBR",name="GT Pasteur 1",address="10.20.1.11",probe="icmp",kind="toll-gate",'
    'profile="fiber",gateway="hub",role="site",latitude="-6.9",longitude="107.6"} 1\n'
    'vpn_region_info{region="JBR",name="Jawa Barat",latitude="-6.9",longitude="107.6"} 1\n'
)
_FALLEN = {
    "alertname": "VPNTargetDown",
    "target": "gt-1",
    "region": "JBR",
    "gateway": "hub",
    "role": "site",
    "severity": "critical",
}


def state(*, outage: int) -> str:
    """Return the state part of an exporter with one target."""
    return (
        f'vpn_target_state_code{{target="gt-1",region="JBR"}} {0 if outage else 2}\n'
        f'vpn_target_outage{{target="gt-1",region="JBR"}} {outage}\n'
        'vpn_region_outage{region="JBR"} 0\n'
        "vpn_monitor_isolated 0\n"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """One Prometheus and what it sends to Alertmanager."""

    suite: str
    url: str
    alertmanager: Receiver

    def falls(self) -> list[dict[str, Any]]:
        """Return every VPNTargetDown that was sent."""
        return self.alertmanager.alerts("VPNTargetDown")

    def recoveries(self) -> list[dict[str, Any]]:
        """Return those that were sent as ended."""
        now = datetime.now(UTC)
        return [alert for alert in self.falls() if datetime.fromisoformat(alert["endsAt"]) <= now]

    def firing(self, name: str) -> list[dict[str, Any]]:
        """Return the labels of an alert's firing instances."""
        alerts = requests.get(f"{self.url}/api/v1/alerts", timeout=5).json()["data"]["alerts"]
        return [a["labels"] for a in alerts if a["labels"]["alertname"] == name and a["state"] == "firing"]

    def groups(self) -> list[dict[str, Any]]:
        """Return all rule groups with their rules' health."""
        found: list[dict[str, Any]] = requests.get(f"{self.url}/api/v1/rules", timeout=5).json()["data"]["groups"]
        return found


def all_see(worlds: list[World], expression: str, what: str) -> None:
    """Wait until every Prometheus has an answer to a query."""
    until(lambda: all(query(world.url, expression) for world in worlds), what, seconds=_SOON)


@pytest.fixture(scope="module")
def exporter() -> Iterator[FakeExporter]:
    """Stand for the exporter."""
    with fake_exporter() as fake:
        fake.parts = {
            "state": state(outage=0),
            "info": _INFO,
            "probes": "",
            "engine": 'vpn_build_info{version="1"} 1\n',
        }
        yield fake


@pytest.fixture(scope="module")
def worlds(exporter: FakeExporter, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[World]]:
    """Run Debian's stable Prometheus and the unstable one, side by side on one exporter."""
    with ExitStack() as stack:
        found = []
        for suite in SUITES:
            kept = stack.enter_context(receiver())
            folder = tmp_path_factory.mktemp(suite)
            address = f"127.0.0.1:{kept.port}"
            server = prometheus(folder, suite=suite, exporter=exporter.address, alertmanager=address)
            found.append(World(suite=suite, url=stack.enter_context(server), alertmanager=kept))
        yield found


def test_a_fall_lost_scrapes_and_a_recovery(worlds: list[World], exporter: FakeExporter) -> None:
    """Alertmanager hears of the fall once, of nothing while scrapes are lost, and of the recovery when it is one."""
    all_see(worlds, "target:vpn_target_place:info", "the target's place")
    assert not any(world.falls() for world in worlds)

    exporter.parts["state"] = state(outage=1)
    until(lambda: all(world.falls() for world in worlds), "the fall", seconds=_SOON)
    for world in worlds:
        fallen = world.falls()[0]
        assert fallen["labels"] == _FALLEN
        assert fallen["annotations"]["summary"] == "GT Pasteur 1 (JBR) is DOWN"

    exporter.failing = True
    all_see(worlds, 'sum(count_over_time((up{part="state"} == 0)[30s:1s])) >= 5', "five lost scrapes")
    for world in worlds:
        assert world.firing("VPNTargetDown") == [_FALLEN]
        assert not world.recoveries()

    exporter.failing = False
    all_see(worlds, 'up{part="state"} == 1', "scrapes again")
    assert not any(world.recoveries() for world in worlds)

    exporter.parts["state"] = state(outage=0)
    until(lambda: all(world.recoveries() for world in worlds), "the recovery", seconds=_SOON)
    for world in worlds:
        assert world.recoveries()[0]["startsAt"] == world.falls()[0]["startsAt"]


def test_part_lives_on_up_only(worlds: list[World]) -> None:
    """Both jobs have one name; a label tells their health apart and is on none of the exporter's own samples."""
    all_see(worlds, 'count(up{job="vpn-exporter",part=~"state|rest"}) == 2', "both parts")
    all_see(worlds, "vpn_build_info", "the slow part")
    for world in worlds:
        with_part = {labels["__name__"] for labels, _ in query(world.url, '{part!="",__name__!~"scrape_.*|up"}')}
        assert not with_part
        answer = requests.get(f"{world.url}/api/v1/targets", params={"state": "active"}, timeout=5).json()["data"]
        asked = {t["labels"]["part"]: t["scrapeUrl"] for t in answer["activeTargets"] if "part" in t["labels"]}
        assert "collect%5B%5D=state" in asked["state"]
        assert all(f"collect%5B%5D={part}" in asked["rest"] for part in ("probes", "info", "engine"))


def test_every_rule_can_be_evaluated(worlds: list[World]) -> None:
    """No rule is refused at run time, and the alerts' groups run every second."""
    until(lambda: all(_quick_groups_ran(world) for world in worlds), "every quick rule has run", seconds=_SOON)
    for world in worlds:
        groups = world.groups()
        bad = [rule for group in groups for rule in group["rules"] if rule["health"] == "err"]
        assert bad == []
        assert {group["interval"] for group in groups if group["name"] in {"vpn-targets", "vpn-monitor"}} == {1}


def _quick_groups_ran(world: World) -> bool:
    """Tell whether all groups that run more often than twice a minute have run."""
    return "unknown" not in [r["health"] for group in world.groups() for r in group["rules"] if group["interval"] < 30]


def test_the_watchdog_fires(worlds: list[World]) -> None:
    """It fires from the start, with its severity alone."""
    until(lambda: all(world.firing("Watchdog") for world in worlds), "the Watchdog", seconds=_SOON)
    for world in worlds:
        assert world.firing("Watchdog") == [{"alertname": "Watchdog", "severity": "none"}]
