"""Tunnel facts of targets, from files as servers write them: what is known, what is not, and that nothing raises."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs

from exporter.vpn import sources
from exporter.vpn.facts import Finding, TunnelFact
from exporter.vpn.reading import SourceError, Trouble
from exporter.vpn.tunnels import TunnelFacts
from tests.exporter.vpn.rows import KEY, NOW, inventory, table, target, write

if TYPE_CHECKING:
    from pathlib import Path

    from exporter.inventory.model import Target

STATUS = ("openvpn-status", "noc.log")
HUB = target("jbr-hub", tunnel="openvpn:bandung")
SITE = target("jbr-gt-1", gateway="jbr-hub")


class World:
    """A folder with status files and a clock that is moved by hand."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.now = NOW
        self.tunnels = self.watch(HUB, SITE)

    def watch(self, *targets: Target, sources: tuple[tuple[str, str], ...] = (STATUS,)) -> TunnelFacts:
        self.tunnels = TunnelFacts(
            inventory(*targets, sources=sources),
            folder=self.folder,
            wall=lambda: self.now,
        )
        return self.tunnels

    def write(self, *clients: tuple[str, int, int, int], name: str = "noc.log") -> None:
        write(self.folder / name, table(*clients, at=self.now), at=self.now)

    def later(self, seconds: float) -> None:
        self.now += seconds

    def fact(self, name: str = "jbr-hub") -> TunnelFact:
        return self.tunnels.read()[name]


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_a_connected_client_is_up_and_only_the_target_that_names_it_has_a_fact(world: World) -> None:
    """Sites behind the hub inherit it for their cause, not as series."""
    world.write(("bandung", 100, 200, 1))
    assert dict(world.tunnels.read()) == {
        "jbr-hub": TunnelFact(
            kind="openvpn",
            peer="bandung",
            up=True,
            finding=Finding.CONNECTED,
            handshake_at=NOW - 59,
            received_bytes=0,
            sent_bytes=0,
            endpoint="198.51.100.7:1",
        )
    }
    assert world.tunnels.report.facts["jbr-hub"].up
    assert world.tunnels.report.sources == {STATUS: None}


def test_a_client_that_left_the_table_is_down_and_its_bytes_stay(world: World) -> None:
    world.write(("bandung", 100, 200, 1))
    world.fact()
    world.later(10)
    world.write(("bandung", 150, 260, 1))
    assert (world.fact().received_bytes, world.fact().sent_bytes) == (50, 60)
    world.later(10)
    world.write()
    fact = world.fact()
    assert (fact.up, fact.finding, fact.received_bytes, fact.handshake_at) == (False, Finding.NOT_CONNECTED, 50, None)
    world.later(10)
    world.write(("bandung", 7, 9, 2))
    assert (world.fact().up, world.fact().received_bytes, world.fact().sent_bytes) == (True, 57, 69)


def test_the_file_of_a_stopped_server_is_no_news(world: World) -> None:
    """It shows everybody connected for ever: after two intervals nothing is known, and bytes are absent."""
    world.write(("bandung", 100, 200, 1))
    world.later(125)
    assert world.fact().up
    world.later(1)
    assert world.fact() == TunnelFact(kind="openvpn", peer="bandung", up=None, finding=Finding.STALE)
    assert world.tunnels.report.sources == {STATUS: Trouble.STALE}


def test_a_clock_that_is_set_back_does_not_silence_a_source(world: World) -> None:
    """What was read before then lies in the future: it is forgotten, and what is read now counts."""
    world.write(("bandung", 100, 200, 1))
    assert world.fact().up
    world.later(-3600)
    assert world.fact().finding is Finding.STALE
    world.write(("bandung", 150, 260, 1))
    world.later(1)
    assert (world.fact().up, world.fact().received_bytes) == (True, 0)


def test_a_copied_file_is_as_old_as_the_server_says(world: World) -> None:
    """A copy made just now of what was written an hour ago."""
    write(world.folder / "noc.log", table(("bandung", 1, 1, 1), at=NOW - 3600), at=NOW)
    world.later(1)
    assert world.fact().finding is Finding.STALE


def test_a_file_that_is_gone_is_believed_for_a_while_and_then_not_known(world: World) -> None:
    """Never "nobody is connected"."""
    world.write(("bandung", 100, 200, 1))
    assert world.fact().up
    (world.folder / "noc.log").unlink()
    world.later(5)
    assert world.fact().up
    assert world.tunnels.report.sources == {STATUS: Trouble.MISSING}
    world.later(125)
    assert world.fact().up is None


def test_a_client_of_one_of_two_servers_is_up(world: World) -> None:
    """And where one of two says nothing, a client that the other does not list is not known to be down."""
    other = ("openvpn-status", "second.log")
    world.watch(HUB, sources=(STATUS, other))
    world.write(("bandung", 0, 0, 1))
    world.write(name="second.log")
    world.later(1)
    assert world.fact().up
    world.later(10)
    world.write()
    world.write(("bandung", 30, 40, 1), name="second.log")
    world.later(1)
    assert (world.fact().up, world.fact().received_bytes) == (True, 30)
    world.later(200)
    world.write()
    world.later(1)
    assert (world.fact().up, world.fact().finding, world.fact().received_bytes) == (None, Finding.STALE, 30)
    world.write(name="second.log")
    world.later(1)
    assert (world.fact().up, world.fact().finding) == (False, Finding.NOT_CONNECTED)


def test_what_no_source_can_know_is_not_known(world: World) -> None:
    """No source of the kind; a WireGuard key that is no peer."""
    write(world.folder / "wg.dump", "", at=NOW)
    world.watch(
        target("a", tunnel="mikrotik:ppp1"),
        target("bb", tunnel="openvpn:bandung"),
        target("ccc", tunnel=f"wireguard:{KEY}"),
        sources=(("wireguard-dump", "wg.dump"), ("csv", "sites.csv")),
    )
    world.later(1)
    facts = world.tunnels.read()
    assert [fact.finding for fact in facts.values()] == [Finding.NO_SOURCE, Finding.NO_SOURCE, Finding.NOT_A_PEER]
    assert {fact.up for fact in facts.values()} == {None}
    assert list(world.tunnels.report.sources) == [("wireguard-dump", "wg.dump")]


def test_a_dump_written_by_a_timer_is_judged_by_its_own_times(world: World) -> None:
    """Looked at more often than it is written: the 25 s of silence are those between the dumps."""
    world.watch(target("a", tunnel=f"wireguard:{KEY}"), sources=(("wireguard-dump", "wg.dump"),))
    seen = []
    for turn in range(6):
        sent = 1000 * turn
        line = f"wg0\t{KEY}\t198.51.100.7:1\t10.20.0.2/32\t{NOW - 30:.0f}\t500\t{sent}\toff\n"
        write(world.folder / "wg.dump", line, at=world.now)
        for _ in range(3):
            world.later(5)
            seen.append(world.fact("a").up)
    # Written every 15 s: asked by the second dump, so silent for 25 s at the fourth (30 s later).
    assert seen == [True] * 9 + [False] * 9


def test_a_reload_keeps_what_is_remembered(world: World) -> None:
    """Bytes go on; a source that is gone takes its facts with it."""
    world.write(("bandung", 100, 0, 1))
    world.fact()
    world.tunnels.follow(inventory(HUB, target("z", tunnel="openvpn:bandung"), sources=(STATUS,)))
    world.later(10)
    world.write(("bandung", 130, 0, 1))
    assert {name: fact.received_bytes for name, fact in world.tunnels.read().items()} == {"jbr-hub": 30, "z": 30}
    world.tunnels.follow(inventory(HUB))
    assert world.fact().finding is Finding.NO_SOURCE
    assert world.tunnels.report.sources == {}


def test_trouble_is_logged_when_it_changes(world: World) -> None:
    """Not at every look; and again when the source speaks."""
    with capture_logs() as logs:
        for _ in range(3):
            world.fact()
        world.write()
        world.later(1)
        world.fact()
        world.fact()
    assert [(entry["event"], entry.get("reason")) for entry in logs] == [
        ("tunnel source says nothing", "missing"),
        ("tunnel source speaks again", None),
    ]


def test_damaged_rows_are_logged_when_their_number_changes(world: World) -> None:
    """And who is not among the rows that can be read is not known."""
    damaged = table(("dago", 1, 1, 1), at=NOW).replace("END\n", "CLIENT_LIST\thalf\nEND\n")
    with capture_logs() as logs:
        for text in (damaged, damaged, table(("dago", 1, 1, 1), at=NOW), damaged):
            write(world.folder / "noc.log", text.replace(f"{NOW:.0f}", f"{world.now:.0f}"), at=world.now)
            world.later(10)
            expected = Finding.DAMAGED if text is damaged else Finding.NEVER_CONNECTED
            assert world.fact().finding is expected
    assert [(entry["event"], entry["rows"]) for entry in logs] == [
        ("tunnel source has damaged rows", 1),
        ("tunnel source has damaged rows", 1),
    ]


def test_a_fault_of_one_source_touches_no_other(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is raised, whatever happens; the others are read."""

    def explode(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(sources, "show_wireguard", explode)
    world.watch(HUB, sources=(("wireguard", "wg0"), STATUS))
    world.write(("bandung", 0, 0, 1))
    with capture_logs() as logs:
        assert world.fact().up
        assert world.fact().up
    assert [entry["event"] for entry in logs] == ["tunnel source failed", "tunnel source says nothing"]
    assert world.tunnels.report.sources == {("wireguard", "wg0"): Trouble.FAILED, STATUS: None}


@pytest.mark.parametrize("garbage", [b"", b"\xff\xfe\x00", b"TITLE,x\nEND\n", os.urandom(4096)])
def test_garbage_is_a_trouble_and_no_news(world: World, garbage: bytes) -> None:
    (world.folder / "noc.log").write_bytes(garbage)
    os.utime(world.folder / "noc.log", (NOW, NOW))
    world.later(1)
    assert world.fact().up is None
    assert world.tunnels.report.sources[STATUS] in {Trouble.FORMAT, Trouble.BUSY}


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        ("/run/openvpn/noc.sock", "/run/openvpn/noc.sock"),
        ("m.sock", "{folder}/m.sock"),
        ("127.0.0.1:7505", ("127.0.0.1", 7505)),
        ("[::1]:7505", ("::1", 7505)),
        ("vpn.internal:7505", ("vpn.internal", 7505)),
    ],
)
def test_the_place_of_a_management_interface(
    place: str, expected: str | tuple[str, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A socket, relative to targets.yml, or host and port."""
    asked: list[object] = []

    def ask(where: object) -> None:
        asked.append(where if isinstance(where, tuple) else str(where))
        raise SourceError(Trouble.MISSING, "")

    monkeypatch.setattr(sources, "ask_management", ask)
    facts = TunnelFacts(inventory(HUB, sources=(("openvpn-management", place),)), folder=tmp_path)
    facts.read()
    assert asked == [expected.format(folder=tmp_path) if isinstance(expected, str) else expected]
