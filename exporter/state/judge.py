"""The judge's edge: reads the board, keeps the memory between steps, writes what the judge tells the engine.

Everything that is decided is decided in decide.py. Windows are measured again only for slots whose revision has
changed. One thread at a time may call `step`, `rebase` and `picture`; the verdict may be read by any.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from exporter.engine.board import CONFIRM, GRID, PROCESSES
from exporter.outcome import REASONS, State, Status
from exporter.state.decide import decide
from exporter.state.evidence import Evidence, Now
from exporter.state.layout import Layout, build_layout
from exporter.state.memory import Memory, fresh_memory, reseat
from exporter.state.rules import stale_after
from exporter.state.saved import SavedStates, restore_memory, take_picture
from exporter.state.sight import ProcessSample, late_counts, waited_counts
from exporter.state.streak import ConfirmColumns, Streak, count_streaks, empty_streak, overdue_after
from exporter.state.window import FAILURE, KIND, GridColumns, Window, empty_window, measure

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from exporter.engine.board import Board
    from exporter.roster import Roster
    from exporter.state.arrays import Bools, Floats, Slots
    from exporter.state.verdict import Verdict


@dataclass(slots=True, kw_only=True)
class _Newest:
    """Per slot: what the board said when the slot's revision last changed. Written in place; never leaves the judge."""

    revision: NDArray[np.uint32]
    last_reply: NDArray[np.float64]
    count: NDArray[np.int64]
    sent_at: NDArray[np.float64]  # of the newest grid probe; 0: none
    status: NDArray[np.uint8]
    second_sent_at: NDArray[np.float64]  # of the one before
    confirm_sent_at: NDArray[np.float64]  # of the newest confirmation probe


class Judge:
    """Turns the board's evidence into a verdict, 5 times a second."""

    def __init__(
        self,
        board: Board,
        roster: Roster,
        *,
        now_wall: float,
        now_monotonic: float,
        saved: SavedStates | None = None,
    ) -> None:
        """Begin with a roster.

        Args:
            board: the shared arrays; its slots must belong to the roster.
            roster: who sits where.
            now_wall: UTC seconds.
            now_monotonic: the same moment, monotonic seconds.
            saved: states to continue, see saved.py; None: everything starts afresh.
        """
        self._board = board
        self._monotonic = now_monotonic
        self._wall = now_wall
        self._layout: Layout = build_layout(roster)
        self._memory = reseat(fresh_memory(), roster, wall=now_wall)
        if saved is not None:
            self._memory = restore_memory(self._memory, saved, roster, monotonic=now_monotonic, wall=now_wall)
        self._window = empty_window(0)
        self._newest = _empty_newest(0)
        self._grow(roster.size)

    @property
    def memory(self) -> Memory:
        """What is remembered from the last step."""
        return self._memory

    def rebase(self, roster: Roster) -> None:
        """Go on with the next roster: slots whose generation is unchanged keep their memory, the others start afresh.

        Call it after the board's slots were cleared and freed for this roster.
        """
        self._layout = build_layout(roster)
        self._memory = reseat(self._memory, roster, wall=self._wall)
        self._grow(roster.size)

    def step(self, *, monotonic: float, wall: float) -> Verdict:
        """Judge everything once and tell the engine what it needs to know.

        Args:
            monotonic: now, monotonic seconds.
            wall: now, UTC seconds.
        """
        self._monotonic, self._wall = monotonic, wall
        size = self._layout.roster.size
        grid = _grid_columns(self._board, size)
        changed = self._read(grid, size)
        evidence = self._gather(grid, size, monotonic)
        decision = decide(evidence, self._layout, self._memory, Now(monotonic=monotonic, wall=wall))
        self._memory = decision.memory
        self._tell(decision.verdict, changed, size)
        return decision.verdict

    def picture(self) -> SavedStates:
        """Return what is to be saved, as of the last step."""
        return take_picture(self._memory, self._layout.roster, self._board, monotonic=self._monotonic, wall=self._wall)

    def evidence_of(self, slot: int) -> dict[str, Any]:
        """Return what the present state of a slot rests on, for the journal: JSON values only, times in UTC seconds.

        Any thread may ask: the arrays it reads are replaced, never written.
        """
        window, memory = self._window, self._memory
        first = float(memory.streak_first[slot])
        status = int(window.newest_status[slot])
        failure = REASONS[status - Status.FIRST_FAILURE].value if status >= Status.FIRST_FAILURE else None
        return {
            "silent_since": None if np.isnan(first) else round(self._wall - self._monotonic + first, 3),
            "newest_failure": failure,
            "rtt_seconds": _number(window.rtt[slot]),
            "lost": int(window.lost[slot]),
            "ended": int(window.ended[slot]),
        }

    def _read(self, grid: GridColumns, size: int) -> Slots:
        """Read the slots that have changed; return them. The revision is read first: what comes later is seen again."""
        revision = _column(self._board, "revision", size).copy()
        newest = self._newest
        rows: Slots = ((revision != newest.revision) | self._memory.dirty).nonzero()[0]
        if not len(rows):
            return rows
        count = grid.count[rows].astype(np.int64)
        last = rows * GRID + ((count - 1) & (GRID - 1))
        second = rows * GRID + ((count - 2) & (GRID - 1))
        confirm = rows * CONFIRM + (
            (_column(self._board, "confirm_count", size)[rows].astype(np.int64) - 1) & (CONFIRM - 1)
        )
        sent_at = grid.sent_at.reshape(-1)
        newest.revision[rows] = revision[rows]
        newest.count[rows] = count
        newest.last_reply[rows] = _column(self._board, "last_reply_sent_at", size)[rows]
        newest.sent_at[rows] = sent_at[last]
        newest.status[rows] = grid.status.reshape(-1)[last]
        newest.second_sent_at[rows] = sent_at[second]
        newest.confirm_sent_at[rows] = _column(self._board, "confirm_sent_at", size).reshape(-1)[confirm]
        memory = self._memory
        measured = measure(grid, rows, memory.window_from, memory.blind_first, memory.blind_end)
        self._window = self._window.updated(rows, measured)
        return rows

    def _gather(self, grid: GridColumns, size: int, monotonic: float) -> Evidence:
        """Put the evidence of this step together."""
        roster, memory, newest = self._layout.roster, self._memory, self._newest
        drained = np.asarray(self._board.process["drained_at"], dtype=np.float64)
        now = drained[roster.process]
        limit = overdue_after(self._window.rtt, roster.timeout_seconds)
        rows = self._attention(limit, now)
        streak: Streak = empty_streak(size)
        last_reply = newest.last_reply.copy()
        if len(rows):
            confirm = ConfirmColumns(
                count=_column(self._board, "confirm_count", size),
                sent_at=_column(self._board, "confirm_sent_at", size),
                status=_column(self._board, "confirm_status", size),
            )
            streak = count_streaks(
                grid,
                confirm,
                rows,
                last_reply_sent_at=last_reply,
                floor=memory.floor,
                limit=limit,
                now=now,
            )
        return Evidence(
            window=self._window,
            streak=streak,
            last_reply_sent_at=last_reply,
            now=now,
            count=newest.count.copy(),
            grid=grid,
            sample=_sample(self._board, monotonic),
        )

    def _attention(self, limit: Floats, now: Floats) -> Slots:
        """Return the slots whose streak or run of replies must be counted; the rest of them has none.

        Who has at most one unanswered probe, and that one not overdue, has no streak. Who is down already and has
        answered nothing since needs no counting, as long as its grid probes keep failing.
        """
        memory, newest = self._memory, self._newest
        since = np.maximum(newest.last_reply, memory.floor)
        bad = (KIND[newest.status] == FAILURE) | ((newest.status == Status.PENDING) & (now - newest.sent_at > limit))
        silent: Bools = (newest.confirm_sent_at > since) | (newest.second_sent_at > since)
        silent |= (newest.sent_at > since) & bad
        fresh = now - self._window.newest_sent_at <= stale_after(self._layout.roster)
        settled = (memory.code == State.DOWN) & (memory.streak_first > since) & fresh
        answered = newest.last_reply > memory.floor
        returning = (memory.fallen | (memory.code == State.UNKNOWN)) & answered
        attention: Slots = ((silent | returning) & ~settled & self._layout.roster.is_target).nonzero()[0]
        return attention

    def _tell(self, verdict: Verdict, changed: Slots, size: int) -> None:
        """Write the judge's own fields of the board."""
        median = _column(self._board, "median_rtt", size)
        median[changed] = verdict.rtt[changed]
        quiet = _column(self._board, "quiet", size)
        quiet[:] = (verdict.code == State.DOWN) & self._layout.roster.is_target
        self._board.control["isolated"][0] = int(verdict.isolated)

    def _grow(self, size: int) -> None:
        """Make the cached columns as long as the roster; fresh slots are measured because their memory is dirty."""
        before = self._window
        rows = np.arange(min(len(before.ended), size))
        self._window = empty_window(size).updated(rows, _first(before, len(rows)))
        old, self._newest = self._newest, _empty_newest(size)
        for name in _Newest.__slots__:
            getattr(self._newest, name)[rows] = getattr(old, name)[rows]


def _first(window: Window, length: int) -> Window:
    """Return the first `length` slots of a window."""
    return Window(**{name: getattr(window, name)[:length] for name in Window.__dataclass_fields__})


def _empty_newest(size: int) -> _Newest:
    """Return the picture of slots that were never read."""
    return _Newest(
        revision=np.zeros(size, dtype=np.uint32),
        last_reply=np.zeros(size),
        count=np.zeros(size, dtype=np.int64),
        sent_at=np.zeros(size),
        status=np.zeros(size, dtype=np.uint8),
        second_sent_at=np.zeros(size),
        confirm_sent_at=np.zeros(size),
    )


def _column(board: Board, name: str, size: int) -> NDArray[Any]:
    """Return the first `size` slots of a column: a view, not a copy."""
    return cast("NDArray[Any]", board.slot[name][:size])


def _grid_columns(board: Board, size: int) -> GridColumns:
    """Return views of the grid ring."""
    return GridColumns(
        count=_column(board, "grid_count", size),
        sent_at=_column(board, "grid_sent_at", size),
        rtt=_column(board, "grid_rtt", size),
        status=_column(board, "grid_status", size),
    )


def _sample(board: Board, monotonic: float) -> ProcessSample:
    """Read the process counters."""
    process = cast("dict[str, NDArray[Any]]", board.process)
    late = [late_counts(process["lateness_buckets"][index]) for index in range(PROCESSES)]
    waited = [waited_counts(process["reply_wait_buckets"][index]) for index in range(PROCESSES)]
    return ProcessSample(
        at=monotonic,
        misfit=tuple(map(bool, board.control["misfit"][0])),
        heartbeat_at=tuple(map(float, process["heartbeat_at"])),
        drained_at=tuple(map(float, process["drained_at"])),
        replies=tuple(map(int, process["replies_total"])),
        drops=tuple(map(int, process["receive_drops_total"])),
        clock_steps=tuple(map(int, process["clock_steps_total"])),
        sends_timed=tuple(sends for sends, _ in late),
        sends_late=tuple(sends for _, sends in late),
        replies_timed=tuple(replies for replies, _ in waited),
        replies_waited=tuple(replies for _, replies in waited),
    )


def _number(value: float) -> float | None:
    """Return a JSON number: NaN is absent."""
    return None if np.isnan(value) else round(float(value), 6)
