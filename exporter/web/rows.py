"""What the pages show of targets, regions and problems: snapshot -> rows with ready words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from exporter.outcome import UNKNOWN_REASONS, State
from exporter.state.verdict import culprit_id
from exporter.web import words
from exporter.web.items import state_counts
from exporter.web.selection import Order, in_order
from exporter.web.why import why_down, why_low

if TYPE_CHECKING:
    from exporter.engine.board import Board
    from exporter.inventory.model import Region, Target
    from exporter.state.verdict import Verdict
    from exporter.web.index import RosterIndex
    from exporter.web.language import Texts


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetRow:
    """One target, in words. `note` says what a person wants to know next."""

    target: Target
    region: Region
    state: State
    since: str
    since_iso: float
    age: str
    note: str
    rtt: str
    jitter: str
    loss: str
    cut_off: bool
    flapping: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RegionRow:
    """One region, in words and counts."""

    region: Region
    state: State
    since: str
    age: str
    outage: bool
    total: int
    counts: dict[State, int]  # worst first
    cut_off: int


class Rows:
    """Makes rows of one snapshot in one language."""

    def __init__(self, index: RosterIndex, verdict: Verdict, texts: Texts, *, board: Board, now: float) -> None:
        self.index = index
        self.board = board
        self.verdict = verdict
        self.texts = texts
        self.now = now

    def target(self, slot: int) -> TargetRow:
        """Return the row of a slot that has a target."""
        target, verdict = self.index.target(slot), self.verdict
        region = self.index.region_of[target.region]
        since = float(verdict.since[slot])
        silent = int(verdict.code[slot]) == State.DOWN
        return TargetRow(
            target=target,
            region=region,
            state=State(int(verdict.code[slot])),
            since=words.clock(since, region.timezone, self.texts, now=self.now),
            since_iso=since,
            age=words.span(self.now - since, self.texts) if words.known(since) else words.NOTHING,
            note=self.note(slot),
            # The median of the last replies lives on while nothing answers: as a present value it would be untrue.
            rtt=words.NOTHING if silent else words.milliseconds(float(verdict.rtt[slot])),
            jitter=words.NOTHING if silent else words.milliseconds(float(verdict.jitter[slot])),
            loss=words.percent(float(verdict.loss[slot])),
            cut_off=bool(verdict.cut_off[slot]),
            flapping=bool(verdict.flapping[slot]),
        )

    def note(self, slot: int) -> str:
        """Return what stands beside the state: why it is so, and how many are cut off behind it."""
        verdict, texts = self.verdict, self.texts
        state = State(int(verdict.code[slot]))
        parts: list[str] = []
        if state is State.UNKNOWN:
            parts.append(getattr(texts, f"why_{UNKNOWN_REASONS[int(verdict.unknown_reason[slot])].value or 'unknown'}"))
            before = State(int(verdict.last_known[slot]))
            if before is not State.UNKNOWN:
                parts.append(texts.say("was", state=before.name))
        elif bool(verdict.cut_off[slot]):
            parts.append(texts.say("cut_off_by", culprit=self._culprit_name(slot)))
        elif state is State.DOWN:
            parts += why_down(self.board, self.index.roster, verdict, slot, texts)
            behind = int(verdict.cut_off_count[slot])
            if behind:
                parts.append(texts.say("cut_off_behind", count=behind))
        elif state is State.LOW:
            parts += why_low(self.board, self.index.roster, verdict, slot, texts)
        if bool(verdict.flapping[slot]):
            parts.append(texts.flapping)
        return ", ".join(parts)

    def _culprit_name(self, slot: int) -> str:
        """Return the name of the target or region that a slot's outage comes from."""
        name = culprit_id(self.verdict, self.index.roster, slot)
        if name is None:
            return "?"
        if int(self.verdict.culprit[slot]) >= 0:
            return self.index.target(int(self.verdict.culprit[slot])).name
        return self.index.region_of[name].name

    def regions(self) -> list[RegionRow]:
        """Return every region, worst first: fallen as a whole, down, low, unknown, up; equal ones by name.

        Never by time or counts: rows that are equally bad must not change places while somebody reads.
        """
        roster, verdict = self.index.roster, self.verdict
        counts, cut_off = state_counts(roster, verdict)
        rows = [
            self._region(region, roster.region_index_of[region.id], counts, cut_off)
            for region in roster.inventory.regions
        ]
        return sorted(rows, key=lambda row: (not row.outage, WORST_FIRST.index(row.state), row.region.name.casefold()))

    def _region(
        self, region: Region, row: int, counts: np.ndarray[tuple[int, int], np.dtype[np.intp]], cut_off: np.ndarray
    ) -> RegionRow:
        since = float(self.verdict.region_since[row])
        return RegionRow(
            region=region,
            state=State(int(self.verdict.region_code[row])),
            since=words.clock(since, region.timezone, self.texts, now=self.now),
            age=words.span(self.now - since, self.texts) if words.known(since) else words.NOTHING,
            outage=bool(self.verdict.region_outage[row]),
            total=int(counts[row].sum()),
            counts={state: int(counts[row, state]) for state in WORST_FIRST},
            cut_off=int(cut_off[row]),
        )

    def counts(self) -> dict[State, int]:
        """Return how many targets are in each state, worst first."""
        found = np.bincount(self.verdict.code[self.index.slots], minlength=len(State))
        return {state: int(found[state]) for state in WORST_FIRST}

    def problems(self, limit: int) -> tuple[list[TargetRow], int]:
        """Return the worst targets and how many more have a problem.

        A target that is cut off is not listed: its culprit is, with the number behind it.
        """
        verdict, slots = self.verdict, self.index.slots
        bad = (verdict.code[slots] != State.UP) & ~verdict.cut_off[slots] | verdict.flapping[slots]
        found = in_order(self.index, verdict, slots[bad], Order.WORST)
        return [self.target(slot) for slot in found[:limit].tolist()], max(0, len(found) - limit)


WORST_FIRST = (State.DOWN, State.LOW, State.UNKNOWN, State.UP)
