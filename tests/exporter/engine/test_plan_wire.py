"""Plans arrive as they were sent."""

from __future__ import annotations

import socket

import pytest

from exporter.engine.assignment import assign
from exporter.engine.board import PROCESS_CONNECT, PROCESS_ICMP
from exporter.engine.plan import Plan, SlotPlan
from exporter.engine.plan_wire import (
    decode_json,
    decode_records,
    encode_json,
    packed_address,
    receive_plan,
    send_plan,
)
from exporter.inventory.model import Inventory, ProbeKind, ProbeSpec, Profile, Region, Target, Uplink
from exporter.roster import build_roster

HTTP = ProbeSpec(kind=ProbeKind.HTTP, text="http://x/", port=80, url="http://x/", expect_status=frozenset({200, 401}))


def _target(name: str, address: str, probe: ProbeSpec | None = None) -> Target:
    return Target(
        id=name,
        name=name,
        region="JBR",
        address=address,
        probe=probe or ProbeSpec(kind=ProbeKind.ICMP),
        settings=Profile(payload_bytes=100, dscp=46, source="192.0.2.1"),
    )


def test_json_round_trip() -> None:
    """Every field survives, sets and absent values included."""
    slot = SlotPlan(
        slot=3,
        generation=9,
        region=-1,
        address=None,
        probe=HTTP,
        interval_seconds=10.0,
        timeout_seconds=1.5,
        phase_key="Gerbang Tol é",
        payload_bytes=24,
        dscp=0,
        source="::1",
        confirm=False,
    )
    plan = Plan(number=7, slots=(slot,))
    assert decode_json(encode_json(plan)) == plan


def test_names_are_replaced_by_what_they_resolve_to() -> None:
    """Each process gets its own slots; names get the address known now, or none; uplinks are not confirmed."""
    inventory = Inventory(
        regions=(Region(id="JBR", name="Jawa Barat"),),
        targets=(
            _target("a", "10.0.0.1"),
            _target("b", "b.vpn.internal"),
            _target("c", "c.vpn.internal"),
            _target("six", "2001:db8::1"),
            _target("web", "w.vpn.internal", HTTP),
        ),
        uplinks=(Uplink(address="10.0.0.254"),),
    )
    assignments = assign(build_roster(inventory), portable=False)
    known = {"b.vpn.internal": "10.0.0.2", "w.vpn.internal": "10.0.0.3"}
    number, records = decode_records(assignments[PROCESS_ICMP].encode(5, known.get))
    by_version = {int(record["slot"]): (int(record["version"]), bytes(record["address"][:4])) for record in records}
    targets = build_roster(inventory).slot_of
    assert number == 5
    assert by_version[targets["a"]] == (4, bytes([10, 0, 0, 1]))
    assert by_version[targets["b"]] == (4, bytes([10, 0, 0, 2]))
    assert by_version[targets["c"]][0] == 0
    assert by_version[targets["six"]] == (6, bytes([0x20, 0x01, 0x0D, 0xB8]))
    assert sorted(records["confirm"].tolist()) == [False, True, True, True, True]
    assert sorted(records["region"].tolist()) == [-1, 0, 0, 0, 0]
    moved = decode_records(assignments[PROCESS_ICMP].encode(6, {"c.vpn.internal": "10.0.0.9"}.get))[1]
    assert sorted(moved["version"].tolist()) == [0, 4, 4, 4, 6]
    web = decode_json(assignments[PROCESS_CONNECT].encode(5, known.get))
    assert [(slot.address, slot.probe) for slot in web.slots] == [("10.0.0.3", HTTP)]
    assert assignments[PROCESS_ICMP].names == {"b.vpn.internal", "c.vpn.internal"}


@pytest.mark.parametrize(
    ("text", "version", "scope"),
    [
        ("10.1.2.3", 4, 0),
        ("fe80::1%1", 6, 1),
        ("fe80::1%lo", 6, 1),
        ("fe80::1%none", 0, 0),
        ("a.b", 0, 0),
        (None, 0, 0),
    ],
)
def test_packed_addresses(text: str | None, version: int, scope: int) -> None:
    """IPv4, IPv6 with a zone by number or name, and what is no address."""
    found = packed_address(text)
    assert (found[0], found[2]) == (version, scope)
    assert len(found[1]) == 16


def test_a_plan_of_any_size_is_one_message() -> None:
    """Megabytes travel by descriptor: the sender never waits, the receiver gets all or nothing."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.setblocking(False)  # noqa: FBT003 - the standard library's signature
        with pytest.raises(BlockingIOError):
            receive_plan(theirs)
        data = bytes(range(256)) * 20_000
        send_plan(ours, data)
        send_plan(ours, b"second")
        assert receive_plan(theirs) == data
        assert receive_plan(theirs) == b"second"
        ours.close()
        assert receive_plan(theirs) is None
