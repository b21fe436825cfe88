"""Every query of the bridge, on one connection inside one transaction. The only reader and writer of the tables."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import sqlalchemy as sa

from alertbridge.store import schema
from alertbridge.store.action_queries import ActionQueries
from alertbridge.store.base import stored
from alertbridge.store.incident_queries import IncidentQueries
from alertbridge.store.message_queries import MessageQueries
from alertbridge.store.outbox_queries import OutboxQueries
from alertbridge.store.rows import RowState

if TYPE_CHECKING:
    from datetime import datetime


class Queries(IncidentQueries, OutboxQueries, MessageQueries, ActionQueries):
    """All reads and writes. Made by the store for one transaction; never kept."""

    def prune(self, now: datetime) -> None:
        """Forget what is of no use any more: settled rows, old incidents, their messages and alerts."""
        week, month = stored(now - timedelta(days=7)), stored(now - timedelta(days=30))
        tables = schema
        self._connection.execute(
            sa.delete(tables.outbox).where(
                tables.outbox.c.state == RowState.SENT.value, tables.outbox.c.settled_at < week
            )
        )
        old = sa.select(tables.incidents.c.id).where(tables.incidents.c.closed_at < month)
        self._connection.execute(sa.delete(tables.shown).where(tables.shown.c.incident_id.in_(old)))
        self._connection.execute(sa.delete(tables.incidents).where(tables.incidents.c.closed_at < month))
        self._connection.execute(sa.delete(tables.alerts).where(tables.alerts.c.ends_at < month))
        alive = sa.select(tables.shown.c.message_id)
        self._connection.execute(
            sa.delete(tables.messages).where(tables.messages.c.sent_at < month, tables.messages.c.id.not_in(alive))
        )
        self._connection.execute(
            sa.delete(tables.actions).where(tables.actions.c.at < stored(now - timedelta(days=400)))
        )
