"""Two inventories compared: what came, what went, what changed and whether its evidence stays. Pure."""

from __future__ import annotations

from dataclasses import dataclass, fields
from operator import attrgetter
from typing import TYPE_CHECKING, Final

from exporter.inventory.model import Region, Target

if TYPE_CHECKING:
    from exporter.inventory.model import Inventory

REMOVAL_SHARE: Final = 0.20  # more than this share of all targets ...
REMOVAL_LEAST: Final = 5  # ... and at least so many: looks like half a file (design section 4)

# Where an entry stands in the file is no change of it.
_TARGET_FIELDS: Final = tuple(each.name for each in fields(Target) if each.name != "line")
_REGION_FIELDS: Final = tuple(each.name for each in fields(Region) if each.name != "line")
_target_values = attrgetter(*_TARGET_FIELDS)
_region_values = attrgetter(*_REGION_FIELDS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One target that is in both inventories and not the same."""

    old: Target
    new: Target
    fields: tuple[str, ...]  # of model.Target, those that differ
    fresh: bool  # address or probe changed: it begins with no evidence (roster.py seats it anew)


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What a reload does. Orders are those of the files."""

    added: tuple[Target, ...] = ()
    removed: tuple[Target, ...] = ()
    changed: tuple[Change, ...] = ()
    regions_added: tuple[Region, ...] = ()
    regions_removed: tuple[Region, ...] = ()
    regions_changed: tuple[tuple[Region, Region], ...] = ()  # (old, new)
    uplinks_changed: bool = False

    @property
    def nothing(self) -> bool:
        """Both inventories say the same."""
        return self == Difference()


def compare(old: Inventory, new: Inventory) -> Difference:
    """Compare by id."""
    before = {target.id: target for target in old.targets}
    after = {target.id: target for target in new.targets}
    regions_before = {region.id: region for region in old.regions}
    regions_after = {region.id: region for region in new.regions}
    changed = []
    for target in new.targets:
        known = before.get(target.id)
        if known is not None and _target_values(known) != _target_values(target):
            changed.append(_change(known, target))
    return Difference(
        added=tuple(target for target in new.targets if target.id not in before),
        removed=tuple(target for target in old.targets if target.id not in after),
        changed=tuple(changed),
        regions_added=tuple(region for region in new.regions if region.id not in regions_before),
        regions_removed=tuple(region for region in old.regions if region.id not in regions_after),
        regions_changed=tuple(
            (regions_before[region.id], region)
            for region in new.regions
            if region.id in regions_before and _region_values(regions_before[region.id]) != _region_values(region)
        ),
        uplinks_changed={each.address for each in old.uplinks} != {each.address for each in new.uplinks},
    )


def _change(old: Target, new: Target) -> Change:
    pairs = zip(_TARGET_FIELDS, _target_values(old), _target_values(new), strict=True)
    differing = tuple(name for name, was, now in pairs if was != now)
    return Change(
        old=old,
        new=new,
        fields=differing,
        fresh=old.address != new.address or old.probe.text != new.probe.text,
    )


def removes_too_much(old: Inventory, new: Inventory) -> bool:
    """Tell whether a change looks like a half-saved file: more than 20 % and at least 5 of the old targets are gone."""
    after = {target.id for target in new.targets}
    removed = sum(target.id not in after for target in old.targets)
    return removed >= REMOVAL_LEAST and removed > REMOVAL_SHARE * len(old.targets)
