"""What the judge remembers from one step to the next: frozen arrays, replaced and never written in place.

`reseat` carries a memory over to the next roster: a slot whose generation is unchanged keeps everything, every other
slot starts afresh.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from exporter.engine.board import PROCESSES
from exporter.outcome import UNKNOWN_REASONS, State, UnknownReason

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from exporter.roster import Roster
    from exporter.state.arrays import Bools, Bytes, Floats, Ints
    from exporter.state.sight import ProcessSample

OUTAGES_TO_FLAP: Final = 3
NEVER: Final = -np.inf  # monotonic seconds of what has not happened
STILL_BLIND: Final = np.iinfo(np.int64).max
STARTING: Final = UNKNOWN_REASONS.index(UnknownReason.STARTING)

# Per-slot field -> (dtype, value of a fresh slot). `since` of a fresh slot is the present moment.
_FRESH: Final[dict[str, tuple[str, Any]]] = {
    "generation": ("u4", 0),
    "code": ("u1", int(State.UNKNOWN)),
    "reason": ("u1", STARTING),
    "last_known": ("u1", int(State.UNKNOWN)),
    "since": ("f8", np.nan),
    "known_since": ("f8", np.nan),
    "restarted": ("?", False),
    "floor": ("f8", 0.0),
    "streak_first": ("f8", np.nan),
    "window_from": ("i8", 0),
    "blind": ("?", False),
    "blind_first": ("i8", 0),
    "blind_end": ("i8", 0),
    "calm_from": ("i8", -1),
    "fallen": ("?", False),
    "own": ("?", False),
    "fell_at": ("f8", NEVER),
    "explained_at": ("f8", NEVER),
    "explained_by": ("i4", -1),
    "cause": ("i1", -1),
    "own_times": ("f8", NEVER),
    "own_at": ("f8", NEVER),
    "flapping": ("?", False),
    "dirty": ("?", True),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """Per-slot arrays of length `roster.size`, per-region arrays, and what is remembered of the whole.

    Times are monotonic seconds unless a line says UTC.
    """

    generation: NDArray[np.uint32]
    code: Bytes  # outcome.State of the last step
    reason: Bytes  # index into UNKNOWN_REASONS
    last_known: Bytes  # the newest state that was not UNKNOWN
    since: Floats  # UTC: when `code` was entered
    known_since: Floats  # UTC: when `last_known` was entered; NaN: never known
    restarted: Bools  # taken over from a saved state and not judged since
    floor: Floats  # only probes sent later count for the streak and for coming back: the end of the last blindness
    streak_first: Floats  # send time of the first failure of the present streak (the rings forget it); NaN: no streak
    window_from: Ints  # the window begins with this probe number: what came before an outage is not part of it
    blind: Bools  # blind in the last step
    blind_first: Ints  # probes blind_first <= n < blind_end were sent in blindness: part of no window
    blind_end: Ints  # STILL_BLIND: it goes on
    calm_from: Ints  # newest probe when the conditions of leaving LOW began to hold; -1: they do not
    fallen: Bools  # entered DOWN and neither UP nor LOW since: in outage or cut off
    own: Bools  # in outage of its own; stays until UP or LOW
    fell_at: Floats  # when DOWN was entered
    explained_at: Floats  # when a fallen hub or region last explained it
    explained_by: NDArray[np.int32]  # as Verdict.culprit
    cause: NDArray[np.int8]  # index into CAUSES, of the present outage; -1: none
    own_times: Floats  # (size, 3): begins of the newest outages of its own, newest first
    own_at: Floats  # the last moment in an outage of its own
    flapping: Bools
    dirty: Bools  # what the window excludes has changed: measure it again
    region_code: Bytes
    region_since: Floats  # UTC
    region_last_known: Bytes  # the newest state of a region that was not UNKNOWN
    region_known_since: Floats  # UTC: when that was entered
    region_outage: Bools
    isolated: bool = False
    isolated_mark: float = NEVER  # the newest reply when isolation was entered; a newer one ends it
    samples: tuple[ProcessSample, ...] = ()  # of the last seconds, oldest first
    process_first: tuple[float, ...] = (np.nan,) * PROCESSES  # when each process was first needed; NaN: not needed
    watched: tuple[int, ...] = ()  # generations of the uplinks
    watched_since: float = np.inf  # when all of them were first probed


def fresh_memory() -> Memory:
    """Return the memory of an empty roster."""
    columns: dict[str, Any] = {name: np.empty(_shape(name, 0), dtype=dtype) for name, (dtype, _) in _FRESH.items()}
    return Memory(
        **columns,
        region_code=np.empty(0, dtype=np.uint8),
        region_since=np.empty(0),
        region_last_known=np.empty(0, dtype=np.uint8),
        region_known_since=np.empty(0),
        region_outage=np.empty(0, dtype=np.bool_),
    )


def reseat(memory: Memory, roster: Roster, *, wall: float) -> Memory:
    """Return the memory for the next roster; `wall` (UTC) is the since-time of what starts afresh."""
    size = roster.size
    old = min(len(memory.generation), size)
    kept = np.flatnonzero(
        (memory.generation[:old] == roster.generation[:old]) & (roster.generation[:old] > 0),
    )
    changed: dict[str, Any] = {}
    for name, (dtype, value) in _FRESH.items():
        column = np.full(_shape(name, size), wall if name == "since" else value, dtype=dtype)
        column[kept] = getattr(memory, name)[kept]
        changed[name] = column
    changed["generation"] = roster.generation.copy()
    # An outage that a vanished target or another slot's occupant explained is explained by nothing any more.
    culprit = changed["explained_by"]
    gone = (culprit >= 0) & ~np.isin(culprit, kept)
    culprit[gone] = -1
    regions = len(roster.regions)
    known = min(len(memory.region_code), regions)
    for name, value in (
        ("region_code", int(State.UNKNOWN)),
        ("region_since", wall),
        ("region_last_known", int(State.UNKNOWN)),
        ("region_known_since", np.nan),
        ("region_outage", False),
    ):
        before = getattr(memory, name)
        column = np.full(regions, value, dtype=before.dtype)
        column[:known] = before[:known]
        changed[name] = column
    return replace(memory, **changed)


def slot_field_names() -> tuple[str, ...]:
    """Return the names of the per-slot fields, for tests that look at all of them."""
    return tuple(field.name for field in fields(Memory) if field.name in _FRESH)


def _shape(name: str, size: int) -> tuple[int, ...]:
    return (size, OUTAGES_TO_FLAP) if name == "own_times" else (size,)
