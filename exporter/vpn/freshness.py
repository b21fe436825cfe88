"""For how long a reading is believed: a server that has stopped leaves its file as it was, with everybody connected.

A file is believed for two of its intervals and 5 s. The interval is learnt from the file itself (OpenVPN's default is
60 s, Debian's unit files ask for 10 s); what is read live is believed for a few looks.
"""

from __future__ import annotations

from collections import deque
from statistics import median_low
from typing import Final

DEFAULT_INTERVAL_SECONDS: Final = 60.0
LIVE_SECONDS: Final = 20.0  # of a management interface or `wg show`: four looks
_MARGIN_SECONDS: Final = 5.0
_LONGEST_INTERVAL_SECONDS: Final = 600.0  # who writes more seldom than this tells nothing in time
_LEARNT: Final = 5
FUTURE_SECONDS: Final = 60.0  # a clock that is further ahead than this makes every age of it meaningless


class Interval:
    """Learns how often a file is written."""

    def __init__(self) -> None:
        # The median of the last few, so that one pause (the server was stopped for an hour) is not taken for a habit.
        self._seen: deque[float] = deque([DEFAULT_INTERVAL_SECONDS], maxlen=_LEARNT)
        self._last: float | None = None

    def written(self, at: float) -> None:
        """Note that the file was written; UTC seconds."""
        if self._last is not None and at > self._last:
            self._seen.append(min(at - self._last, _LONGEST_INTERVAL_SECONDS))
        self._last = at

    @property
    def believed_seconds(self) -> float:
        """The age up to which the file's word counts."""
        return 2 * median_low(self._seen) + _MARGIN_SECONDS


def is_fresh(at: float, now: float, believed_seconds: float) -> bool:
    """Tell whether what was said at `at` counts at `now`; both UTC seconds."""
    return -FUTURE_SECONDS <= now - at <= believed_seconds
