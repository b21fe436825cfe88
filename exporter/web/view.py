"""What the pages and the JSON API need from the running exporter: two Protocols and the values they give.

app.py implements both. Every method of `MonitorView` is called from worker threads, so it may read the journal; none
may wait for the network. `Actions` are awaited on the event loop.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from exporter.metrics import EngineView

if TYPE_CHECKING:
    from collections.abc import Sequence

    from exporter.exposition import Exposition
    from exporter.outcome import State
    from exporter.reloading import ReloadStatus
    from exporter.vpn.facts import TunnelReport


@dataclass(frozen=True, slots=True, kw_only=True)
class OutageQuery:
    """Which outages are asked for, newest first."""

    region: str | None = None
    target: str | None = None
    since: float | None = None  # UTC seconds: those that had not ended by then
    offset: int = 0
    limit: int = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class OutageRow:
    """One outage, as the journal keeps it."""

    start: float  # UTC seconds
    end: float | None  # None: it lasts
    target: str
    region: str
    name: str  # of the target at that time
    cause: str  # outcome.Cause value
    culprit: str | None  # id of the target or region that it comes from


@dataclass(frozen=True, slots=True, kw_only=True)
class OutagePage:
    """Some outages, and how many there are in all."""

    total: int
    rows: tuple[OutageRow, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeRow:
    """A target entered a state."""

    at: float  # UTC seconds
    target: str
    region: str
    name: str
    before: State
    after: State


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeRow:
    """One single probe from the rings of the board."""

    sent_at: float  # UTC seconds
    slot: int
    sequence: int  # of its kind, from 0
    confirmation: bool
    status: int  # outcome.Status, or a failure: FIRST_FAILURE + index into REASONS
    rtt_seconds: float | None = field(default=None)  # None: no reply (yet)


class MonitorView(EngineView, Protocol):
    """The running exporter, as the pages read it. `EngineView` brings board, restarts, reload_status, snapshot()."""

    @property
    def exposition(self) -> Exposition:
        """Renders `/metrics`."""

    @property
    def started_at(self) -> float:
        """UTC seconds when this process began."""

    @property
    def tunnels(self) -> TunnelReport:
        """What the VPN itself says of tunnels, as of the newest look."""

    def certificate_expires_at(self) -> float | None:
        """Return the Unix seconds at which the certificate of these pages ends; None: plain HTTP, or not known."""

    def not_ready(self) -> str | None:
        """Return why the exporter cannot do its work yet, for `/-/ready`; None: it can."""

    def outages(self, query: OutageQuery) -> OutagePage:
        """Return outages, newest first. May block on the journal."""

    def changes(self, limit: int) -> Sequence[ChangeRow]:
        """Return the newest state changes, newest first. May block on the journal."""

    def probes(self, slots: Sequence[int], limit: int) -> Sequence[ProbeRow]:
        """Return the newest single probes of these slots, newest first; empty `slots` gives none."""


class Actions(Protocol):
    """What a person may do from the pages."""

    async def reload(self) -> ReloadStatus:
        """Read targets.yml again and apply it; this also confirms a held removal. The status says how it went."""

    async def restart_engine(self) -> None:
        """Replace the probing processes; returns when that has begun.

        Raises:
            EngineError: the code on disk has changed, so that none could be started: those that run go on.
        """
