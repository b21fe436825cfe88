"""Who sits in which slot of the board, and each slot's settings as arrays for the judge.

A roster is a frozen picture of one inventory. Building the next one from the previous keeps the slot of every target
whose id, address and probe are unchanged, so its counters, window and state live on; anything else about it may change.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from exporter.engine.board import PROCESS_CONNECT, PROCESS_ICMP
from exporter.inventory.model import Inventory, ProbeKind, Profile, Region, Target

if TYPE_CHECKING:
    from numpy.typing import NDArray

UPLINK_INTERVAL_SECONDS = 0.5
UPLINK_TIMEOUT_SECONDS = 1.0

_Key = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Roster:
    """Slot-indexed view of an inventory. Arrays have length `size`; free slots hold neutral values."""

    inventory: Inventory
    size: int  # slots in use or once used: the judge looks at [0, size)
    targets: tuple[Target | None, ...]  # per slot; None: free or an uplink
    uplinks: tuple[tuple[str, int], ...]  # (address, slot)
    slot_of: dict[str, int]  # target id -> slot
    regions: tuple[Region | None, ...]  # per region index; None: no longer in the file (an index is never reused)
    region_index_of: dict[str, int]  # region id -> index
    generation: NDArray[np.uint32]  # as on the board; 0: free
    is_target: NDArray[np.bool_]
    process: NDArray[np.int8]  # PROCESS_ICMP or PROCESS_CONNECT
    region: NDArray[np.int32]  # region index; -1: none
    gateway: NDArray[np.int32]  # slot of the parent hub; -1: a root
    provider: NDArray[np.int32]  # number of the provider word, for shared fate; -1: none
    interval_seconds: NDArray[np.float64]
    timeout_seconds: NDArray[np.float64]
    low_rtt_seconds: NDArray[np.float64]
    low_jitter_seconds: NDArray[np.float64]
    low_loss_ratio: NDArray[np.float64]
    down_after_seconds: NDArray[np.float64]
    down_after_probes: NDArray[np.int32]
    up_after_probes: NDArray[np.int32]
    keys: tuple[_Key | None, ...]  # identity per slot: what must stay the same for the evidence to stay
    fresh: tuple[int, ...]  # slots given to a new target by this build: to be cleared on the board
    freed: tuple[int, ...]  # slots that lost their target by this build
    last_generation: int  # the highest generation ever given out


def build_roster(inventory: Inventory, previous: Roster | None = None) -> Roster:
    """Seat an inventory's targets and uplinks, keeping the seats of a previous roster.

    An `Inventory` is valid by construction (unique ids, known gateways and regions), so nothing can fail here.
    """
    wanted: dict[_Key, Target | str] = {("uplink", uplink.address): uplink.address for uplink in inventory.uplinks}
    for target in inventory.targets:
        wanted["target", target.id, target.address, target.probe.text] = target
    keys: list[_Key | None] = list(previous.keys) if previous else []
    generations = [int(value) for value in previous.generation] if previous else []
    last_generation = previous.last_generation if previous else 0
    seated = {key: slot for slot, key in enumerate(keys) if key is not None}
    freed = tuple(slot for key, slot in seated.items() if key not in wanted)
    for slot in freed:
        keys[slot], generations[slot] = None, 0
    # A slot freed by this very build is not given out again: its probes may still be in flight.
    free = [slot for slot, key in enumerate(keys) if key is None and slot not in set(freed)]
    fresh: list[int] = []
    for key in wanted:
        if key in seated:
            continue
        if free:
            slot = free.pop(0)
        else:
            slot = len(keys)
            keys.append(None)
            generations.append(0)
        last_generation += 1
        keys[slot], generations[slot] = key, last_generation
        fresh.append(slot)
    return _fill(inventory, previous, wanted, keys, generations, tuple(fresh), freed, last_generation)


def _seat_regions(inventory: Inventory, previous: Roster | None) -> tuple[list[Region | None], dict[str, int]]:
    """Give each region an index: its old one, or a new one at the end. A removed region's index stays empty."""
    known = {region.id: region for region in inventory.regions}
    before = previous.regions if previous is not None else ()
    regions = [known.get(old.id) if old is not None else None for old in before]
    seated = {region.id for region in regions if region is not None}
    regions += [region for region in inventory.regions if region.id not in seated]
    return regions, {region.id: index for index, region in enumerate(regions) if region is not None}


def _fill(
    inventory: Inventory,
    previous: Roster | None,
    wanted: dict[_Key, Target | str],
    keys: list[_Key | None],
    generations: list[int],
    fresh: tuple[int, ...],
    freed: tuple[int, ...],
    last_generation: int,
) -> Roster:
    """Turn the seating into columns."""
    size = len(keys)
    targets: list[Target | None] = [None] * size
    uplinks: list[tuple[str, int]] = []
    slot_of: dict[str, int] = {}
    for slot, key in enumerate(keys):
        occupant = wanted.get(key) if key is not None else None
        if isinstance(occupant, Target):
            targets[slot] = occupant
            slot_of[occupant.id] = slot
        elif occupant is not None:
            uplinks.append((occupant, slot))
    regions, region_index_of = _seat_regions(inventory, previous)
    names = sorted({target.provider for target in inventory.targets if target.provider})
    providers = {name: number for number, name in enumerate(names)}
    uplink_profile = Profile(interval_seconds=UPLINK_INTERVAL_SECONDS, timeout_seconds=UPLINK_TIMEOUT_SECONDS)
    rows = [target.settings if target is not None else uplink_profile for target in targets]
    return Roster(
        inventory=inventory,
        size=size,
        targets=tuple(targets),
        uplinks=tuple(uplinks),
        slot_of=slot_of,
        regions=tuple(regions),
        region_index_of=region_index_of,
        generation=np.array(generations, dtype=np.uint32),
        is_target=np.array([target is not None for target in targets], dtype=np.bool_),
        process=np.array(
            [
                PROCESS_ICMP if target is None or target.probe.kind is ProbeKind.ICMP else PROCESS_CONNECT
                for target in targets
            ],
            dtype=np.int8,
        ),
        region=np.array([region_index_of[t.region] if t is not None else -1 for t in targets], dtype=np.int32),
        gateway=np.array(
            [slot_of[t.gateway] if t is not None and t.gateway is not None else -1 for t in targets], dtype=np.int32
        ),
        provider=np.array(
            [providers[t.provider] if t is not None and t.provider else -1 for t in targets], dtype=np.int32
        ),
        interval_seconds=np.array([row.interval_seconds for row in rows], dtype=np.float64),
        timeout_seconds=np.array([row.timeout_seconds for row in rows], dtype=np.float64),
        low_rtt_seconds=np.array([row.low_rtt_seconds for row in rows], dtype=np.float64),
        low_jitter_seconds=np.array([row.low_jitter_seconds for row in rows], dtype=np.float64),
        low_loss_ratio=np.array([row.low_loss_ratio for row in rows], dtype=np.float64),
        down_after_seconds=np.array([row.down_after_seconds for row in rows], dtype=np.float64),
        down_after_probes=np.array([row.down_after_probes for row in rows], dtype=np.int32),
        up_after_probes=np.array([row.up_after_probes for row in rows], dtype=np.int32),
        keys=tuple(keys),
        fresh=fresh,
        freed=freed,
        last_generation=last_generation,
    )
