"""The lines of `vpn_tunnel_*`: facts -> text format 0.0.4 (pure). What is not known has no line.

There are as many tunnels as targets with a `tunnel` of their own, which are hubs as a rule: few enough to be formatted
anew at each scrape.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.exposition_lines import labels, open_labels

if TYPE_CHECKING:
    from exporter.roster import Roster
    from exporter.vpn.facts import TunnelReport


def tunnel_families(report: TunnelReport, roster: Roster) -> dict[str, str]:
    """Return the lines of each metric, each line begun by a line end; facts of targets that are gone have none."""
    families: dict[str, list[str]] = {
        name: []
        for name in (
            "vpn_tunnel_up",
            "vpn_tunnel_handshake_timestamp_seconds",
            "vpn_tunnel_received_bytes_total",
            "vpn_tunnel_sent_bytes_total",
            "vpn_tunnel_info",
            "vpn_tunnel_source_up",
        )
    }
    for target_id, fact in report.facts.items():
        slot = roster.slot_of.get(target_id)
        target = roster.targets[slot] if slot is not None else None
        if target is None or target.tunnel != f"{fact.kind}:{fact.peer}":
            continue
        pairs = open_labels(target=target.id, region=target.region)
        for name, value in (
            ("vpn_tunnel_up", None if fact.up is None else int(fact.up)),
            ("vpn_tunnel_handshake_timestamp_seconds", fact.handshake_at),
            ("vpn_tunnel_received_bytes_total", fact.received_bytes),
            ("vpn_tunnel_sent_bytes_total", fact.sent_bytes),
        ):
            if value is not None:
                families[name].append(f"\n{name}{{{pairs}}} {value!r}")
        info = open_labels(kind=fact.kind, peer=fact.peer, endpoint=fact.endpoint)
        families["vpn_tunnel_info"].append(f"\nvpn_tunnel_info{{{pairs},{info}}} 1")
    for (kind, place), trouble in report.sources.items():
        up = int(trouble is None)
        families["vpn_tunnel_source_up"].append(f"\nvpn_tunnel_source_up{labels(kind=kind, source=place)}{up}")
    return {name: "".join(lines) for name, lines in families.items()}
