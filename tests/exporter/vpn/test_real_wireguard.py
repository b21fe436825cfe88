"""Facts from real WireGuard (wireguard-go): a peer that is there though nobody answers behind it, and one that dies."""

from __future__ import annotations

import os
import subprocess
from functools import partial
from typing import TYPE_CHECKING

from exporter.vpn import evidence
from exporter.vpn.facts import Finding
from exporter.vpn.tunnels import TunnelFacts
from tests.exporter.vpn.rows import inventory, target
from tests.integration.namespace import Namespace, ip, join
from tests.integration.waiting import until

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

SILENT_SECONDS = 13.0  # the product's 25, shortened; a live peer must speak after ten
# Names of interfaces are also names of sockets in one folder, whatever the namespace.
HUB, ALIVE, DYING = (f"{letter}{os.getpid()}" for letter in ("wgh", "wga", "wgd"))


class _Keys:
    """A key pair, made for this test."""

    def __init__(self, folder: Path, name: str) -> None:
        self.private = subprocess.run(["wg", "genkey"], check=True, capture_output=True, text=True).stdout
        done = subprocess.run(["wg", "pubkey"], check=True, capture_output=True, text=True, input=self.private)
        self.public = done.stdout.strip()
        self.file = folder / f"{name}.key"
        self.file.write_text(self.private)


def _interface(
    space: Namespace, name: str, address: str, keys: _Keys, log: Path, *peer: str
) -> subprocess.Popen[bytes]:
    process = space.start("wireguard-go", "-f", name, log=log)
    until(lambda: space.run("wg", "show", name, check=False).code == 0, f"{name} is there", seconds=10)
    space.run("wg", "set", name, "private-key", str(keys.file), *peer)
    ip("-n", space.name, "addr", "add", address, "dev", name)
    ip("-n", space.name, "link", "set", name, "up")
    return process


def test_a_dead_peer_is_told_from_one_behind_which_nobody_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both get pings that nobody answers; the live one sends its empty packets, the killed one nothing."""
    monkeypatch.setattr(evidence, "SILENT_SECONDS", SILENT_SECONDS)
    hub, alive, dying = (_Keys(tmp_path, name) for name in ("hub", "alive", "dying"))
    log = tmp_path / "wireguard.log"
    with Namespace("wg-noc") as noc, Namespace("wg-site") as site:
        join(noc, "192.0.2.1/30", site, "192.0.2.2/30")
        server = ("peer", hub.public, "endpoint", "192.0.2.1:51820", "allowed-ips", "10.99.0.1/32")
        _interface(
            noc, HUB, "10.99.0.1/16", hub, log,
            "listen-port", "51820",
            "peer", alive.public, "allowed-ips", "10.99.1.0/24",
            "peer", dying.public, "allowed-ips", "10.99.2.0/24",
        )  # fmt: skip
        _interface(site, ALIVE, "10.99.1.1/32", alive, log, *server)
        doomed = _interface(site, DYING, "10.99.2.1/32", dying, log, *server)
        for name, address in ((ALIVE, "10.99.1.1"), (DYING, "10.99.2.1")):
            ip("-n", site.name, "route", "add", "10.99.0.1/32", "dev", name, "src", address, "metric", address[-3])
            until(partial(_carries, site, name), f"{name} carries packets", seconds=10)
        targets = (
            target("alive", tunnel=f"wireguard:{alive.public}"),
            target("dying-1", tunnel=f"wireguard:{dying.public}"),
        )
        # The command runs where the interface is, as it does in production; two targets, one source.
        facts = TunnelFacts(inventory(*targets, sources=(("wireguard", HUB),)), folder=tmp_path)

        def ups() -> list[bool | None]:
            return [fact.up for fact in noc.call(facts.read).values()]

        assert ups() == [True, True]
        for address in ("10.99.1.99", "10.99.2.99"):  # nobody has these
            noc.start("ping", "-i", "0.5", address, log=tmp_path / "ping.log")
        doomed.kill()
        until(lambda: ups() == [True, False], "only the dead peer is down", seconds=SILENT_SECONDS + 10, every=0.5)
        report = facts.report.facts
        assert report["dying-1"].finding is Finding.SILENT
        assert report["alive"].finding is Finding.CONNECTED
        assert report["alive"].handshake_at is not None
        assert (report["alive"].endpoint or "").startswith("192.0.2.2:")
        assert (report["alive"].sent_bytes or 0) > 1000
        assert hub.private.strip() not in repr(facts.report)


def _carries(site: Namespace, name: str) -> bool:
    return site.run("ping", "-c", "1", "-W", "1", "-I", name, "10.99.0.1", check=False).code == 0
