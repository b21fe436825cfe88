"""What an open incident's message does when the exporter says more than it tells: it follows by an edit, or speaks up.

An edit makes no sound. So growth ("3 cut off" becomes "37 cut off") is a new message, once it is more than the same
fall still being counted.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from alertbridge import intake
from alertbridge.facts import reads_differently, told_of
from alertbridge.incidents import Level, Phase, Tell
from httpservice.logs import get_logger

if TYPE_CHECKING:
    from datetime import datetime

    from alertbridge.facts import Facts
    from alertbridge.incidents import Incident
    from alertbridge.settings import Settings
    from alertbridge.store.queries import Queries

log = get_logger(__name__)

COUNTING_FOR = timedelta(seconds=30)  # what is behind a hub is judged within seconds of it: that is not growth
_GROWN_TIMES = 3
_GROWN_BY = 10


class Change(StrEnum):
    """What newer facts mean for a message: constant words for logs and tests."""

    NOTHING = "nothing"  # it says all of it already
    OTHERWISE = "otherwise"  # another cause, another number: an edit
    GROWN = "grown"  # many more are affected: a new message


def compare(incident: Incident, facts: Facts, *, now: datetime) -> Change:
    """Return what newer facts of an open incident mean (pure)."""
    before = incident.facts.told_affected
    counted = before is not None and now - incident.started_at >= COUNTING_FOR
    loud = incident.phase is Phase.OPEN and incident.level >= Level.CRITICAL and _heard(incident)
    if before is not None and counted and loud and facts.affected >= max(before * _GROWN_TIMES, before + _GROWN_BY):
        return Change.GROWN
    return Change.OTHERWISE if reads_differently(incident.facts, facts) else Change.NOTHING


def follow(queries: Queries, incident: Incident, facts: Facts, settings: Settings, *, now: datetime) -> bool:
    """Store newer facts of an open incident and enqueue what they mean; return whether something is to be told."""
    change = compare(incident, facts, now=now)
    counting = facts.told_affected is None or now - incident.started_at < COUNTING_FOR
    if change is Change.GROWN or counting:
        facts = told_of(facts)
    if change is Change.NOTHING:
        if (facts.state, facts.told_affected) != (incident.facts.state, incident.facts.told_affected):
            queries.update_incidents([incident.id], facts=facts)
        return False  # newer numbers alone are not worth a write every few seconds: a message asks for them itself
    queries.update_incidents([incident.id], facts=facts)
    log.info("incident", subject=incident.subject, reason=change.value)
    if change is Change.GROWN:
        values = {"before": str(incident.facts.told_affected)}
        intake.tell(queries, replace(incident, facts=facts), Tell.GROWN, settings, now=now, values=values)
    else:
        intake.tell(queries, incident, Tell.UPDATE, settings, now=now)
    return True


def _heard(incident: Incident) -> bool:
    """Tell whether anything of it is hidden from nobody: who silences a hub does not want to hear of it."""
    return any(not record.suppressed for record in incident.firing)
