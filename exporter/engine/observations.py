"""The histograms of a probing process: gathered as arrays, counted and written to the board a few times a second.

Who reads them looks at seconds; counting at every turn of a loop would cost more than probing does. A process that is
killed takes the last of them with it (at most 0.1 s); counters lose nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from exporter.engine.board import LATENESS_BUCKETS, REPLY_WAIT_BUCKETS, RTT_BUCKETS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from exporter.engine.board import Board

_RTT_PLACES: Final = len(RTT_BUCKETS) + 1


class Observations:
    """What one process has observed since the last `flush`."""

    def __init__(self, board: Board, row: int) -> None:
        self._process: dict[str, NDArray[Any]] = {name: column[row : row + 1] for name, column in board.process.items()}
        self._region_buckets: NDArray[Any] = board.region["rtt_buckets"][row].reshape(-1)
        self._region_sum: NDArray[Any] = board.region["rtt_sum"][row]
        self._rtt_bounds = np.array(RTT_BUCKETS)
        self._bounds = {"lateness": np.array(LATENESS_BUCKETS), "reply_wait": np.array(REPLY_WAIT_BUCKETS)}
        self._seconds: dict[str, list[NDArray[np.float64]]] = {"lateness": [], "reply_wait": []}
        self._rtts: list[NDArray[np.float64]] = []
        self._slots: list[NDArray[np.int64]] = []

    def lateness(self, seconds: NDArray[np.float64]) -> None:
        """Take how late probes were sent; a little early counts as in time."""
        self._seconds["lateness"].append(seconds)

    def reply_wait(self, seconds: NDArray[np.float64]) -> None:
        """Take how long replies had lain in the kernel before they were read."""
        self._seconds["reply_wait"].append(seconds)

    def rtt(self, slots: NDArray[np.int64], rtt: NDArray[np.float64]) -> None:
        """Take RTTs in seconds of grid probes of these slots."""
        self._slots.append(slots)
        self._rtts.append(rtt)

    def flush(self, region_of: NDArray[np.int64]) -> None:
        """Count and write what was taken.

        Args:
            region_of: region index per slot; -1: none.
        """
        for name, parts in self._seconds.items():
            if parts:
                seconds = np.maximum(np.concatenate(parts), 0.0)
                parts.clear()
                bounds = self._bounds[name]
                counts = np.bincount(bounds.searchsorted(seconds, "left"), minlength=len(bounds) + 1)
                self._process[f"{name}_buckets"][0] += counts.astype(np.uint64)
                self._process[f"{name}_sum"][0] += float(seconds.sum())
        if self._rtts:
            rtt, regions = np.concatenate(self._rtts), region_of[np.concatenate(self._slots)]
            self._rtts.clear()
            self._slots.clear()
            self._count_rtts(rtt, regions)

    def _count_rtts(self, rtt: NDArray[np.float64], regions: NDArray[np.int64]) -> None:
        inside = regions >= 0
        if not inside.all():
            regions, rtt = regions[inside], rtt[inside]
        places = regions * _RTT_PLACES + self._rtt_bounds.searchsorted(rtt, "left")
        counts = np.bincount(places)
        self._region_buckets[: len(counts)] += counts.astype(np.uint64)
        sums = np.bincount(regions, weights=rtt)
        self._region_sum[: len(sums)] += sums
