"""What an alert means for a known incident: a Decision with a named reason (pure).

An incident is everything that is told about one subject: a target goes LOW, then DOWN, then recovers, and all of it is
one incident with one message. The webhook is evidence, not truth: an ended alert only *asks* for a recovery; whether it
is told is decided in truth.py with the exporter's word. A webhook of another version is refused (payload.py); where one
was cut short (`truncatedAlerts`) the rest is asked for at once (reconcile.py).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import IntEnum, StrEnum
from typing import TYPE_CHECKING

from alertbridge.facts import Facts
from alertbridge.payload import Alert, AlertStatus

if TYPE_CHECKING:
    from collections.abc import Mapping

WATCHDOG = "Watchdog"
# Pairs of Prometheus see the same fault up to a scrape and an evaluation apart (2 x 1 s, 2 s above 10,000 targets).
SAME_START = timedelta(seconds=4)
# Alertmanager repeats after hours; the same body within minutes is a retry, a peer's copy or a changed group.
REPEAT_AFTER = timedelta(minutes=10)
FLAP_WINDOW = timedelta(minutes=10)  # firing again this soon belongs to the same incident
LATE_FOR = timedelta(minutes=2)  # a peer's late copy comes within its peer-timeout (15 s) and its back-off
LOUD_REOPENINGS = 3  # after so many, a flapping subject only edits its message
_TARGET_ALERTS = frozenset({"VPNTargetDown", "VPNTargetLow", "VPNTargetUnknown", "VPNTargetFlapping"})


class Level(IntEnum):
    """How bad it is; from the alert's `severity`."""

    NONE = 0
    INFO = 1
    WARNING = 2
    CRITICAL = 3


class Phase(StrEnum):
    """Where an incident stands."""

    OPEN = "open"  # at least one alert fires
    CONFIRMING = "confirming"  # all alerts ended; the exporter has not confirmed it yet
    NO_DATA = "no_data"  # all alerts ended, and nobody can say how the subject is
    OVER = "over"  # the exporter says up or low
    GONE = "gone"  # no longer monitored

    @property
    def closed(self) -> bool:
        """Closed incidents are not asked about again."""
        return self in {Phase.OVER, Phase.GONE}


class Tell(StrEnum):
    """What is to be told to the chats; the value is the outbox row's kind."""

    OPEN = "open"  # a new message
    WORSE = "worse"  # a new message, as a reply: edits make no sound
    REMIND = "remind"  # still bad and nobody acknowledged it: a reply
    GROWN = "grown"  # as bad, but many more are affected: a reply
    UPDATE = "update"  # edit the message
    OVER = "over"  # edit the message, and a short silent reply


class Reason(StrEnum):
    """Why an alert led to its decision: constant words for logs and tests."""

    NEW = "new"
    WORSE = "worse"
    WORSE_THAN_TAKEN = "worse_than_taken"  # somebody took it while it was weaker: this one nobody has taken
    JOINED = "joined"  # another alert of the same subject, no worse
    REPEATED = "repeated"  # Alertmanager's repeat of something nobody acknowledged
    ACKNOWLEDGED = "acknowledged"  # such a repeat, but somebody works on it
    RESENT = "resent"  # the same again: a retry, or the peer of a pair
    FLAPPED = "flapped"  # newer startsAt while open: it was well in between
    REOPENED = "reopened"  # fires again soon after it was over
    FLAPPING = "flapping"  # as reopened, but too often to make a sound
    STILL_LOW = "still_low"  # it was told "back, but low", and that is what fires now
    CAME_BACK = "came_back"  # fires again before its end was confirmed
    LATE_DUPLICATE = "late_duplicate"  # firing, but older than the end we know
    ENDED = "ended"  # other alerts of the incident still fire
    CONFIRM = "confirm"  # the last alert ended: ask the exporter before telling
    ENDED_ALREADY = "ended_already"
    RESOLVED_UNKNOWN = "resolved_unknown"  # never told, so there is nothing to end; remembered
    RESOLVED_OLD = "resolved_old"  # the end of an earlier episode


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """The newest episode of one alert, as stored."""

    fingerprint: str
    starts_at: datetime
    ends_at: datetime | None  # None: firing
    seen_at: datetime  # when the last webhook named it
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    suppressed: str = ""  # "silenced" or "inhibited" while Alertmanager hides it

    @property
    def firing(self) -> bool:
        """Not ended, as far as we know."""
        return self.ends_at is None

    @property
    def level(self) -> Level:
        """How bad it is."""
        return level_of(self.labels)

    @property
    def name(self) -> str:
        """The alert's name."""
        return self.labels.get("alertname", "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """Everything that is told about one subject."""

    id: int
    subject: str  # target:ID, region:ID or alert:FINGERPRINT
    phase: Phase
    level: Level  # of the alerts that fire; of the last ones when none does
    opened_at: datetime
    started_at: datetime  # earliest startsAt of this episode
    ended_at: datetime | None = None  # when its last alert ended; None while one fires
    closed_at: datetime | None = None
    told_at: datetime | None = None  # the last time it made a sound
    reopenings: int = 0
    acknowledged_by: str = ""
    acknowledged_at: datetime | None = None  # when it last changed hands
    taken_from: str = ""  # who had it before somebody else took it over, or before it became worse
    released_by: str = ""  # who let it go, while nobody has it
    facts: Facts = field(default_factory=Facts)  # what the exporter last said of the subject
    records: tuple[Record, ...] = ()

    @property
    def firing(self) -> tuple[Record, ...]:
        """The alerts that still fire, worst first."""
        return tuple(sorted((r for r in self.records if r.firing), key=lambda r: -r.level))

    @property
    def main(self) -> Record | None:
        """The alert that speaks for the incident: the worst that fires, else the worst of the newest."""
        if self.firing:
            return self.firing[0]
        return max(self.records, key=lambda r: (r.level, r.starts_at), default=None)

    @property
    def outgrown(self) -> str:
        """Who took it while it was weaker, and nobody has decided since; empty: nobody did, or somebody has."""
        return "" if self.acknowledged_by or self.released_by else self.taken_from

    @property
    def weaker(self) -> Record | None:
        """The alert that told of it before it became as bad as it is; None: it was never less."""
        below = (record for record in self.records if record.level < self.level)
        return max(below, key=lambda r: (r.level, r.starts_at), default=None)

    def label(self, name: str) -> str:
        """Return a label of the main alert; empty where there is none."""
        return self.main.labels.get(name, "") if self.main else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What one alert leads to."""

    reason: Reason
    tell: Tell | None = None  # None: nothing
    phase: Phase | None = None  # None: unchanged
    remember: bool = True  # store the alert as the newest episode of its fingerprint


def level_of(labels: Mapping[str, str]) -> Level:
    """Return how bad an alert is; one without a severity that we know counts as a warning."""
    return Level.__members__.get(labels.get("severity", "").upper(), Level.WARNING)


def subject_of(alert: Alert) -> str:
    """Return what an alert is about: the key of its incident."""
    target, region = alert.labels.get("target"), alert.labels.get("region")
    if target and alert.name in _TARGET_ALERTS:
        return f"target:{target}"
    if region and alert.name == "VPNRegionDown":
        return f"region:{region}"
    return f"alert:{alert.fingerprint}"


def decide(incident: Incident | None, known: Record | None, alert: Alert, *, now: datetime) -> Decision:
    """Return what an alert means.

    Args:
        incident: the newest incident of the alert's subject, open or closed; None: never seen.
        known: the newest stored episode of the same fingerprint; None: never seen.
        alert: what the webhook says.
        now: aware UTC.
    """
    if alert.status is AlertStatus.RESOLVED:
        return _decide_resolved(incident, known, alert)
    if incident is not None and not incident.phase.closed:
        return _decide_open(incident, known, alert, now=now)
    if _is_late(known, alert, now=now):
        return Decision(reason=Reason.LATE_DUPLICATE, remember=False)
    return _decide_new(incident, alert, now=now)


def _is_late(known: Record | None, alert: Alert, *, now: datetime) -> bool:
    """Tell whether a firing alert is older than the end we know.

    Only for a while: a Prometheus that was frozen fires on with its old startsAt after Alertmanager has ended it.
    """
    if known is None or known.ends_at is None or alert.starts_at > known.ends_at:
        return False
    return now - max(known.ends_at, known.seen_at) < LATE_FOR


def _decide_new(incident: Incident | None, alert: Alert, *, now: datetime) -> Decision:
    """Decide a firing alert where no incident is open."""
    if incident is None or incident.closed_at is None or now - incident.closed_at > FLAP_WINDOW:
        return Decision(reason=Reason.NEW, tell=Tell.OPEN, phase=Phase.OPEN)
    if incident.facts.state == "low" and level_of(alert.labels) <= Level.WARNING:
        return Decision(reason=Reason.STILL_LOW, tell=Tell.UPDATE, phase=Phase.OPEN)
    if incident.reopenings >= LOUD_REOPENINGS:
        return Decision(reason=Reason.FLAPPING, tell=Tell.UPDATE, phase=Phase.OPEN)
    return Decision(reason=Reason.REOPENED, tell=Tell.WORSE, phase=Phase.OPEN)


def _decide_open(incident: Incident, known: Record | None, alert: Alert, *, now: datetime) -> Decision:
    """Decide a firing alert of an open incident."""
    if level_of(alert.labels) > incident.level:
        # Who took a weak site has not taken one that is down: it rings, repeats and escalates until somebody does.
        reason = Reason.WORSE_THAN_TAKEN if incident.acknowledged_by else Reason.WORSE
        return Decision(reason=reason, tell=Tell.WORSE, phase=Phase.OPEN)
    if known is None or known.ends_at is not None:
        reason = Reason.JOINED if incident.firing else Reason.CAME_BACK
        return Decision(reason=reason, tell=Tell.UPDATE, phase=Phase.OPEN)
    if alert.starts_at - known.starts_at > SAME_START:
        return Decision(reason=Reason.FLAPPED, tell=Tell.UPDATE, phase=Phase.OPEN)
    if incident.told_at is None or now - max(incident.told_at, known.seen_at) < REPEAT_AFTER:
        return Decision(reason=Reason.RESENT)
    if incident.acknowledged_by:
        return Decision(reason=Reason.ACKNOWLEDGED, tell=Tell.UPDATE)
    loud = level_of(alert.labels) >= Level.CRITICAL
    return Decision(reason=Reason.REPEATED, tell=Tell.REMIND if loud else Tell.UPDATE)


def _decide_resolved(incident: Incident | None, known: Record | None, alert: Alert) -> Decision:
    """Decide an ended alert."""
    if known is None or incident is None:
        return Decision(reason=Reason.RESOLVED_UNKNOWN)
    if known.ends_at is not None:
        return Decision(reason=Reason.ENDED_ALREADY, remember=False)
    if known.starts_at - alert.starts_at > SAME_START:
        return Decision(reason=Reason.RESOLVED_OLD, remember=False)
    if any(record.fingerprint != alert.fingerprint for record in incident.firing):
        return Decision(reason=Reason.ENDED, tell=Tell.UPDATE)
    return Decision(reason=Reason.CONFIRM, phase=Phase.CONFIRMING)


def record_of(alert: Alert, *, now: datetime) -> Record:
    """Return what is stored of an alert."""
    ends_at = alert.ends_at or now if alert.status is AlertStatus.RESOLVED else None
    return Record(
        fingerprint=alert.fingerprint,
        starts_at=alert.starts_at,
        ends_at=ends_at.astimezone(UTC) if ends_at else None,
        seen_at=now,
        labels=alert.labels,
        annotations=alert.annotations,
    )
