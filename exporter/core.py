"""Board, supervisor, judge and roster as one thing that takes turns: look after the processes, judge, hand out.

All methods belong to one thread (the supervisor's rule: Linux ends a child with the *thread* that started it). What
other threads may read is the pair that `latest` returns: a roster and the verdict on exactly that roster. Tunnel facts
are looked for by a thread of their own; a turn takes the newest report.
"""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, Final

from exporter.engine.board import Board, BoardSize
from exporter.engine.supervisor import Supervisor
from exporter.roster import Roster, build_roster
from exporter.state.judge import Judge
from exporter.state.saved import restore_counters
from exporter.vpn.cause import TunnelCauses

if TYPE_CHECKING:
    from exporter.inventory.model import Inventory
    from exporter.state.saved import SavedStates
    from exporter.state.verdict import Verdict
    from exporter.vpn.tunnels import TunnelFacts
    from httpservice.clock import Clock

LEAST_SLOTS: Final = 131_072  # costs addresses, not memory: docs/decisions/0002
REGION_ROWS: Final = 4096  # region indices are never reused; so many regions may come and go until a restart


def slots_for(inventory: Inventory) -> int:
    """Return how many slots a board for this inventory has: twice what is needed, a power of two."""
    needed = 2 * (len(inventory.targets) + len(inventory.uplinks))
    return max(LEAST_SLOTS, 1 << (needed - 1).bit_length())


class Core:
    """The product's heart; see the module's text for who may call what."""

    def __init__(
        self,
        inventory: Inventory,
        *,
        saved: SavedStates | None,
        clock: Clock,
        portable: bool,
        slots: int,
        tunnels: TunnelFacts,
    ) -> None:
        self.board = Board.create(BoardSize(slots=slots, regions=REGION_ROWS))
        self.supervisor = Supervisor(self.board, portable=portable)
        self.tunnels = tunnels
        self._tunnel_causes = TunnelCauses()
        self._clock = clock
        self._roster = build_roster(inventory)
        self.supervisor.apply(self._roster)  # nothing runs yet: this seats the targets on the board
        if saved is not None:
            restore_counters(self.board, self._roster, saved)
        self._judge = Judge(
            self.board, self._roster, now_wall=clock.wall(), now_monotonic=clock.monotonic(), saved=saved
        )
        self._latest: tuple[Roster, Verdict] = (self._roster, self._step())

    @property
    def latest(self) -> tuple[Roster, Verdict]:
        """The present roster and the newest verdict on exactly that roster. Any thread may read it."""
        return self._latest

    @property
    def judge(self) -> Judge:
        """The judge, for the evidence of an outage. Owner thread only."""
        return self._judge

    def _step(self) -> Verdict:
        verdict = self._judge.step(monotonic=self._clock.monotonic(), wall=self._clock.wall())
        return self._tunnel_causes.refine(verdict, self._roster, self.tunnels.report.facts)

    def start(self) -> None:
        """Start the probing processes.

        Raises:
            EngineError: none can be started at all.
        """
        self.supervisor.start()

    def turn(self) -> tuple[Roster, Verdict]:
        """Look after the processes and judge everything once."""
        self.supervisor.check(self._clock.monotonic())
        self._latest = (self._roster, self._step())
        return self._latest

    def follow(self, inventory: Inventory) -> tuple[Roster, Verdict]:
        """Go on with another inventory; whoever is unchanged keeps counters, window and state."""
        roster = build_roster(inventory, self._roster)
        self.supervisor.apply(roster)
        self._judge.rebase(roster)
        self.tunnels.follow(inventory)
        self._roster = roster
        # Tens of thousands of frozen values live until the next reload: no need to walk them at every collection.
        gc.collect()
        gc.freeze()
        return self.turn()

    def restart_engine(self) -> None:
        """Replace the probing processes."""
        self.supervisor.restart("requested")

    def picture(self) -> SavedStates:
        """Return what is to be saved."""
        return self._judge.picture()

    def stop(self, timeout_seconds: float) -> None:
        """End the probing processes."""
        self.supervisor.stop(timeout_seconds)
