"""Names, types and help texts of the metrics that exposition.py renders: the table of design section 7.

The engine's own metrics are in metrics.py, which names them itself.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class Part(StrEnum):
    """A piece of the metrics that can be scraped on its own; the value is what `collect[]` takes."""

    STATE = "state"  # what alerts need: scraped every second
    PROBES = "probes"
    INFO = "info"
    ENGINE = "engine"  # the exporter's own health


ALL_PARTS: Final = frozenset(Part)

# name -> (part, type, help). The order is that of the text.
METRICS: Final[dict[str, tuple[Part, str, str]]] = {
    "vpn_target_state_code": (
        Part.STATE,
        "gauge",
        "State of the target as one number: 0 down, 1 low, 2 up, 3 unknown. Changes when the judge decides.",
    ),
    "vpn_target_outage": (
        Part.STATE,
        "gauge",
        "1 while the target is in an outage of its own (down, not cut off); stays 1 while the state is unknown.",
    ),
    "vpn_target_cause": (
        Part.STATE,
        "gauge",
        "1 while the target is in outage or cut off; the labels say from what, and which target or region it is.",
    ),
    "vpn_target_low_reason": (
        Part.STATE,
        "gauge",
        "1 while the target is LOW and breaks this limit: loss, rtt or jitter; none while it is about to be UP again.",
    ),
    "vpn_target_cut_off": (Part.STATE, "gauge", "Targets that are cut off behind this gateway at this moment."),
    "vpn_target_flapping": (
        Part.STATE,
        "gauge",
        "1 while the target is flapping: three outages within 15 minutes, until 15 minutes pass without one.",
    ),
    "vpn_target_pending": (
        Part.STATE,
        "gauge",
        "Probes that are still missing until the target enters the state; only while a change is near.",
    ),
    "vpn_region_state": (Part.STATE, "gauge", "State of the region: 1 for the state it is in, 0 for the others."),
    "vpn_region_outage": (
        Part.STATE,
        "gauge",
        "1 while the region is in an outage of its own: down, and no fallen hub explains it.",
    ),
    "vpn_monitor_isolated": (
        Part.STATE,
        "gauge",
        "1 while nothing proves that our own line works, so that no state can be judged.",
    ),
    "vpn_monitor_impaired": (
        Part.STATE,
        "gauge",
        "1 while the engine itself cannot be believed, by what is wrong with it.",
    ),
    "vpn_target_state": (Part.PROBES, "gauge", "State of the target: 1 for the state it is in, 0 for the others."),
    "vpn_target_state_timestamp_seconds": (
        Part.PROBES,
        "gauge",
        "Since when the target is in its state, in Unix seconds.",
    ),
    "vpn_target_rtt_seconds": (
        Part.PROBES,
        "gauge",
        "Median round-trip time of the last 20 replies, in seconds; absent before the first.",
    ),
    "vpn_target_last_rtt_seconds": (
        Part.PROBES,
        "gauge",
        "Round-trip time of the newest probe that ended, in seconds; absent when it failed.",
    ),
    "vpn_target_jitter_seconds": (
        Part.PROBES,
        "gauge",
        "Median difference between consecutive round-trip times of the window, in seconds.",
    ),
    "vpn_target_loss_ratio": (Part.PROBES, "gauge", "Share of the last 60 probes that got no good answer, 0 to 1."),
    "vpn_target_probes_total": (Part.PROBES, "counter", "Probes of the regular grid, counted when they end."),
    "vpn_target_probe_failures_total": (
        Part.PROBES,
        "counter",
        "Probes of the regular grid that ended without a good answer, by reason; counted when they end.",
    ),
    "vpn_region_rtt_seconds": (
        Part.PROBES,
        "histogram",
        "Round-trip times of all replies of the region's targets to probes of the regular grid, in seconds.",
    ),
    "vpn_target_info": (
        Part.INFO,
        "gauge",
        "Always 1; the labels say what the target is: gateway is its parent hub, empty at a root; role is hub or site.",
    ),
    "vpn_region_info": (Part.INFO, "gauge", "Always 1; the labels say the name of the region and where it is."),
    "vpn_profile_low_rtt_seconds": (
        Part.INFO,
        "gauge",
        "The median round trip from which on targets of this profile are low; changes with a reload.",
    ),
    "vpn_target_low_rtt_seconds": (
        Part.INFO,
        "gauge",
        "The same of a target whose own limit is not its profile's; absent where it is.",
    ),
    "vpn_tunnel_up": (
        Part.INFO,
        "gauge",
        "1 while the VPN server says that the target's tunnel is up, 0 while it says that it is down; else absent.",
    ),
    "vpn_tunnel_handshake_timestamp_seconds": (
        Part.INFO,
        "gauge",
        "Latest handshake (WireGuard) or begin of the session (OpenVPN), in Unix seconds; absent when there was none.",
    ),
    "vpn_tunnel_received_bytes_total": (
        Part.INFO,
        "counter",
        "Bytes that the VPN server received from the peer since the exporter began to look, over all sessions.",
    ),
    "vpn_tunnel_sent_bytes_total": (
        Part.INFO,
        "counter",
        "Bytes that the VPN server sent to the peer since the exporter began to look, over all sessions.",
    ),
    "vpn_tunnel_info": (
        Part.INFO,
        "gauge",
        "Always 1; the labels say the tunnel's kind, its name or public key, and where the peer comes from.",
    ),
    "vpn_tunnel_source_up": (
        Part.INFO,
        "gauge",
        "1 while a source of tunnel facts can be read and is fresh, by its kind and place.",
    ),
}


def _header(name: str) -> str:
    """Return the HELP and TYPE lines of a metric, the last without its line end."""
    _, kind, text = METRICS[name]
    return f"# HELP {name} {text}\n# TYPE {name} {kind}"


HEADERS: Final = {name: _header(name) for name in METRICS}
