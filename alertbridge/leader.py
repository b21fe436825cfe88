"""Which of several bridges on one database polls and sends: a lease that the leader renews.

Only a database that bridges share (PostgreSQL) has a lease; the owner of an SQLite file leads at once. The lease is
one row, measured by the database's clock, so that the clocks of two machines need not agree. The leader believes
in its lease by its own monotonic clock, which goes on while a process is stopped, and a second less long than the
database does: a leader that was stopped, swapped out or cut off has lost the lease before anyone else can take it.

Nothing is sent without `hold`, and nothing that decides about sending is written but through `Leader.store`, which
looks at the row inside the same transaction. Whoever waits there without the lease is cancelled: `run` ends the work.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from alertbridge.errors import StoreError
from httpservice.logs import get_logger

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from alertbridge.metrics import Metrics
    from alertbridge.store import Store
    from alertbridge.store.queries import Queries

log = get_logger(__name__)

T = TypeVar("T")
_KEY = "leader"  # store key of the lease
LEASE_SECONDS = 9.0
RENEW_SECONDS = 2.0  # the other looks as often: it leads at most 9 + 2 s after the leader's last sign of life
_MARGIN_SECONDS = 1.0  # for clocks that run unequally fast


class LostLeaseError(StoreError):
    """Another bridge leads: nothing was written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """Who leads until when (seconds since the epoch by the database's clock)."""

    holder: str
    until: float


def next_lease(stored: str | None, me: str, *, now: float, seconds: float) -> Lease | None:
    """Return the lease that this bridge may write now; None: another one holds it (pure).

    Args:
        stored: the row's text as `to_text` makes it; None: nobody ever led. An unreadable one has ended.
        me: this process.
        now: the database's clock, seconds since the epoch.
        seconds: how long a lease lasts.
    """
    current = from_text(stored)
    if current is not None and current.holder != me and current.until > now:
        return None
    return Lease(holder=me, until=now + seconds)


def to_text(lease: Lease) -> str:
    """Return what is stored of a lease."""
    return json.dumps({"holder": lease.holder, "until": lease.until})


def from_text(text: str | None) -> Lease | None:
    """Return a stored lease; None: there is none."""
    try:
        found = json.loads(text or "null")
        return Lease(holder=str(found["holder"]), until=float(found["until"]))
    except (ValueError, TypeError, KeyError):
        return None


@dataclass(slots=True)
class Leader:
    """Holds, renews and gives up the lease. `run` does the leader's work while it leads."""

    database: Store
    metrics: Metrics
    lease_seconds: float = LEASE_SECONDS
    renew_seconds: float = RENEW_SECONDS
    name: str = field(default_factory=lambda: uuid.uuid4().hex)  # of this process: a restart is another one
    clock: Callable[[], float] = time.monotonic
    _until: float = 0.0  # monotonic; so long we believe that we lead
    _trouble: str = ""

    @property
    def leads(self) -> bool:
        """Whether this bridge may send at this moment."""
        return not self.database.shared or self.clock() < self._until

    @property
    def store(self) -> LedStore:
        """The database for those who work for the leader alone."""
        return LedStore(self)

    async def hold(self) -> None:
        """Return at once while we lead; else wait to be cancelled."""
        while not self.leads:  # noqa: ASYNC110 - a lease ends by the clock, not by an event
            await asyncio.sleep(self.renew_seconds)

    async def run(self, work: Callable[[], Awaitable[None]]) -> None:
        """Do the leader's work whenever we lead, until cancelled; give the lease up then."""
        if not self.database.shared:
            self.metrics.snapshot.leader = True
            await work()
            return
        working: asyncio.Task[None] | None = None
        try:
            while True:
                if working is not None and not self.leads:
                    # Before the lease is asked for again: another may have led meanwhile, and what we remember is old.
                    log.warning("leads no more", holder=self.name)
                    await _cancelled(working)
                    working = None
                await self._renew()
                self.metrics.snapshot.leader = self.leads
                if self.leads and working is None:
                    log.info("leads now", holder=self.name)
                    working = asyncio.create_task(_awaited(work), name="leading")
                await self._pause(working)
        finally:
            if working is not None:
                await _cancelled(working)
            await self._give_up()

    async def _pause(self, working: asyncio.Task[None] | None) -> None:
        """Wait for the next renewal; the end of the lease, or of the work, comes earlier."""
        seconds = self.renew_seconds
        if working is not None:
            seconds = max(0.0, min(seconds, self._until - self.clock()))
            done, _ = await asyncio.wait({working}, timeout=seconds)
            if done:
                working.result()  # it never ends but by a mistake, which ends the bridge
            return
        await asyncio.sleep(seconds)

    async def _renew(self) -> None:
        asked = self.clock()
        try:
            # A database that does not answer is asked no longer than the lease bears.
            async with asyncio.timeout(max(1.0, self.lease_seconds / 3)):
                mine = await self.database.transact(self._take)
        except (StoreError, TimeoutError) as error:
            reason = str(error) or "the database does not answer"
            if reason != self._trouble:
                log.warning("lease not renewed", reason=reason)
            self._trouble = reason
            return
        self._trouble = ""
        self._until = asked + self.lease_seconds - _MARGIN_SECONDS if mine else 0.0

    def _take(self, queries: Queries) -> bool:
        lease = next_lease(queries.value(_KEY), self.name, now=queries.clock(), seconds=self.lease_seconds)
        if lease is not None:
            queries.remember(_KEY, to_text(lease))
        return lease is not None

    def check(self, queries: Queries) -> None:
        """Look inside a transaction whether the lease is still ours.

        Raises:
            LostLeaseError: it is not.
        """
        lease = from_text(queries.value(_KEY))
        if lease is None or lease.holder != self.name:
            raise LostLeaseError("another bridge leads")

    async def _give_up(self) -> None:
        """Let the other bridge lead at once."""

        def end(queries: Queries) -> None:
            lease = from_text(queries.value(_KEY))
            if lease is not None and lease.holder == self.name:
                queries.forget(_KEY)

        self._until = 0.0
        with contextlib.suppress(StoreError, TimeoutError):
            async with asyncio.timeout(self.renew_seconds):
                await self.database.transact(end)


@dataclass(frozen=True, slots=True)
class LedStore:
    """The database as the leader's workers see it: without the lease nothing is read or written."""

    leader: Leader

    async def transact(self, work: Callable[[Queries], T]) -> T:
        """Run `work` in a transaction that holds only while we lead; wait to be cancelled where we do not.

        Raises:
            StoreError: it could not be committed; nothing of it remains.
        """
        leader = self.leader
        if not leader.database.shared:
            return await leader.database.transact(work)

        def fenced(queries: Queries) -> T:
            leader.check(queries)
            return work(queries)

        while True:
            await leader.hold()
            try:
                return await leader.database.transact(fenced)
            except LostLeaseError:
                await asyncio.sleep(leader.renew_seconds)


async def _awaited(work: Callable[[], Awaitable[None]]) -> None:
    await work()


async def _cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait({task})
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("work failed while it was stopped", reason=repr(error))
