"""The bridge's memory: a database, its transactions, all of it off the event loop.

`transact` runs a function of Queries in one transaction and returns when it is committed (to the disk: SQLite runs with
synchronous=FULL). Transactions that wait while one runs are committed together, each in its own savepoint, so that a
storm of webhooks costs few disk flushes. Everything that fails is a StoreError, and nothing of the transaction remains.
schema.py has the tables, queries.py every query; only this package imports SQLAlchemy.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import sqlalchemy as sa

from alertbridge.errors import StoreError
from alertbridge.store.queries import Queries
from alertbridge.store.schema import migrate

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

T = TypeVar("T")


class Transactions(Protocol):
    """Whoever runs transactions: the store itself, or the leader's view of it."""

    async def transact(self, work: Callable[[Queries], T]) -> T:
        """Run `work` in a transaction and return its result once it is committed.

        Raises:
            StoreError: it could not be committed; nothing of it remains.
        """


_TOGETHER = 64  # transactions that are committed as one at most
_POSTGRESQL_LOCK = 8_229_922  # any number that nobody else locks in this database
# A host that is gone is noticed within seconds; these are libpq's names.
_POSTGRESQL_CONNECTION: Mapping[str, int] = {
    "connect_timeout": 4,
    "keepalives_idle": 4,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 6000,  # milliseconds
}
# A bridge that is stopped in the middle of a transaction must not keep the lock: the server ends its session.
_POSTGRESQL_SESSION: Mapping[str, str] = {
    "idle_in_transaction_session_timeout": "3s",
    "lock_timeout": "5s",
    "statement_timeout": "15s",
    "synchronous_commit": "on",
}
_BUSY_SECONDS = 2.0  # how long a locked SQLite file is waited for; then the webhook gets its 503


@dataclass(slots=True)
class _Job:
    work: Callable[[Queries], Any]
    future: Future[Any] = field(default_factory=Future)


class Store:
    """One database. Its own thread does all the work; `close` waits for it."""

    def __init__(self, url: str) -> None:
        self._engine = _engine(url)
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="store")
        self._waiting: deque[_Job] = deque()
        self._lock = threading.Lock()
        self._running = False

    @property
    def shared(self) -> bool:
        """Whether other bridges may use the same database: then a leader is needed."""
        return self._engine.dialect.name == "postgresql"

    @classmethod
    def at(cls, path: Path) -> Store:
        """Return the store of an SQLite file; its folder is made."""
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"{path.parent} cannot be made: {error.strerror}") from error
        return cls(f"sqlite:///{path}")

    async def open(self) -> None:
        """Create or migrate the tables.

        Raises:
            StoreError: the database cannot be used; the text says why.
        """
        await asyncio.get_running_loop().run_in_executor(self._pool, self._migrate)

    def _migrate(self) -> None:
        try:
            with self._engine.begin() as connection:
                refusal = migrate(connection)
        except sa.exc.SQLAlchemyError as error:
            raise StoreError(_of_file(self._engine.url, _reason(error))) from error
        if refusal:
            raise StoreError(refusal)

    async def transact(self, work: Callable[[Queries], T]) -> T:
        """Run `work` in a transaction and return its result once it is committed.

        Raises:
            StoreError: it could not be committed; nothing of it remains.
        """
        job = _Job(work)
        with self._lock:
            self._waiting.append(job)
            start, self._running = not self._running, True
        if start:
            self._pool.submit(self._drain)
        result: T = await asyncio.wrap_future(job.future)
        return result

    def _drain(self) -> None:
        while True:
            with self._lock:
                jobs = [self._waiting.popleft() for _ in range(min(_TOGETHER, len(self._waiting)))]
                if not jobs:
                    self._running = False
                    return
            self._commit([job for job in jobs if job.future.set_running_or_notify_cancel()])

    def _commit(self, jobs: list[_Job]) -> None:
        """Run some jobs in one transaction; one that fails by itself takes nobody with it."""
        settled: list[tuple[_Job, Any, BaseException | None]] = []
        try:
            with self._engine.begin() as connection:
                for job in jobs:
                    try:
                        with connection.begin_nested():
                            settled.append((job, job.work(Queries(connection)), None))
                    except sa.exc.OperationalError:
                        raise
                    except Exception as error:  # noqa: BLE001 - handed to whoever waits for this job
                        settled.append((job, None, error))
        except sa.exc.SQLAlchemyError as error:
            settled = [(job, None, StoreError(_reason(error))) for job in jobs]
        except Exception as error:  # noqa: BLE001 - a waiting webhook must get its answer whatever happened
            settled = [(job, None, error) for job in jobs]
        for job, result, failure in settled:
            if failure is None:
                job.future.set_result(result)
            elif isinstance(failure, sa.exc.SQLAlchemyError):
                job.future.set_exception(StoreError(_reason(failure)))
            else:
                job.future.set_exception(failure)

    async def close(self) -> None:
        """Finish what waits and close the database."""
        await asyncio.get_running_loop().run_in_executor(None, self._close)

    def _close(self) -> None:
        self._pool.shutdown(wait=True)
        with contextlib.suppress(sa.exc.SQLAlchemyError):
            self._engine.dispose()


def _reason(error: sa.exc.SQLAlchemyError) -> str:
    """Return the driver's words alone: SQLAlchemy's text repeats statements and values."""
    original = getattr(error, "orig", None)
    return " ".join(str(original or type(error).__name__).split())[:300]


def _of_file(url: sa.URL, reason: str) -> str:
    """Return why the database cannot be opened, with its file; a URL is not named: it may hold a password."""
    if url.get_backend_name() != "sqlite":
        return reason
    damaged = "malformed" in reason or "not a database" in reason
    remedy = "; move it away and start again: a new one is made" if damaged else ""
    return f"{url.database}: {reason}{remedy}"


def _engine(url: str) -> sa.Engine:
    """Return the engine of a database URL.

    Raises:
        StoreError: the URL or its driver cannot be used.
    """
    try:
        if url.startswith("postgresql"):
            return _postgresql(url)
        if not url.startswith("sqlite"):
            return sa.create_engine(url, pool_pre_ping=True, pool_size=1, max_overflow=1)
        memory = url in {"sqlite://", "sqlite:///:memory:"}
        engine = sa.create_engine(
            url,
            connect_args={"timeout": _BUSY_SECONDS, "check_same_thread": False},
            poolclass=sa.pool.StaticPool if memory else sa.pool.QueuePool,
        )
    except (sa.exc.SQLAlchemyError, ImportError) as error:
        raise StoreError(f"the database URL cannot be used: {_reason_of_url(error)}") from error

    @sa.event.listens_for(engine, "connect")
    def connected(connection: Any, _: Any) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves, see below
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=FULL")  # an alert that was answered with 200 survives a power cut
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.close()

    @sa.event.listens_for(engine, "begin")
    def begun(connection: sa.Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")  # a lock that must wait fails here, not at the commit

    return engine


def _postgresql(url: str) -> sa.Engine:
    """Return the engine of a database that two bridges may share: transactions one after the other, none for ever."""
    engine = sa.create_engine(
        url, pool_pre_ping=True, pool_size=1, max_overflow=1, connect_args=dict(_POSTGRESQL_CONNECTION)
    )

    @sa.event.listens_for(engine, "connect")
    def connected(connection: Any, _: Any) -> None:
        connection.autocommit = True
        cursor = connection.cursor()
        for setting, value in _POSTGRESQL_SESSION.items():
            cursor.execute(f"SET {setting} = '{value}'")
        cursor.close()
        connection.autocommit = False

    @sa.event.listens_for(engine, "begin")
    def begun(connection: sa.Connection) -> None:
        # As BEGIN IMMEDIATE: two bridges that take the same webhook must not both open an incident.
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_POSTGRESQL_LOCK})")

    return engine


def _reason_of_url(error: Exception) -> str:
    """Return why a URL cannot be used, without the URL: it may hold a password."""
    return f"driver {error.name} is not installed" if isinstance(error, ImportError) else type(error).__name__
