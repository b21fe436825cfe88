"""The lines of `vpn_profile_low_rtt_seconds` and `vpn_target_low_rtt_seconds`: the round trip from which on it is LOW.

One series per profile instead of one per target (docs/decisions/0401): only targets whose limit is not that of most
others of their profile have one of their own. `target's own or profile's` is thus right for every target.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from exporter.exposition_lines import open_labels

if TYPE_CHECKING:
    from exporter.roster import Roster


def limit_families(roster: Roster) -> dict[str, str]:
    """Return the lines of both metrics, each line begun by a line end (pure)."""
    targets = [target for target in roster.targets if target is not None]
    limits: dict[str, Counter[float]] = {}
    for target in targets:
        limits.setdefault(target.settings.name, Counter())[target.settings.low_rtt_seconds] += 1
    usual = {profile: max(found, key=lambda limit: (found[limit], -limit)) for profile, found in limits.items()}
    return {
        "vpn_profile_low_rtt_seconds": "".join(
            f"\nvpn_profile_low_rtt_seconds{{{open_labels(profile=profile)}}} {limit!r}"
            for profile, limit in sorted(usual.items())
        ),
        "vpn_target_low_rtt_seconds": "".join(
            f"\nvpn_target_low_rtt_seconds{{{open_labels(target=target.id, region=target.region)}}} "
            f"{target.settings.low_rtt_seconds!r}"
            for target in targets
            if target.settings.low_rtt_seconds != usual[target.settings.name]
        ),
    }
