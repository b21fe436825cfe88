"""prometheus/alertmanager.yml in the real Alertmanager, old and new: what is told, what is hidden, how soon."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import requests

from tests.integration.waiting import until
from tests.prometheus.listeners import Received, Receiver, receiver
from tests.prometheus.servers import alertmanager

if TYPE_CHECKING:
    from collections.abc import Iterator

_SOON = 8.0  # seconds; far more than it takes on an idle machine
_CASE: dict[str, str] = {}


@pytest.fixture(scope="module")
def bridge() -> Iterator[Receiver]:
    """Stand for the bridge; kept over the tests of this file, which use alerts of their own."""
    with receiver() as kept:
        yield kept


@pytest.fixture(scope="module", params=["installed", "sid"])
def server(request: pytest.FixtureRequest, bridge: Receiver, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run Debian's stable Alertmanager, then the unstable one."""
    folder = tmp_path_factory.mktemp("alertmanager")
    with alertmanager(folder, suite=request.param, webhook=bridge.url, group_interval="1s") as url:
        yield url


@pytest.fixture(autouse=True)
def case(server: str, bridge: Receiver) -> Iterator[str]:
    """Give the test a label of its own, and end every alert after it, so that none hides another test's."""
    _CASE["case"] = uuid.uuid4().hex
    bridge.received.clear()
    yield _CASE["case"]
    active = requests.get(f"{server}/api/v2/alerts", timeout=5).json()
    send(server, *[alert["labels"] for alert in active], ended=True)
    until(
        lambda: not requests.get(f"{server}/api/v2/alerts", timeout=5).json(), "no alert is left", seconds=5, every=0.05
    )


def send(server: str, *labels: dict[str, str], ended: bool = False) -> None:
    """Send alerts as Prometheus does: firing for four minutes to come, or ended now."""
    now = datetime.now(UTC)
    ends = now if ended else now + timedelta(minutes=4)
    body = [
        {"labels": _CASE | each, "startsAt": (now - timedelta(seconds=1)).isoformat(), "endsAt": ends.isoformat()}
        for each in labels
    ]
    requests.post(f"{server}/api/v2/alerts", json=body, timeout=5).raise_for_status()


def target_alert(name: str, target: str) -> dict[str, str]:
    """Return the labels of a target's alert."""
    return {"alertname": name, "target": target, "region": "JBR", "role": "site", "severity": "warning"}


def posts(bridge: Receiver) -> list[Received]:
    """Return this test's webhooks in the order they came; those of the test before may still be on their way."""
    return [post for post in list(bridge.received) if post.body["groupLabels"]["case"] == _CASE["case"]]


def told(bridge: Receiver, name: str, *, status: str | None = None) -> list[dict[str, Any]]:
    """Return the alerts of a name that were told in this test."""
    alerts = [alert for post in posts(bridge) for alert in post.body["alerts"]]
    return [alert for alert in alerts if alert["labels"]["alertname"] == name and status in (None, alert["status"])]


def names(bridge: Receiver) -> set[str]:
    """Return the names of all alerts that were told in this test."""
    return {alert["labels"]["alertname"] for post in posts(bridge) for alert in post.body["alerts"]}


def test_each_alert_is_a_group_of_its_own(server: str, bridge: Receiver) -> None:
    """Ten sites that fall together come as ten webhooks at once: no site waits for, or is told again with, another."""
    send(server, *[target_alert("VPNTargetDown", f"own-{number}") for number in range(10)])
    until(lambda: len(told(bridge, "VPNTargetDown")) >= 10, "ten alerts", seconds=_SOON)
    assert [len(post.body["alerts"]) for post in posts(bridge)] == [1] * 10
    assert {post.path for post in posts(bridge)} == {"/alerts"}
    assert {post.body["receiver"] for post in posts(bridge)} == {"bridge"}
    assert {post.body["version"] for post in posts(bridge)} == {"4"}


def test_a_recovery_is_told_at_the_next_tick(server: str, bridge: Receiver) -> None:
    """What has been told as firing is told as resolved, after group_interval at the latest."""
    send(server, target_alert("VPNTargetDown", "back"))
    until(lambda: told(bridge, "VPNTargetDown", status="firing"), "the fall", seconds=_SOON)
    send(server, target_alert("VPNTargetDown", "back"), ended=True)
    until(lambda: told(bridge, "VPNTargetDown", status="resolved"), "the recovery", seconds=_SOON)
    assert len(told(bridge, "VPNTargetDown")) == 2


_OF_THE_SLOW_JOB = ("VPNConfigReloadFailed", "VPNStorageFailing", "VPNTunnelSourceDown", "VPNCertificateExpiring")


@pytest.mark.parametrize("source", ["VPNMonitorIsolated", "VPNEngineImpaired"])
def test_blindness_hides_unknown_targets_only(server: str, bridge: Receiver, source: str) -> None:
    """While we cannot see, a hundred unknown targets are one message; a site known to be down stays told."""
    send(server, {"alertname": source, "severity": "critical"})
    until(lambda: source in names(bridge), "the blindness", seconds=_SOON)
    send(server, *[target_alert("VPNTargetUnknown", f"{source}-{n}") for n in range(100)])
    send(server, target_alert("VPNTargetDown", f"{source}-down"))
    until(lambda: "VPNTargetDown" in names(bridge), "the site that is down", seconds=_SOON)
    _wait_past_a_tick(server, bridge)
    assert "VPNTargetUnknown" not in names(bridge)
    send(server, {"alertname": source, "severity": "critical"}, ended=True)
    until(lambda: told(bridge, "VPNTargetUnknown"), "what is still unknown afterwards", seconds=_SOON)


def test_a_dead_exporter_hides_all_that_it_tells_of(server: str, bridge: Receiver) -> None:
    """What vanishes with the exporter is told neither as firing nor as recovered; other parts' alerts are."""
    send(server, target_alert("VPNTargetDown", "before"))
    until(lambda: "VPNTargetDown" in names(bridge), "a fall before", seconds=_SOON)
    send(server, {"alertname": "VPNExporterDown", "severity": "critical"})
    until(lambda: "VPNExporterDown" in names(bridge), "the exporter's death", seconds=_SOON)
    hidden = [
        "VPNTargetLow",
        "VPNTargetUnknown",
        "VPNTargetFlapping",
        "VPNRegionDown",
        "VPNSharedFate",
        "VPNMonitorIsolated",
    ]
    send(server, *[target_alert(name, "after") for name in hidden])
    send(
        server,
        *[{"alertname": name, "severity": "critical"} for name in ("VPNEngineImpaired", *_OF_THE_SLOW_JOB)],
    )
    send(server, target_alert("VPNTargetDown", "before"), ended=True)
    send(server, {"alertname": "AlertBridgeDeliveryStalled", "severity": "critical"})
    until(lambda: "AlertBridgeDeliveryStalled" in names(bridge), "the bridge's own alert", seconds=_SOON)
    _wait_past_a_tick(server, bridge)
    assert names(bridge) == {"VPNTargetDown", "VPNExporterDown", "AlertBridgeDeliveryStalled", "VPNMarker"}
    assert not told(bridge, "VPNTargetDown", status="resolved")


def test_commands_that_do_not_come_are_no_news_while_nothing_goes_out(server: str, bridge: Receiver) -> None:
    """Telegram cannot be reached: one alert says so. Messages that were only given up hide nothing."""
    send(server, {"alertname": "AlertBridgeDeliveryStalled", "severity": "warning"})
    send(server, {"alertname": "AlertBridgePollingFailing", "severity": "warning"})
    until(lambda: told(bridge, "AlertBridgePollingFailing"), "commands that do not come", seconds=_SOON)
    send(server, {"alertname": "AlertBridgePollingFailing", "severity": "warning"}, ended=True)
    until(lambda: told(bridge, "AlertBridgePollingFailing", status="resolved"), "that they come again", seconds=_SOON)
    send(server, {"alertname": "AlertBridgeDeliveryStalled", "severity": "critical"})
    until(lambda: len(told(bridge, "AlertBridgeDeliveryStalled")) > 1, "that nothing goes out", seconds=_SOON)
    send(server, {"alertname": "AlertBridgePollingFailing", "severity": "warning"})
    _wait_past_a_tick(server, bridge)
    assert len(told(bridge, "AlertBridgePollingFailing", status="firing")) == 1


def test_a_dead_slow_job_hides_what_it_tells_of_only(server: str, bridge: Receiver) -> None:
    """The warning form of VPNExporterDown hides what that job reads, and leaves states alone: they are still read."""
    send(server, {"alertname": "VPNExporterDown", "severity": "warning"})
    until(lambda: "VPNExporterDown" in names(bridge), "the slow job's failure", seconds=_SOON)
    send(server, *[{"alertname": name, "severity": "warning"} for name in _OF_THE_SLOW_JOB])
    send(server, target_alert("VPNTargetDown", "slow"))
    until(lambda: "VPNTargetDown" in names(bridge), "a fall meanwhile", seconds=_SOON)
    _wait_past_a_tick(server, bridge)
    assert not names(bridge) & {*_OF_THE_SLOW_JOB}


def _wait_past_a_tick(server: str, bridge: Receiver) -> None:
    """Return when a marker that was told has ended and is told as ended: every group has then had a tick."""
    marker = target_alert("VPNMarker", uuid.uuid4().hex)
    send(server, marker)
    until(lambda: told(bridge, "VPNMarker", status="firing"), "the marker", seconds=_SOON)
    send(server, marker, ended=True)
    until(lambda: told(bridge, "VPNMarker", status="resolved"), "the marker's end", seconds=_SOON)
