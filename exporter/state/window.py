"""Loss, RTT and jitter over a target's window: pure functions over the board's grid ring, vectorised over slots.

Which outcomes count
--------------------
A reply and a failure count. These say nothing of the target and are part of no window and no streak: `send_error` (our
kernel refused), `permission`, `dns` (nothing was sent), VOID (its prober died) and what was sent while we were blind.

The ring is walked from the newest probe backwards: usually `_NEAR` probes are enough, the few slots that need more are
measured again over the whole ring.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Final

import numpy as np

from exporter.engine.board import GRID
from exporter.outcome import REASONS, FailureReason, Status, failure_status

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from exporter.state.arrays import Bytes, Floats, Ints, Slots

WINDOW: Final = 60  # ended grid probes
SHORT: Final = 20  # ended grid probes of the short window, and replies that RTT and jitter look at

IGNORED: Final = 0
REPLY: Final = 1
FAILURE: Final = 2
_SILENT_REASONS = (FailureReason.SEND_ERROR, FailureReason.PERMISSION, FailureReason.DNS)
KIND: Final = np.zeros(256, dtype=np.uint8)  # ring status -> IGNORED, REPLY or FAILURE
KIND[Status.REPLY] = REPLY
KIND[[failure_status(reason) for reason in REASONS if reason not in _SILENT_REASONS]] = FAILURE

_NEAR: Final = 72  # the window of 60 and a dozen in flight or void
_NEAR_RTT: Final = 24
_BLOCK: Final = 2048  # rows at a time: the work arrays stay in the cache


@dataclass(frozen=True, slots=True, kw_only=True)
class GridColumns:
    """The grid ring of all slots; entry of probe n at n % GRID."""

    count: NDArray[np.uint64]  # (slots,)
    sent_at: NDArray[np.float64]  # (slots, GRID)
    rtt: NDArray[np.float32]  # (slots, GRID)
    status: NDArray[np.uint8]  # (slots, GRID)


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Per-slot measures; arrays of one length."""

    ended: Ints  # outcomes in the window, at most 60
    lost: Ints  # failures among them
    short_ended: Ints  # outcomes among the newest 20
    short_lost: Ints
    span: Floats  # seconds between the oldest and the newest send time in the window; 0 with fewer than two
    newest: Ints  # number n of the newest probe that counts; -1: none
    newest_sent_at: Floats  # its send time; 0: none
    newest_status: Bytes  # ring status of the newest ended probe, counted or not, VOID left out; EMPTY: none
    rtt: Floats  # seconds, median of the last 20 replies; NaN: none
    rtt_replies: Ints  # how many replies that median stands on
    last_rtt: Floats  # seconds; NaN: the newest ended probe failed, or none ended
    jitter: Floats  # seconds, median of the differences of consecutive replies; NaN: fewer than two

    @property
    def replies(self) -> Ints:
        """Replies in the window."""
        return self.ended - self.lost

    def updated(self, rows: Slots, other: Window) -> Window:
        """Return a copy in which `rows` hold the values of `other`."""
        columns = {}
        for field in fields(self):
            column = getattr(self, field.name).copy()
            column[rows] = getattr(other, field.name)
            columns[field.name] = column
        return Window(**columns)


def empty_window(size: int) -> Window:
    """Return the window of slots without any probe."""
    none = np.zeros(size, dtype=np.int64)
    unknown = np.full(size, np.nan)
    return Window(
        ended=none,
        lost=none,
        short_ended=none,
        short_lost=none,
        span=np.zeros(size),
        newest=np.full(size, -1, dtype=np.int64),
        newest_sent_at=np.zeros(size),
        newest_status=np.zeros(size, dtype=np.uint8),
        rtt=unknown,
        rtt_replies=none,
        last_rtt=unknown,
        jitter=unknown,
    )


def measure(grid: GridColumns, rows: Slots, window_from: Ints, blind_first: Ints, blind_end: Ints) -> Window:
    """Measure the windows of `rows`.

    Args:
        grid: the rings of all slots.
        rows: slots to measure.
        window_from: per slot (not per row): the first probe number that may count.
        blind_first: per slot: the first probe number sent in blindness.
        blind_end: per slot: the first probe number after it.

    Returns:
        A window of `len(rows)`.
    """
    blocks = []
    for start in range(0, max(len(rows), 1), _BLOCK):
        some = rows[start : start + _BLOCK]
        blocks.append(_measure_block(grid, some, window_from[some], blind_first[some], blind_end[some], _NEAR))
    if len(blocks) == 1:
        return blocks[0]
    return Window(**{f.name: np.concatenate([getattr(b, f.name) for b in blocks]) for f in fields(Window)})


def _measure_block(
    grid: GridColumns, rows: Slots, window_from: Ints, blind_first: Ints, blind_end: Ints, width: int
) -> Window:
    """Measure one block, looking at the newest `width` probes of each row."""
    each = np.arange(len(rows))
    count = grid.count[rows].astype(np.int64)
    number = count[:, None] - np.arange(1, width + 1)  # newest first
    flat = rows[:, None] * GRID + (number & (GRID - 1))
    status = grid.status.reshape(-1)[flat]
    kind = KIND[status]
    hidden = ((window_from > count - width) | (blind_end > count - width)).nonzero()[0]
    if len(hidden):
        some = number[hidden]
        out = some < window_from[hidden, None]
        out |= (some >= blind_first[hidden, None]) & (some < blind_end[hidden, None])
        kind[hidden] = np.where(out, IGNORED, kind[hidden])

    counts = kind != IGNORED
    rank = np.cumsum(counts, axis=1, dtype=np.uint8)
    failed = kind == FAILURE
    ended = np.minimum(rank[:, -1], WINDOW).astype(np.int64)
    oldest = (rank >= ended[:, None].astype(np.uint8)).argmax(axis=1)
    newest = counts.argmax(axis=1)
    any_counts = ended > 0
    sent_at = grid.sent_at.reshape(-1)
    newest_sent_at = np.where(any_counts, sent_at[flat[each, newest]], 0.0)
    span = np.where(ended > 1, newest_sent_at - sent_at[flat[each, oldest]], 0.0)
    over = (status >= Status.REPLY) & (status != Status.VOID)
    last = over.argmax(axis=1)
    any_over = over[each, last]
    last_flat = flat[each, last]
    last_reply = any_over & (status[each, last] == Status.REPLY)
    rtts, median, jitter = _rtts(grid, flat, kind == REPLY)
    result = Window(
        ended=ended,
        lost=(failed & (rank <= WINDOW)).sum(axis=1, dtype=np.int64),
        short_ended=np.minimum(ended, SHORT),
        short_lost=(failed & (rank <= SHORT)).sum(axis=1, dtype=np.int64),
        span=span,
        newest=np.where(any_counts, number[each, newest], -1),
        newest_sent_at=newest_sent_at,
        newest_status=np.where(any_over, status[each, last], Status.EMPTY).astype(np.uint8),
        rtt=median,
        rtt_replies=rtts,
        last_rtt=np.where(last_reply, grid.rtt.reshape(-1)[last_flat], np.nan).astype(np.float64),
        jitter=jitter,
    )
    if width == GRID:
        return result
    deeper = ((ended < WINDOW) | (rtts < SHORT)) & (window_from < count - width)
    deeper = (deeper | ~any_over) & (count > width)
    again = deeper.nonzero()[0]
    if not len(again):
        return result
    whole = _measure_block(grid, rows[again], window_from[again], blind_first[again], blind_end[again], GRID)
    return result.updated(again, whole)


def _rtts(grid: GridColumns, flat: Ints, reply: NDArray[np.bool_]) -> tuple[Ints, Floats, Floats]:
    """Return how many of the last 20 replies there are, the median of their RTTs, and of their differences."""
    near = reply[:, :_NEAR_RTT]
    if reply.shape[1] > _NEAR_RTT:
        short = near.sum(axis=1) < SHORT
        if short.any():
            some = short.nonzero()[0]
            rest = (~short).nonzero()[0]
            found = np.empty(len(flat), dtype=np.int64)
            median = np.empty(len(flat))
            jitter = np.empty(len(flat))
            found[some], median[some], jitter[some] = _medians(grid, flat[some], reply[some])
            found[rest], median[rest], jitter[rest] = _medians(grid, flat[rest, :_NEAR_RTT], near[rest])
            return found, median, jitter
    return _medians(grid, flat[:, :_NEAR_RTT], near)


def _medians(grid: GridColumns, flat: Ints, reply: NDArray[np.bool_]) -> tuple[Ints, Floats, Floats]:
    """As `_rtts`, for rows that need no deeper look than `flat` is wide."""
    rank = np.cumsum(reply, axis=1, dtype=np.uint8)
    row, column = (reply & (rank <= SHORT)).nonzero()
    rtts = np.full((len(flat), SHORT), np.nan)
    rtts[row, rank[row, column] - 1] = grid.rtt.reshape(-1)[flat[row, column]]
    found = np.minimum(rank[:, -1], SHORT).astype(np.int64) if flat.shape[1] else np.zeros(len(flat), dtype=np.int64)
    median = _median_of_first(rtts, found)
    jitter = _median_of_first(np.abs(np.diff(rtts, axis=1)), np.maximum(found - 1, 0))
    return found, median, jitter


def _median_of_first(values: Floats, found: Ints) -> Floats:
    """Return each row's median; NaNs fill the tail of a row, `found` says how many values there are."""
    ordered = np.sort(values, axis=1)  # NaN sorts last
    each = np.arange(len(values))
    last = np.maximum(found - 1, 0)
    middle: Floats = (ordered[each, last // 2] + ordered[each, (last + 1) // 2]) / 2
    return middle
