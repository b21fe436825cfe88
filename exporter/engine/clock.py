"""The distance between the wall clock, in which the kernel stamps packets, and CLOCK_MONOTONIC, in which we count."""

from __future__ import annotations

import time
from typing import Final

STEP_NS: Final = 5_000_000  # more than NTP slewing (0.5 ms/s) moves the clock between two looks
_TRIES: Final = 3
_SHARP_NS: Final = 20_000  # a reading within this is good enough: nobody took the processor away meanwhile
_SLEW: Final = 0.001  # of the time since the last look: allowance after the process stood still


class WallOffset:
    """Tracked 20 times a second. `offset_ns` is CLOCK_REALTIME minus CLOCK_MONOTONIC."""

    def __init__(self) -> None:
        self.offset_ns, self._looked_at_ns, _ = _measure()

    def look(self) -> bool:
        """Measure again; return whether the wall clock was stepped since the last look."""
        offset_ns, now_ns, blur_ns = _measure()
        moved = abs(offset_ns - self.offset_ns)
        stepped = moved > STEP_NS + blur_ns + _SLEW * (now_ns - self._looked_at_ns)
        self.offset_ns, self._looked_at_ns = offset_ns, now_ns
        return stepped


def _measure() -> tuple[int, int, int]:
    """Return (offset, monotonic now, uncertainty) in nanoseconds: the sharpest of a few readings."""
    best = (0, 0, 1 << 62)
    for _ in range(_TRIES):
        before = time.monotonic_ns()
        wall = time.time_ns()
        after = time.monotonic_ns()
        if after - before < best[2]:
            best = (wall - (before + after) // 2, after, after - before)
        if best[2] <= _SHARP_NS:
            break
    return best
