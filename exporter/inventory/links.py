"""What ties the entries of targets.yml together: ids, addresses, gateways and uplinks. Needs all entries at once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from exporter.inventory.fields import line_of
from exporter.inventory.model import Role, Target, Uplink
from exporter.inventory.scalars import canonical_address, is_loopback

if TYPE_CHECKING:
    from collections.abc import Sequence

    from exporter.inventory.findings import Findings
    from exporter.inventory.nodes import MapNode

_SHOWN_LOOP = 6  # hubs of a loop that are named in the message


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetEntry:
    """A target and where it stands."""

    target: Target
    node: MapNode
    path: str  # e.g. targets[3]


def check_links(entries: Sequence[TargetEntry], uplinks: Sequence[Uplink], findings: Findings) -> None:
    """Note every mistake that needs more than one entry to be seen."""
    first = _check_ids(entries, findings)
    _check_addresses(entries, findings)
    _check_sources(entries, findings)
    _check_gateways(entries, first, findings)
    _check_loops(first, findings)
    _check_uplinks(entries, uplinks, findings)
    if not entries and not findings.found:
        findings.warning(0, "targets", "holds nothing, so nothing is probed", "add a target, or run targets regenerate")


def mark_hubs(entries: Sequence[TargetEntry]) -> tuple[Target, ...]:
    """Return the targets, those that some other names as its gateway with role hub."""
    hubs = {entry.target.gateway for entry in entries}
    return tuple(replace(entry.target, role=Role.HUB) if entry.target.id in hubs else entry.target for entry in entries)


def _check_ids(entries: Sequence[TargetEntry], findings: Findings) -> dict[str, TargetEntry]:
    """Return the first entry of each id."""
    first: dict[str, TargetEntry] = {}
    for entry in entries:
        known = first.setdefault(entry.target.id, entry)
        if known is not entry:
            findings.mistake(
                line_of(entry.node, "id"),
                f"{entry.path}.id",
                f"is the id of another target in line {known.node.line}",
                "give each target an id of its own",
                value=entry.target.id,
            )
    return first


def _check_addresses(entries: Sequence[TargetEntry], findings: Findings) -> None:
    first: dict[tuple[str, str], TargetEntry] = {}
    for entry in entries:
        target = entry.target
        known = first.setdefault((canonical_address(target.address), target.probe.text), entry)
        if known is not entry:
            findings.mistake(
                line_of(entry.node, "address"),
                f"{entry.path}.address",
                f"is probed in the same way ({target.probe.text}) as {known.target.id} in line {known.node.line}",
                "correct the address or remove one of the two",
                value=target.address,
            )


def _check_sources(entries: Sequence[TargetEntry], findings: Findings) -> None:
    first: dict[str, TargetEntry] = {}
    for entry in entries:
        if entry.target.source is None:
            continue
        known = first.setdefault(entry.target.source, entry)
        if known is not entry:
            findings.mistake(
                line_of(entry.node, "source"),
                f"{entry.path}.source",
                f"is the source of another target in line {known.node.line}",
                "remove source from the entry that was copied",
                value=entry.target.source,
            )


def _check_gateways(entries: Sequence[TargetEntry], known: dict[str, TargetEntry], findings: Findings) -> None:
    for entry in entries:
        gateway = entry.target.gateway
        if gateway is None or gateway in known:
            continue
        near = findings.near(gateway, known)
        findings.mistake(
            line_of(entry.node, "gateway"),
            f"{entry.path}.gateway",
            "is no target of this file",
            f"did you mean {near}?" if near else "write the id of the hub's own entry, or remove gateway",
            value=gateway,
        )


def _check_loops(known: dict[str, TargetEntry], findings: Findings) -> None:
    """Follow every chain of gateways once; a chain that meets itself is a loop and is told once."""
    finished: set[str] = set()
    for start in known:
        chain: dict[str, None] = {}
        current: str | None = start
        while current is not None and current in known and current not in finished:
            if current in chain:
                names = list(chain)
                _tell_loop(known, names[names.index(current) :], findings)
                break
            chain[current] = None
            current = known[current].target.gateway
        finished.update(chain)


def _tell_loop(known: dict[str, TargetEntry], loop: list[str], findings: Findings) -> None:
    entry = known[loop[0]]
    if len(loop) == 1:
        problem, remedy = "is the target itself", "remove gateway, or name the hub in front of it"
    else:
        named = loop[:_SHOWN_LOOP]
        dots = ["..."] if len(loop) > _SHOWN_LOOP else []
        problem = f"makes a loop: {' -> '.join([*named, *dots, loop[0]])}"
        remedy = "remove gateway from the hub that is nearest to you"
    findings.mistake(
        line_of(entry.node, "gateway"), f"{entry.path}.gateway", problem, remedy, value=entry.target.gateway or ""
    )


def _check_uplinks(entries: Sequence[TargetEntry], uplinks: Sequence[Uplink], findings: Findings) -> None:
    """Tell of an uplink that always answers though the line is cut: it would witness every outage falsely."""
    loopback = [uplink for uplink in uplinks if is_loopback(uplink.address)]
    if not loopback or all(is_loopback(entry.target.address) for entry in entries):
        return
    for uplink in loopback:
        findings.warning(
            uplink.line,
            "uplinks",
            "is this machine itself and answers even while its line is cut",
            "name the default gateway or the VPN server",
            value=uplink.address,
        )
