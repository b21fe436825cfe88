"""What a roster means to the judge: the gateway tree by depth, groups that may fall together, who may be a witness.

Derived once per roster. Nothing here changes between two reloads.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from exporter.engine.board import PROCESSES
from exporter.inventory.model import Role

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from exporter.roster import Roster
    from exporter.state.arrays import Bools, Slots

_PLACE_DECIMALS = 4  # degrees; about 11 m: two devices of one site


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Slot-indexed facts that follow from the roster."""

    roster: Roster
    target_slots: Slots
    uplink_slots: Slots
    levels: tuple[Slots, ...]  # slots that have a gateway, by depth: children of roots first
    tree: NDArray[np.int64]  # slot of the root above; the slot itself at a root
    trees: int  # how many trees the targets form
    is_hub: Bools
    place: NDArray[np.int64]  # number of the spot that two or more targets share; -1: alone or not known
    places: int
    providers: int
    process_used: NDArray[np.bool_]  # per process: some slot is probed by it


def build_layout(roster: Roster) -> Layout:
    """Derive the layout of a roster."""
    gateway = roster.gateway
    slots = np.arange(roster.size)
    has_parent = gateway >= 0
    tree = slots.astype(np.int64)
    levels: list[Slots] = []
    above = ~has_parent
    waiting = slots[has_parent]
    while len(waiting):
        ready = above[gateway[waiting]]
        level = waiting[ready]
        if not len(level):  # a loop; load.py refuses it, and nothing here may hang on one
            break
        tree[level] = tree[gateway[level]]
        above[level] = True
        levels.append(level)
        waiting = waiting[~ready]
    target_slots = slots[roster.is_target]
    used = np.zeros(PROCESSES, dtype=np.bool_)
    used[roster.process[roster.generation > 0]] = True
    place, places = _places(roster)
    return Layout(
        roster=roster,
        target_slots=target_slots,
        uplink_slots=np.array([slot for _, slot in roster.uplinks], dtype=np.intp),
        levels=tuple(levels),
        tree=tree,
        trees=len(np.unique(tree[target_slots])),
        is_hub=np.array([t is not None and t.role is Role.HUB for t in roster.targets], dtype=np.bool_),
        place=place,
        places=places,
        providers=int(roster.provider.max(initial=-1)) + 1,
        process_used=used,
    )


def _places(roster: Roster) -> tuple[NDArray[np.int64], int]:
    """Number the spots that two or more targets share: the same address, or the same coordinates."""
    place = np.full(roster.size, -1, dtype=np.int64)
    number: dict[tuple[object, ...], int] = {}
    members: dict[int, list[int]] = {}
    for slot, target in enumerate(roster.targets):
        if target is None:
            continue
        key: tuple[object, ...] = ("address", target.address)
        if target.latitude is not None and target.longitude is not None:
            key = ("at", round(target.latitude, _PLACE_DECIMALS), round(target.longitude, _PLACE_DECIMALS))
        members.setdefault(number.setdefault(key, len(number)), []).append(slot)
    shared = [slots for slots in members.values() if len(slots) > 1]
    for index, slots in enumerate(shared):
        place[slots] = index
    return place, len(shared)
