"""What the pages, the JSON API and `/metrics` see of the running exporter: `MonitorView` and `Actions` of exporter/web.

Reading only, from any thread: the latest verdict, the board's counters, the journal.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from exporter.engine.probe_log import recent_probes
from exporter.engine.supervisor import MISFIT_REMEDY
from exporter.exposition import Exposition
from exporter.metrics import EngineMetrics
from exporter.web.view import ChangeRow, OutagePage, OutageQuery, OutageRow, ProbeRow

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from exporter.core import Core
    from exporter.engine.board import Board
    from exporter.reloading import Reloader, ReloadStatus
    from exporter.roster import Roster
    from exporter.state.journal import Journal
    from exporter.state.verdict import Verdict
    from exporter.vpn.facts import TunnelReport


class ExporterView:
    """Implements `exporter.web.view.MonitorView`."""

    def __init__(
        self,
        core: Core,
        reloader: Reloader,
        journal: Journal,
        *,
        certificate_expires_at: Callable[[], float | None] = lambda: None,
    ) -> None:
        self._core = core
        self._reloader = reloader
        self._journal = journal
        self.started_at = time.time()
        self.certificate_expires_at = certificate_expires_at
        engine = EngineMetrics(self, certificate_expires_at=certificate_expires_at)
        self._exposition = Exposition(core.board, engine=engine.render, tunnels=lambda: self.tunnels)

    @property
    def board(self) -> Board:
        """The shared arrays."""
        return self._core.board

    @property
    def restarts(self) -> Mapping[str, int]:
        """Replaced probing processes by reason."""
        return self._core.supervisor.restarts

    @property
    def storage_errors(self) -> Mapping[str, int]:
        """Failed reads and writes of the data folder by file."""
        return {"journal": self._journal.errors_total, "states": self._journal.states.errors_total}

    @property
    def reload_status(self) -> ReloadStatus:
        """How the last reload went."""
        return self._reloader.status

    @property
    def exposition(self) -> Exposition:
        """Renders `/metrics`."""
        return self._exposition

    @property
    def tunnels(self) -> TunnelReport:
        """What the VPN itself says of tunnels."""
        return self._core.tunnels.report

    def snapshot(self) -> tuple[Roster, Verdict]:
        """Return the present roster and the newest verdict on it."""
        return self._core.latest

    def not_ready(self) -> str | None:
        """Return why the exporter cannot do its work yet; None: it can."""
        if self._core.supervisor.restart_needed:
            return f"the probing code on disk has changed: {MISFIT_REMEDY}"
        if not self._core.supervisor.processes:
            return "no probing process is running"
        return None

    def outages(self, query: OutageQuery) -> OutagePage:
        """Return outages, newest first."""
        found = self._journal.outages(
            region=query.region, target=query.target, since=query.since, limit=query.limit, offset=query.offset
        )
        rows = tuple(
            OutageRow(
                start=row.start,
                end=row.end,
                target=row.target,
                region=row.region,
                name=row.name,
                cause=row.cause,
                culprit=row.culprit,
            )
            for row in found.rows
        )
        return OutagePage(total=found.total, rows=rows)

    def changes(self, limit: int) -> Sequence[ChangeRow]:
        """Return the newest state changes, newest first."""
        return tuple(
            ChangeRow(
                at=row.at,
                target=row.target,
                region=row.region,
                name=row.name,
                before=row.before,
                after=row.after,
            )
            for row in self._journal.changes(limit=limit)
        )

    def probes(self, slots: Sequence[int], limit: int) -> Sequence[ProbeRow]:
        """Return the newest single probes of these slots, newest first."""
        return tuple(
            ProbeRow(
                sent_at=entry.sent_at,
                slot=entry.slot,
                sequence=entry.sequence,
                confirmation=entry.confirmation,
                status=entry.status,
                rtt_seconds=entry.rtt,
            )
            for entry in recent_probes(self._core.board, slots, limit)
        )
