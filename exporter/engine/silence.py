"""Which slots are silent: what confirmation probes are sent for is looked for among these alone.

Watched is, per slot, the oldest grid probe since the newest answered one that was unanswered when it came to the age at
which suspicion can begin at all (`schedule.suspects` decides when it does). Most probes are answered by then, and cost
one look at their status.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from exporter.outcome import FailureReason, Status, failure_status

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from exporter.engine.board import Board
    from exporter.engine.flights import Batch

_REPLY_BYTE: Final = bytes([Status.REPLY])
_SAYS_NOTHING: Final = (FailureReason.SEND_ERROR, FailureReason.PERMISSION, FailureReason.DNS)  # of the target


class Silence:
    """The silent slots of one process."""

    def __init__(self, board: Board) -> None:
        self.watched_sent_at = np.zeros(board.size.slots)  # monotonic seconds; of silent slots only
        self._last_reply: NDArray[Any] = board.slot["last_reply_sent_at"]
        self._status: NDArray[Any] = board.slot["grid_status"].reshape(-1)
        self._sent_at: NDArray[Any] = board.slot["grid_sent_at"].reshape(-1)
        self._silent = np.empty(0, dtype=np.int64)
        self._listed = np.zeros(board.size.slots, dtype=np.bool_)  # whether a slot is in that
        told = np.ones(256, dtype=np.bool_)
        told[[Status.EMPTY, Status.REPLY, Status.VOID, *(failure_status(reason) for reason in _SAYS_NOTHING)]] = False
        self._told = told

    def slots(
        self, grown_up: Sequence[Batch], live: Callable[[NDArray[np.int64]], NDArray[np.bool_]]
    ) -> NDArray[np.int64]:
        """Return the slots whose watched probe is newer than their last answered one.

        Args:
            grown_up: batches of grid probes that have come to the age of suspicion since the last call.
            live: which slots are still ours.
        """
        found = [self._silent]
        for batch in grown_up:
            status = self._status.take(batch.entries)
            if status.tobytes().count(_REPLY_BYTE) == len(status):
                continue
            told = self._told[status] & (self._sent_at[batch.entries] == batch.sent_at)
            told &= self.watched_sent_at[batch.slots] <= self._last_reply[batch.slots]
            slots = batch.slots[told]
            self.watched_sent_at[slots] = batch.sent_at[told]
            slots = slots[~self._listed[slots]]
            self._listed[slots] = True
            found.append(slots)
        if len(self._silent) or len(found) > 1:
            silent = np.concatenate(found)
            still = (self.watched_sent_at[silent] > self._last_reply[silent]) & live(silent)
            self._listed[silent[~still]] = False
            self._silent = silent[still]
        return self._silent
