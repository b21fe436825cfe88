"""Alarms that are over before they are told: an isolated alarm leaves only after the exporter was asked once more.

Its rule keeps firing for half a minute after the line is back, and Telegram is often behind the same line: without
this, "our line is cut off" would arrive when it no longer is.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from alertbridge import intake
from alertbridge.errors import PeerError
from alertbridge.incidents import Phase, Tell
from alertbridge.planning import Act
from alertbridge.store.rows import RowState
from alertbridge.truth import Closing, Conclusion
from httpservice.logs import get_logger

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from alertbridge.exporter import Exporter
    from alertbridge.incidents import Incident
    from alertbridge.planning import Job
    from alertbridge.settings import Settings
    from alertbridge.store.queries import Queries

log = get_logger(__name__)

BRIEF = timedelta(seconds=60)  # a shorter cut is told to nobody once it is over; of a longer one people hear, silently
_SECONDS = 1.5
_NEW = frozenset({Act.SEND, Act.DIGEST, Act.JOIN})


async def over_already(job: Job, incidents: Sequence[Incident], exporter: Exporter) -> tuple[Incident, ...]:
    """Return the new isolated alarms of a job that the exporter says are over. Without its answer: none."""
    asked = tuple(
        incident
        for incident in incidents
        if job.act in _NEW
        and job.tell is Tell.OPEN
        and incident.id in job.incidents
        and not incident.phase.closed
        and incident.label("alertname") == "VPNMonitorIsolated"
    )
    if not asked:
        return ()
    try:
        sight = await exporter.look((), timeout_seconds=_SECONDS, thorough=False)
    except PeerError as error:
        log.info("isolation not confirmed", reason=str(error))
        return ()
    return () if sight.isolated else asked


def withhold(queries: Queries, job: Job, over: Sequence[Incident], settings: Settings, *, now: datetime) -> int:
    """Close what is over already, and give the job's rows back for a new plan; return how many are told to nobody."""
    withheld = {incident.id for incident in over if now - incident.started_at < BRIEF}
    for incident in over:
        conclusion = Conclusion(reason=Closing.OVER_ALREADY, phase=Phase.OVER)
        facts = replace(incident.facts, state="up", state_since=now.isoformat())
        intake.conclude(queries, incident, conclusion, settings, now=now, facts=facts)
        log.info("incident", subject=incident.subject, reason=conclusion.reason.value, phase=str(Phase.OVER))
    dropped = [row.id for row in job.rows if row.incident_id in withheld]
    kept = [row.id for row in job.rows if row.incident_id not in withheld]
    queries.update_rows(dropped, state=RowState.SENT, settled_at=now, detail=Closing.OVER_ALREADY.value)
    queries.update_rows(kept, state=RowState.PENDING)
    return len(withheld)
