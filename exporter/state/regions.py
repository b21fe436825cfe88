"""Since when a region is in its state: a restart ends nothing, nor does a while in which a fallen one is not seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from exporter.outcome import UNKNOWN_REASONS, State, UnknownReason

if TYPE_CHECKING:
    from exporter.state.arrays import Bytes, Floats
    from exporter.state.layout import Layout
    from exporter.state.memory import Memory

_RESTARTED: Final = UNKNOWN_REASONS.index(UnknownReason.RESTARTED)


@dataclass(frozen=True, slots=True, kw_only=True)
class RegionTimes:
    """Per region; times are UTC seconds."""

    since: Floats  # when its state was entered
    last_known: Bytes  # its newest state that was not UNKNOWN
    known_since: Floats  # when that was entered; NaN: never known


def remember_regions(layout: Layout, memory: Memory, code: Bytes, wall: float) -> RegionTimes:
    """Return since when every region is in its state.

    After a restart the targets are judged one after the other, and a region may pass through other states meanwhile.
    So what was known before holds until none of its targets waits any more: whoever comes back to it was never out.

    Args:
        layout: the roster's.
        memory: of the last step.
        code: the regions' states now.
        wall: UTC seconds.
    """
    slots = layout.target_slots
    waiting = (memory.code[slots] == State.UNKNOWN) & (memory.reason[slots] == _RESTARTED)
    settling = np.bincount(layout.roster.region[slots][waiting], minlength=len(code)) > 0
    known = code != State.UNKNOWN
    changed = code != memory.region_code
    fell_unseen = (memory.region_code == State.UNKNOWN) & (code == State.DOWN)
    goes_on = changed & known & (code == memory.region_last_known) & (settling | fell_unseen)
    since = np.where(goes_on, memory.region_known_since, np.where(changed, wall, memory.region_since))
    settled = known & ~settling
    return RegionTimes(
        since=since,
        last_known=np.where(settled, code, memory.region_last_known).astype(np.uint8),
        known_since=np.where(settled, since, memory.region_known_since),
    )
