"""What is known of tunnels at one moment: the values that metrics, pages and causes read.

`None` and absence mean not known. A tunnel is up or down only while its VPN server says so in a table that is fresh.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exporter.vpn.reading import Trouble


class Finding(StrEnum):
    """What the state of a tunnel rests on."""

    CONNECTED = "connected"  # up: OpenVPN lists the client; WireGuard: handshake or bytes are recent
    USED_TWICE = "used_twice"  # up, but sessions take turns every few seconds: two clients share one certificate
    NOT_CONNECTED = "not_connected"  # down: OpenVPN does not list the client any more
    NEVER_CONNECTED = "never_connected"  # down; not listed since we began to look: perhaps the name is misspelt
    SILENT = "silent"  # down: WireGuard's peer has answered none of our traffic for 25 s
    IDLE = "idle"  # unknown: nothing was asked of WireGuard's peer, and nothing came
    DAMAGED = "damaged"  # unknown: OpenVPN's table has rows that cannot be read, and the name is not in the others
    NOT_A_PEER = "not_a_peer"  # unknown: no WireGuard source has a peer of this key
    STALE = "stale"  # unknown: no source of this kind says anything fresh
    NO_SOURCE = "no_source"  # unknown: targets.yml names no source of this kind


@dataclass(frozen=True, slots=True, kw_only=True)
class TunnelFact:
    """What is known of one target's own tunnel; a site behind a gateway has none of its own."""

    kind: str  # openvpn, wireguard, mikrotik: the word before the colon in `tunnel`
    peer: str  # the rest of it: common name, public key, PPP name
    up: bool | None  # None: not known
    finding: Finding
    handshake_at: float | None = None  # UTC seconds; OpenVPN: begin of the session
    received_bytes: int | None = None  # from the peer since we began to look, over all its sessions
    sent_bytes: int | None = None
    endpoint: str | None = None  # where the peer comes from


@dataclass(frozen=True, slots=True, kw_only=True)
class TunnelReport:
    """All facts of one look, and how each source did."""

    facts: Mapping[str, TunnelFact] = field(default_factory=dict)  # by target id; targets with a `tunnel` only
    sources: Mapping[tuple[str, str], Trouble | None] = field(default_factory=dict)  # (kind, place) -> None: fresh


NOTHING = TunnelReport()
