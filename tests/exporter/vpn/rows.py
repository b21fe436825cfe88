"""Short words for readings, sources and inventories in these tests."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from exporter.inventory.model import Inventory, ProbeKind, ProbeSpec, Profile, Region, Target
from exporter.vpn.reading import PeerRow, Reading

if TYPE_CHECKING:
    from pathlib import Path

NOW = 1_795_571_872.0
_COLUMNS = "Common Name\tReal Address\tBytes Received\tBytes Sent\tConnected Since (time_t)\tClient ID"
KEY = f"{'key/' * 10}key="


def row(
    name: str = "bandung",
    received: int = 0,
    sent: int = 0,
    *,
    session: str = "",
    handshake_at: float | None = None,
    keepalive: int | None = None,
) -> PeerRow:
    """Return a row."""
    return PeerRow(
        name=name,
        session=session,
        received_bytes=received,
        sent_bytes=sent,
        handshake_at=handshake_at,
        keepalive_seconds=keepalive,
        endpoint="198.51.100.7:1",
    )


def reading(*rows: PeerRow, damaged: int = 0) -> Reading:
    """Return a reading whose time is given apart."""
    return Reading(at=None, rows=rows, damaged=damaged)


def target(name: str, *, tunnel: str | None = None, gateway: str | None = None) -> Target:
    """Return a target of region JBR."""
    return Target(
        id=name,
        name=name,
        region="JBR",
        address=f"10.20.0.{len(name)}",
        probe=ProbeSpec(kind=ProbeKind.ICMP),
        settings=Profile(),
        gateway=gateway,
        tunnel=tunnel,
    )


def inventory(*targets: Target, sources: tuple[tuple[str, str], ...] = ()) -> Inventory:
    """Return an inventory with sources of (kind, place)."""
    return Inventory(
        regions=(Region(id="JBR", name="Jawa Barat"),),
        targets=targets,
        sources=tuple({"kind": kind, "place": place} for kind, place in sources),
    )


def table(*clients: tuple[str, int, int, int], at: float) -> str:
    """Return a status file of version 3 with (common name, received, sent, client id)."""
    lines = [
        "TITLE\tOpenVPN 2.6.14",
        f"TIME\tnow\t{at:.0f}",
        f"HEADER\tCLIENT_LIST\t{_COLUMNS}",
        *(
            f"CLIENT_LIST\t{name}\t198.51.100.7:1\t{received}\t{sent}\t{NOW - 60 + number:.0f}\t{number}"
            for name, received, sent, number in clients
        ),
        "END",
    ]
    return "\n".join(lines) + "\n"


def write(path: Path, text: str, *, at: float) -> None:
    """Write a file as if it had last changed at `at` (UTC seconds)."""
    path.write_text(text)
    os.utime(path, (at, at))
