"""States, counters and since-times that outlive a restart: the value, its file, and how a start takes it over.

The file is replaced as a whole (written beside, synced, renamed), so that kill -9 at any moment leaves the old or the
new one. A file that cannot be read is moved aside and counted; it never stops a start. Times are UTC, since monotonic
clocks do not outlive a machine.
"""

from __future__ import annotations

import io
import json
import os
import zipfile
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from exporter.outcome import REASONS, UNKNOWN_REASONS, State, UnknownReason
from exporter.state.memory import OUTAGES_TO_FLAP
from httpservice.logs import get_logger

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from exporter.engine.board import Board
    from exporter.roster import Roster
    from exporter.state.memory import Memory

log = get_logger(__name__)

FORMAT: Final = 1
_TEXTS: Final = ("keys", "culprit", "region_outages", "region_states")  # fields that the file holds as JSON
MAX_AGE_SECONDS: Final = 15 * 60.0
_RESTARTED: Final = UNKNOWN_REASONS.index(UnknownReason.RESTARTED)

Key = tuple[str, str, str]  # target id, address, probe: what must be unchanged for the evidence to stay


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedStates:
    """One row per target, in the order of `keys`; times are UTC seconds, -inf for what never happened."""

    saved_at: float
    keys: tuple[Key, ...]
    code: NDArray[np.uint8]  # the newest state that was not UNKNOWN; UNKNOWN: never known
    since: NDArray[np.float64]  # when it was entered; NaN: never known
    fallen: NDArray[np.bool_]
    own: NDArray[np.bool_]
    fell_at: NDArray[np.float64]
    cause: NDArray[np.int8]
    culprit: tuple[str, ...]  # "target:ID", "region:ID" or "" of who is cut off
    own_times: NDArray[np.float64]  # (targets, 3)
    own_at: NDArray[np.float64]
    flapping: NDArray[np.bool_]
    probes_total: NDArray[np.uint64]
    failures_total: NDArray[np.uint64]  # (targets, reasons)
    region_outages: tuple[str, ...]  # ids of the regions in outage
    region_states: tuple[tuple[str, int, float], ...] = ()  # id, newest known state, since when


def take_picture(memory: Memory, roster: Roster, board: Board, *, monotonic: float, wall: float) -> SavedStates:
    """Collect what is to be saved. `monotonic` and `wall` are the same moment on both clocks."""
    slots = np.flatnonzero(roster.is_target)
    targets = [roster.targets[slot] for slot in slots]
    offset = wall - monotonic
    culprits = ["" for _ in slots]
    for row in np.flatnonzero(memory.fallen[slots] & ~memory.own[slots]):
        culprits[row] = _culprit_text(int(memory.explained_by[slots[row]]), roster)
    return SavedStates(
        saved_at=wall,
        keys=tuple((t.id, t.address, t.probe.text) for t in targets if t is not None),
        code=memory.last_known[slots],
        since=memory.known_since[slots],
        fallen=memory.fallen[slots],
        own=memory.own[slots],
        fell_at=memory.fell_at[slots] + offset,
        cause=memory.cause[slots],
        culprit=tuple(culprits),
        own_times=memory.own_times[slots] + offset,
        own_at=memory.own_at[slots] + offset,
        flapping=memory.flapping[slots],
        probes_total=np.asarray(board.slot["probes_total"][slots], dtype=np.uint64),
        failures_total=np.asarray(board.slot["failures_total"][slots], dtype=np.uint64),
        region_outages=tuple(
            region.id
            for region, out in zip(roster.regions, memory.region_outage, strict=True)
            if out and region is not None
        ),
        region_states=tuple(
            (region.id, int(code), float(since))
            for region, code, since in zip(
                roster.regions, memory.region_last_known, memory.region_known_since, strict=True
            )
            if region is not None and code != State.UNKNOWN
        ),
    )


def restore_memory(memory: Memory, saved: SavedStates, roster: Roster, *, monotonic: float, wall: float) -> Memory:
    """Take saved states over into a fresh memory: shown as unknown (restarted) until judged, outages go on."""
    slots, rows = _matches(saved, roster)
    known = saved.code[rows] != State.UNKNOWN
    slots, rows = slots[known], rows[known]
    offset = monotonic - wall
    columns: dict[str, Any] = {}

    def put(name: str, values: NDArray[Any]) -> None:
        column = getattr(memory, name).copy()
        column[slots] = values
        columns[name] = column

    put("reason", np.full(len(slots), _RESTARTED))
    put("restarted", np.ones(len(slots), dtype=np.bool_))
    put("last_known", saved.code[rows])
    put("since", saved.since[rows])
    put("known_since", saved.since[rows])
    put("fallen", saved.fallen[rows])
    put("own", saved.own[rows])
    put("fell_at", saved.fell_at[rows] + offset)
    put("cause", saved.cause[rows])
    put("own_times", saved.own_times[rows] + offset)
    put("own_at", saved.own_at[rows] + offset)
    put("flapping", saved.flapping[rows])
    put("explained_by", np.array([_culprit_number(saved.culprit[row], roster) for row in rows], dtype=np.int32))
    cut_off = columns["fallen"] & ~columns["own"] & (columns["explained_by"] != -1)
    columns["explained_at"] = np.where(cut_off, monotonic, memory.explained_at)  # the grace begins again
    region_outage = memory.region_outage.copy()
    for region_id in saved.region_outages:
        if region_id in roster.region_index_of:
            region_outage[roster.region_index_of[region_id]] = True
    region_known, region_since = memory.region_last_known.copy(), memory.region_known_since.copy()
    for region_id, code, since in saved.region_states:
        if region_id in roster.region_index_of:
            region_known[roster.region_index_of[region_id]] = code
            region_since[roster.region_index_of[region_id]] = since
    return replace(
        memory,
        **columns,
        region_outage=region_outage,
        region_last_known=region_known,
        region_known_since=region_since,
    )


def restore_counters(board: Board, roster: Roster, saved: SavedStates) -> int:
    """Write saved counters into the board; only before the engine starts, as the counters are the engine's.

    Returns:
        How many targets were found again.
    """
    slots, rows = _matches(saved, roster)
    board.slot["probes_total"][slots] = saved.probes_total[rows]
    board.slot["failures_total"][slots] = saved.failures_total[rows]
    return len(slots)


def _matches(saved: SavedStates, roster: Roster) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return (slots, rows) of the targets that are the same in both."""
    row_of = {key: row for row, key in enumerate(saved.keys)}
    pairs = [
        (slot, row_of[key])
        for slot, target in enumerate(roster.targets)
        if target is not None and (key := (target.id, target.address, target.probe.text)) in row_of
    ]
    array = np.array(pairs, dtype=np.intp).reshape(-1, 2)
    return array[:, 0], array[:, 1]


def _culprit_text(value: int, roster: Roster) -> str:
    """Return a culprit by id, as slots and indices do not outlive a restart."""
    if value >= 0:
        target = roster.targets[value]
        return f"target:{target.id}" if target is not None else ""
    region = roster.regions[-(value + 2)] if value < -1 else None
    return f"region:{region.id}" if region is not None else ""


def _culprit_number(text: str, roster: Roster) -> int:
    """Return `Verdict.culprit`'s number for a text of `_culprit_text`; -1 where it is gone."""
    kind, _, name = text.partition(":")
    if kind == "target":
        return roster.slot_of.get(name, -1)
    if kind == "region" and name in roster.region_index_of:
        return -roster.region_index_of[name] - 2
    return -1


class StateFile:
    """The file that holds the saved states. Synchronous: call it in a thread."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.errors_total = 0  # files that could not be read or written
        self._failing = False

    def save(self, saved: SavedStates) -> bool:
        """Replace the file; tell whether that worked. A failure is logged when it begins and counted always."""
        partial = self.path.with_name(self.path.name + ".new")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with partial.open("wb") as stream:
                stream.write(_to_bytes(saved))
                stream.flush()
                os.fsync(stream.fileno())
            partial.replace(self.path)
        except OSError as error:
            self.errors_total += 1
            if not self._failing:
                log.warning("states not saved", path=str(self.path), error=str(error))
            self._failing = True
            return False
        if self._failing:
            log.info("states saved again", path=str(self.path))
        self._failing = False
        return True

    def load(self, *, now: float, max_age: float = MAX_AGE_SECONDS) -> SavedStates | None:
        """Return the saved states; None where there are none, they are too old, or the file cannot be read."""
        try:
            saved = _from_bytes(self.path.read_bytes())
        except FileNotFoundError:
            return None
        except OSError as error:
            self.errors_total += 1
            log.warning("saved states cannot be read", path=str(self.path), error=str(error))
            return None
        except _UNREADABLE as error:
            self.errors_total += 1
            aside = move_aside(self.path, now=now)
            log.warning("saved states are damaged", path=str(self.path), moved_to=aside, error=str(error))
            return None
        age = now - saved.saved_at
        if not -max_age <= age <= max_age:  # a clock that was set back is no reason to forget
            log.info("saved states are too old", path=str(self.path), age_seconds=round(age))
            return None
        return saved


_UNREADABLE: Final = (ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile)


def move_aside(path: Path, *, now: float) -> str | None:
    """Rename a damaged file so that a person can look at it; None where even that fails."""
    aside = path.with_name(f"{path.name}.damaged-{int(now)}")
    try:
        path.replace(aside)
    except OSError:
        return None
    return str(aside)


def _to_bytes(saved: SavedStates) -> bytes:
    """Return the file's content: numpy's zip of arrays, texts as one JSON array of bytes."""
    texts = {
        "format": FORMAT,
        "keys": saved.keys,
        "culprit": saved.culprit,
        "regions": saved.region_outages,
        "region_states": saved.region_states,
    }
    arrays = {f.name: getattr(saved, f.name) for f in fields(saved)}
    for name in _TEXTS:
        del arrays[name]
    content = io.BytesIO()
    np.savez(content, allow_pickle=False, texts=np.frombuffer(json.dumps(texts).encode(), dtype=np.uint8), **arrays)
    return content.getvalue()


def _from_bytes(content: bytes) -> SavedStates:
    """Read `_to_bytes`; raises one of `_UNREADABLE` for anything else, columns of wrong shape included."""
    with np.load(io.BytesIO(content), allow_pickle=False) as archive:
        texts = json.loads(archive["texts"].tobytes())
        if texts["format"] != FORMAT:
            raise ValueError(f"format {texts['format']} is not {FORMAT}")
        keys = tuple((str(a), str(b), str(c)) for a, b, c in texts["keys"])
        shapes = {"own_times": (OUTAGES_TO_FLAP,), "failures_total": (len(REASONS),)}
        columns: dict[str, Any] = {}
        for field in fields(SavedStates):
            if field.name in {"saved_at", *_TEXTS}:
                continue
            column = archive[field.name]
            if column.shape != (len(keys), *shapes.get(field.name, ())):
                raise ValueError(f"column {field.name} has the shape {column.shape}")
            columns[field.name] = column
        culprit = tuple(str(text) for text in texts["culprit"])
        if len(culprit) != len(keys):
            raise ValueError("the culprits do not fit the keys")
        return SavedStates(
            saved_at=float(archive["saved_at"]),
            keys=keys,
            culprit=culprit,
            region_outages=tuple(str(text) for text in texts["regions"]),
            # A file of before this was written is as good without it: only the regions' times begin anew.
            region_states=tuple((str(a), int(b), float(c)) for a, b, c in texts.get("region_states", ())),
            **columns,
        )
