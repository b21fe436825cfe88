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


def tunnels_down(
    roster: Roster, owner: NDArray[np.int32], facts: Mapping[str, TunnelFact], answers: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Tell who is behind a tunnel that is known to be down.

    A client that has never been listed may be a misspelt name, and a tunnel through which anything answers is not down,
    whatever its server says: neither counts.

    Args:
        roster: who sits where.
        owner: of this roster, see `tunnel_owners`.
        facts: by target id.
        answers: per slot, whether the target answers.
    """
    down = np.zeros(roster.size, dtype=np.bool_)
    fallen = [
        slot
        for target_id, fact in facts.items()
        if fact.up is False
        and fact.finding is not Finding.NEVER_CONNECTED
        and (slot := roster.slot_of.get(target_id)) is not None
    ]
    if not fallen:
        return down
    alive = np.zeros(roster.size, dtype=np.bool_)
    alive[owner[answers & (owner >= 0)]] = True
    down[fallen] = True
    down &= ~alive
    result: NDArray[np.bool_] = (owner >= 0) & down[np.maximum(owner, 0)]
    return result


class TunnelCauses:
    """Names tunnels as causes; within one outage a cause that was named stays. One thread at a time."""

    def __init__(self) -> None:
        self._roster: Roster | None = None
        self._owner = np.zeros(0, dtype=np.int32)
        self._named: dict[str, int] = {}  # target id -> generation of its slot: outages whose cause is the tunnel

    def refine(self, verdict: Verdict, roster: Roster, facts: Mapping[str, TunnelFact]) -> Verdict:
        """Return the verdict with the cause `tunnel` where it fits; the very same one where it fits nowhere."""
        if not (facts or self._named):
            return verdict
        if roster is not self._roster:
            self._roster, self._owner = roster, tunnel_owners(roster)
        own = verdict.outage & np.isin(verdict.cause, _EXPLAINED)
        if not own.any():
            self._named.clear()
            return verdict
        answers = roster.is_target & ((verdict.code == State.UP) | (verdict.code == State.LOW))
        fits = own & tunnels_down(roster, self._owner, facts, answers)
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

    def _still_named(self, roster: Roster) -> list[int]:
        return [
            slot
            for target_id, generation in self._named.items()
            if (slot := roster.slot_of.get(target_id)) is not None and int(roster.generation[slot]) == generation
        ]
