"""What has happened between two verdicts: outages that began, got a cause or ended, and changes of state (no I/O).

A fall begins when a target enters DOWN and ends when it is UP or LOW again, or is removed; unknown leaves it open. Cut
off targets fall too: their cause and culprit say so.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from exporter.outcome import CAUSES, UNKNOWN_REASONS, Cause, State, UnknownReason
from exporter.state.verdict import culprit_id

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from exporter.roster import Roster
    from exporter.state.verdict import Verdict

_RESTARTED: Final = UNKNOWN_REASONS.index(UnknownReason.RESTARTED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """An outage began; also what is known of one that is open."""

    target: str
    region: str
    name: str  # of the target at that time
    start: float  # UTC seconds: when DOWN was entered
    cause: str  # outcome.Cause value
    culprit: str | None  # id of the target or region it comes from
    evidence: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """An open outage's cause has changed."""

    target: str
    cause: str
    culprit: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed:
    """An outage ended."""

    target: str
    end: float  # UTC seconds
    removed: bool = False  # nobody saw it come back: it is no longer monitored


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A target entered a state. `at` is UTC seconds."""

    at: float
    target: str
    region: str
    name: str
    before: State
    after: State


Event = Opened | Explained | Closed | Change


class Transitions:
    """Compares each verdict with the one before, over changes of the roster too."""

    def __init__(self) -> None:
        self.open: dict[str, Opened] = {}  # target id -> its outage that lasts
        self._roster: Roster | None = None
        self._before: Verdict | None = None
        self._known: dict[str, tuple[State, State]] = {}  # target id -> (state, last known state) under the old roster

    def follow(
        self, verdict: Verdict, roster: Roster, evidence: Callable[[int], Mapping[str, Any]] | None
    ) -> list[Event]:
        """Return what has happened since the verdict before, in an order that can be written down.

        Args:
            verdict: of this step.
            roster: its roster.
            evidence: slot -> what its state rests on; JSON values.
        """
        events: list[Event] = []
        if roster is not self._roster:
            events += self._reseat(roster, verdict.at)
        code, last_known, cause, culprit = self._last(roster)
        for slot in ((verdict.code != code) & roster.is_target).nonzero()[0].tolist():
            events += self._transition(verdict, roster, slot, (State(code[slot]), State(last_known[slot])), evidence)
        moved = ((verdict.cause != cause) | (verdict.culprit != culprit)) & (verdict.cause >= 0) & roster.is_target
        for slot in moved.nonzero()[0].tolist():
            target = roster.targets[slot]
            if target is not None and target.id in self.open:
                word, by = CAUSES[verdict.cause[slot]].value, culprit_id(verdict, roster, slot)
                self.open[target.id] = replace(self.open[target.id], cause=word, culprit=by)
                events.append(Explained(target=target.id, cause=word, culprit=by))
        self._before = verdict
        return events

    def _reseat(self, roster: Roster, at: float) -> list[Event]:
        """Change over to another roster: what was removed has no outage any more."""
        if self._roster is not None and self._before is not None:
            self._known = {
                target.id: (State(self._before.code[slot]), State(self._before.last_known[slot]))
                for slot, target in enumerate(self._roster.targets)
                if target is not None
            }
        gone = [target_id for target_id in self.open if target_id not in roster.slot_of]
        for target_id in gone:
            del self.open[target_id]
        self._roster, self._before = roster, None
        return [Closed(target=target_id, end=at, removed=True) for target_id in gone]

    def _last(self, roster: Roster) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any], NDArray[Any]]:
        """Return code, last known state, cause and culprit of the step before."""
        if self._before is not None:
            return self._before.code, self._before.last_known, self._before.cause, self._before.culprit
        never = (State.UNKNOWN, State.UNKNOWN)
        known = [self._known.get(target.id, never) if target is not None else never for target in roster.targets]
        columns = np.array(known, dtype=np.uint8).reshape(-1, 2)
        none = np.full(roster.size, -1)
        return columns[:, 0], columns[:, 1], none, none

    def _transition(
        self,
        verdict: Verdict,
        roster: Roster,
        slot: int,
        was: tuple[State, State],
        evidence: Callable[[int], Mapping[str, Any]] | None,
    ) -> list[Event]:
        """Return what one change of state means; `was` is (state, last known state)."""
        target = roster.targets[slot]
        if target is None:
            return []
        before, known = was
        after = State(verdict.code[slot])
        events: list[Event] = []
        first = was == (State.UNKNOWN, State.UNKNOWN)  # a start is no change
        goes_on = before is State.UNKNOWN and known is after and self._was_restarted(slot)
        if not first and not goes_on:
            events.append(
                Change(
                    at=verdict.at, target=target.id, region=target.region, name=target.name, before=before, after=after
                )
            )
        if after is State.DOWN and target.id not in self.open:
            opened = Opened(
                target=target.id,
                region=target.region,
                name=target.name,
                start=float(verdict.since[slot]),
                cause=Cause.UNKNOWN.value,
                culprit=None,
                evidence=dict(evidence(slot)) if evidence is not None else {},
            )
            self.open[target.id] = opened
            events.append(opened)
        elif after in {State.UP, State.LOW} and self.open.pop(target.id, None) is not None:
            events.append(Closed(target=target.id, end=verdict.at))
        return events

    def _was_restarted(self, slot: int) -> bool:
        """Tell whether a slot was shown as restarted in the step before."""
        return self._before is not None and bool(self._before.unknown_reason[slot] == _RESTARTED)
