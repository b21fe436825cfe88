"""What one step of the judge is given: the board's evidence, and the moment. Values only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from exporter.state.arrays import Floats, Ints
    from exporter.state.sight import ProcessSample
    from exporter.state.streak import Streak
    from exporter.state.window import GridColumns, Window


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What the board says at one moment. Arrays are slot-indexed, of length `roster.size`."""

    window: Window
    streak: Streak
    last_reply_sent_at: Floats  # 0: none
    now: Floats  # up to when the slot's prober has read all replies; 0: it has not begun
    count: Ints  # grid probes begun
    grid: GridColumns  # for the few slots that need a closer look
    sample: ProcessSample


@dataclass(frozen=True, slots=True, kw_only=True)
class Now:
    """One moment on both clocks."""

    monotonic: float  # seconds
    wall: float  # UTC, seconds since the epoch
