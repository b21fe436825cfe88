"""The top-level sections that the probers do not need: `sources:`, `region_rules:` and `maintenance:`."""

from __future__ import annotations

import ipaddress
import re
from datetime import datetime
from typing import TYPE_CHECKING, Final

from exporter.inventory import scalars
from exporter.inventory.fields import Reader, is_given, line_of, read_mapping, require
from exporter.inventory.findings import Findings, Refusal
from exporter.inventory.nodes import MapNode, ScalarNode

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from exporter.inventory.nodes import Node

SOURCE_KINDS: Final = ("csv",)  # of rows, for regenerate
TUNNEL_SOURCE_KINDS: Final = ("openvpn-status", "openvpn-management", "wireguard", "wireguard-dump")  # of tunnel facts
_ALL_KINDS: Final = (*SOURCE_KINDS, *TUNNEL_SOURCE_KINDS)
# What `wg show` takes: a device of Linux (dev_valid_name, IFNAMSIZ), or `all`.
_INTERFACE: Final = re.compile(r"[A-Za-z0-9_=+.-]{1,15}")
_MAX_PORT: Final = 65535


def source_kind(text: str) -> str:
    """Read the kind of a source."""
    if text in _ALL_KINDS:
        return text
    raise Refusal("is no kind of source", f"use {', '.join(_ALL_KINDS)}")


def source_place(kind: str, text: str) -> str:
    """Read where a source is: a file, a unix socket, HOST:PORT or a network interface."""
    place = text.strip()
    if kind == "wireguard" and not (_INTERFACE.fullmatch(place) and not place.startswith("-")):
        raise Refusal("is no network interface", "write e.g. wg0, or all; a file with a dump is of kind wireguard-dump")
    if kind == "openvpn-management" and "/" not in place and ":" in place:
        host, _, port = place.rpartition(":")
        if not (host and port.isascii() and port.isdecimal() and 0 < int(port) <= _MAX_PORT):
            raise Refusal("is neither a socket nor HOST:PORT", "write e.g. /run/openvpn/noc.sock or 127.0.0.1:7505")
    return place


def source_name(text: str) -> str:
    """Read the name by which entries remember their source; it stands before the # in `source`."""
    if "#" in text:
        raise Refusal("is no name of a source", "leave the # out")
    return scalars.name(text)


def cidr(text: str) -> str:
    """Read a network."""
    try:
        ipaddress.ip_network(text)
    except ValueError:
        try:
            network = ipaddress.ip_network(text, strict=False)
        except ValueError:
            raise Refusal("is no network", "write e.g. 10.20.0.0/16") from None
        raise Refusal("has bits set behind its prefix", f"write {network}") from None
    return text


def moment(text: str) -> str:
    """Read a moment with its offset from UTC."""
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        raise Refusal("is no moment", "write e.g. 2026-11-25T22:00+07:00") from None
    if when.tzinfo is None:
        raise Refusal("does not say its time zone", f"add the offset, e.g. {text}+07:00")
    return text


_SOURCE_FIELDS: Final[dict[str, Reader]] = {
    "kind": source_kind,
    "place": scalars.name,
    "name": source_name,
    "region": str,
}
_RULE_FIELDS: Final[dict[str, Reader]] = {"cidr": cidr, "name": scalars.name, "region": str}
_MAINTENANCE_FIELDS: Final[dict[str, Reader]] = {
    "region": str,
    "target": str,
    "from": moment,
    "until": moment,
    "reason": scalars.name,
}
SECTION_FIELDS: Final = {
    "sources": _SOURCE_FIELDS,
    "region_rules": _RULE_FIELDS,
    "maintenance": _MAINTENANCE_FIELDS,
}


def read_sources(items: Sequence[Node], findings: Findings) -> tuple[Mapping[str, str], ...]:
    """Read where rows and tunnel facts come from: mappings, or `KIND:PLACE` as on the command line."""
    sources: list[Mapping[str, str]] = []
    for number, item in enumerate(items):
        path = f"sources[{number}]"
        if isinstance(item, ScalarNode):
            kind, colon, place = item.text.partition(":")
            if not colon or kind not in _ALL_KINDS or not place.strip():
                findings.mistake(
                    item.line, path, "is no source", "write KIND:PLACE, e.g. csv:sites.csv", value=item.text
                )
            else:
                _add_source({"kind": kind, "place": place}, item, path, sources, findings)
            continue
        values = read_mapping(item, path, _SOURCE_FIELDS, "source", findings)
        if values is not None and isinstance(item, MapNode):
            require(item, path, "kind", f"write kind: {SOURCE_KINDS[0]}", findings)
            require(item, path, "place", "write where it is, e.g. place: sites.csv", findings)
            if {"kind", "place"} <= values.keys():
                _add_source(values, item, path, sources, findings)
    return tuple(sources)


def _add_source(
    values: Mapping[str, str], node: Node, path: str, sources: list[Mapping[str, str]], findings: Findings
) -> None:
    """Check what only kind and place together tell, and add the source."""
    kind, place = values["kind"], values["place"]
    if kind in TUNNEL_SOURCE_KINDS and isinstance(node, MapNode):
        for key in ("name", "region"):
            if is_given(node, key):
                findings.mistake(line_of(node, key), f"{path}.{key}", f"means nothing for kind {kind}", "remove it")
    try:
        sources.append({**values, "place": source_place(kind, place)})
    except Refusal as refusal:
        line, where = (line_of(node, "place"), f"{path}.place") if isinstance(node, MapNode) else (node.line, path)
        findings.mistake(line, where, refusal.problem, refusal.remedy, value=place.strip())


def read_region_rules(
    items: Sequence[Node], region_ids: Mapping[str, int], findings: Findings
) -> tuple[Mapping[str, str], ...]:
    """Read which region a row belongs to that names none: by network or by a pattern of its name."""
    rules: list[Mapping[str, str]] = []
    for number, item in enumerate(items):
        path = f"region_rules[{number}]"
        values = read_mapping(item, path, _RULE_FIELDS, "region rule", findings)
        if values is None or not isinstance(item, MapNode):
            continue
        if is_given(item, "cidr") == is_given(item, "name"):
            findings.mistake(
                item.line, path, "needs either cidr or name", "write e.g. {cidr: 10.20.0.0/16, region: JBR}"
            )
        require(item, path, "region", "write the id of one of the regions", findings)
        _check_region(item, path, values, region_ids, findings)
        rules.append(values)
    return tuple(rules)


def read_maintenance(
    items: Sequence[Node], region_ids: Mapping[str, int], findings: Findings
) -> tuple[Mapping[str, str], ...]:
    """Read announced work. It is checked and kept, and told that nothing acts on it yet."""
    windows: list[Mapping[str, str]] = []
    for number, item in enumerate(items):
        path = f"maintenance[{number}]"
        values = read_mapping(item, path, _MAINTENANCE_FIELDS, "maintenance window", findings)
        if values is None or not isinstance(item, MapNode):
            continue
        for key in ("from", "until"):
            require(item, path, key, f"write {key}: 2026-11-25T22:00+07:00", findings)
        if "from" in values and "until" in values:
            begin, end = (datetime.fromisoformat(values[key]) for key in ("from", "until"))
            if end <= begin:
                findings.mistake(
                    line_of(item, "until"), f"{path}.until", "is not after from", "swap them", value=values["until"]
                )
        _check_region(item, path, values, region_ids, findings)
        windows.append(values)
    if windows:
        findings.warning(
            items[0].line,
            "maintenance",
            "is checked but not acted on by this version",
            "silence the alerts in Alertmanager or by Telegram's /silence",
        )
    return tuple(windows)


def _check_region(
    node: MapNode, path: str, values: Mapping[str, str], region_ids: Mapping[str, int], findings: Findings
) -> None:
    region = values.get("region")
    if region is not None and region not in region_ids:
        near = findings.near(region, region_ids)
        findings.mistake(
            line_of(node, "region"),
            f"{path}.region",
            "is no region of this file",
            f"did you mean {near}?" if near else "add it to regions: or write one that is there",
            value=region,
        )
