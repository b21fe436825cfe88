"""Time as an argument: monotonic seconds for durations, UTC seconds for records."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """What tells the time. Tests move their own by hand."""

    def monotonic(self) -> float:
        """Return seconds that never jump, from an unknown start; the same clock for all processes of a machine."""

    def wall(self) -> float:
        """Return UTC seconds since the epoch; may jump when the system clock is set."""


class SystemClock:
    """The machine's own clocks."""

    def monotonic(self) -> float:
        """Return CLOCK_MONOTONIC in seconds."""
        return time.monotonic()

    def wall(self) -> float:
        """Return UTC seconds since the epoch."""
        return time.time()
