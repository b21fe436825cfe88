"""A look at more incidents than fit into one transaction: all of them, the worst first, and webhooks slip between."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

import pytest_asyncio

from alertbridge import intake
from alertbridge.exporter import Sight
from alertbridge.facts import Facts
from alertbridge.incidents import Phase, Tell
from alertbridge.payload import Alert, AlertStatus
from alertbridge.reconcile import Reconciler
from alertbridge.settings import Chat, Settings
from alertbridge.store import Store
from alertbridge.store.rows import MessageKind, RowState

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Collection

    from alertbridge.store.queries import Queries

T = TypeVar("T")
NOW = datetime(2026, 11, 25, 7, 0, tzinfo=UTC)
SETTINGS = Settings(chats=(Chat(name="noc", id=-1),))
WEAK, DOWN = 150, 100  # more than two transactions take


@dataclass(slots=True)
class Peer:
    """An exporter that says the same of everything, an Alertmanager that hides nothing, a Prometheus nobody asks."""

    facts: Facts

    async def look(self, subjects: Collection[str]) -> Sight:
        return Sight(facts=dict.fromkeys(subjects, self.facts))

    async def alerts(self) -> dict[str, Any]:
        return {}


@dataclass(slots=True)
class Watched:
    """A store that notes how many outbox rows each transaction added."""

    store: Store
    added: list[int] = field(default_factory=list)

    async def transact(self, work: Callable[[Queries], T]) -> T:
        def noting(queries: Queries) -> tuple[T, int]:
            before = len(queries.rows([RowState.PENDING]))
            return work(queries), len(queries.rows([RowState.PENDING])) - before

        result, added = await self.store.transact(noting)
        self.added.append(added)
        return result


@pytest_asyncio.fixture
async def store() -> AsyncIterator[Store]:
    """Give a store with many weak sites and, newer, many that are down, all shown in one digest."""
    found = Store("sqlite://")
    await found.open()

    def fill(queries: Queries) -> None:
        intake.take(
            queries,
            [*made("VPNTargetLow", "warning", WEAK), *made("VPNTargetDown", "critical", DOWN)],
            SETTINGS,
            now=NOW,
        )
        digest = queries.add_message(
            chat="noc", chat_id=-1, message_id=5, kind=MessageKind.DIGEST, now=NOW, quiet=False
        )
        queries.add_members(digest, [incident.id for incident in queries.open_incidents()])
        queries.update_rows([row.id for row in queries.rows([RowState.PENDING])], state=RowState.SENT, settled_at=NOW)

    await found.transact(fill)
    yield found
    await found.close()


def made(name: str, severity: str, count: int) -> list[Alert]:
    """Return as many alerts, each of a site of its own."""
    return [
        Alert(
            status=AlertStatus.FIRING,
            fingerprint=f"{name}-{n}",
            starts_at=NOW - timedelta(minutes=5),
            ends_at=None,
            labels={"alertname": name, "target": f"{name.lower()}-{n}", "region": "JBR", "severity": severity},
        )
        for n in range(count)
    ]


def reconciler(store: Any, facts: Facts, woken: list[bool]) -> Reconciler:
    peer: Any = Peer(facts=facts)
    return Reconciler(
        store=store,
        settings=lambda: SETTINGS,
        exporter=peer,
        prometheus=peer,
        alertmanager=peer,
        on_change=lambda: woken.append(True),
        now=lambda: NOW,
    )


async def test_one_look_follows_all_of_a_storm_the_worst_first_in_short_transactions(store: Store) -> None:
    """Nobody waits for a turn that never comes: what changes with every look must not keep others from being seen."""
    woken: list[bool] = []
    watched = Watched(store)
    await reconciler(watched, Facts(state="down", outage=True, cause="provider"), woken).check()
    rows = await store.transact(lambda q: q.rows([RowState.PENDING]))
    incidents = {incident.id: incident for incident in await store.transact(lambda q: q.open_incidents())}
    assert {incident.facts.cause for incident in incidents.values()} == {"provider"}
    levels = [incidents[row.incident_id].level for row in rows if row.incident_id is not None]
    assert len(levels) == WEAK + DOWN
    assert levels == sorted(levels, reverse=True)
    assert max(watched.added) <= 100
    assert woken == [True]


async def test_the_ends_of_a_storm_wake_the_outbox_once(store: Store) -> None:
    """It would tell the first hundred as one message, and the rest as others."""
    woken: list[bool] = []
    watched = Watched(store)

    def end(queries: Queries) -> None:
        ids = [incident.id for incident in queries.open_incidents()]
        queries.update_incidents(ids, phase=Phase.CONFIRMING, ended_at=NOW)
        queries.update_records([f"VPNTargetLow-{n}" for n in range(WEAK)], ends_at=NOW)
        queries.update_records([f"VPNTargetDown-{n}" for n in range(DOWN)], ends_at=NOW)

    await store.transact(end)
    await reconciler(watched, Facts(state="up", state_since=NOW.isoformat()), woken).check()
    assert await store.transact(lambda q: q.open_incidents()) == ()
    rows = await store.transact(lambda q: q.rows([RowState.PENDING]))
    assert sum(row.kind == Tell.OVER for row in rows) == WEAK + DOWN
    assert woken == [True]
