"""A real PostgreSQL of the first version becomes one of this version, also while an old bridge writes to it.

Back there is no way: a program of before refuses what a newer one has made, and leaves it as it is.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest

from alertbridge.errors import StoreError
from alertbridge.store import Store
from alertbridge.store.rows import RowState
from alertbridge.store.schema import VERSION
from tests.alertbridge.postgresql import running_postgresql
from tests.alertbridge.test_store import NOW

if TYPE_CHECKING:
    from collections.abc import Iterator

VERSION_1 = Path(__file__).parents[1] / "data" / "alertbridge-version-1-postgresql.sql"


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """Give one server for all tests of this file."""
    with running_postgresql() as url:
        yield url


@pytest.fixture
def old(server: str, request: pytest.FixtureRequest) -> str:
    """Give a database of the first version, of this test alone."""
    url = empty(server, f"old_{request.node.name.partition('[')[0]}")
    run(url, VERSION_1.read_text(encoding="utf-8"))
    return url


def empty(server: str, name: str) -> str:
    """Make an empty database; return its URL."""
    name = name[:60]  # PostgreSQL's names are at most 63 bytes
    run(server, f"CREATE DATABASE {name}")
    return f"{server.rpartition('/')[0]}/{name}"


def run(url: str, text: str) -> list[tuple[object, ...]]:
    """Run SQL as another client does; return the rows of a question."""
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        found = connection.execute(text.encode())
        return found.fetchall() if found.description is not None else []


def columns(url: str) -> set[tuple[object, ...]]:
    """Return every column of every table: name, type, whether it may be empty, the server's default."""
    asked = "SELECT table_name, column_name, data_type, is_nullable, column_default FROM information_schema.columns"
    return set(run(url, f"{asked} WHERE table_schema = 'public'"))


async def test_what_it_held_is_there_and_its_tables_are_those_of_a_new_one(server: str, old: str) -> None:
    """Types and defaults too: SQLite takes any word for a type, PostgreSQL does not."""
    store, new = Store(old), Store(empty(server, "new"))
    await store.open()
    await new.open()
    incidents, rows, actions = await store.transact(
        lambda q: (q.open_incidents(), q.rows([RowState.PENDING]), q.unfinished_actions())
    )
    await store.transact(lambda q: q.update_incidents([1], taken_from="ani", acknowledged_at=NOW))
    (changed,) = await store.transact(lambda q: q.open_incidents())
    await asyncio.gather(store.close(), new.close())
    assert [(i.subject, i.acknowledged_by, i.taken_from, i.released_by) for i in incidents] == [
        ("target:a", "duty", "", "")
    ]
    assert [(row.incident_id, row.message) for row in rows] == [(1, None)]
    assert [(action.what, action.topic) for action in actions] == [("/ack all", None)]
    assert (changed.taken_from, changed.acknowledged_at) == ("ani", NOW)
    assert columns(old) == columns(f"{server.rpartition('/')[0]}/new")


async def test_two_bridges_that_start_at_once_bring_it_there_once(old: str) -> None:
    """A pair is updated together: the second finds it done, and neither fails."""
    pair = [Store(old) for _ in range(2)]
    await asyncio.gather(*(store.open() for store in pair))
    assert [await store.transact(lambda q: q.value("version")) for store in pair] == [str(VERSION)] * 2
    await asyncio.gather(*(store.close() for store in pair))
    assert run(old, "SELECT count(*) FROM incidents") == [(1,)]


async def test_an_old_bridge_that_still_runs_goes_on_writing(old: str) -> None:
    """One of a pair is updated after the other: what the old one writes meanwhile is read, with nothing invented."""
    store = Store(old)
    await store.open()
    inserts = [line for line in VERSION_1.read_text(encoding="utf-8").splitlines() if line.startswith("INSERT")]
    for line in inserts:
        if "INTO meta" not in line and "INTO shown" not in line:
            run(old, line.replace("'target:a'", "'target:b'").replace("VALUES (7,", "VALUES (8,"))
    incidents, actions = await store.transact(lambda q: (q.open_incidents(), q.unfinished_actions()))
    await store.close()
    assert [(i.subject, i.taken_from) for i in incidents] == [("target:a", ""), ("target:b", "")]
    assert [(action.update_id, action.topic) for action in actions] == [(7, None), (8, None)]


async def test_what_a_newer_program_made_is_refused_and_left_alone(old: str) -> None:
    """As the first version refuses this one's: a downgrade must not destroy what it does not know."""
    run(old, "UPDATE meta SET value = '99' WHERE key = 'version'")
    before = columns(old)
    store = Store(old)
    with pytest.raises(StoreError, match=f"of version 99, this program knows {VERSION}; use the newer"):
        await store.open()
    await store.close()
    assert columns(old) == before
    assert run(old, "SELECT value FROM meta WHERE key = 'version'") == [("99",)]


async def test_a_change_that_fails_leaves_the_old_version(old: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """One transaction: the next start, or the program of before, finds what was there."""
    steps = ("ALTER TABLE incidents ADD COLUMN half VARCHAR", "ALTER TABLE nowhere ADD COLUMN other VARCHAR")
    monkeypatch.setattr("alertbridge.store.schema.MIGRATIONS", (steps,))
    before = columns(old)
    store = Store(old)
    with pytest.raises(StoreError, match="nowhere"):
        await store.open()
    await store.close()
    assert columns(old) == before
    assert run(old, "SELECT value FROM meta WHERE key = 'version'") == [("1",)]
