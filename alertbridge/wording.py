"""What an incident looks like in a few words: its mark, state word, place, moments and spans (pure)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from alertbridge import facts as facts_module
from alertbridge.incidents import Incident, Level, Phase
from alertbridge.markup import one_line
from alertbridge.settings import JAKARTA

if TYPE_CHECKING:
    from alertbridge.incidents import Record
    from alertbridge.texts import Texts


class Shown(StrEnum):
    """What an incident shows; the value is the key of its word in texts/. Worst first: digests sort by this order."""

    DOWN = "down"
    CRITICAL = "critical"
    UNKNOWN = "unknown"
    FLAPPING = "flapping"
    LOW = "low"
    WARNING = "warning"
    INFO = "info"
    GONE = "gone"
    UP = "up"


# Shapes differ, not only colours: circle, square, question mark, tick.
MARKS = {
    Shown.DOWN: "🔴",
    Shown.CRITICAL: "🚨",
    Shown.UNKNOWN: "❔",
    Shown.FLAPPING: "🔁",
    Shown.LOW: "🟨",
    Shown.WARNING: "⚠️",
    Shown.INFO: "🔹",
    Shown.GONE: "⏹",
    Shown.UP: "✅",
}
ORDER = {shown: place for place, shown in enumerate(Shown)}
_BY_ALERT = {
    "VPNTargetDown": Shown.DOWN,
    "VPNRegionDown": Shown.DOWN,
    "VPNTargetLow": Shown.LOW,
    "VPNTargetUnknown": Shown.UNKNOWN,
    "VPNTargetFlapping": Shown.FLAPPING,
}
# Alerts about no single target or region, most of them of the monitoring itself: by name and severity -> (key of their
# words in texts/, the rule's `for` and `keep_firing_for` in seconds): it began that much before it fired, and was over
# that much before it ended.
_MONITOR = {
    ("VPNMonitorIsolated", "critical"): ("isolated", 5.0, 30.0),
    ("VPNEngineImpaired", "critical"): ("impaired", 15.0, 30.0),
    ("VPNExporterDown", "critical"): ("exporter", 15.0, 0.0),
    ("VPNExporterDown", "warning"): ("rest", 60.0, 0.0),
    ("VPNConfigReloadFailed", "warning"): ("config", 0.0, 0.0),
    ("VPNConfigReloadFailed", "info"): ("removal", 0.0, 0.0),
    ("VPNStorageFailing", "warning"): ("storage", 90.0, 0.0),
    ("VPNTunnelSourceDown", "warning"): ("tunnels", 60.0, 0.0),
    ("VPNCertificateExpiring", "warning"): ("certificate", 0.0, 0.0),
    ("VPNCertificateExpiring", "critical"): ("certificate_week", 0.0, 0.0),
    ("AlertBridgeDeliveryStalled", "critical"): ("stalled", 30.0, 0.0),
    ("AlertBridgeDeliveryStalled", "warning"): ("dead", 0.0, 0.0),
    ("AlertBridgePollingFailing", "warning"): ("polling", 120.0, 0.0),
    ("VPNSharedFate", "warning"): ("provider", 0.0, 0.0),
    ("VPNRegionSLOBurn", "warning"): ("budget", 0.0, 0.0),
    ("VPNRegionSLOBurn", "info"): ("budget_slow", 0.0, 0.0),
}
_BY_LEVEL = {Level.CRITICAL: Shown.CRITICAL, Level.WARNING: Shown.WARNING}
_UNITS = (("day", 86400), ("hour", 3600), ("minute", 60), ("second", 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """From when to when an incident's subject was bad."""

    start: datetime
    end: datetime
    measured: bool  # by the exporter's state time; False: by the alert's, which fires a little later


def alert_shows(incident: Incident) -> Shown:
    """Return what the incident's alert says, whatever became of it."""
    name = incident.main.name if incident.main else ""
    return _BY_ALERT.get(name) or _BY_LEVEL.get(incident.level, Shown.INFO)


def record_shows(record: Record) -> Shown:
    """Return what one alert says."""
    return _BY_ALERT.get(record.name) or _BY_LEVEL.get(record.level, Shown.INFO)


def shows(incident: Incident) -> Shown:
    """Return what the incident shows now."""
    match incident.phase:
        case Phase.GONE:
            return Shown.GONE
        case Phase.OVER:
            return Shown.LOW if incident.facts.state == "low" else Shown.UP
        case Phase.NO_DATA:
            return Shown.UNKNOWN
        case Phase.OPEN | Phase.CONFIRMING:
            return alert_shows(incident)


def monitor_key(incident: Incident) -> str:
    """Return the key of the words for an alert of the monitoring itself; empty for every other incident."""
    return _monitor(incident)[0]


def monitor_title(incident: Incident, texts: Texts) -> str:
    """Return the first words of such an alert, not escaped: what began, or that it is over."""
    ended = "_over" if incident.phase is Phase.OVER else ""
    name, _ = monitor_detail(incident)
    return texts.entries[f"monitor.{monitor_key(incident)}{ended}"].format(
        place=name or incident.label("region") or "?"
    )


def monitor_detail(incident: Incident) -> tuple[str, str]:
    """Return what the rule's `detail` says: of `PLACE · VALUE` both parts, else all of it as value."""
    detail = incident.main.annotations.get("detail", "") if incident.main else ""
    name, _, value = one_line(detail, 400).strip(" ,").rpartition(" · ")
    return name, value


def _monitor(incident: Incident) -> tuple[str, float, float]:
    if not incident.subject.startswith("alert:"):
        return "", 0.0, 0.0
    return _MONITOR.get((incident.label("alertname"), incident.label("severity")), ("", 0.0, 0.0))


def region_name(incident: Incident) -> str:
    """Return the region's name, its id when the name is not known, or an empty text."""
    return incident.facts.region_name or incident.label("region")


def place(incident: Incident) -> str:
    """Return where it is: region and target by name; for other alerts their summary."""
    facts = incident.facts
    kind, _, identity = incident.subject.partition(":")
    if kind == "region":
        return facts.name or identity
    if kind == "target":
        parts = [region_name(incident), facts.name or identity]
    else:
        summary = incident.main.annotations.get("summary", "") if incident.main else ""
        parts = [incident.label("region"), summary or incident.label("alertname") or identity]
    return " · ".join(one_line(part, 120) for part in parts if part)


def span(incident: Incident, *, now: datetime) -> Span:
    """Return from when to when its subject was (or is) bad."""
    facts = incident.facts
    measured_start = facts_module.moment(facts.bad_since)
    _, fires_after, kept_for = _monitor(incident)
    start = measured_start or incident.started_at - timedelta(seconds=fires_after)
    end = now
    if incident.phase.closed and kept_for and incident.ended_at is not None and not facts.state_since:
        end = incident.ended_at - timedelta(seconds=kept_for)
    elif incident.phase.closed:
        recovered = facts_module.moment(facts.state_since) if incident.phase is Phase.OVER else None
        end = recovered if recovered and recovered >= start else (incident.ended_at or incident.closed_at or now)
    return Span(start=start, end=max(start, end), measured=measured_start is not None)


def zone_of(incident: Incident) -> ZoneInfo:
    """Return the time zone of the incident's region."""
    return zone(incident.facts.timezone)


def zone(name: str) -> ZoneInfo:
    """Return a time zone by name; Jakarta's where there is none of that name."""
    try:
        return ZoneInfo(name) if name else JAKARTA
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return JAKARTA


def when(moment: datetime, place: ZoneInfo, *, now: datetime) -> str:
    """Return a moment as local time with its zone (WIB, WITA, WIT); with the date when it is another day."""
    local = moment.astimezone(place)
    pattern = "%H:%M:%S %Z" if local.date() == now.astimezone(place).date() else "%d/%m %H:%M %Z"
    return local.strftime(pattern)


def duration(seconds: float, texts: Texts) -> str:
    """Return a span in its two largest units."""
    rest = max(0, round(seconds))
    parts: list[str] = []
    for unit, size in _UNITS:
        count, rest = divmod(rest, size)
        if count or (parts and rest == 0 and count):
            parts.append(texts(f"time.{unit}", count=count))
        elif parts:
            break
        if len(parts) == 2:  # noqa: PLR2004 - two units are enough to act on
            break
    return " ".join(parts) or texts("time.second", count=0)


def utc_now() -> datetime:
    """Return the present moment."""
    return datetime.now(UTC)
