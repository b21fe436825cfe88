"""Who sits in which slot: unchanged targets keep their seat, new ones get a fresh one, indices never lie."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from exporter.engine.board import PROCESS_CONNECT, PROCESS_ICMP
from exporter.inventory.load import parse_inventory
from exporter.inventory.model import Inventory, ProbeKind, ProbeSpec, Profile, Region, Target, Uplink
from exporter.roster import Roster, build_roster

ICMP = ProbeSpec(kind=ProbeKind.ICMP)
REGION = Region(id="JKT", name="DKI Jakarta")


def _target(target_id: str, **changes: object) -> Target:
    address = f"10.0.0.{len(target_id)}"
    plain = Target(id=target_id, name=target_id, region="JKT", address=address, probe=ICMP, settings=Profile())
    return replace(plain, **changes)  # type: ignore[arg-type] # the names are those of Target's fields


def _inventory(*targets: Target, uplinks: tuple[str, ...] = ()) -> Inventory:
    return Inventory(regions=(REGION,), targets=targets, uplinks=tuple(Uplink(address=each) for each in uplinks))


def test_a_renamed_target_keeps_its_seat_and_generation() -> None:
    """Name, region, limits and gateway may change; the evidence stays."""
    before = build_roster(_inventory(_target("a"), _target("bb")))
    after = build_roster(_inventory(_target("a", name="A", kind="router"), _target("bb", gateway="a")), before)
    assert after.slot_of == before.slot_of
    assert after.generation.tolist() == before.generation.tolist()
    assert (after.fresh, after.freed) == ((), ())
    assert after.gateway.tolist() == [-1, 0]


def test_another_address_or_probe_is_another_target() -> None:
    """Evidence of one address says nothing of another."""
    before = build_roster(_inventory(_target("a")))
    moved = build_roster(_inventory(_target("a", address="10.9.9.9")), before)
    assert moved.freed == (before.slot_of["a"],)
    assert moved.fresh == (moved.slot_of["a"],)
    assert moved.slot_of["a"] != before.slot_of["a"], "probes to the old address may still be in flight"
    assert int(moved.generation[moved.slot_of["a"]]) > int(before.generation[before.slot_of["a"]])


def test_a_freed_seat_is_given_out_again_one_build_later() -> None:
    """The board does not grow with every reload."""
    first = build_roster(_inventory(_target("a"), _target("bb")))
    second = build_roster(_inventory(_target("a")), first)
    third = build_roster(_inventory(_target("a"), _target("ccc")), second)
    assert third.slot_of["ccc"] == first.slot_of["bb"]
    assert int(third.generation[third.slot_of["ccc"]]) == 3


def test_columns_follow_the_file() -> None:
    """Process, gateway, provider and uplinks are where the judge looks for them."""
    roster = build_roster(
        parse_inventory(
            "version: 1\nuplinks: [192.0.2.1]\nregions: [{id: JKT, name: DKI Jakarta}, {id: JBR, name: Jawa Barat}]\n"
            "targets:\n"
            "  - {id: hub, name: Hub, region: JKT, address: 10.0.0.1, provider: Telkom}\n"
            "  - {id: site, name: Site, region: JBR, address: 10.0.0.2, gateway: hub, probe: 'tcp:22', provider: XL}\n",
            "targets.yml",
        )
    )
    hub, site = roster.slot_of["hub"], roster.slot_of["site"]
    assert int(roster.gateway[site]) == hub
    assert [int(roster.process[slot]) for slot in (hub, site)] == [PROCESS_ICMP, PROCESS_CONNECT]
    assert roster.regions[int(roster.region[site])] == roster.inventory.regions[1]
    assert int(roster.provider[hub]) != int(roster.provider[site])
    ((address, slot),) = roster.uplinks
    assert address == "192.0.2.1"
    assert not bool(roster.is_target[slot])


def test_a_region_keeps_its_index_and_none_is_used_twice() -> None:
    """The region histograms of the board belong to an index for as long as the exporter runs."""
    other = Region(id="JBR", name="Jawa Barat")
    first = build_roster(Inventory(regions=(REGION, other), targets=(_target("a"),)))
    second = build_roster(Inventory(regions=(REGION,), targets=(_target("a"),)), first)
    third = build_roster(Inventory(regions=(other, REGION), targets=(_target("a"),)), second)
    assert first.region_index_of == {"JKT": 0, "JBR": 1}
    assert second.region_index_of == {"JKT": 0}
    assert third.region_index_of == {"JKT": 0, "JBR": 2}


@given(st.lists(st.sets(st.sampled_from("abcdefgh")), min_size=1, max_size=8))
def test_any_reloads_keep_the_books(steps: list[set[str]]) -> None:
    """After any reloads each target has one seat, generations only grow, and who stayed has stayed."""
    roster: Roster | None = None
    highest = 0
    for step in steps:
        before: Roster | None = roster
        names = sorted(step)
        roster = build_roster(_inventory(*(_target(name, address=f"10.0.0.{ord(name)}") for name in names)), before)
        assert sorted(roster.slot_of) == names
        assert len(set(roster.slot_of.values())) == len(names)
        for slot in roster.fresh:
            assert int(roster.generation[slot]) > highest
        highest = max(highest, roster.last_generation)
        if before is not None:
            for name in step & set(before.slot_of):
                assert roster.slot_of[name] == before.slot_of[name]
