"""The streak of failures and the run of replies: pure functions over both rings, vectorised over slots.

In *send* order: a reply to probe n clears every failure older than n. A probe is judged failed when it ended so, or
when it is overdue; a reply before the timeout withdraws that by clearing the streak. Overdue is measured against the
moment up to which the prober has read all replies, so a stopped prober makes no failures.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from exporter.engine.board import CONFIRM, GRID
from exporter.outcome import Status
from exporter.state.window import FAILURE, KIND, REPLY

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from exporter.state.arrays import Bools, Floats, Ints, Slots
    from exporter.state.window import GridColumns

OVERDUE_SECONDS: Final = 0.6
OVERDUE_RTTS: Final = 3.0

_NEAR_GRID: Final = 16
_NEAR_CONFIRM: Final = 32
_BLOCK: Final = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmColumns:
    """The ring of confirmation probes of all slots; entry of probe n at n % CONFIRM."""

    count: NDArray[np.uint64]
    sent_at: NDArray[np.float64]
    status: NDArray[np.uint8]


@dataclass(frozen=True, slots=True, kw_only=True)
class Streak:
    """Per-slot counts; arrays of one length."""

    failures: Ints  # judged failures newer than the newest reply, of both kinds
    first: Floats  # send time of the oldest of them that the rings still hold; NaN: none
    last: Floats  # send time of the newest; NaN: none
    run: Ints  # grid replies newer than the newest judged failure of either kind: consecutive replies
    run_after: Floats  # send time of that failure, or the floor: the run began after it


def overdue_after(median_rtt: Floats, timeout_seconds: Floats) -> Floats:
    """Return after how many seconds without an answer a probe is judged failed.

    max(0.6 s, 3 x median RTT), at most the timeout. Without a median nothing is known of the link, which may be a
    satellite's: then the whole timeout.
    """
    limit = np.maximum(OVERDUE_SECONDS, OVERDUE_RTTS * median_rtt)
    return np.where(np.isnan(limit), timeout_seconds, np.minimum(limit, timeout_seconds))


def empty_streak(size: int) -> Streak:
    """Return the streak of slots that nobody needs to look at: none."""
    none = np.zeros(size, dtype=np.int64)
    unknown = np.full(size, np.nan)
    return Streak(failures=none, first=unknown, last=unknown, run=none, run_after=np.zeros(size))


def count_streaks(
    grid: GridColumns,
    confirm: ConfirmColumns,
    rows: Slots,
    *,
    last_reply_sent_at: Floats,
    floor: Floats,
    limit: Floats,
    now: Floats,
) -> Streak:
    """Count the streaks of `rows` and place them in arrays over all slots.

    Args:
        grid: the grid rings of all slots.
        confirm: the confirmation rings of all slots.
        rows: slots to look at; the others get an empty streak.
        last_reply_sent_at: per slot: send time of the newest answered probe; 0: none.
        floor: per slot: probes sent at or before it do not count.
        limit: per slot: `overdue_after`.
        now: per slot: the moment up to which its prober has read all replies.
    """
    result = empty_streak(len(grid.count))
    result = Streak(**{name: getattr(result, name).copy() for name in Streak.__dataclass_fields__})
    deep = _reach_beyond(grid, confirm, rows, np.maximum(last_reply_sent_at, floor))
    near = rows[~deep]
    _count(result, grid, confirm, near, (_NEAR_GRID, _NEAR_CONFIRM), last_reply_sent_at, floor, limit, now)
    # The failure before the run may lie further back than the newest few entries.
    endless = _reach_beyond(grid, confirm, near, result.run_after)
    rest = np.concatenate([rows[deep], near[endless]])
    _count(result, grid, confirm, rest, (GRID, CONFIRM), last_reply_sent_at, floor, limit, now)
    return result


def _count(
    result: Streak,
    grid: GridColumns,
    confirm: ConfirmColumns,
    rows: Slots,
    widths: tuple[int, int],
    last_reply_sent_at: Floats,
    floor: Floats,
    limit: Floats,
    now: Floats,
) -> None:
    """Fill in the streaks of `rows`, looking at the newest `widths` entries of the two rings."""
    for start in range(0, len(rows), _BLOCK):
        block = rows[start : start + _BLOCK]
        sent_at, failed, replied = _look(grid, confirm, block, widths, limit, now)
        result.run_after[block] = np.maximum(np.where(failed, sent_at, -np.inf).max(axis=1), floor[block])
        result.run[block] = (replied & (sent_at > result.run_after[block, None])).sum(axis=1)
        failed &= sent_at > np.maximum(last_reply_sent_at, floor)[block, None]
        result.failures[block] = failed.sum(axis=1)
        oldest = np.where(failed, sent_at, np.inf).min(axis=1)
        newest = np.where(failed, sent_at, -np.inf).max(axis=1)
        result.first[block] = np.where(np.isinf(oldest), np.nan, oldest)
        result.last[block] = np.where(np.isinf(newest), np.nan, newest)


def _look(
    grid: GridColumns,
    confirm: ConfirmColumns,
    rows: Slots,
    widths: tuple[int, int],
    limit: Floats,
    now: Floats,
) -> tuple[Floats, Bools, Bools]:
    """Return send time, "judged failed" and "grid reply" of the newest probes of both rings, side by side."""
    grid_at, grid_status = _newest(grid.count, grid.sent_at, grid.status, rows, widths[0])
    confirm_at, confirm_status = _newest(confirm.count, confirm.sent_at, confirm.status, rows, widths[1])
    sent_at = np.concatenate([grid_at, confirm_at], axis=1)
    status = np.concatenate([grid_status, confirm_status], axis=1)
    kind = KIND[status]
    overdue = now[rows, None] - sent_at > limit[rows, None]
    failed = (kind == FAILURE) | ((status == Status.PENDING) & overdue)
    replied = kind == REPLY
    replied[:, widths[0] :] = False
    return sent_at, failed, replied


def _newest(
    count: NDArray[np.uint64],
    sent_at: NDArray[np.float64],
    status: NDArray[np.uint8],
    rows: Slots,
    width: int,
) -> tuple[Floats, NDArray[np.uint8]]:
    """Return the newest `width` entries of a ring for `rows`."""
    ring = sent_at.shape[1]
    if width == ring:
        return sent_at[rows], status[rows]
    number = count[rows].astype(np.int64)[:, None] - np.arange(1, width + 1)
    flat = rows[:, None] * ring + (number & (ring - 1))
    return sent_at.reshape(-1)[flat], status.reshape(-1)[flat]


def _reach_beyond(grid: GridColumns, confirm: ConfirmColumns, rows: Slots, since: Floats) -> Bools:
    """Tell for which rows probes newer than `since` lie beyond the newest few entries of a ring."""
    grid_flat = rows * GRID + ((grid.count[rows].astype(np.int64) - _NEAR_GRID - 1) & (GRID - 1))
    confirm_flat = rows * CONFIRM + ((confirm.count[rows].astype(np.int64) - _NEAR_CONFIRM - 1) & (CONFIRM - 1))
    deep: Bools = (grid.sent_at.reshape(-1)[grid_flat] > since[rows]) | (
        confirm.sent_at.reshape(-1)[confirm_flat] > since[rows]
    )
    return deep
