"""The journal: every outage as a row, recent state changes, and the saved states beside them. The only user of sqlite3.

A row of `outages` begins when a target enters DOWN and ends when it is UP or LOW again (unknown leaves it open) or is
removed; its cause and culprit follow the verdict as long as it is open. Rows are kept for years, changes for days.

A locked or full disk delays rows, a damaged file is moved aside and begun anew: nothing here ever stops the exporter.
All methods are synchronous and may wait for the disk: call them in threads. They may be called from several.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from exporter.errors import JournalError
from exporter.outcome import State
from exporter.state.rows import CLOSE_ALL, OPEN, SCHEMA, SEEN, Statement, prune, statement_of
from exporter.state.saved import MAX_AGE_SECONDS, SavedStates, StateFile, move_aside
from exporter.state.transitions import Change, Opened, Transitions
from httpservice.logs import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from exporter.roster import Roster
    from exporter.state.verdict import Verdict

log = get_logger(__name__)

JOURNAL_FILE: Final = "journal.db"
STATES_FILE: Final = "states.npz"
PRUNE_SECONDS: Final = 600.0
RETRY_SECONDS: Final = 5.0
BACKLOG: Final = 500_000  # statements kept while the file cannot be written
_BUSY_SECONDS: Final = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Outage:
    """One row of the journal. Times are UTC seconds."""

    start: float  # when DOWN was entered
    end: float | None  # None: it lasts
    target: str
    region: str
    name: str  # of the target at that time
    cause: str  # outcome.Cause value
    culprit: str | None  # id of the target or region that it comes from; None: of its own
    evidence: Mapping[str, Any]  # what the judgement rested on, see Judge.evidence_of

    @property
    def duration_seconds(self) -> float | None:
        """How long it lasted; None while it does."""
        return None if self.end is None else self.end - self.start


@dataclass(frozen=True, slots=True, kw_only=True)
class OutageList:
    """Some outages, newest first, and how many match in all."""

    total: int = 0
    rows: tuple[Outage, ...] = ()


class Journal:
    """Owns the data folder's journal and saved states."""

    def __init__(self, data_dir: Path, *, now: float) -> None:
        """Open or make both. `now` is UTC seconds: what was open too long ago ended when we last looked."""
        self.path = data_dir / JOURNAL_FILE
        self.states = StateFile(data_dir / STATES_FILE)
        self.errors_total = 0  # statements or queries that failed, files moved aside
        self._lock = threading.RLock()
        self._connection: sqlite3.Connection | None = None
        self._failing = False
        self._retry_at = 0.0
        self._prune_at = now + PRUNE_SECONDS
        self._backlog: list[Statement] = []
        self._transitions = Transitions()
        with self._lock:
            self._write([], now)
            self._continue_open_rows(now)

    def close(self) -> None:
        """Write what waits and close the file."""
        with self._lock:
            self._retry_at = 0.0
            self._write([], 0.0)
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def save(self, saved: SavedStates) -> bool:
        """Save the states (every 10 s and on stop); tell whether that worked."""
        with self._lock:
            self._write([(SEEN, (saved.saved_at,))], saved.saved_at)
        return self.states.save(saved)

    def load(self, *, now: float, max_age: float = MAX_AGE_SECONDS) -> SavedStates | None:
        """Return the states to continue; None where there are none, or only old or damaged ones."""
        return self.states.load(now=now, max_age=max_age)

    def record(
        self, verdict: Verdict, roster: Roster, evidence: Callable[[int], Mapping[str, Any]] | None = None
    ) -> None:
        """Write what has changed since the last verdict: call it after each step.

        Args:
            verdict: of the step.
            roster: its roster.
            evidence: `Judge.evidence_of`: slot -> what its state rests on.
        """
        with self._lock:
            statements = [statement_of(event) for event in self._transitions.follow(verdict, roster, evidence)]
            if verdict.at >= self._prune_at:
                self._prune_at = verdict.at + PRUNE_SECONDS
                statements += prune(verdict.at)
            if statements or self._backlog:
                self._write(statements, verdict.at)

    def outages(
        self,
        *,
        region: str | None = None,
        target: str | None = None,
        since: float | None = None,
        limit: int = 100,
        offset: int = 0,
    ) -> OutageList:
        """Return outages, newest first; `since` (UTC seconds) leaves out what had ended by then. Empty on trouble."""
        try:
            return read_outages(self.path, region=region, target=target, since=since, limit=limit, offset=offset)
        except JournalError as error:
            self._trouble(error)
            return OutageList()

    def changes(self, *, limit: int = 100) -> tuple[Change, ...]:
        """Return the newest state changes, newest first. Empty on trouble."""
        try:
            with _reading(self.path) as connection:
                rows = connection.execute(
                    "SELECT at, target, region, name, before, after FROM changes ORDER BY id DESC LIMIT ?", (limit,)
                ).fetchall()
        except JournalError as error:
            self._trouble(error)
            return ()
        return tuple(
            Change(at=at, target=target, region=region, name=name, before=State[before], after=State[after])
            for at, target, region, name, before, after in rows
        )

    def _continue_open_rows(self, now: float) -> None:
        """Take over the rows that were open when we stopped; after a long time they ended when we last looked."""
        if self._connection is None:
            return
        with contextlib.suppress(sqlite3.Error):  # a file that turns bad between two statements: _write will see it
            seen = self._connection.execute("SELECT value FROM meta WHERE key = 'seen_at'").fetchone()
            if seen is not None and now - seen[0] <= MAX_AGE_SECONDS:
                rows = self._connection.execute(
                    'SELECT target, region, name, start, cause, culprit, evidence FROM outages WHERE "end" IS NULL'
                )
                names = ("target", "region", "name", "start", "cause", "culprit")
                for row in rows:
                    outage = Opened(**dict(zip(names, row, strict=False)), evidence=json.loads(row[6]))
                    self._transitions.open[outage.target] = outage
                return
            ended = seen[0] if seen is not None else now
            self._write([(CLOSE_ALL, (ended,))], now)

    def _write(self, statements: list[Statement], now: float) -> None:
        """Run statements in one transaction; what cannot be written now waits for the next call after RETRY_SECONDS."""
        self._backlog += statements
        del self._backlog[:-BACKLOG]
        if self._failing and now < self._retry_at:
            return
        for _ in range(2):  # the second time on a new file, where the first one proves to be damaged
            try:
                if self._connection is None:
                    self._connection = _connect(self.path)
                with self._connection:
                    for statement, parameters in self._backlog:
                        self._connection.execute(statement, parameters)
                self._backlog.clear()
                if self._failing:
                    log.info("journal written again", path=str(self.path))
                self._failing = False
            except (sqlite3.OperationalError, OSError) as error:  # locked, full, read-only
                self._retry_at = now + RETRY_SECONDS
                self._trouble(error)
            except sqlite3.DatabaseError as error:
                self._begin_anew(error, now)
                continue
            return

    def _begin_anew(self, error: sqlite3.DatabaseError, now: float) -> None:
        """Move a damaged file aside; outages that are open get their rows in the new one."""
        if self._connection is not None:
            with contextlib.suppress(sqlite3.Error):
                self._connection.close()
            self._connection = None
        self.errors_total += 1
        aside = move_aside(self.path, now=now)
        for tail in ("-wal", "-shm"):
            self.path.with_name(self.path.name + tail).unlink(missing_ok=True)
        log.error("journal is damaged", path=str(self.path), moved_to=aside, error=str(error))
        waiting = {parameters[0] for statement, parameters in self._backlog if statement == OPEN}
        lasting = self._transitions.open
        again = [statement_of(opened) for name, opened in lasting.items() if name not in waiting]
        self._backlog = again + self._backlog

    def _trouble(self, error: Exception) -> None:
        """Count a failure, and log it when it begins."""
        self.errors_total += 1
        if not self._failing:
            log.warning("journal cannot be used", path=str(self.path), error=str(error), waiting=len(self._backlog))
        self._failing = True


def read_outages(
    path: Path,
    *,
    region: str | None = None,
    target: str | None = None,
    since: float | None = None,
    limit: int = 100,
    offset: int = 0,
) -> OutageList:
    """Read outages from a journal file, newest first, also while an exporter writes it.

    Raises:
        JournalError: there is no such file, or it cannot be read.
    """
    wanted = [("region = ?", region), ("target = ?", target), ('("end" IS NULL OR "end" > ?)', since)]
    used = [(text, value) for text, value in wanted if value is not None]
    where = " AND ".join(text for text, _ in used) or "1"  # the texts are ours, the values are bound
    values = [value for _, value in used]
    columns = 'start, "end", target, region, name, cause, culprit, evidence'
    with _reading(path) as connection:
        total = connection.execute(f"SELECT COUNT(*) FROM outages WHERE {where}", values).fetchone()[0]  # noqa: S608 - see above
        rows = connection.execute(
            f"SELECT {columns} FROM outages WHERE {where} ORDER BY start DESC, id DESC LIMIT ? OFFSET ?",  # noqa: S608 - see above
            (*values, limit, offset),
        ).fetchall()
    return OutageList(
        total=total,
        rows=tuple(
            Outage(
                **dict(zip(("start", "end", "target", "region", "name", "cause", "culprit"), row, strict=False)),
                evidence=json.loads(row[7]),
            )
            for row in rows
        ),
    )


@contextlib.contextmanager
def _reading(path: Path) -> Iterator[sqlite3.Connection]:
    """Open a journal for reading only; every sqlite3 error inside becomes a JournalError."""
    try:
        with contextlib.closing(
            sqlite3.connect(path.absolute().as_uri() + "?mode=ro", uri=True, timeout=_BUSY_SECONDS)
        ) as connection:
            yield connection
    except sqlite3.Error as error:
        raise JournalError(f"{path}: {error}") from error


def _connect(path: Path) -> sqlite3.Connection:
    """Open a journal for writing and make what is missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(path, timeout=_BUSY_SECONDS, check_same_thread=False)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.executescript(SCHEMA)
    except sqlite3.Error:
        connection.close()
        raise
    return connection
