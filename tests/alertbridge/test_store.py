"""The store: transactions that are whole or nothing, together where many wait, migrations, memory of chats and age."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from alertbridge import intake
from alertbridge.errors import StoreError
from alertbridge.incidents import Level, Phase, Tell
from alertbridge.payload import parse_group
from alertbridge.settings import Chat, Settings
from alertbridge.store import Store
from alertbridge.store.rows import MessageKind, RowState
from tests.alertbridge.test_payload import changed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from alertbridge.store.queries import Queries

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
VERSION_1 = Path(__file__).parents[1] / "data" / "alertbridge-version-1.sql"
SETTINGS = Settings(chats=(Chat(name="noc", id=-1),))


@pytest_asyncio.fixture(params=["memory", "file"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    """Give a store in memory and one on a file."""
    found = Store("sqlite://") if request.param == "memory" else Store.at(tmp_path / "deep" / "a.db")
    await found.open()
    yield found
    await found.close()


async def test_a_transaction_that_fails_leaves_nothing_and_takes_nobody_with_it(store: Store) -> None:
    """Others that are committed together with it stay."""

    def bad(queries: Queries) -> None:
        queries.remember("bad", "1")
        raise ValueError("mine")

    results = await asyncio.gather(
        store.transact(lambda q: q.remember("a", "1")),
        store.transact(bad),
        store.transact(lambda q: q.remember("b", "2")),
        return_exceptions=True,
    )
    assert [type(result) for result in results] == [type(None), ValueError, type(None)]
    read = await store.transact(lambda q: [q.value(key) for key in ("a", "bad", "b")])
    assert read == ["1", None, "2"]


async def test_taking_the_same_webhook_twice_equals_once(store: Store) -> None:
    """One incident, one alert, one outbox row."""
    alerts = parse_group(changed()).alerts
    for _ in range(2):
        await store.transact(lambda q: intake.take(q, alerts, SETTINGS, now=NOW))

    def read(queries: Queries) -> tuple[int, int]:
        return len(queries.open_incidents()), len(queries.rows([RowState.PENDING]))

    assert await store.transact(read) == (1, 1)


async def test_edits_that_wait_are_not_queued_twice(store: Store) -> None:
    """The first unsent edit will show the newest."""

    def work(queries: Queries) -> int:
        incident = queries.add_incident(subject="target:x", level=Level.CRITICAL, opened_at=NOW, started_at=NOW)
        queries.enqueue(chat="noc", kind=Tell.OPEN, incident_id=incident, now=NOW)
        for _ in range(5):
            intake.tell(queries, queries.incidents([incident])[0], Tell.UPDATE, SETTINGS, now=NOW)
        return len(queries.rows([RowState.PENDING]))

    assert await store.transact(work) == 2


async def test_moved_chats_are_followed_through_chains(store: Store) -> None:
    """And the messages of the old id are void."""

    def work(queries: Queries) -> Any:
        incident = queries.add_incident(subject="target:x", level=Level.CRITICAL, opened_at=NOW, started_at=NOW)
        message = queries.add_message(
            chat="noc", chat_id=-1, message_id=5, kind=MessageKind.INCIDENT, now=NOW, quiet=False
        )
        queries.add_members(message, [incident])
        queries.note_move(-1, -2, NOW)
        queries.note_move(-2, -3, NOW)
        return queries.moved_chats(), queries.messages_of(incident)

    assert await store.transact(work) == ({-1: -3, -2: -3}, ())


async def test_old_things_are_forgotten_and_open_ones_kept(store: Store) -> None:
    """Sent rows after a week, closed incidents after a month; dead letters stay until a person acts."""

    def work(queries: Queries) -> Any:
        long_ago = NOW - timedelta(days=40)
        closed = queries.add_incident(subject="a", level=Level.CRITICAL, opened_at=long_ago, started_at=long_ago)
        queries.update_incidents([closed], phase=Phase.OVER, closed_at=long_ago)
        still = queries.add_incident(subject="b", level=Level.CRITICAL, opened_at=long_ago, started_at=long_ago)
        for incident in (closed, still):
            message = queries.add_message(
                chat="noc", chat_id=-1, message_id=incident, kind=MessageKind.INCIDENT, now=long_ago, quiet=False
            )
            queries.add_members(message, [incident])
            queries.enqueue(chat="noc", kind=Tell.OPEN, incident_id=incident, now=long_ago)
        ids = [row.id for row in queries.rows([RowState.PENDING])]
        queries.update_rows(ids[:1], state=RowState.SENT, settled_at=long_ago)
        queries.update_rows(ids[1:], state=RowState.DEAD, settled_at=long_ago)
        queries.prune(NOW)
        return (
            [incident.id for incident in queries.incidents([closed, still])] == [still],
            len(queries.messages_of(closed)),
            len(queries.messages_of(still)),
            queries.row_counts(),
        )

    assert await store.transact(work) == (True, 0, 1, {RowState.DEAD: 1})


async def test_a_database_of_the_first_version_is_brought_to_this_one(tmp_path: Path) -> None:
    """Its tables become those of a new one, and what it held is still there."""
    old = tmp_path / "old.db"
    with contextlib.closing(sqlite3.connect(old)) as connection:
        connection.executescript(VERSION_1.read_text(encoding="utf-8"))
    store, new = Store.at(old), Store.at(tmp_path / "new.db")
    await store.open()
    await new.open()
    found = await store.transact(lambda q: (q.open_incidents(), q.rows([RowState.PENDING]), q.unfinished_actions()))
    await asyncio.gather(store.close(), new.close())
    incidents, rows, actions = found
    assert [(i.subject, i.taken_from, i.released_by) for i in incidents] == [("target:a", "", "")]
    assert [(row.incident_id, row.message) for row in rows] == [(1, None)]
    assert [(action.what, action.topic) for action in actions] == [("/ack all", None)]
    assert columns(old) == columns(tmp_path / "new.db")
    again = Store.at(old)
    await again.open()  # and once is enough
    await again.close()


def columns(path: Path) -> set[tuple[str, str]]:
    """Return every column of every table."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        query = "SELECT m.name, c.name FROM sqlite_master m JOIN pragma_table_info(m.name) c WHERE m.type = 'table'"
        return set(connection.execute(query))


async def test_a_newer_database_is_refused(tmp_path: Path) -> None:
    """A downgrade must not destroy what it does not know."""
    store = Store.at(tmp_path / "a.db")
    await store.open()
    await store.transact(lambda q: q.remember("version", "99"))
    await store.close()
    again = Store.at(tmp_path / "a.db")
    with pytest.raises(StoreError, match="the database is of version 99"):
        await again.open()
    await again.close()


async def test_what_is_no_database_is_refused(tmp_path: Path) -> None:
    """With the driver's words, without statements."""
    (tmp_path / "a.db").write_bytes(b"no database at all, but long enough to be looked at" * 50)
    store = Store.at(tmp_path / "a.db")
    with pytest.raises(StoreError, match=r"a\.db: file is not a database; move it away and start again"):
        await store.open()
    await store.close()


@pytest.mark.parametrize("url", ["nonsense://u:geheim@h/x", "no url"])
def test_a_database_url_that_cannot_be_used_is_not_repeated(url: str) -> None:
    """It may hold a password."""
    with pytest.raises(StoreError) as caught:
        Store(url)
    assert "geheim" not in str(caught.value)


async def test_two_processes_may_share_the_file(tmp_path: Path) -> None:
    """`alertbridge outbox` reads and writes beside the running bridge."""
    store = Store.at(tmp_path / "a.db")
    await store.open()
    with sqlite3.connect(tmp_path / "a.db") as other:
        mode = other.execute("PRAGMA journal_mode").fetchone()
    other.close()
    assert mode == ("wal",)
    await store.close()
