"""The log of single probes: the newest entries of the board's rings, for the Ping log and the JSON API (read only)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from exporter.engine.board import CONFIRM, GRID
from exporter.engine.clock import WallOffset
from exporter.outcome import Status

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from exporter.engine.board import Board

_PER_SLOT_WHEN_MANY: Final = 8  # entries looked at per slot at once; deeper only where that could change the answer


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeEntry:
    """One probe."""

    sent_at: float  # UTC seconds
    slot: int
    sequence: int  # the probe's number within its slot and ring, from 0
    confirmation: bool
    status: int  # outcome.Status, or FIRST_FAILURE + index into REASONS
    rtt: float | None  # seconds; None: no reply (or not kept: confirmation probes have no RTT)


def recent_probes(board: Board, slots: Sequence[int] | NDArray[Any], limit: int) -> list[ProbeEntry]:
    """Return the newest probes of the given slots, newest first, at most `limit`, those in flight included."""
    chosen = np.asarray(slots, dtype=np.int64)
    chosen = chosen[board.slot["generation"][chosen] != 0]
    if not len(chosen) or limit <= 0:
        return []
    depth = min(GRID, limit)
    grid = _newest(board, "grid", GRID, chosen, depth, limit)
    confirm = _newest(board, "confirm", CONFIRM, chosen, min(CONFIRM, limit), limit)
    sent_at = np.concatenate([grid[2], confirm[2]])
    order = np.argsort(-sent_at, kind="stable")[:limit]
    is_confirmation = np.arange(len(sent_at)) >= len(grid[2])
    offset = WallOffset().offset_ns * 1e-9
    slot = np.concatenate([grid[0], confirm[0]])
    number = np.concatenate([grid[1], confirm[1]])
    status = np.concatenate([grid[3], confirm[3]])
    rtt = np.concatenate([grid[4], confirm[4]])
    return [
        ProbeEntry(
            sent_at=float(sent_at[place]) + offset,
            slot=int(slot[place]),
            sequence=int(number[place]),
            confirmation=bool(is_confirmation[place]),
            status=int(status[place]),
            rtt=None if np.isnan(rtt[place]) else float(rtt[place]),
        )
        for place in order.tolist()
    ]


_Found = tuple["NDArray[Any]", "NDArray[Any]", "NDArray[Any]", "NDArray[Any]", "NDArray[Any]"]


def _newest(board: Board, ring: str, size: int, slots: NDArray[np.int64], depth: int, limit: int) -> _Found:
    """Return (slot, number, sent at, status, RTT) of a ring's newest entries, unordered, about `limit` of them."""
    count: NDArray[Any] = board.slot[f"{ring}_count"][slots].astype(np.int64)
    begun = count > 0
    slots, count = slots[begun], count[begun]
    looked = min(depth, _PER_SLOT_WHEN_MANY if len(slots) > limit else depth)
    while True:
        found = _entries(board, ring, size, slots, count, looked)
        if looked >= depth or not len(slots):
            return found
        # An entry deeper than we looked can only matter if a slot's deepest one is among the newest `limit`.
        sent_at = found[2]
        if len(sent_at) > limit:
            oldest_wanted = np.partition(sent_at, len(sent_at) - limit)[len(sent_at) - limit]
            deepest = board.slot[f"{ring}_sent_at"][slots, (count - np.minimum(count, looked)) % size]
            if not ((deepest >= oldest_wanted) & (count > looked)).any():
                return found
        looked = min(looked * 4, depth)


def _entries(
    board: Board, ring: str, size: int, slots: NDArray[np.int64], count: NDArray[np.int64], depth: int
) -> _Found:
    numbers = count[:, None] - 1 - np.arange(depth)[None, :]
    rows = np.broadcast_to(slots[:, None], numbers.shape)
    known = numbers >= 0
    rows, numbers = rows[known], numbers[known]
    place = numbers % size
    status: NDArray[Any] = board.slot[f"{ring}_status"][rows, place]
    used = status != Status.EMPTY
    rows, numbers, place, status = rows[used], numbers[used], place[used], status[used]
    sent_at: NDArray[Any] = board.slot[f"{ring}_sent_at"][rows, place]
    rtt: NDArray[Any] = board.slot["grid_rtt"][rows, place] if ring == "grid" else np.full(len(rows), np.nan)
    return rows, numbers, sent_at, status, rtt
