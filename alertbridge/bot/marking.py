"""Marks on messages what a silence hides, as soon as it is made or ended here; the reconciler sees to all others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alertbridge import intake
from alertbridge.incidents import Tell

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from alertbridge.alertmanager import Silence
    from alertbridge.settings import Settings
    from alertbridge.store.queries import Queries

SILENCED = "silenced"
AT_ONCE = 100  # incidents in one transaction, which webhooks wait for; more are left to the reconciler


def mark(
    queries: Queries, active: Collection[Silence], changed: Collection[Silence], settings: Settings, *, now: datetime
) -> bool:
    """Mark every firing alert that a changed silence is about by what is true now; return whether a message changes.

    Args:
        queries: of the running transaction.
        active: the silences that hide something now.
        changed: those that were made or ended; alerts that none of them is about stay as they are.
        settings: who is told.
        now: aware UTC.
    """
    marked: set[int] = set()
    for incident in queries.open_incidents():
        if len(marked) >= AT_ONCE:
            break
        for record in incident.firing:
            if not any(silence.hides(record.labels) for silence in changed):
                continue
            hidden = SILENCED if any(silence.hides(record.labels) for silence in active) else ""
            if hidden == record.suppressed or (record.suppressed and not hidden and record.suppressed != SILENCED):
                continue  # nothing new, or another alert hides it still
            queries.update_records([record.fingerprint], suppressed=hidden)
            intake.tell(queries, incident, Tell.UPDATE, settings, now=now)
            marked.add(incident.id)
    return bool(marked)
