"""Which slots of the board are ours: those of our plan whose target has not changed since.

The parent clears a slot for a new target before it tells us. Until we have heard, the slot's generation on the board
is not the one of our plan, and nobody writes there. Looking at it for every probe would cost a cache miss each, so the
parent counts `handovers` up before it touches any slot, and we look again only when that number has moved.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from exporter.engine.board import Board


class Tenants:
    """The slots of one process's plan."""

    def __init__(self, board: Board) -> None:
        self.generation = np.zeros(board.size.slots, dtype=np.uint32)  # of our plan; 0: not ours
        self._on_board: NDArray[Any] = board.slot["generation"]
        self._handovers: NDArray[Any] = board.control["handovers"]
        self._live_as_of = -1
        self._live = np.zeros(board.size.slots, dtype=np.bool_)
        self._mine = np.empty(0, dtype=np.int64)
        self._newest = 0  # the highest generation that any plan has had

    def follow(self, slots: NDArray[np.int64], generation: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Take over the slots of a plan.

        Returns:
            The slots that were not ours before; and those of them that nobody can have probed yet, because their
            generation is newer than our plan before.
        """
        gained = slots[self.generation[slots] != generation]
        self.generation[:] = 0
        self.generation[slots] = generation
        self._mine, self._live_as_of = slots, -1
        fresh = gained[self.generation[gained] > self._newest] if self._newest else gained[:0]
        self._newest = max(self._newest, int(generation.max(initial=0)))
        return gained, fresh

    def live(self, slots: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return which slots still belong to the target of our plan."""
        if self._handovers[0] != self._live_as_of:
            self._live_as_of = int(self._handovers[0])  # before the look: what changes during it is seen next time
            mine = self._mine
            self._live[:] = False
            self._live[mine] = self._on_board[mine] == self.generation[mine]
        result: NDArray[np.bool_] = self._live.take(slots)
        return result
