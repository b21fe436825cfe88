"""What pages and API say of a target's tunnel: report -> words, or the item's `tunnel`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from exporter.web import words

if TYPE_CHECKING:
    from exporter.inventory.model import Target
    from exporter.vpn.facts import TunnelFact, TunnelReport
    from exporter.web.rows import Rows


@dataclass(frozen=True, slots=True, kw_only=True)
class TunnelRow:
    """A target's tunnel, in words."""

    what: str  # e.g. "connected"
    up: bool | None  # None: not known
    kind: str
    peer: str
    since: str | None  # of the newest handshake, in the region's own time
    gateway: str | None  # the hub whose tunnel it is; None: the target's own


def tunnel_row(report: TunnelReport, rows: Rows, target: Target) -> TunnelRow | None:
    """Return what is known of the tunnel that a target is behind, its own or its nearest gateway's; None: it has none.

    A tunnel that no look has reached yet is not told either.
    """
    roster = rows.index.roster
    owner: Target | None = target
    while owner is not None and owner.tunnel is None:
        owner = roster.targets[roster.slot_of[owner.gateway]] if owner.gateway is not None else None
    fact = report.facts.get(owner.id) if owner is not None else None
    if owner is None or fact is None:
        return None
    zone = rows.index.region_of[target.region].timezone
    return TunnelRow(
        what=getattr(rows.texts, f"tunnel_{fact.finding.value}"),
        up=fact.up,
        kind=fact.kind,
        peer=fact.peer,
        since=None if fact.handshake_at is None else words.clock(fact.handshake_at, zone, rows.texts, now=rows.now),
        gateway=None if owner is target else owner.id,
    )


def tunnel_item(fact: TunnelFact | None, moment: str | None) -> dict[str, Any] | None:
    """Return a target's own tunnel for the JSON API; None: it has none, or it was not looked at yet.

    Args:
        fact: what is known of it.
        moment: of its newest handshake, RFC 3339.
    """
    if fact is None:
        return None
    return {
        "kind": fact.kind,
        "peer": fact.peer,
        "up": fact.up,
        "finding": fact.finding.value,
        "handshake_at": moment,
        "endpoint": fact.endpoint,
        "received_bytes": fact.received_bytes,
        "sent_bytes": fact.sent_bytes,
    }
