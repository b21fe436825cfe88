"""One entry of `targets:` from the tree to a Target, with the settings of its profile and its own keys laid over it."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from exporter.inventory.fields import (
    MAX_TIMEOUT_INTERVALS,
    PROFILE_KEYS,
    TARGET_FIELDS,
    is_given,
    line_of,
    read_mapping,
    require,
)
from exporter.inventory.findings import Refusal
from exporter.inventory.links import TargetEntry
from exporter.inventory.model import (
    CONNECT_DOWN_AFTER_PROBES,
    CONNECT_INTERVAL_SECONDS,
    ProbeKind,
    ProbeSpec,
    Profile,
    Target,
)
from exporter.inventory.nodes import MapNode
from exporter.inventory.scalars import ip_literal, parsed_ip

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exporter.inventory.findings import Findings
    from exporter.inventory.nodes import Node

_ICMP: Final = ProbeSpec(kind=ProbeKind.ICMP)
# Indonesia with its seas, degrees; a place outside is drawn off the map.
_SOUTH, _NORTH, _WEST, _EAST = -11.5, 6.5, 94.5, 141.5
_ROW: Final = re.compile(r"[a-z_]+:[^#]+#.+")
_REMEDIES: Final = {
    "id": "give it an id of its own that stays, e.g. id: jbr-gt-pasteur-1",
    "name": "write the name that people know, e.g. name: GT Pasteur 1",
    "region": "write the id of one of the regions",
    "address": "write the IP address or host name that is probed",
}


class TargetReader:
    """Reads entries one by one; settings that many share are made once."""

    def __init__(self, profiles: Mapping[str, Profile], region_ids: Mapping[str, int], findings: Findings) -> None:
        self._profiles = profiles
        self._region_ids = region_ids
        self._findings = findings
        self._settings: dict[tuple[Any, ...], Profile] = {}
        self._fields = dict(TARGET_FIELDS)
        self._fields["source"] = row_or_local_address

    def read(self, node: Node, path: str) -> TargetEntry | None:
        """Return the target with its node, or None where too much of it is refused to go on."""
        findings = self._findings
        values = read_mapping(node, path, self._fields, "target", findings)
        if values is None or not isinstance(node, MapNode):
            return None
        for key, remedy in _REMEDIES.items():
            if key not in values:
                require(node, path, key, remedy, findings)
        region = values.get("region")
        if region is not None and region not in self._region_ids:
            near = findings.near(region, self._region_ids)
            findings.mistake(
                line_of(node, "region"),
                f"{path}.region",
                "is no region of this file",
                f"did you mean {near}?" if near else "add it to regions: or write one that is there",
                value=region,
            )
        check_coordinates(node, path, values, findings)
        probe = self._probe(node, path, values)
        settings = self._read_settings(node, path, values, probe.kind)
        if not values.keys() >= _REMEDIES.keys():
            return None
        target = Target(
            id=values["id"],
            name=values["name"],
            region=values["region"],
            address=values["address"],
            probe=probe,
            settings=settings,
            kind=values.get("kind", ""),
            gateway=values.get("gateway"),
            latitude=values.get("latitude"),
            longitude=values.get("longitude"),
            provider=values.get("provider"),
            model=values.get("model"),
            hours=values.get("hours"),
            tunnel=values.get("tunnel"),
            source=source if is_row(source := values.get("source")) else None,
            missing_since=values.get("missing_since"),
            line=node.line,
        )
        return TargetEntry(target=target, node=node, path=path)

    def _probe(self, node: MapNode, path: str, values: dict[str, Any]) -> ProbeSpec:
        """Return the probe with its expected statuses."""
        probe: ProbeSpec = values.get("probe", _ICMP)
        if not is_given(node, "expect_status"):
            return probe
        expected = values.get("expect_status")
        if probe.kind is not ProbeKind.HTTP and not (is_given(node, "probe") and "probe" not in values):
            self._findings.mistake(
                line_of(node, "expect_status"),
                f"{path}.expect_status",
                "means something for an http(s) probe only",
                "remove it or give the target a URL as probe",
            )
        elif expected is not None:
            statuses = frozenset(expected if isinstance(expected, list) else [expected])
            if statuses:
                return replace(probe, expect_status=statuses)
        return probe

    def _read_settings(self, node: MapNode, path: str, values: dict[str, Any], kind: ProbeKind) -> Profile:
        """Lay the target's own keys over its profile."""
        findings = self._findings
        name = values.get("profile")
        if name is not None and name not in self._profiles:
            near = findings.near(name, self._profiles)
            findings.mistake(
                line_of(node, "profile"),
                f"{path}.profile",
                "is no profile",
                f"did you mean {near}?" if near else f"use {', '.join(self._profiles)} or add it to profiles:",
                value=name,
            )
            name = "fiber"
        own = {PROFILE_KEYS[key][0]: values[key] for key in values.keys() & PROFILE_KEYS.keys()}
        if is_row(own.get("source")):
            del own["source"]
        cache_key = (name, kind is ProbeKind.ICMP, frozenset(own.items()))
        settings = self._settings.get(cache_key)
        if settings is None:
            settings = self._profiles[name or "fiber"]
            if name is None and kind is not ProbeKind.ICMP:
                settings = replace(
                    settings,
                    interval_seconds=CONNECT_INTERVAL_SECONDS,
                    down_after_probes=CONNECT_DOWN_AFTER_PROBES,
                )
            settings = replace(settings, **own)
            if own:
                check_settings(settings, node, path, findings)
            self._settings[cache_key] = settings
        if settings.source is not None and not same_family(settings.source, values.get("address", "")):
            findings.mistake(
                line_of(node, "source" if "source" in own else "address"),
                f"{path}.address",
                f"is not of the family of {settings.source}, from which it is to be probed",
                "use an IPv4 pair or an IPv6 pair",
                value=values["address"],
            )
        return settings


def is_row(source: object) -> bool:
    """Tell whether a target's `source` names a row that regenerate wrote it from, not a local address."""
    return isinstance(source, str) and "#" in source


def row_or_local_address(text: str) -> str:
    """Read a target's `source`: regenerate's mark, or as in a profile the local address to send from."""
    if is_row(text):
        if _ROW.fullmatch(text) and text.isprintable():
            return text
        raise Refusal("is no row of a source", "write KIND:NAME#KEY as regenerate does, or remove the key")
    try:
        return ip_literal(text)
    except Refusal:
        raise Refusal(
            "is neither a local IP address to send from nor a row of a source",
            "write an address of this machine, or KIND:NAME#KEY as regenerate does",
        ) from None


def check_settings(settings: Profile, node: MapNode, path: str, findings: Findings) -> None:
    """Check what only the whole of a profile tells."""
    key = "timeout" if is_given(node, "timeout") else "interval"
    if settings.timeout_seconds > MAX_TIMEOUT_INTERVALS * settings.interval_seconds:
        findings.mistake(
            line_of(node, key),
            f"{path}.{key}",
            f"makes the timeout ({settings.timeout_seconds:g}s) more than {MAX_TIMEOUT_INTERVALS} intervals "
            f"({settings.interval_seconds:g}s each)",
            "lengthen the interval or shorten the timeout",
        )
    if settings.low_rtt_seconds > settings.timeout_seconds:
        key = "low_rtt" if is_given(node, "low_rtt") else key
        findings.warning(
            line_of(node, key),
            f"{path}.{key}",
            f"low_rtt ({settings.low_rtt_seconds:g}s) is above the timeout ({settings.timeout_seconds:g}s)",
            "such slow replies count as lost; raise the timeout or lower low_rtt",
        )


def check_coordinates(node: MapNode, path: str, values: Mapping[str, Any], findings: Findings) -> None:
    """Check that both coordinates are given or none, and tell of a place that is off the map."""
    has_latitude, has_longitude = is_given(node, "latitude"), is_given(node, "longitude")
    if has_latitude != has_longitude:
        there, absent = ("latitude", "longitude") if has_latitude else ("longitude", "latitude")
        findings.mistake(
            line_of(node, there), path, f"has a {there} and no {absent}", f"add {absent} or remove {there}"
        )
    latitude, longitude = values.get("latitude"), values.get("longitude")
    if latitude is None or longitude is None:
        return
    if not (_SOUTH <= latitude <= _NORTH and _WEST <= longitude <= _EAST):
        findings.warning(
            line_of(node, "latitude"),
            path,
            "is outside Indonesia and so off the map",
            "check sign and order: the south is negative, longitudes are 95 to 141",
            value=f"{latitude:g}, {longitude:g}",
        )


def same_family(source: str, address: str) -> bool:
    """Tell whether a local address can reach an address; host names can be of either family."""
    here, there = parsed_ip(source), parsed_ip(address)
    return here is None or there is None or here.version == there.version
