"""Probes in flight in the order of sending: which have run out of time, and which slots are silent.

Nothing is scanned. Probes that were sent together wait as one batch in a queue per timeout, and the oldest batch is
looked at when its time has come. A second queue holds grid probes until they are old enough to be suspicious: what is
unanswered then, and only that, is watched (see `schedule.suspects`).
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Batch(NamedTuple):
    """Probes of one ring that were sent together; arrays of one length. A tuple: it is built at every turn."""

    last_sent_at: float
    kind: int
    entries: NDArray[np.int64]  # flat ring indices
    slots: NDArray[np.int64]
    sent_at: NDArray[np.float64]  # tells an entry from the later probe that took its place in the ring


class Flights:
    """Queues of batches."""

    def __init__(self, slots: int) -> None:
        self._timeouts: list[float] = [1.0]  # the different ones, rising
        self._class = np.zeros(slots, dtype=np.int64)  # index into them per slot
        self._queues: dict[float, deque[Batch]] = {}
        self._young: deque[Batch] = deque()

    def follow(self, slots: NDArray[Any], timeout: NDArray[Any]) -> None:
        """Adopt the timeouts (seconds) of a plan's slots; what is in flight keeps those it was sent with."""
        values, classes = np.unique(timeout, return_inverse=True)
        self._timeouts = values.tolist() or [1.0]
        self._class[slots] = classes

    @property
    def shortest_timeout(self) -> float:
        """The shortest timeout of the plan, in seconds."""
        return self._timeouts[0]

    def add(
        self, kind: int, entries: NDArray[np.int64], slots: NDArray[np.int64], sent_at: NDArray[np.float64]
    ) -> None:
        """Take probes that were sent just now, and at least one."""
        if len(self._timeouts) == 1:
            self._queue(Batch(float(np.maximum.reduce(sent_at)), kind, entries, slots, sent_at), self._timeouts[0])
            return
        classes = self._class.take(slots)
        for number in range(int(classes.min()), int(classes.max()) + 1):
            part = np.flatnonzero(classes == number)
            if len(part):
                last = float(sent_at[part].max())
                self._queue(Batch(last, kind, entries[part], slots[part], sent_at[part]), self._timeouts[number])

    def _queue(self, batch: Batch, timeout: float) -> None:
        self._queues.setdefault(timeout, deque()).append(batch)
        if batch.kind == 0:
            self._young.append(batch)

    def note(self, batch: Batch) -> None:
        """Take grid probes that ended as they were sent, but whose targets are to be watched as silent ones are."""
        self._young.append(batch)

    def expired(self, drained_at: float) -> list[Batch]:
        """Return, once, the batches that were sent longer than their timeout before a moment (monotonic seconds)."""
        found: list[Batch] = []
        for timeout, queue in self._queues.items():
            while queue and queue[0].last_sent_at + timeout < drained_at:
                found.append(queue.popleft())
        return found

    def grown_up(self, drained_at: float, age: float) -> list[Batch]:
        """Return, once, the batches of grid probes that are at least `age` seconds old."""
        found: list[Batch] = []
        while self._young and self._young[0].last_sent_at + age <= drained_at:
            found.append(self._young.popleft())
        return found
