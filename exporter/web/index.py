"""What can be prepared once per roster: searching, regions of slots, the layout of the map.

Building costs about half a second for a hundred thousand targets; everything later is an array operation.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from exporter.web.answers import fingerprint, json_bytes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from exporter.inventory.model import Region, Target
    from exporter.roster import Roster


class RosterIndex:
    """Lookups for one roster."""

    def __init__(self, roster: Roster) -> None:
        self.roster = roster
        # In the order of targets.yml, which people know; the roster's is that of seats.
        self.slots: NDArray[np.intp] = np.array([roster.slot_of[t.id] for t in roster.inventory.targets], dtype=np.intp)

    @cached_property
    def region_of(self) -> dict[str, Region]:
        """Region by id."""
        return {region.id: region for region in self.roster.inventory.regions}

    @cached_property
    def _haystacks(self) -> list[str]:
        """What `q` is looked for in, per target in file order."""
        return [f"{t.id}\n{t.name}\n{t.address}".casefold() for t in self.roster.inventory.targets]

    def target(self, slot: int) -> Target:
        """Return the target in a slot that has one."""
        target = self.roster.targets[slot]
        if target is None:
            raise LookupError(f"slot {slot} has no target")
        return target

    def find(self, *, region: str | None = None, text: str | None = None) -> NDArray[np.intp]:
        """Return the slots of a region whose id, name or address contains a text, in file order."""
        slots = self.slots
        if text:
            needle = text.casefold()
            slots = slots[[needle in haystack for haystack in self._haystacks]]
        if region is not None:
            slots = slots[self.roster.region[slots] == self.roster.region_index_of.get(region, -2)]
        return slots

    @cached_property
    def map(self) -> MapLayout:
        """Where everything is drawn."""
        roster = self.roster
        placed = [slot for slot in self.slots.tolist() if self.target(slot).latitude is not None]
        targets = [self.target(slot) for slot in placed]
        regions = [region for region in roster.inventory.regions if region.latitude is not None]
        value: dict[str, Any] = {
            "targets": [[t.id, t.name, t.longitude, t.latitude] for t in targets],
            "regions": [[r.id, r.name, r.longitude, r.latitude] for r in regions],
        }
        body = json_bytes(value)
        return MapLayout(
            body=body,
            version=fingerprint(body),
            slots=np.array(placed, dtype=np.intp),
            regions=np.array([roster.region_index_of[r.id] for r in regions], dtype=np.intp),
            targets_without_place=len(self.slots) - len(placed),
            regions_without_place=len(roster.inventory.regions) - len(regions),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class MapLayout:
    """The places on the map. States are sent apart, one digit each in this order."""

    body: bytes  # JSON: targets and regions as [id, name, longitude, latitude]
    version: str  # changes with the body
    slots: NDArray[np.intp]  # of the targets
    regions: NDArray[np.intp]  # region indices
    targets_without_place: int  # counted beside the map, never drawn at 0/0
    regions_without_place: int


class IndexCache:
    """Keeps the index of the newest roster."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._index: RosterIndex | None = None

    def of(self, roster: Roster) -> RosterIndex:
        """Return the index of a roster, built when it is new."""
        with self._lock:
            if self._index is None or self._index.roster is not roster:
                self._index = RosterIndex(roster)
            return self._index
