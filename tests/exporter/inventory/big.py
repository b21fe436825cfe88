"""Makes targets.yml files of any size, for tests and measurements: hubs, sites and every province."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.inventory.provinces import provinces

if TYPE_CHECKING:
    from collections.abc import Iterator

_HUB_EVERY = 50  # one hub and 49 sites behind it


def big_targets(count: int, *, network: int = 127 << 24 | 1 << 16, block: bool = False) -> str:
    """Return the text of a valid file of `count` ICMP targets.

    Args:
        count: how many, at most 16 million.
        network: the first address as a number; the default stays within 127.0.0.0/8.
        block: write entries as block mappings, a key a line, instead of one flow mapping a line.
    """
    return "\n".join(_lines(count, network, block=block)) + "\n"


def _lines(count: int, network: int, *, block: bool) -> Iterator[str]:
    yield "version: 1"
    yield "regions:"
    regions = [each.iso.removeprefix("ID-") for each in provinces()]
    for region, province in zip(regions, provinces(), strict=True):
        place = f"latitude: {province.latitude}, longitude: {province.longitude}"
        yield f"  - {{id: {region}, name: {province.name}, {place}}}"
    yield "targets:"
    for number in range(count):
        hub = number - number % _HUB_EVERY
        region = regions[hub // _HUB_EVERY % len(regions)]
        address = ".".join(str((network + number) >> shift & 255) for shift in (24, 16, 8, 0))
        keys = {
            "id": f"t-{number}",
            "name": f"Gerbang {number}",
            "region": region,
            "address": address,
            "kind": "router" if number == hub else "toll-gate",
        }
        if number != hub:
            keys["gateway"] = f"t-{hub}"
        pairs = [f"{key}: {value}" for key, value in keys.items()]
        yield "  - " + ("\n    ".join(pairs) if block else f"{{{', '.join(pairs)}}}")
