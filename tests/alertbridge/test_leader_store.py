"""What a leader writes on a real PostgreSQL: fenced by the lease, one transaction after the other, none for ever."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from alertbridge.errors import StoreError
from alertbridge.leader import Leader
from alertbridge.metrics import Metrics
from alertbridge.store import Store
from tests.alertbridge.postgresql import running_postgresql

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from alertbridge.store.queries import Queries


@pytest.fixture(scope="module")
def database() -> Iterator[str]:
    """Give one server for all tests of this file."""
    with running_postgresql() as url:
        yield url


@pytest_asyncio.fixture
async def stores(database: str) -> AsyncIterator[tuple[Store, Store]]:
    """Give the stores of two bridges on one database, with nobody leading."""
    found = Store(database), Store(database)
    for store in found:
        await store.open()
    await found[0].transact(lambda q: q.forget("leader"))
    yield found
    for store in found:
        await store.close()


async def until(condition: object, *, seconds: float = 10.0) -> None:
    """Wait for something."""
    assert callable(condition)
    deadline = asyncio.get_running_loop().time() + seconds
    while not condition():
        assert asyncio.get_running_loop().time() < deadline
        await asyncio.sleep(0.02)


async def _for_ever() -> None:
    await asyncio.Event().wait()


async def test_who_only_believes_to_lead_writes_nothing(stores: tuple[Store, Store]) -> None:
    """A leader whose clock stands still never doubts itself; the row decides, inside the transaction."""
    frozen = time.monotonic()
    old = Leader(stores[0], Metrics(), lease_seconds=1.5, renew_seconds=0.1, clock=lambda: frozen)
    new = Leader(stores[1], Metrics(), lease_seconds=1.5, renew_seconds=0.1)
    first = asyncio.create_task(old.run(_for_ever))
    await until(lambda: old.leads)
    await old.store.transact(lambda q: q.remember("who", "old"))
    first.cancel()
    first.add_done_callback(lambda _: None)
    # Cut off before it can give the lease up: as if it were stopped here.
    old_name, until_then = old.name, old._until
    await asyncio.wait({first})
    old._until = until_then
    assert old.leads
    second = asyncio.create_task(new.run(_for_ever))
    await until(lambda: new.leads)
    assert old_name != new.name
    late = asyncio.create_task(old.store.transact(lambda q: q.remember("who", "late")))
    await new.store.transact(lambda q: q.remember("who", "new"))
    done, _ = await asyncio.wait({late}, timeout=0.5)
    assert not done
    assert await stores[1].transact(lambda q: q.value("who")) == "new"
    late.cancel()
    second.cancel()
    await asyncio.wait({late, second})
    await stores[1].transact(lambda q: q.forget("who"))


async def test_a_lost_database_ends_the_lead_in_time(stores: tuple[Store, Store]) -> None:
    """No renewal, no lead: the work is cancelled before the lease can be another's; it begins again afterwards."""
    leader = Leader(stores[0], Metrics(), lease_seconds=2.0, renew_seconds=0.1)
    started: list[float] = []
    ended: list[float] = []

    async def work() -> None:
        started.append(time.monotonic())
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(time.monotonic())

    task = asyncio.create_task(leader.run(work))
    await until(lambda: started)
    take = leader.database.transact

    async def away(_: object) -> bool:
        raise StoreError("gone")

    leader.database.transact = away  # type: ignore[method-assign,assignment] # the network, for a while
    gone = time.monotonic()
    await until(lambda: ended)
    assert ended[0] - gone < 2.0
    assert not leader.leads
    leader.database.transact = take  # type: ignore[method-assign]
    await until(lambda: len(started) == 2)
    task.cancel()
    await asyncio.wait({task})


async def test_transactions_of_two_bridges_do_not_overlap(stores: tuple[Store, Store]) -> None:
    """Read, then write, in both at once: as on SQLite neither misses what the other wrote."""
    await stores[0].transact(lambda q: q.remember("count", "0"))

    def count(queries: Queries) -> None:
        value = int(queries.value("count") or "0")
        time.sleep(0.01)
        queries.remember("count", str(value + 1))

    await asyncio.gather(*(store.transact(count) for _ in range(20) for store in stores))
    assert await stores[0].transact(lambda q: q.value("count")) == "40"


async def test_a_bridge_that_stops_inside_a_transaction_keeps_nobody_waiting_for_ever(
    stores: tuple[Store, Store],
) -> None:
    """Its session is ended by the server after 3 s, and nothing of it remains."""
    inside = asyncio.Event()
    loop = asyncio.get_running_loop()

    def hang(queries: Queries) -> None:
        queries.remember("hung", "yes")
        loop.call_soon_threadsafe(inside.set)
        time.sleep(4.0)

    hanging = asyncio.create_task(stores[0].transact(hang))
    await inside.wait()
    begun = time.monotonic()
    assert await stores[1].transact(lambda q: q.value("hung")) is None
    assert time.monotonic() - begun < 4.5
    with pytest.raises(StoreError):
        await hanging
    assert await stores[0].transact(lambda q: q.value("hung")) is None
