"""A made-up country for the tests of metrics, API and pages: every state, cause and gap at least once."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from exporter.engine.board import Board, BoardSize
from exporter.inventory.model import Inventory, ProbeKind, ProbeSpec, Profile, Region, Role, Target, Uplink
from exporter.outcome import (
    CAUSES,
    REASONS,
    UNKNOWN_REASONS,
    Cause,
    FailureReason,
    ImpairedReason,
    State,
    UnknownReason,
    failure_status,
)
from exporter.roster import Roster, build_roster
from exporter.state.verdict import NO_STATE, Verdict

NOW = 1_795_600_000.0  # 2026-11-25T09:46:40Z

REGIONS = (
    Region(id="JBR", name="Jawa Barat", latitude=-6.92, longitude=107.61),
    Region(id="BTN", name="Banten", latitude=-6.12, longitude=106.15),
    Region(id="BAL", name="Bali", latitude=-8.65, longitude=115.22, timezone="Asia/Makassar"),
    Region(id="PAP", name="Papua", latitude=-2.54, longitude=140.7, timezone="Asia/Jayapura"),
    Region(id="KAL", name="Kalimantan Timur", latitude=-0.5, longitude=117.15, timezone="Asia/Makassar"),
    Region(id="SUM", name="Sumatera Utara"),  # not on the map
)


def _site(number: int, region: str, name: str, gateway: str | None) -> Target:
    return Target(
        id=f"{region.lower()}-{number}",
        name=name,
        region=region,
        address=f"10.20.{number}.11",
        probe=ProbeSpec(kind=ProbeKind.ICMP),
        settings=Profile(),
        kind="toll-gate",
        gateway=gateway,
    )


TARGETS = (
    replace(_site(1, "JBR", "Bandung hub", None), kind="router", role=Role.HUB),
    replace(_site(2, "JBR", "GT Pasteur 1", "jbr-1"), latitude=-6.889, longitude=107.575),
    replace(_site(3, "JBR", "Parkir Dago", "jbr-1"), latitude=-6.87, longitude=107.62, kind="parking"),
    replace(_site(4, "BTN", "Serang hub", None), kind="router", role=Role.HUB, latitude=-6.11, longitude=106.16),
    replace(_site(5, "BTN", "GT Merak", "btn-4"), latitude=-5.93, longitude=106.0),
    replace(_site(6, "BTN", "GT Cikupa", "btn-4"), latitude=-6.2, longitude=106.5),
    replace(_site(7, "BAL", "Uluwatu", None), latitude=-8.829, longitude=115.085, kind="entrance", provider="Telko"),
    replace(_site(8, "PAP", "Sentani", None), latitude=-2.57, longitude=140.51, settings=Profile(name="vsat")),
    replace(
        _site(9, "KAL", "Balikpapan API", None), probe=ProbeSpec(kind=ProbeKind.TCP, text="tcp:443", port=443), kind=""
    ),
    replace(_site(10, "SUM", "Medan name", None), address="medan.vpn.internal"),
)

INVENTORY = Inventory(regions=REGIONS, targets=TARGETS, uplinks=(Uplink(address="10.20.0.1"),))


def make_roster(inventory: Inventory = INVENTORY) -> Roster:
    """Return the roster of a made-up inventory."""
    return build_roster(inventory)


def make_board(roster: Roster, *, regions: int | None = None) -> Board:
    """Return a board with the roster's generations and 100 probes of each target."""
    board = Board.create(BoardSize(slots=max(roster.size, 16), regions=regions or max(len(roster.regions), 1)))
    for slot in range(roster.size):
        board.clear_slot(slot, int(roster.generation[slot]))
    board.slot["probes_total"][: roster.size] = np.where(roster.is_target, 100, 0)
    return board


def neutral_verdict(roster: Roster, *, at: float = NOW) -> Verdict:
    """Return a verdict that has everything up for an hour."""
    size, regions = roster.size, len(roster.regions)
    return Verdict(
        at=at,
        code=np.full(size, State.UP, dtype=np.uint8),
        unknown_reason=np.zeros(size, dtype=np.uint8),
        last_known=np.full(size, State.UP, dtype=np.uint8),
        since=np.full(size, at - 3600.0),
        outage=np.zeros(size, dtype=np.bool_),
        cut_off=np.zeros(size, dtype=np.bool_),
        cause=np.full(size, -1, dtype=np.int8),
        culprit=np.full(size, -1, dtype=np.int32),
        cut_off_count=np.zeros(size, dtype=np.int32),
        flapping=np.zeros(size, dtype=np.bool_),
        pending_state=np.full(size, NO_STATE, dtype=np.uint8),
        pending_probes=np.zeros(size, dtype=np.int32),
        rtt=np.full(size, 0.0123),
        last_rtt=np.full(size, 0.0119),
        jitter=np.full(size, 0.0004),
        loss=np.zeros(size),
        region_code=np.full(regions, State.UP, dtype=np.uint8),
        region_since=np.full(regions, at - 7200.0),
        region_outage=np.zeros(regions, dtype=np.bool_),
        isolated=False,
        impaired=frozenset(),
        uplink_up=dict.fromkeys((address for address, _ in roster.uplinks), True),
    )


def set_down(verdict: Verdict, roster: Roster, target: str, cause: Cause, culprit: int, *, since: float) -> None:
    """Put a target into outage: of its own, or cut off where another target is the culprit."""
    slot = roster.slot_of[target]
    verdict.code[slot] = State.DOWN
    verdict.since[slot] = since
    verdict.cause[slot] = CAUSES.index(cause)
    verdict.culprit[slot] = culprit
    cut_off = culprit not in (slot, -1)
    verdict.cut_off[slot], verdict.outage[slot] = cut_off, not cut_off
    verdict.last_rtt[slot] = np.nan
    verdict.loss[slot] = 1.0


def sample_verdict(roster: Roster, *, at: float = NOW) -> Verdict:
    """Return a verdict with every kind of trouble in it."""
    verdict = neutral_verdict(roster, at=at)
    seat = roster.slot_of
    hub = seat["btn-4"]
    set_down(verdict, roster, "btn-4", Cause.HUB, hub, since=at - 125.5)
    set_down(verdict, roster, "btn-5", Cause.HUB, hub, since=at - 125.0)
    set_down(verdict, roster, "btn-6", Cause.HUB, hub, since=at - 124.0)
    verdict.cut_off_count[hub] = 2
    set_down(verdict, roster, "kal-9", Cause.REGION, -(roster.region_index_of["KAL"] + 2), since=at - 4000.0)
    low = seat["jbr-2"]
    verdict.code[low], verdict.since[low], verdict.loss[low] = State.LOW, at - 61.25, 0.15
    verdict.flapping[low] = True
    near = seat["jbr-3"]
    verdict.pending_state[near], verdict.pending_probes[near] = State.DOWN, 4
    verdict.last_rtt[near] = np.nan
    unknown = seat["sum-10"]
    verdict.code[unknown] = State.UNKNOWN
    verdict.unknown_reason[unknown] = UNKNOWN_REASONS.index(UnknownReason.UNRESOLVED)
    verdict.last_known[unknown] = State.UNKNOWN
    for column in (verdict.rtt, verdict.last_rtt, verdict.jitter, verdict.loss):
        column[unknown] = np.nan
    verdict.rtt[seat["pap-8"]] = verdict.last_rtt[seat["pap-8"]] = 0.612345678
    index = roster.region_index_of
    verdict.region_code[index["BTN"]] = verdict.region_code[index["KAL"]] = State.DOWN
    verdict.region_code[index["JBR"]] = State.LOW
    verdict.region_code[index["SUM"]] = State.UNKNOWN
    verdict.region_outage[index["KAL"]] = True
    return verdict


def isolated(verdict: Verdict) -> Verdict:
    """Return the same moment with our own line gone and the engine late."""
    return replace(
        verdict,
        isolated=True,
        impaired=frozenset({ImpairedReason.LATE}),
        uplink_up=dict.fromkeys(verdict.uplink_up, False),
    )


def put_probe(
    board: Board, slot: int, *, sent_at: float, rtt: float | None, reason: FailureReason = FailureReason.TIMEOUT
) -> None:
    """Write one ended grid probe into a slot's ring, as the engine does."""
    count = int(board.slot["grid_count"][slot])
    place = count % board.slot["grid_sent_at"].shape[1]
    board.slot["grid_sent_at"][slot, place] = sent_at
    board.slot["grid_rtt"][slot, place] = np.nan if rtt is None else rtt
    board.slot["grid_status"][slot, place] = 2 if rtt is not None else failure_status(reason)
    board.slot["grid_count"][slot] = count + 1
    board.slot["probes_total"][slot] = int(board.slot["probes_total"][slot]) + 1
    if rtt is None:
        column = REASONS.index(reason)
        board.slot["failures_total"][slot, column] = int(board.slot["failures_total"][slot, column]) + 1


def big_inventory(count: int) -> Inventory:
    """Return `count` targets behind hubs of 100, spread over the regions that have a place."""
    placed = [region for region in REGIONS if region.latitude is not None]
    targets: list[Target] = []
    for number in range(count):
        hub = number - number % 100
        region = placed[(number // 100) % len(placed)]
        targets.append(
            Target(
                id=f"{region.id.lower()}-{number:06d}",
                name=f"Gerbang {number}",
                region=region.id,
                address=f"10.{number >> 16}.{(number >> 8) & 255}.{number & 255}",
                probe=ProbeSpec(kind=ProbeKind.ICMP),
                settings=Profile(),
                kind="toll-gate",
                gateway=None if number == hub else f"{region.id.lower()}-{hub:06d}",
                role=Role.HUB if number == hub else Role.SITE,
                latitude=(region.latitude or 0.0) + (number % 10 - 5) * 0.15,
                longitude=(region.longitude or 0.0) + (number // 10 % 10 - 5) * 0.15,
            )
        )
    return Inventory(regions=REGIONS, targets=tuple(targets))


def big_verdict(roster: Roster, *, at: float = NOW) -> Verdict:
    """Return a verdict for `big_inventory`: the second hub with its sites fallen, a few low, single ones down."""
    verdict = neutral_verdict(roster, at=at)
    targets = [target for target in roster.targets if target is not None]
    hub = roster.slot_of[targets[100].id]
    for number, target in enumerate(targets):
        slot = roster.slot_of[target.id]
        if 100 <= number < 200:
            set_down(verdict, roster, target.id, Cause.HUB, hub, since=at - 300.0)
        elif number % 97 == 5:
            verdict.code[slot], verdict.since[slot] = State.LOW, at - float(number)
        elif number % 499 == 7:
            set_down(verdict, roster, target.id, Cause.DEVICE, slot, since=at - float(number))
    verdict.cut_off_count[hub] = 99
    return verdict
