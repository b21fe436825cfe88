"""The low limits of the round trip: one series per profile, one more only for who differs."""

from __future__ import annotations

from dataclasses import replace

from exporter.exposition_limits import limit_families
from exporter.inventory.model import Profile
from tests.exporter.web.sample import INVENTORY, make_roster


def test_who_differs_from_most_of_its_profile_has_a_limit_of_its_own() -> None:
    """`its own or its profile's` gives each target's limit, and most have none of their own."""
    inventory = INVENTORY
    own, rest = inventory.targets[0], inventory.targets[1:]
    targets = (
        replace(own, settings=replace(Profile(), low_rtt_seconds=0.7)),
        *(replace(target, settings=Profile()) for target in rest[:-1]),
        replace(rest[-1], settings=replace(Profile(), name="vsat", low_rtt_seconds=0.9)),
    )
    families = limit_families(make_roster(replace(inventory, targets=targets)))
    assert families == {
        "vpn_profile_low_rtt_seconds": (
            '\nvpn_profile_low_rtt_seconds{profile="fiber"} 0.15\nvpn_profile_low_rtt_seconds{profile="vsat"} 0.9'
        ),
        "vpn_target_low_rtt_seconds": (f'\nvpn_target_low_rtt_seconds{{target="{own.id}",region="{own.region}"}} 0.7'),
    }
