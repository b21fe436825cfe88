"""When an outage's cause is the tunnel: the VPN server itself says that it is down (pure, but for what is remembered).

A site without a tunnel of its own is behind that of the nearest gateway that has one. The verdict comes from the judge,
who knows nothing of tunnels; `TunnelCauses.refine` names the cause where the judge found none that explains more.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from exporter.outcome import CAUSES, Cause, State
from exporter.vpn.facts import Finding

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from exporter.roster import Roster
    from exporter.state.verdict import Verdict
    from exporter.vpn.facts import TunnelFact

_TUNNEL: Final = CAUSES.index(Cause.TUNNEL)
# What a fallen tunnel explains. A provider, hub or region that has fallen explains the tunnel's fall as well.
_EXPLAINED: Final = [CAUSES.index(cause) for cause in (Cause.UNKNOWN, Cause.DEVICE, Cause.SITE)]


def tunnel_owners(roster: Roster) -> NDArray[np.int32]:
    """Return per slot the slot whose tunnel it is behind, its own or that of the nearest gateway; -1: none."""
    has = np.array([target is not None and target.tunnel is not None for target in roster.targets], dtype=np.bool_)
    owner = np.where(has, np.arange(roster.size), -1).astype(np.int32)
    while True:  # one turn per level of the tree: the inventory has no loops
        behind = (owner < 0) & (roster.gateway >= 0)
        found = np.where(behind, owner[np.maximum(roster.gateway, 0)], owner).astype(np.int32)
        if np.array_equal(found, owner):
            return owner
        owner = found


def tunnels_answering(roster: Roster, owner: NDArray[np.int32], answers: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Tell through whose tunnel something answers.

    Args:
        roster: who sits where.
        owner: of this roster, see `tunnel_owners`.
        answers: per slot, whether the target answers.

    Returns:
        Per slot; true on slots that own such a tunnel only.
    """
    alive = np.zeros(roster.size, dtype=np.bool_)
    alive[owner[answers & (owner >= 0)]] = True
    return alive


class TunnelCauses:
    """Names tunnels as causes; within one outage a cause that was named stays. One thread at a time."""

    def __init__(self) -> None:
        self._roster: Roster | None = None
        self._facts: Mapping[str, TunnelFact] | None = None
        self._owner = np.zeros(0, dtype=np.int32)
        self._down = np.zeros(0, dtype=np.bool_)  # per slot: its own tunnel is said to be down
        self._never = np.zeros(0, dtype=np.bool_)  # of these: never listed since we began to look
        self._misspelt: set[str] = set()  # target ids: said to be down, never listed, and yet answering
        self._named: dict[str, int] = {}  # target id -> generation of its slot: outages whose cause is the tunnel

    def refine(self, verdict: Verdict, roster: Roster, facts: Mapping[str, TunnelFact]) -> Verdict:
        """Return the verdict with the cause `tunnel` where it fits; the very same one where it fits nowhere.

        A tunnel through which anything answers is not down, whatever its server says. A client that has never been
        listed may be a misspelt name: it is taken for one once anything answered in spite of it.

        Args:
            verdict: the judge's.
            roster: the one that the verdict is on.
            facts: the newest, by target id.
        """
        if not (facts or self._named):
            return verdict
        self._follow(roster, facts)
        answers = roster.is_target & ((verdict.code == State.UP) | (verdict.code == State.LOW))
        if self._never.any():
            self._notice_misspelt(roster, tunnels_answering(roster, self._owner, answers))
        own = verdict.outage & np.isin(verdict.cause, _EXPLAINED)
        if not own.any():
            self._named.clear()
            return verdict
        down = self._down & ~tunnels_answering(roster, self._owner, answers)
        down[[roster.slot_of[name] for name in self._misspelt]] = False
        fits: NDArray[np.bool_] = own & (self._owner >= 0) & down[np.maximum(self._owner, 0)]
        named = self._still_named(roster)
        fits[named] |= own[named]
        slots = np.flatnonzero(fits)
        self._named = {
            target.id: int(roster.generation[slot])
            for slot in slots.tolist()
            if (target := roster.targets[slot]) is not None
        }
        if not len(slots):
            return verdict
        cause = verdict.cause.copy()
        cause[slots] = _TUNNEL
        return replace(verdict, cause=cause)

    def _follow(self, roster: Roster, facts: Mapping[str, TunnelFact]) -> None:
        """Lay the facts over the roster's slots, where either is new."""
        if roster is self._roster and facts is self._facts:
            return
        if roster is not self._roster:
            self._owner = tunnel_owners(roster)
        self._roster, self._facts = roster, facts
        self._down = np.zeros(roster.size, dtype=np.bool_)
        self._never = np.zeros(roster.size, dtype=np.bool_)
        for target_id, fact in facts.items():
            slot = roster.slot_of.get(target_id)
            if slot is not None and fact.up is False:
                self._down[slot] = True
                self._never[slot] = fact.finding is Finding.NEVER_CONNECTED
        self._misspelt = {
            name for name in self._misspelt if name in roster.slot_of and self._never[roster.slot_of[name]]
        }

    def _notice_misspelt(self, roster: Roster, alive: NDArray[np.bool_]) -> None:
        for slot in np.flatnonzero(self._never & alive).tolist():
            target = roster.targets[slot]
            if target is not None:
                self._misspelt.add(target.id)

    def _still_named(self, roster: Roster) -> list[int]:
        return [
            slot
            for target_id, generation in self._named.items()
            if (slot := roster.slot_of.get(target_id)) is not None and int(roster.generation[slot]) == generation
        ]
