"""What the judge says about every slot at one moment: the one value that metrics, status page and journal read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from exporter.outcome import ImpairedReason
    from exporter.roster import Roster

NO_STATE = 255  # in `pending_state`: no change is near


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """States, causes and window numbers. Arrays are slot-indexed, of length `roster.size`, and never written again.

    Free slots and uplink slots hold neutral values; `roster.is_target` says which slots count.
    """

    at: float  # UTC, seconds since the epoch
    code: NDArray[np.uint8]  # outcome.State
    unknown_reason: NDArray[np.uint8]  # index into outcome.UNKNOWN_REASONS; 0 (none) unless code is UNKNOWN
    last_known: NDArray[np.uint8]  # outcome.State before it became unknown; UNKNOWN: never known
    since: NDArray[np.float64]  # UTC seconds: when `code` was entered
    outage: NDArray[np.bool_]  # in outage of its own (not cut off)
    cut_off: NDArray[np.bool_]  # in outage, explained by a fallen hub or region
    cause: NDArray[np.int8]  # index into outcome.CAUSES; -1: neither in outage nor cut off
    culprit: NDArray[np.int32]  # >= 0: a target's slot; <= -2: region index -(value + 2); -1: none
    cut_off_count: NDArray[np.int32]  # on hubs: how many targets are cut off behind it
    flapping: NDArray[np.bool_]
    pending_state: NDArray[np.uint8]  # outcome.State that is near; NO_STATE: none
    pending_probes: NDArray[np.int32]  # probes still missing to it; 0 where none is near
    rtt: NDArray[np.float64]  # seconds, median of the last 20 replies; NaN: none
    last_rtt: NDArray[np.float64]  # seconds, the newest ended grid probe; NaN: it failed, or none ended yet
    jitter: NDArray[np.float64]  # seconds, median of consecutive RTT differences; NaN: fewer than two replies
    loss: NDArray[np.float64]  # 0-1 over the last 60 ended grid probes; NaN: none ended yet
    region_code: NDArray[np.uint8]  # per region index
    region_since: NDArray[np.float64]
    region_outage: NDArray[np.bool_]
    isolated: bool
    impaired: frozenset[ImpairedReason]
    uplink_up: dict[str, bool]  # by address


def culprit_id(verdict: Verdict, roster: Roster, slot: int) -> str | None:
    """Return the id of the target or region that a slot's outage comes from; None where there is none."""
    value = int(verdict.culprit[slot])
    if value >= 0:
        target = roster.targets[value]
        return target.id if target is not None else None
    if value <= -2:  # noqa: PLR2004 - the encoding of `Verdict.culprit`
        region = roster.regions[-(value + 2)]
        return region.id if region is not None else None
    return None
