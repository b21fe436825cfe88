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
    bad_state: str = ""  # which trouble `bad_since` dates: LOW and DOWN begin at different moments
    silent_since: str | None = None  # of what is down: send time of the first probe without an answer
    last_measured: tuple[str, float, float | None] | None = None  # before that silence: time, RTT seconds, loss 0-1
    newest_failure: str = ""  # timeout, unreachable ...
    low_reasons: tuple[tuple[str, float, float], ...] | None = None  # (reason, value, limit); None: not told
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
    told_affected: int | None = None  # how many were affected when it last made a sound; None: not counted yet

    @property
    def affected(self) -> int:
        """How many others it takes with it: of a hub what is cut off behind it, of a region what is down."""
        return self.down if self.targets else self.cut_off_targets

    def to_json(self) -> dict[str, Any]:
        """Return what is stored: everything that is not the default."""
        defaults = Facts()
        return {key: value for key, value in asdict(self).items() if value != getattr(defaults, key)}


def from_json(stored: Mapping[str, Any]) -> Facts:
    """Return stored facts; unknown keys (of a newer version) are left out."""
    names = {field.name for field in fields(Facts)}
    known = {key: value for key, value in stored.items() if key in names}
    reasons = known.get("low_reasons")  # JSON has no tuples
    if reasons is not None:
        known["low_reasons"] = tuple((str(reason), float(value), float(limit)) for reason, value, limit in reasons)
    measured = known.get("last_measured")
    if measured is not None:
        known["last_measured"] = tuple(measured)
    return Facts(**known)


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
        silent_since=_text(item.get("silent_since")) or None,
        last_measured=_measured(item.get("last_measured")),
        newest_failure=_text(item.get("newest_failure")),
        low_reasons=_reasons(item.get("low_reasons")),
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
        bad_state: the state that the incident tells of; only a look that finds it tells when it began. The first such
            look does: a later `state_since` of the same trouble is the end of a moment of blindness.
    """
    known = old.bad_since is not None and old.bad_state in {"", bad_state}
    finds = new.state == bad_state and new.state_since is not None
    begun, of = (new.state_since, bad_state) if finds and not known else (old.bad_since, old.bad_state)
    silence = old if known and old.silent_since else new  # its begin, and what was measured before that
    return replace(
        new,
        bad_since=begun,
        bad_state=of,
        silent_since=silence.silent_since,
        last_measured=silence.last_measured,
        newest_failure=new.newest_failure or old.newest_failure,
        address=new.address or old.address,
        told_affected=old.told_affected,
    )


def told_of(facts: Facts) -> Facts:
    """Return the facts once a new message has told them: from now on it is counted how many more are affected."""
    return replace(facts, told_affected=facts.affected)


def reads_differently(old: Facts, new: Facts) -> bool:
    """Tell whether a message with the new facts says something else; measured numbers alone are no news."""
    return _told(old) != _told(new)


def _told(facts: Facts) -> tuple[object, ...]:
    low = facts.low_reasons if facts.state == "low" else None
    return (
        *(facts.name, facts.region_name, facts.bad_since, facts.silent_since, facts.last_measured),
        *(facts.cause, facts.culprit, facts.unknown_reason),
        *(facts.cut_off, facts.cut_off_targets, facts.targets, facts.down, facts.low, facts.address, facts.gateway),
        *(reason for reason, _, _ in low or ()),
        facts.state if facts.flapping else "",
    )


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


def _measured(value: Any) -> tuple[str, float, float | None] | None:
    if not isinstance(value, dict):
        return None
    at, rtt = _text(value.get("at")), _number(value.get("rtt_seconds"))
    return None if moment(at) is None or rtt is None else (at, rtt, _number(value.get("loss_ratio")))


def _reasons(value: Any) -> tuple[tuple[str, float, float], ...] | None:
    if not isinstance(value, list):
        return None
    found = [
        (item.get("reason"), _number(item.get("value")), _number(item.get("limit")))
        for item in value
        if isinstance(item, dict)
    ]
    return tuple(
        (clean(reason), measured, limit)
        for reason, measured, limit in found
        if isinstance(reason, str) and measured is not None and limit is not None
    )


def _count(value: Any) -> int:
    return int(value) if isinstance(value, int | float) and not isinstance(value, bool) and value > 0 else 0
