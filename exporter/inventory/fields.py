"""Which keys each part of targets.yml has, and how a mapping is read by them: unknown keys are refused, all is told.

The tables are the schema. targets.schema.json says the same to editors; a test holds the two together.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from exporter.inventory import scalars
from exporter.inventory.findings import Findings, Refusal
from exporter.inventory.nodes import ListNode, MapNode, ScalarNode
from exporter.inventory.probes import probe

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exporter.inventory.nodes import Node

Reader: TypeAlias = Callable[[str], Any]

# Rings of the board bound these: 64 confirmation probes, and 128 grid probes of which 60 are the window.
MAX_PROBES: Final = 60
MAX_TIMEOUT_SECONDS: Final = 60.0
MAX_TIMEOUT_INTERVALS: Final = 32
MIN_INTERVAL_SECONDS: Final = 0.1  # faster is a flood, and the engine's grid is about 10 ms
MIN_PAYLOAD_BYTES: Final = 24  # token, slot, generation and sequence, by which replies are matched
MAX_PAYLOAD_BYTES: Final = 1472  # fills an Ethernet packet: 1500 - 20 (IPv4) - 8 (ICMP)

_rtt = scalars.duration_between(0.001, MAX_TIMEOUT_SECONDS, "1ms", "60s")

# key -> (field of model.Profile, reader)
PROFILE_KEYS: Final[dict[str, tuple[str, Reader]]] = {
    "interval": ("interval_seconds", scalars.duration_between(MIN_INTERVAL_SECONDS, 3600.0, "100ms", "1h")),
    "timeout": ("timeout_seconds", scalars.duration_between(0.01, MAX_TIMEOUT_SECONDS, "10ms", "60s")),
    "low_rtt": ("low_rtt_seconds", _rtt),
    "low_jitter": ("low_jitter_seconds", _rtt),
    "low_loss": ("low_loss_ratio", scalars.percent),
    "down_after": ("down_after_seconds", scalars.duration_between(0.1, 3600.0, "100ms", "1h")),
    "down_after_probes": ("down_after_probes", scalars.integer_between(1, MAX_PROBES)),
    "up_after_probes": ("up_after_probes", scalars.integer_between(1, MAX_PROBES)),
    "size": ("payload_bytes", scalars.integer_between(MIN_PAYLOAD_BYTES, MAX_PAYLOAD_BYTES)),
    "dscp": ("dscp", scalars.integer_between(0, 63)),
    "source": ("source", scalars.ip_literal),
}
_SETTINGS: Final[dict[str, Reader]] = {key: reader for key, (_, reader) in PROFILE_KEYS.items()}

PROFILE_FIELDS: Final = _SETTINGS
REGION_FIELDS: Final[dict[str, Reader]] = {
    "id": scalars.identifier,
    "name": scalars.name,
    "latitude": scalars.latitude,
    "longitude": scalars.longitude,
    "timezone": scalars.timezone,
    "hours": scalars.hours,
}
TARGET_FIELDS: Final[dict[str, Reader]] = {
    "id": scalars.identifier,
    "name": scalars.name,
    "region": str,  # looked up, and told there
    "address": scalars.address,
    "probe": probe,
    "kind": scalars.word,
    "gateway": str,
    "profile": str,
    "latitude": scalars.latitude,
    "longitude": scalars.longitude,
    "provider": scalars.word,
    "model": scalars.word,
    "hours": scalars.hours,
    "tunnel": scalars.tunnel,
    "expect_status": scalars.integer_between(100, 599),
    "missing_since": scalars.iso_date,
    **_SETTINGS,
}
LIST_KEYS: Final = frozenset({"expect_status"})  # one value or a list of them


def read_mapping(
    node: Node, path: str, fields: Mapping[str, Reader], noun: str, findings: Findings
) -> dict[str, Any] | None:
    """Read a mapping by its table.

    Keys without a value are left out; so are those whose value is refused (which is told).

    Returns:
        The typed values, or None where the node is no mapping at all (which is told).
    """
    if not isinstance(node, MapNode):
        findings.mistake(
            node.line,
            path,
            f"is no {noun}" if isinstance(node, ScalarNode) and node.text else f"a {noun} is missing here",
            f"write keys and values, e.g. {{{', '.join(f'{key}: ...' for key in list(fields)[:3])}}}",
            value=node.text if isinstance(node, ScalarNode) else "",
        )
        return None
    values: dict[str, Any] = {}
    for key, (key_node, value) in node.entries.items():
        reader = fields.get(key)
        if reader is None:
            _tell_unknown(key_node, path, fields, noun, findings)
        elif type(value) is ScalarNode:
            if value.plain and value.is_null:
                continue
            try:
                values[key] = reader(value.text)
            except Refusal as refusal:
                _tell_refused(value, f"{path}.{key}", refusal, findings)
        elif key in LIST_KEYS and isinstance(value, ListNode):
            values[key] = _read_list(value, f"{path}.{key}", reader, findings)
        else:
            what = "a list" if isinstance(value, ListNode) else "a mapping"
            findings.mistake(value.line, f"{path}.{key}", f"is {what}", "write one value")
    return values


def is_given(node: MapNode, key: str) -> bool:
    """Tell whether a key has a value, good or refused."""
    entry = node.entries.get(key)
    return entry is not None and not (isinstance(entry[1], ScalarNode) and entry[1].is_null)


def line_of(node: MapNode, key: str) -> int:
    """Return the line of a key's value, or of the mapping where the key is absent."""
    entry = node.entries.get(key)
    return entry[1].line if entry is not None and key not in node.merged else node.line


def require(node: MapNode, path: str, key: str, remedy: str, findings: Findings) -> None:
    """Tell that a key is missing, if it is."""
    if not is_given(node, key):
        findings.mistake(node.line, path, f"has no {key}", remedy)


def _read_list(node: ListNode, path: str, reader: Reader, findings: Findings) -> list[Any]:
    values = []
    for number, item in enumerate(node.items):
        if not isinstance(item, ScalarNode):
            findings.mistake(item.line, f"{path}[{number}]", "is no single value", "write one value")
            continue
        try:
            values.append(reader(item.text))
        except Refusal as refusal:
            _tell_refused(item, f"{path}[{number}]", refusal, findings)
    return values


def _tell_refused(node: ScalarNode, path: str, refusal: Refusal, findings: Findings) -> None:
    problem = refusal.problem if node.text else f"an empty text {refusal.problem}"
    findings.mistake(node.line, path, problem, refusal.remedy, value=node.text)


def _tell_unknown(key: ScalarNode, path: str, fields: Mapping[str, Reader], noun: str, findings: Findings) -> None:
    near = findings.near(key.text, fields)
    remedy = f"did you mean {near}?" if near else f"remove it; the keys are {', '.join(fields)}"
    findings.mistake(key.line, path, f"is no key of a {noun}", remedy, value=key.text or "(empty)")
