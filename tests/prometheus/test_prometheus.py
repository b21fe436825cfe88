"""prometheus/prometheus.yml and the rules in the real Prometheus, old and new, with an exporter set by hand."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
import requests

from tests.integration.waiting import until
from tests.prometheus.listeners import FakeExporter, Receiver, fake_exporter, receiver
from tests.prometheus.servers import prometheus, query

if TYPE_CHECKING:
    from collections.abc import Iterator

_SOON = 15.0  # seconds; far more than it takes on an idle machine
_INFO = (
    'vpn_target_info{target="gt-1",region="JBR",name="GT Pasteur 1",address="10.20.1.11",probe="icmp",kind="toll-gate",'
    'profile="fiber",gateway="hub",role="site",latitude="-6.9",longitude="107.6"} 1\n'
    'vpn_region_info{region="JBR",name="Jawa Barat",latitude="-6.9",longitude="107.6"} 1\n'
)


def state(*, outage: int) -> str:
    """Return the state part of an exporter with one target."""
    return (
        f'vpn_target_state_code{{target="gt-1",region="JBR"}} {0 if outage else 2}\n'
        f'vpn_target_outage{{target="gt-1",region="JBR"}} {outage}\n'
        'vpn_region_outage{region="JBR"} 0\n'
        "vpn_monitor_isolated 0\n"
    )


@pytest.fixture(scope="module")
def exporter() -> Iterator[FakeExporter]:
    """Stand for the exporter."""
    with fake_exporter() as fake:
        yield fake


@pytest.fixture(scope="module")
def alertmanager() -> Iterator[Receiver]:
    """Stand for Alertmanager's API."""
    with receiver() as kept:
        yield kept


@pytest.fixture(scope="module", params=["installed", "sid"])
def server(
    request: pytest.FixtureRequest,
    exporter: FakeExporter,
    alertmanager: Receiver,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[str]:
    """Run Debian's stable Prometheus, then the unstable one."""
    exporter.parts = {
        "state": state(outage=0),
        "info": _INFO,
        "probes": "",
        "engine": 'vpn_build_info{version="1"} 1\n',
    }
    exporter.failing = False
    alertmanager.received.clear()
    folder = tmp_path_factory.mktemp("prometheus")
    address = f"127.0.0.1:{alertmanager.port}"
    with prometheus(folder, suite=request.param, exporter=exporter.address, alertmanager=address) as url:
        yield url


def firing(server: str, name: str) -> list[dict[str, Any]]:
    """Return the labels of an alert's firing instances."""
    alerts = requests.get(f"{server}/api/v1/alerts", timeout=5).json()["data"]["alerts"]
    return [a["labels"] for a in alerts if a["labels"]["alertname"] == name and a["state"] == "firing"]


def test_a_fall_lost_scrapes_and_a_recovery(server: str, exporter: FakeExporter, alertmanager: Receiver) -> None:
    """Alertmanager hears of the fall once, of nothing while scrapes are lost, and of the recovery when it is one."""
    until(lambda: query(server, "target:vpn_target_place:info"), "the target's place", seconds=_SOON)
    assert not alertmanager.alerts("VPNTargetDown")

    exporter.parts["state"] = state(outage=1)
    fallen = until(lambda: alertmanager.alerts("VPNTargetDown"), "the fall", seconds=_SOON)[0]
    assert fallen["labels"] == {
        "alertname": "VPNTargetDown",
        "target": "gt-1",
        "region": "JBR",
        "gateway": "hub",
        "role": "site",
        "severity": "critical",
    }
    assert fallen["annotations"]["summary"] == "GT Pasteur 1 (JBR) is DOWN"

    exporter.failing = True
    lost = 'sum(count_over_time((up{part="state"} == 0)[30s:1s])) >= 5'
    until(lambda: query(server, lost), "five lost scrapes", seconds=_SOON)
    assert firing(server, "VPNTargetDown") == [fallen["labels"]]
    assert not recovered(alertmanager)

    exporter.failing = False
    until(lambda: query(server, 'up{part="state"} == 1'), "scrapes again", seconds=_SOON)
    assert not recovered(alertmanager)

    exporter.parts["state"] = state(outage=0)
    back = until(lambda: recovered(alertmanager), "the recovery", seconds=_SOON)
    assert back[0]["startsAt"] == fallen["startsAt"]


def recovered(alertmanager: Receiver) -> list[dict[str, Any]]:
    """Return the VPNTargetDown alerts that came as ended."""
    now = datetime.now(UTC)
    return [a for a in alertmanager.alerts("VPNTargetDown") if datetime.fromisoformat(a["endsAt"]) <= now]


def test_part_lives_on_up_only(server: str) -> None:
    """Both jobs have one name; a label tells their health apart and is on none of the exporter's own samples."""
    until(lambda: query(server, "vpn_build_info"), "the slow part", seconds=_SOON)
    health = {labels["part"]: labels for labels, _ in query(server, 'up{job="vpn-exporter"}')}
    assert set(health) == {"state", "rest"}
    with_part = {labels["__name__"] for labels, _ in query(server, '{part!="",__name__!~"scrape_.*|up"}')}
    assert not with_part
    parts = requests.get(f"{server}/api/v1/targets", params={"state": "active"}, timeout=5).json()["data"]
    asked = {t["labels"]["part"]: t["scrapeUrl"] for t in parts["activeTargets"] if "part" in t["labels"]}
    assert "collect%5B%5D=state" in asked["state"]
    assert all(f"collect%5B%5D={part}" in asked["rest"] for part in ("probes", "info", "engine"))


def test_every_rule_can_be_evaluated(server: str) -> None:
    """No rule is refused at run time, and the alerts' groups run every second."""

    def groups() -> list[dict[str, Any]]:
        answer = requests.get(f"{server}/api/v1/rules", timeout=5).json()
        found: list[dict[str, Any]] = answer["data"]["groups"]
        return found

    def all_ran() -> bool:
        ran = [rule["health"] for group in groups() for rule in group["rules"] if group["interval"] < 30]
        return "unknown" not in ran

    until(all_ran, "every quick rule has run", seconds=_SOON)
    bad = [rule for group in groups() for rule in group["rules"] if rule["health"] == "err"]
    assert bad == []
    assert {group["interval"] for group in groups() if group["name"] in {"vpn-targets", "vpn-monitor"}} == {1}


def test_the_watchdog_fires(server: str) -> None:
    """It fires from the start, with its severity alone."""
    found = until(lambda: firing(server, "Watchdog"), "the Watchdog", seconds=_SOON)
    assert found == [{"alertname": "Watchdog", "severity": "none"}]
