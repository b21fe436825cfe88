"""What the exporter's word means for an open incident: a Conclusion with a named reason (pure).

Alertmanager ends alerts when Prometheus dies, and says nothing at all when an alert ends while it is silenced or
inhibited. So only these decisions close an incident: "recovered" needs the exporter (or, for alerts the exporter cannot
speak of, a Prometheus that answers and no longer fires them).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from alertbridge.incidents import Incident, Phase, Tell

# After the last alert ended: how long the exporter may disagree or be away before "no data" is told.
CONFIRM_WITHIN = timedelta(seconds=30)
# A target that has been well this long while its alert still "fires": the alert's end was never told to us.
WELL_FOR = timedelta(seconds=90)


class Standing(StrEnum):
    """How the subject of an incident is now, by the peer that can say."""

    UP = "up"
    LOW = "low"
    BAD = "bad"  # down, cut off, flapping, isolated: what was told still holds
    UNKNOWN = "unknown"  # the exporter answers, but does not know the state
    GONE = "gone"  # the exporter answers and has no such target or region
    SILENT = "silent"  # nobody answers


class Closing(StrEnum):
    """Why an incident did or did not end: constant words for logs and tests."""

    RECOVERED = "recovered"
    RECOVERED_LOW = "recovered_low"
    END_UNSEEN = "end_unseen"  # recovered, though no webhook said so
    OVER_ALREADY = "over_already"  # before anybody was told of it
    NO_LONGER_MONITORED = "no_longer_monitored"
    NO_DATA = "no_data"
    STILL_BAD = "still_bad"
    STILL_FIRING = "still_firing"
    WAITING = "waiting"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What the peers said of one incident."""

    standing: Standing
    since: datetime | None = None  # when the subject entered this state; None: not known
    held: bool = False  # Alertmanager holds one of its alerts as firing, and hides it from nobody


@dataclass(frozen=True, slots=True, kw_only=True)
class Conclusion:
    """What is to be done with the incident."""

    reason: Closing
    tell: Tell | None = None  # None: nothing
    phase: Phase | None = None  # None: unchanged


# What closes (or, for BAD, keeps open) an incident whose alerts have all ended.
_ENDINGS = {
    Standing.UP: Conclusion(reason=Closing.RECOVERED, tell=Tell.OVER, phase=Phase.OVER),
    Standing.LOW: Conclusion(reason=Closing.RECOVERED_LOW, tell=Tell.OVER, phase=Phase.OVER),
    Standing.GONE: Conclusion(reason=Closing.NO_LONGER_MONITORED, tell=Tell.OVER, phase=Phase.GONE),
    Standing.BAD: Conclusion(reason=Closing.STILL_BAD),
}


def conclude(incident: Incident, evidence: Evidence, *, now: datetime) -> Conclusion:
    """Return what the evidence means for an incident that is not closed."""
    if incident.firing:
        return _conclude_firing(incident, evidence, now=now)
    patient = incident.ended_at is not None and now - incident.ended_at < CONFIRM_WITHIN
    ending = _ENDINGS.get(evidence.standing)
    if ending is not None and not (patient and evidence.standing is Standing.GONE):
        return ending  # an exporter that has just started may not know the target yet
    if patient or incident.phase is Phase.NO_DATA:
        return Conclusion(reason=Closing.WAITING)
    return Conclusion(reason=Closing.NO_DATA, tell=Tell.UPDATE, phase=Phase.NO_DATA)


def _conclude_firing(incident: Incident, evidence: Evidence, *, now: datetime) -> Conclusion:
    """Close an incident whose alerts still count as firing only when the exporter has long said otherwise."""
    if evidence.held or any(now - record.seen_at < WELL_FOR for record in incident.firing):
        return Conclusion(reason=Closing.STILL_FIRING)
    if evidence.standing is Standing.GONE:
        return Conclusion(reason=Closing.NO_LONGER_MONITORED, tell=Tell.OVER, phase=Phase.GONE)
    well = evidence.standing is Standing.UP and evidence.since is not None and now - evidence.since > WELL_FOR
    if well:
        return Conclusion(reason=Closing.END_UNSEEN, tell=Tell.OVER, phase=Phase.OVER)
    return Conclusion(reason=Closing.STILL_FIRING)
