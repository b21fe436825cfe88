"""`vpn_tunnel_*` as text: what is known has a line, what is not known has none."""

from __future__ import annotations

import pytest
from prometheus_client.parser import text_string_to_metric_families

from exporter.exposition import Exposition
from exporter.exposition_names import ALL_PARTS
from exporter.vpn.facts import Finding, TunnelFact, TunnelReport
from exporter.vpn.reading import Trouble
from tests.exporter.vpn.rows import NOW, inventory, target
from tests.exporter.web.sample import make_board, make_roster, neutral_verdict

HUB = target("jbr-hub", tunnel="openvpn:bandung")
UP = TunnelFact(
    kind="openvpn",
    peer="bandung",
    up=True,
    finding=Finding.CONNECTED,
    handshake_at=NOW,
    received_bytes=2**53 + 1,
    sent_bytes=0,
    endpoint="198.51.100.7:1194",
)


def _lines(report: TunnelReport) -> list[str]:
    roster = make_roster(inventory(HUB, target("site", gateway="jbr-hub")))
    exposition = Exposition(make_board(roster), tunnels=lambda: report)
    text = exposition.render(ALL_PARTS, roster, neutral_verdict(roster)).decode()
    return [line for line in text.splitlines() if line.startswith("vpn_tunnel")]


def test_all_that_is_known_of_a_tunnel() -> None:
    """Of the target that names it, and of no other; whole numbers stay whole."""
    sources = {("openvpn-status", "noc.log"): None, ("wireguard", "wg0"): Trouble.PERMISSION}
    assert _lines(TunnelReport(facts={"jbr-hub": UP}, sources=sources)) == [
        'vpn_tunnel_up{target="jbr-hub",region="JBR"} 1',
        'vpn_tunnel_handshake_timestamp_seconds{target="jbr-hub",region="JBR"} 1795571872.0',
        'vpn_tunnel_received_bytes_total{target="jbr-hub",region="JBR"} 9007199254740993',
        'vpn_tunnel_sent_bytes_total{target="jbr-hub",region="JBR"} 0',
        'vpn_tunnel_info{target="jbr-hub",region="JBR",kind="openvpn",peer="bandung",endpoint="198.51.100.7:1194"} 1',
        'vpn_tunnel_source_up{kind="openvpn-status",source="noc.log"} 1',
        'vpn_tunnel_source_up{kind="wireguard",source="wg0"} 0',
    ]


def test_what_is_not_known_has_no_line() -> None:
    """Never 0: only what is configured is said."""
    unknown = TunnelFact(kind="openvpn", peer="bandung", up=None, finding=Finding.STALE)
    assert _lines(TunnelReport(facts={"jbr-hub": unknown})) == [
        'vpn_tunnel_info{target="jbr-hub",region="JBR",kind="openvpn",peer="bandung",endpoint=""} 1'
    ]


def test_a_tunnel_known_to_be_down_is_0() -> None:
    down = TunnelFact(kind="openvpn", peer="bandung", up=False, finding=Finding.NOT_CONNECTED)
    assert _lines(TunnelReport(facts={"jbr-hub": down}))[0] == 'vpn_tunnel_up{target="jbr-hub",region="JBR"} 0'


@pytest.mark.parametrize("name", ["gone", "site"])
def test_facts_of_another_inventory_are_left_out(name: str) -> None:
    """Between a reload and the next look: a target that is gone, or has that tunnel no longer."""
    assert _lines(TunnelReport(facts={name: UP})) == []


def test_hostile_names_come_back_as_they_went() -> None:
    """A common name is whatever somebody wrote into a certificate."""
    name = 'GT "Pasteur", 2\\ \U0001f6e3'
    hub = target("jbr-hub", tunnel=f"openvpn:{name}")
    roster = make_roster(inventory(hub))
    fact = TunnelFact(kind="openvpn", peer=name, up=True, finding=Finding.CONNECTED)
    exposition = Exposition(make_board(roster), tunnels=lambda: TunnelReport(facts={"jbr-hub": fact}))
    text = exposition.render(ALL_PARTS, roster, neutral_verdict(roster)).decode()
    samples = {sample.name: sample for family in text_string_to_metric_families(text) for sample in family.samples}
    assert samples["vpn_tunnel_info"].labels["peer"] == name
