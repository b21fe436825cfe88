"""Facts from a real OpenVPN server, by file and by socket: a client that connects, vanishes and returns.

A real exporter looks on, and says the same in its metrics and in the cause of the outage.
"""

from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING

from exporter.vpn.facts import Finding
from exporter.vpn.openvpn_status import parse_status
from exporter.vpn.reading import Trouble
from exporter.vpn.tunnels import TunnelFacts
from tests.exporter.vpn.rows import inventory, target
from tests.integration.lone_exporter import LoneExporter
from tests.integration.namespace import Namespace
from tests.integration.vpn import HUB, SITES, UPLINK, Vpn
from tests.integration.waiting import until

if TYPE_CHECKING:
    from pathlib import Path

    from exporter.vpn.facts import TunnelFact

FILE = ("openvpn-status", "noc.log")
SOCKET = ("openvpn-management", "m.sock")
# A silent client is given up after 6 s; the file is written each second. The later `keepalive` is the one that counts.
OPTIONS = "keepalive 1 3\nstatus-version 3\nstatus {folder}/noc.log 1\nmanagement {folder}/m.sock unix\n"


TARGETS = f"""\
version: 1
uplinks: ["{UPLINK}"]
regions:
  - {{id: SSL, name: Sulawesi Selatan}}
targets:
  - {{id: ssl-hub, name: Hub Makassar, region: SSL, address: {HUB}, tunnel: "openvpn:site"}}
  - {{id: ssl-gt-1, name: GT Reformasi, region: SSL, address: {SITES[0]}, gateway: ssl-hub}}
sources:
  - openvpn-status:noc.log
"""
UP = 'vpn_tunnel_up{target="ssl-hub",region="SSL"}'


def _ups(facts: tuple[TunnelFacts, ...]) -> list[bool | None]:
    return [each.read()["ssl-hub"].up for each in facts]


def test_a_client_connects_vanishes_and_returns(tmp_path: Path) -> None:
    """Both sources say so, the exporter names the tunnel as cause; bytes only grow; a stopped server is no news."""
    (tmp_path / "noc.log").touch(mode=0o640)
    (tmp_path / "targets.yml").write_text(TARGETS)
    hub = target("ssl-hub", tunnel="openvpn:site")
    with Namespace("tun-noc") as noc, Namespace("tun-site") as site:
        vpn = Vpn(noc, site, tmp_path, server_options=OPTIONS.format(folder=tmp_path))
        vpn.open()
        exporter = LoneExporter(noc, tmp_path / "targets.yml", tmp_path / "data")
        exporter.start()
        # docs/tunnels.md's way to let others read it: a file that is there already keeps its mode.
        assert (tmp_path / "noc.log").stat().st_mode & 0o777 == 0o640
        facts = tuple(TunnelFacts(inventory(hub, sources=(source,)), folder=tmp_path) for source in (FILE, SOCKET))
        until(lambda: _ups(facts) == [True, True], "both say that the client is connected", seconds=10)
        for each in facts:
            _assert_connected(each.report.facts["ssl-hub"])
        for version in (1, 2, 3):
            assert [row.name for row in parse_status(_ask(tmp_path, version)).rows] == ["site"]

        noc.run("ping", "-c", "5", "-i", "0.2", "-s", "1000", SITES[0])
        until(lambda: min(_bytes(facts)) >= 5000, "the pings are counted by both", seconds=10)

        with socket.socket(socket.AF_UNIX) as other:
            other.connect(str(tmp_path / "m.sock"))
            assert other.recv(100).startswith(b">INFO")
            assert facts[1].read()["ssl-hub"].up, "what was read a moment ago still counts"
            assert facts[1].report.sources == {SOCKET: None}
            late = TunnelFacts(inventory(hub, sources=(SOCKET,)), folder=tmp_path)
            assert late.read()["ssl-hub"].up is None
            assert late.report.sources == {SOCKET: Trouble.BUSY}

        until(lambda: set(exporter.states().values()) == {"up"}, "the exporter sees both up", seconds=20)
        until(lambda: exporter.metric(UP) == 1, "its metric says that the tunnel is up", seconds=10)

        before = _bytes(facts)
        vpn.cut()
        until(lambda: _ups(facts) == [False, False], "both say that it is gone", seconds=20)
        assert {each.report.facts["ssl-hub"].finding for each in facts} == {Finding.NOT_CONNECTED}
        until(lambda: exporter.targets()["ssl-hub"]["cause"] == "tunnel", "the tunnel is the cause", seconds=20)
        assert exporter.metric(UP) == 0
        site_down = exporter.targets()["ssl-gt-1"]
        assert (site_down["cause"], site_down["culprit"]) == ("hub", "ssl-hub")
        until(lambda: _journal(exporter) == {"ssl-hub": "tunnel", "ssl-gt-1": "hub"}, "the journal has it", seconds=5)

        vpn.restore()
        until(lambda: _ups(facts) == [True, True], "both say that it is back", seconds=10)
        assert all(now > then for now, then in zip(_bytes(facts), before, strict=True))

        until(lambda: exporter.metric(UP) == 1, "the exporter's metric is up again", seconds=15)
        assert exporter.stop() == 0

        server = noc._started[0]
        server.terminate()
        server.wait(timeout=10)
        assert "\tsite\t" in (tmp_path / "noc.log").read_text()
        until(lambda: facts[0].read()["ssl-hub"].up is None, "its file is not believed any more", seconds=20)
        assert facts[0].report.facts["ssl-hub"].finding is Finding.STALE
        facts[1].read()
        assert facts[1].report.sources == {SOCKET: Trouble.MISSING}


def _assert_connected(fact: TunnelFact) -> None:
    assert fact.finding is Finding.CONNECTED
    assert (fact.endpoint or "").startswith("192.0.2.2:")
    assert fact.handshake_at is not None
    assert abs(time.time() - fact.handshake_at) < 30


def _journal(exporter: LoneExporter) -> dict[str, str]:
    return {row["target"]: row["cause"] for row in exporter.outages()}


def _ask(folder: Path, version: int) -> str:
    """Return the answer to `status VERSION`, without what comes unasked."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(5)
        connection.connect(str(folder / "m.sock"))
        connection.sendall(f"status {version}\n".encode())
        answer = b""
        while not answer.endswith(b"\nEND\r\n"):
            answer += connection.recv(65536)
    return "\r\n".join(line for line in answer.decode().split("\r\n") if not line.startswith(">"))


def _bytes(facts: tuple[TunnelFacts, ...]) -> list[int]:
    return [each.read()["ssl-hub"].received_bytes or 0 for each in facts]
