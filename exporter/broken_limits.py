"""Which of its limits each LOW target breaks, with value and limit: loss of 60, loss of 20, round trip, jitter (pure).

The words of docs/states.md, for status page, JSON and metrics alike. A LOW target that breaks none is well below all of
them and has yet to stay so for ten probes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from exporter.engine.board import GRID
from exporter.state.window import FAILURE, IGNORED, KIND, SHORT

if TYPE_CHECKING:
    from exporter.engine.board import Board
    from exporter.roster import Roster
    from exporter.state.arrays import Bools, Floats, Slots
    from exporter.state.verdict import Verdict

LIMITS: Final = ("loss_60", "loss_20", "rtt", "jitter")  # the columns of `BrokenLimits`
_LEAST_LOST: Final = 2  # a single lost probe of 20 says nothing
_ROUNDING: Final = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokenLimits:
    """Arrays of (slots asked for, len(LIMITS))."""

    value: Floats  # NaN: nothing was measured
    limit: Floats
    broken: Bools


def broken_limits(board: Board, roster: Roster, verdict: Verdict, slots: Slots) -> BrokenLimits:
    """Measure slots, which should be those of LOW targets, against their limits."""
    loss = roster.low_loss_ratio[slots].astype(np.float64)
    value = np.column_stack((verdict.loss[slots], _short_loss(board, slots), verdict.rtt[slots], verdict.jitter[slots]))
    limit = np.column_stack((loss, 2 * loss, roster.low_rtt_seconds[slots], roster.low_jitter_seconds[slots]))
    return BrokenLimits(value=value, limit=limit, broken=value >= limit - _ROUNDING)  # false for NaN


def _short_loss(board: Board, slots: Slots) -> Floats:
    """Return the loss of the last 20 probes that count, 0-1; NaN where fewer than two were lost."""
    number = board.slot["grid_count"][slots].astype(np.int64)[:, None] - np.arange(1, GRID + 1)  # newest first
    status = np.take_along_axis(board.slot["grid_status"][slots], number % GRID, axis=1)
    kind = np.where(number >= 0, KIND[status], IGNORED)
    rank = (kind != IGNORED).cumsum(axis=1)
    lost = ((kind == FAILURE) & (rank <= SHORT)).sum(axis=1)
    counted = np.minimum(rank[:, -1], SHORT)
    return np.where(lost >= _LEAST_LOST, lost / np.maximum(counted, 1), np.nan)
