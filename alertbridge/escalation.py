"""Tells a second chat of a critical incident that nobody has acknowledged for too long: once per episode.

What the second chat gets is the same message with its buttons; it is edited, and ends, as in every chat that shows it.
Silenced and inhibited incidents are not escalated: somebody knows.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from alertbridge.incidents import Level, Phase, Tell
from alertbridge.patience import attempted
from alertbridge.wording import utc_now
from httpservice.logs import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable
    from datetime import datetime

    from alertbridge.incidents import Incident
    from alertbridge.settings import Settings
    from alertbridge.store import Transactions
    from alertbridge.store.queries import Queries

log = get_logger(__name__)

EVERY_SECONDS = 10.0
_KEY = "escalated"  # store key: incident ids with their episode, as `17/0 18/2`


def due(incidents: Iterable[Incident], done: Collection[str], *, after: timedelta, now: datetime) -> list[Incident]:
    """Return the incidents to escalate now (pure).

    Args:
        incidents: the open ones.
        done: episodes that were escalated.
        after: how long a critical incident may wait for somebody to acknowledge it.
        now: aware UTC.
    """
    return [
        incident
        for incident in incidents
        if incident.phase is Phase.OPEN
        and incident.level >= Level.CRITICAL
        and not incident.acknowledged_by
        and any(not record.suppressed for record in incident.firing)
        and now - max(incident.opened_at, incident.started_at, _fell_at(incident), _let_go_at(incident)) >= after
        and episode(incident) not in done
    ]


def _fell_at(incident: Incident) -> datetime:
    """Return since when it is critical: one that was weak for hours has only begun to wait for somebody."""
    return min((r.starts_at for r in incident.firing if r.level >= Level.CRITICAL), default=incident.started_at)


def _let_go_at(incident: Incident) -> datetime:
    """Return since when nobody has it, where somebody let it go: there is as much time to take it again."""
    return incident.acknowledged_at or incident.opened_at


def episode(incident: Incident) -> str:
    """Return what is remembered of an escalation: an incident that comes back is escalated anew."""
    return f"{incident.id}/{incident.reopenings}"


@dataclass(slots=True)
class Escalation:
    """Looks every few seconds. `run` is its only task."""

    store: Transactions
    settings: Callable[[], Settings]
    on_change: Callable[[], None]
    now: Callable[[], datetime] = utc_now
    every_seconds: float = EVERY_SECONDS

    async def run(self) -> None:
        """Escalate until cancelled."""
        while True:
            await attempted(self.look, "escalation")
            await asyncio.sleep(self.every_seconds)

    async def look(self) -> None:
        """Escalate what is due.

        Raises:
            StoreError: it cannot be stored now; the next look tries again.
        """
        settings, now = self.settings(), self.now()
        rule = settings.escalation
        if rule is None:
            return
        after = timedelta(seconds=rule.after_seconds)

        def work(queries: Queries) -> list[Incident]:
            incidents = queries.open_incidents()
            done = set((queries.value(_KEY) or "").split())
            found = due(incidents, done, after=after, now=now)
            for incident in found:
                queries.enqueue(chat=rule.chat, kind=Tell.REMIND, incident_id=incident.id, now=now)
            kept = {episode(incident) for incident in incidents} & done | {episode(incident) for incident in found}
            if kept != done:
                queries.remember(_KEY, " ".join(sorted(kept)))
            return found

        found = await self.store.transact(work)
        for incident in found:
            log.warning("escalated", subject=incident.subject, chat=rule.chat)
        if found:
            self.on_change()
