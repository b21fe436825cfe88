"""What an entry of the file says now, in the words of its keys, and whether a row says the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

from exporter.inventory.scalars import canonical_address

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exporter.inventory.model import Target

_NUMBERS: Final = frozenset({"latitude", "longitude"})

Place: TypeAlias = tuple[str, str]  # canonical address, probe


def place_of(target: Target) -> Place:
    """Return what makes a target one device: two entries of one place are a mistake."""
    return canonical_address(target.address), target.probe.text


def present_values(entry: Target) -> Mapping[str, str]:
    """Return what an entry says now, as its keys are written."""
    said = {
        "name": entry.name,
        "region": entry.region,
        "address": entry.address,
        "probe": entry.probe.text,
        "kind": entry.kind,
        "gateway": entry.gateway or "",
        "profile": entry.settings.name,
        "provider": entry.provider or "",
        "model": entry.model or "",
        "latitude": "" if entry.latitude is None else repr(entry.latitude),
        "longitude": "" if entry.longitude is None else repr(entry.longitude),
        "hours": entry.hours or "",
        "tunnel": entry.tunnel or "",
        "source": entry.source or "",
    }
    return {key: value for key, value in said.items() if value}


def says_the_same(key: str, wanted: str, present: str | None) -> bool:
    """Tell whether a key needs no edit; -6.90 and -6.9 are the same place."""
    if present is None:
        return False
    return float(wanted) == float(present) if key in _NUMBERS else wanted == present
