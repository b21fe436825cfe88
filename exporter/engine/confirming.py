"""Whom a probing process asks again in a bad moment: suspects, oldest first, within the budget (design section 5)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from exporter.engine.schedule import ConfirmBudget, oldest_first, suspects

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from exporter.engine.board import Board
    from exporter.engine.ledger import Ledger


class Confirming:
    """The confirmation probes of one process."""

    def __init__(self, board: Board, ledger: Ledger, *, spacing_seconds: float) -> None:
        """Begin; nobody is asked before `follow`.

        Args:
            board: says whether we are isolated.
            ledger: of the process; says who is silent, and since when.
            spacing_seconds: between two confirmation probes of a target, as the caller's looks let it be kept.
        """
        self._ledger = ledger
        self._spacing_seconds = spacing_seconds
        self._isolated: NDArray[Any] = board.control["isolated"]
        self._wanted = np.zeros(board.size.slots, dtype=np.bool_)
        self._not_before = np.zeros(board.size.slots)  # monotonic seconds
        self._budget = ConfirmBudget()

    def follow(self, slots: NDArray[np.int64], wanted: NDArray[np.bool_], grid_rate: float) -> None:
        """Adopt a plan's slots, which of them may be confirmed at all, and how many grid probes a second it makes."""
        self._wanted[:] = False
        self._wanted[slots] = wanted
        self._budget.follow(grid_rate)

    def due(self, now: float, drained_at: float) -> NDArray[np.int64]:
        """Return the slots to ask now; they are counted, and not returned again until the spacing is over.

        Args:
            now: monotonic seconds.
            drained_at: up to when all replies have been read.
        """
        ledger = self._ledger
        slots = ledger.silent(drained_at)
        if not len(slots) or self._isolated[0]:
            return slots[:0]
        slots = slots[self._wanted[slots]]
        chosen = suspects(
            drained_at=drained_at,
            watched_sent_at=ledger.watched_sent_at[slots],
            last_reply_sent_at=ledger.slot["last_reply_sent_at"][slots],
            median_rtt=ledger.slot["median_rtt"][slots],
            timeout_seconds=ledger.timeout[slots],
        )
        chosen &= (ledger.slot["quiet"][slots] == 0) & (self._not_before[slots] <= now)
        slots = oldest_first(slots[chosen], ledger.watched_sent_at, self._budget.allowed(now))
        if len(slots):
            self._budget.spend(len(slots))
            self._not_before[slots] = now + self._spacing_seconds
            ledger.process["confirmations_total"][0] += len(slots)
        return slots
