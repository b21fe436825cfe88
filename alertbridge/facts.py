"""What the exporter says of a target or region, as a value that is stored with the incident (pure).

Facts are what was true when we last asked; a message never shows a number that nobody measured: absent stays absent.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from alertbridge.payload import clean

if TYPE_CHECKING:
    from collections.abc import Mapping

STATES = frozenset({"up", "low", "down", "unknown"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """One item of the exporter's JSON API, as far as messages need it. Times are RFC 3339 texts, None: not known."""

    name: str = ""
    region: str = ""
    region_name: str = ""
    timezone: str = ""
    address: str = ""
    kind: str = ""
    provider: str = ""
    gateway: str = ""
    state: str = ""  # up, low, down, unknown; empty: never asked
    state_since: str | None = None
    bad_since: str | None = None  # when the trouble of this incident began; kept after the recovery
    outage: bool = False
    cut_off: bool = False
    cut_off_targets: int = 0
    cause: str = ""
    culprit: str = ""
    flapping: bool = False
    unknown_reason: str = ""
    rtt_seconds: float | None = None
    jitter_seconds: float | None = None
    loss_ratio: float | None = None
    targets: int = 0  # of a region
    down: int = 0
    low: int = 0
    as_of: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return what is stored: everything that is not the default."""
        defaults = Facts()
        return {key: value for key, value in asdict(self).items() if value != getattr(defaults, key)}


def from_json(stored: Mapping[str, Any]) -> Facts:
    """Return stored facts; unknown keys (of a newer version) are left out."""
    names = {field.name for field in fields(Facts)}
    return Facts(**{key: value for key, value in stored.items() if key in names})


def from_item(item: Mapping[str, Any], *, is_region: bool, as_of: str | None) -> Facts:
    """Return the facts of an item of /api/v1/targets or /api/v1/regions. Fields of a wrong type count as absent."""
    state = _text(item.get("state")).lower()
    return Facts(
        name=_text(item.get("name")),
        region=_text(item.get("id" if is_region else "region")),
        region_name=_text(item.get("name" if is_region else "region_name")),
        timezone=_text(item.get("timezone")),
        address=_text(item.get("address")),
        kind=_text(item.get("kind")),
        provider=_text(item.get("provider")),
        gateway=_text(item.get("gateway")),
        state=state if state in STATES else "unknown",
        state_since=_text(item.get("state_since")) or None,
        outage=item.get("outage") is True,
        cut_off=not is_region and bool(item.get("cut_off")),
        cut_off_targets=_count(item.get("cut_off" if is_region else "cut_off_targets")),
        cause=_text(item.get("cause")),
        culprit=_text(item.get("culprit")),
        flapping=item.get("flapping") is True,
        unknown_reason=_text(item.get("unknown_reason")),
        rtt_seconds=_number(item.get("rtt_seconds")),
        jitter_seconds=_number(item.get("jitter_seconds")),
        loss_ratio=_number(item.get("loss_ratio")),
        targets=_count(item.get("targets")) if is_region else 0,
        down=_count(item.get("down")) if is_region else 0,
        low=_count(item.get("low")) if is_region else 0,
        as_of=as_of,
    )


def merge(old: Facts, new: Facts, *, bad_state: str) -> Facts:
    """Return the new facts of an open incident, with the moment its trouble began kept.

    Args:
        old: what was stored.
        new: what the exporter says now.
        bad_state: the state that the incident tells of; only a look that finds it tells when it began.
    """
    begun = new.state_since if new.state == bad_state and new.state_since else old.bad_since
    return replace(new, bad_since=begun, address=new.address or old.address)


def moment(text: str | None) -> datetime | None:
    """Return a stored RFC 3339 time as aware UTC."""
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found.astimezone(UTC) if found.tzinfo else None


def _text(value: Any) -> str:
    return clean(value) if isinstance(value, str) else ""


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _count(value: Any) -> int:
    return int(value) if isinstance(value, int | float) and not isinstance(value, bool) and value > 0 else 0
