"""The main job on a real VPN: the tunnel is cut, one message comes; it is restored, and the message says so.

Everything is real but Telegram: OpenVPN between two namespaces, the stack as `make run` starts it with the shipped
prometheus.yml, rules and alertmanager.yml, on Debian 12's servers and on the newest of Debian's unstable release.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest

from tests.botapi.server import BotApi
from tests.integration.namespace import Namespace
from tests.integration.stack import PROMETHEUS, Stack
from tests.integration.vpn import HUB, SITES, UPLINK, Vpn
from tests.integration.waiting import until

if TYPE_CHECKING:
    from pathlib import Path

CHAT = -1001234567890

TARGETS = f"""\
version: 1
uplinks: ["{UPLINK}"]
regions:
  - {{id: JKT, name: DKI Jakarta, latitude: -6.2146, longitude: 106.8451}}
  - {{id: SSL, name: Sulawesi Selatan, latitude: -5.1486, longitude: 119.4319}}
targets:
  - {{id: jkt-server, name: Server VPN, region: JKT, address: 10.20.0.1, kind: router}}
  - {{id: ssl-hub, name: Hub Makassar, region: SSL, address: {HUB}, kind: router}}
  - {{id: ssl-gt-reformasi, name: GT Reformasi, region: SSL, address: {SITES[0]}, kind: toll-gate, gateway: ssl-hub}}
  - {{id: ssl-pk-losari, name: Parkir <Losari> & Co, region: SSL, address: {SITES[1]}, kind: parking, gateway: ssl-hub}}
"""
BRIDGE = """\
version: 1
language: en
telegram: {{api_url: "{api_url}"}}
alertmanager: {{url: "http://127.0.0.1:9093"}}
prometheus: {{url: "http://127.0.0.1:9090"}}
exporter: {{url: "http://127.0.0.1:9921"}}
chats:
  - {{name: noc, id: {chat}, language: en}}
"""
ALL = ("jkt-server", "ssl-hub", "ssl-gt-reformasi", "ssl-pk-losari")


@pytest.mark.timeout(300)
@pytest.mark.parametrize("suite", ["installed", "sid"])
def test_a_cut_tunnel_is_one_message_and_so_is_its_return(
    suite: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cut: hub down, one alert, one message with region, target and since-when. Restored: it says recovered."""
    with Namespace("noc") as noc, Namespace("site") as site:
        vpn = Vpn(noc, site, tmp_path)
        vpn.open()
        api = noc.call(BotApi().__enter__)
        stack = Stack(noc, tmp_path)
        try:
            monkeypatch.setenv("TELEGRAM_TOKEN", api.token)
            (tmp_path / "targets.yml").write_text(TARGETS)
            (tmp_path / "bridge.yml").write_text(BRIDGE.format(api_url=api.url, chat=CHAT))
            stack.start(targets=tmp_path / "targets.yml", bridge=tmp_path / "bridge.yml", suite=suite)
            until(lambda: {stack.state(name) for name in ALL} == {"up"}, "all targets are up", seconds=20)
            until(lambda: _scraped(stack), "Prometheus scrapes everything", seconds=30)
            assert api.messages == []

            vpn.cut()
            until(lambda: stack.state("ssl-hub") == "down", "the hub is down", seconds=15)
            until(lambda: stack.firing() == {("VPNTargetDown", "ssl-hub")}, "only the hub's alert fires", seconds=15)
            until(lambda: api.messages, "a message arrives", seconds=15)
            hub = stack.target("ssl-hub")
            until(lambda: stack.target("ssl-hub")["cut_off_targets"] == 2, "both sites are cut off", seconds=15)
            _assert_down_message(api.messages[0].text, hub)
            assert (stack.state("jkt-server"), stack.target("ssl-gt-reformasi")["culprit"]) == ("up", "ssl-hub")

            vpn.restore()
            until(lambda: {stack.state(name) for name in ALL} == {"up"}, "all targets are up again", seconds=30)
            until(lambda: not stack.firing(), "no alert is left", seconds=30)
            until(lambda: len(api.messages) == 2, "the recovery is told", seconds=40)
            print(api.transcript())  # what a person would have read, for `pytest -s`
            down, recovered = api.messages
            assert "Hub Makassar" in recovered.text
            assert "UP" in recovered.text
            assert down.edits >= 1
            assert stack.stop() == 0
            assert api.token not in stack.log.read_text()
        finally:
            stack.stop()
            noc.call(api.__exit__, None, None, None)


def _scraped(stack: Stack) -> bool:
    """Tell whether every scrape target of the shipped prometheus.yml is up."""
    active: list[dict[str, Any]] = stack.get(f"{PROMETHEUS}/api/v1/targets")["data"]["activeTargets"]
    return len(active) >= 5 and all(target["health"] == "up" for target in active)


def _assert_down_message(text: str, hub: dict[str, Any]) -> None:
    """The first line is what a phone shows; the next lines say since when, in the region's own time (WITA)."""
    first, *rest = text.splitlines()
    assert first == "🔴 DOWN · Sulawesi Selatan · Hub Makassar"
    since = datetime.fromisoformat(hub["state_since"]).astimezone(ZoneInfo("Asia/Makassar"))
    nearby = {(since + timedelta(seconds=off)).strftime("%H:%M:%S") for off in (-1, 0, 1)}
    assert any(f"{moment} WITA" in line for line in rest for moment in nearby), text
