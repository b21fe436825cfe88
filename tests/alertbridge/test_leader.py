"""The lease as a pure decision, and without a shared database: who leads, until when, and who never waits."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from alertbridge.leader import LEASE_SECONDS, RENEW_SECONDS, Leader, Lease, from_text, next_lease, to_text
from alertbridge.metrics import Metrics
from alertbridge.store import Store

if TYPE_CHECKING:
    from pathlib import Path

HELD = to_text(Lease(holder="other", until=100.0))


@pytest.mark.parametrize(
    ("stored", "now", "expected"),
    [
        (None, 50.0, Lease(holder="me", until=59.0)),
        (HELD, 50.0, None),
        (HELD, 99.9, None),
        (HELD, 100.0, Lease(holder="me", until=109.0)),
        (to_text(Lease(holder="me", until=100.0)), 50.0, Lease(holder="me", until=59.0)),
        (to_text(Lease(holder="me", until=10.0)), 50.0, Lease(holder="me", until=59.0)),
        ("garbage", 50.0, Lease(holder="me", until=59.0)),
        ('{"holder": "x"}', 50.0, Lease(holder="me", until=59.0)),
    ],
    ids=["first", "held", "nearly over", "over", "mine", "mine, late", "unreadable", "incomplete"],
)
def test_who_may_lead(stored: str | None, now: float, expected: Lease | None) -> None:
    """A lease is taken when it is free, over or one's own."""
    assert next_lease(stored, "me", now=now, seconds=9.0) == expected


def test_a_lease_survives_the_database() -> None:
    """Text and back."""
    lease = Lease(holder="a", until=1.5)
    assert from_text(to_text(lease)) == lease
    assert from_text(None) is None


def test_the_numbers_keep_the_promise() -> None:
    """The other takes over within 15 s of the last sign of life: the lease, one look, the database's 3 s."""
    assert LEASE_SECONDS + RENEW_SECONDS + 3.0 < 15.0


async def test_the_owner_of_a_file_leads_at_once(tmp_path: Path) -> None:
    """SQLite is not shared: no lease, no waiting after a crash."""
    store = Store.at(tmp_path / "bridge.db")
    await store.open()
    leader, metrics = Leader(store, Metrics()), Metrics()
    leader.metrics = metrics
    working = asyncio.Event()

    async def work() -> None:
        working.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(leader.run(work))
    async with asyncio.timeout(5):
        await working.wait()
        await leader.hold()
        assert await leader.store.transact(lambda q: q.value("nothing")) is None
    assert leader.leads
    assert metrics.snapshot.leader
    task.cancel()
    await asyncio.wait({task})
    await store.close()
