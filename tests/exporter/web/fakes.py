"""A running exporter that is moved by hand: what the pages and the API read, without probes and without a judge."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from exporter.errors import EngineError
from exporter.exposition import Exposition
from exporter.metrics import EngineMetrics
from exporter.outcome import State, Status
from exporter.reloading import ReloadStatus
from exporter.vpn.facts import NOTHING, TunnelReport
from exporter.web.view import ChangeRow, OutagePage, OutageQuery, OutageRow, ProbeRow
from httpservice.mistakes import Mistake
from tests.exporter.web.sample import (
    INVENTORY,
    NOW,
    big_verdict,
    make_board,
    make_roster,
    neutral_verdict,
    put_probe,
    sample_verdict,
)

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Sequence

    from exporter.inventory.model import Inventory
    from exporter.roster import Roster
    from exporter.state.verdict import Verdict

LARGE = 1000  # targets, from which on only a few probes are made up

MISTAKE = Mistake(
    file="targets.yml",
    line=14,
    path="targets[0].probe",
    value="icmpv9",
    problem="is no probe",
    remedy="use icmp, tcp:PORT or an http(s) URL",
)


def _made_up(roster: Roster, now: float) -> Verdict:
    """Return a verdict that fits the roster."""
    if len(roster.inventory.targets) >= LARGE:
        return big_verdict(roster, at=now)
    return sample_verdict(roster, at=now) if "btn-4" in roster.slot_of else neutral_verdict(roster, at=now)


@dataclass(kw_only=True)
class FakeView:
    """Meets `MonitorView`. Change `verdict` or call a method, and the next request sees it."""

    roster: Roster = field(default_factory=make_roster)
    now: float = NOW
    restarts: dict[str, int] = field(default_factory=dict)
    storage_errors: dict[str, int] = field(default_factory=dict)
    started_at: float = NOW - 86_400.0
    why_not_ready: str | None = None
    outage_rows: list[OutageRow] = field(default_factory=list)
    change_rows: list[ChangeRow] = field(default_factory=list)
    probe_rows: list[ProbeRow] = field(default_factory=list)
    tunnels: TunnelReport = NOTHING
    certificate_at: float | None = None
    frozen: bool = True  # False: the verdict's moment is always now, as while the judge works

    def __post_init__(self) -> None:
        """Make board, verdict and metrics for the roster."""
        self.board = make_board(self.roster)
        self.verdict = _made_up(self.roster, self.now)
        self.reload_status = ReloadStatus(successful=True, attempted_at=self.now - 60, success_at=self.now - 60)
        self.exposition = Exposition(self.board, engine=EngineMetrics(self).render)

    def snapshot(self) -> tuple[Roster, Verdict]:
        """Return the present roster and verdict."""
        return self.roster, self.verdict if self.frozen else replace(self.verdict, at=time.time())

    def use(self, inventory: Inventory, verdict: Verdict | None = None) -> None:
        """Change to another inventory."""
        self.roster = make_roster(inventory)
        self.board = make_board(self.roster)
        self.verdict = verdict if verdict is not None else _made_up(self.roster, self.now)
        self.exposition = Exposition(self.board, engine=EngineMetrics(self).render)

    def set_state(self, target: str, state: State, *, since: float | None = None) -> None:
        """Put one target into a state, as a new verdict."""
        slot = self.roster.slot_of[target]
        code, moment = self.verdict.code.copy(), self.verdict.since.copy()
        code[slot], moment[slot] = state, self.now if since is None else since
        outage = self.verdict.outage.copy()
        outage[slot] = state is State.DOWN
        self.verdict = replace(self.verdict, code=code, since=moment, outage=outage)

    def certificate_expires_at(self) -> float | None:
        """Return what the test says."""
        return self.certificate_at

    def not_ready(self) -> str | None:
        """Return what the test says."""
        return self.why_not_ready

    def outages(self, query: OutageQuery) -> OutagePage:
        """Return the outages that match."""
        rows = [
            row
            for row in self.outage_rows
            if query.region in {None, row.region}
            and query.target in {None, row.target}
            and (query.since is None or row.end is None or row.end > query.since)
        ]
        return OutagePage(total=len(rows), rows=tuple(rows[query.offset : query.offset + query.limit]))

    def changes(self, limit: int) -> Sequence[ChangeRow]:
        """Return the newest changes."""
        return self.change_rows[:limit]

    def probes(self, slots: Sequence[int], limit: int) -> Sequence[ProbeRow]:
        """Return the newest probes of some slots."""
        wanted = set(slots)
        return [row for row in self.probe_rows if row.slot in wanted][:limit]


@dataclass(kw_only=True)
class FakeActions:
    """Meets `Actions`: notes what was asked and answers what the test says."""

    view: FakeView
    asked: list[str] = field(default_factory=list)
    next_status: ReloadStatus | None = None
    code_changed: bool = False  # the program on disk is another
    may_go_on: asyncio.Event | None = None  # a restart waits for it, where there is one

    async def reload(self) -> ReloadStatus:
        """Note it; the status is the next one, or a good one."""
        self.asked.append("reload")
        good = ReloadStatus(successful=True, attempted_at=NOW, success_at=NOW, added=2, removed=1, changed=3)
        self.view.reload_status = self.next_status or good
        return self.view.reload_status

    async def restart_engine(self) -> None:
        """Note it."""
        self.asked.append("restart")
        if self.code_changed:
            raise EngineError("the probing code on disk has changed: restart vpn-exporter")
        if self.may_go_on is not None:
            await self.may_go_on.wait()
        self.view.restarts["requested"] = self.view.restarts.get("requested", 0) + 1


def bad_reload(now: float = NOW) -> ReloadStatus:
    """Return the status of a reload that was refused."""
    return ReloadStatus(successful=False, attempted_at=now, success_at=now - 3600, mistakes=(MISTAKE,))


def lively_view(inventory: Inventory = INVENTORY) -> FakeView:
    """Return a view as of now, with probes, outages and changes: what the pages look like on a bad day."""
    now = time.time()
    view = FakeView(roster=make_roster(inventory), now=now, started_at=now - 200_000.0, frozen=False)
    roster, monotonic = view.roster, time.monotonic()
    random = np.random.default_rng(7)
    for process, beat in ((0, 0.03), (1, 0.05)):
        view.board.process["heartbeat_at"][process] = monotonic + 10_000.0 - beat
        view.board.process["pid"][process] = 4242 + process
    view.board.process["sent_total"][0] = 1_234_567
    view.board.process["replies_total"][0] = 1_230_000
    view.board.process["in_flight_probes"][0] = 7
    for number, slot in enumerate(roster.slot_of.values()):
        silent = view.verdict.code[slot] == State.DOWN
        for sequence in range(60 if roster.size < LARGE else 2):
            sent = monotonic - 60 + sequence + number / 20
            lost = bool(silent and sequence > 40) or bool(random.random() < 0.03)
            rtt = None if lost else float(random.gamma(9, 0.0014)) + (0.3 if number == 7 else 0)
            put_probe(view.board, slot, sent_at=sent, rtt=rtt)
            status = int(Status.REPLY) if rtt is not None else int(Status.FIRST_FAILURE)
            wall = now - 60 + sequence + number / 20
            view.probe_rows.append(
                ProbeRow(sent_at=wall, slot=slot, sequence=sequence, confirmation=False, status=status, rtt_seconds=rtt)
            )
    view.probe_rows.sort(key=lambda row: -row.sent_at)
    _add_history(view, now)
    return view


def _add_history(view: FakeView, now: float) -> None:
    """Add outages and changes of the sample's targets."""
    names = {target.id: target for target in view.roster.inventory.targets}
    for target, start, end, cause, culprit in (
        ("btn-4", 125.5, None, "hub", "btn-4"),
        ("kal-9", 4000.0, None, "region", "KAL"),
        ("jbr-2", 7300.0, 7000.0, "site", "jbr-2"),
        ("btn-4", 90_000.0, 88_000.0, "tunnel", "btn-4"),
    ):
        if target in names:
            view.outage_rows.append(
                OutageRow(
                    start=now - start,
                    end=None if end is None else now - end,
                    target=target,
                    region=names[target].region,
                    name=names[target].name,
                    cause=cause,
                    culprit=culprit,
                )
            )
    for target, ago, before, after in (
        ("jbr-2", 61.0, State.UP, State.LOW),
        ("btn-6", 124.0, State.UP, State.DOWN),
        ("btn-5", 125.0, State.UP, State.DOWN),
        ("btn-4", 125.5, State.UP, State.DOWN),
        ("pap-8", 900.0, State.LOW, State.UP),
        ("kal-9", 4000.0, State.UP, State.DOWN),
    ):
        if target in names:
            view.change_rows.append(
                ChangeRow(
                    at=now - ago,
                    target=target,
                    region=names[target].region,
                    name=names[target].name,
                    before=before,
                    after=after,
                )
            )
