"""Reports at a set time: which slot is told, once, late or not at all; and what the chat gets over HTTP."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

import pytest_asyncio
from hypothesis import given, settings
from hypothesis import strategies as st

from alertbridge.errors import PeerError
from alertbridge.reporter import Reporter
from alertbridge.routing import regions_of
from alertbridge.schedules import newest
from alertbridge.settings import JAKARTA, Cadence, Chat, Language, Route, Schedule, Settings
from alertbridge.store import Store
from alertbridge.store.rows import Row, RowState
from tests.alertbridge.postgresql import running_postgresql
from tests.botapi.markup import parse

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


SEVEN = datetime(2026, 11, 25, 0, 0, tzinfo=UTC)  # 07:00 in Jakarta, a Wednesday
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
DAILY = Schedule(cadence=Cadence.DAILY, at=time(7), zone=JAKARTA)
WEEKLY = Schedule(cadence=Cadence.WEEKLY, at=time(7), weekday=2, zone=JAKARTA)
CHAT = Chat(name="noc", id=-1, language=Language.EN, reports=(DAILY,))


class Place:
    """A store, peers and a clock, and the bridges that share them."""

    def __init__(self, *stores: Store, chats: tuple[Chat, ...] = (CHAT,), routes: tuple[Route, ...] = ()) -> None:
        self.stores = stores
        self.settings = Settings(chats=chats, routes=routes)
        self.at = SEVEN - HOUR
        self.away: set[str] = set()
        self.broken = ""  # a query with this in it ends in a mistake of ours
        self.asked: list[str] = []
        self.reporters = [self.bridge(store) for store in stores]

    def bridge(self, store: Store) -> Reporter:
        """Return a bridge that has just started."""
        anything: Any = self
        return Reporter(
            store=store,
            settings=lambda: self.settings,
            exporter=anything,
            prometheus=anything,
            on_change=lambda: None,
            now=lambda: self.at,
        )

    async def page(self, what: str, **_: Any) -> dict[str, Any]:
        """Answer as the exporter: no outages, one region."""
        self.asked.append(what)
        if "exporter" in self.away:
            raise PeerError("exporter cannot be reached")
        return {"items": [], "total": 0}

    async def regions(self) -> list[dict[str, Any]]:
        """Answer as the exporter."""
        if "exporter" in self.away:
            raise PeerError("exporter cannot be reached")
        return [{"id": "BALI", "name": "Bali"}]

    async def by_region(self, query: str, **_: Any) -> dict[str, float]:
        """Answer as Prometheus: every region was well."""
        self.asked.append(query)
        return {"BALI": 1.0, "JBR": 1.0}

    async def values(self, query: str, **_: Any) -> tuple[float | None, ...]:
        """Answer as Prometheus: all was well."""
        self.asked.append(query)
        if self.broken and self.broken in query:
            raise ValueError(self.broken)
        if "prometheus" in self.away:
            raise PeerError("prometheus cannot be reached")
        return (10_000.0 if query.startswith("count") else 1.0,)

    async def look(self, at: datetime | None = None) -> None:
        """Let every bridge look at once, at a moment."""
        self.at = at or self.at
        await asyncio.gather(*(reporter.look() for reporter in self.reporters))

    async def rows(self) -> tuple[Row, ...]:
        """Return what waits to be sent."""
        return await self.stores[0].transact(lambda q: q.rows([RowState.PENDING]))

    async def told(self) -> list[str]:
        """Return what a reader sees of it."""
        return [parse(row.values["html"])[0] for row in await self.rows()]


@pytest_asyncio.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    """Give a store on a file."""
    found = Store.at(tmp_path / "a.db")
    await found.open()
    yield found
    await found.close()


CALM = "📊 Daily report · all regions · 100.00 % · no outages"


async def test_a_report_comes_at_its_time_and_once(store: Store) -> None:
    """Not before, not again after a restart, and the next one a day later; it makes no sound."""
    place = Place(store)
    await place.look()
    await place.look(SEVEN - timedelta(seconds=1))
    assert await place.told() == []
    for seconds in (0, 5, 3600):
        await place.look(SEVEN + timedelta(seconds=seconds))
    place.reporters = [place.bridge(store)]
    await place.look()
    assert await place.told() == [CALM]
    assert [(row.chat, row.notice, row.values["silent"]) for row in await place.rows()] == [("noc", "report", "yes")]
    await place.look(SEVEN + DAY)
    assert await place.told() == [CALM, CALM]


async def test_a_new_schedule_begins_with_its_next_slot(store: Store) -> None:
    """Nobody wants yesterday's report for having written a line into the file; the same after a change."""
    place = Place(store)
    await place.look(SEVEN + HOUR)
    assert await place.told() == []
    await place.look(SEVEN + DAY)
    assert len(await place.told()) == 1
    later = replace(DAILY, at=time(8))
    place.settings = Settings(chats=(replace(CHAT, reports=(later,)),))
    await place.look(SEVEN + DAY + 2 * HOUR)
    assert len(await place.told()) == 1
    await place.look(SEVEN + 2 * DAY + HOUR)
    assert len(await place.told()) == 2


async def test_a_schedule_that_was_away_begins_anew(store: Store) -> None:
    """Taken out of the file and put back a week later, in the afternoon: the next report is tomorrow's."""
    place = Place(store)
    await place.look()
    await place.look(SEVEN)
    with_it = place.settings
    place.settings = Settings(chats=(replace(CHAT, reports=()),))
    await place.look(SEVEN + DAY)
    place.settings = with_it
    await place.look(SEVEN + 7 * DAY + HOUR)
    assert len(await place.told()) == 1
    await place.look(SEVEN + 8 * DAY)
    assert len(await place.told()) == 2


async def test_a_bridge_that_was_away_tells_late_and_for_which_span(store: Store) -> None:
    """The newest slot alone; nothing once it is too old, and the next one is as ever."""
    place = Place(store)
    await place.look()
    await place.look(SEVEN + 2 * DAY + 2 * HOUR)
    assert await place.told() == [
        f"{CALM}\nThu 26/11 07:00 – Fri 27/11 07:00 WIB\nSent late; it was due at 07:00 WIB."  # noqa: RUF001 - the sign for a span
    ]
    await place.look(SEVEN + 3 * DAY + 7 * HOUR)
    await place.look(SEVEN + 3 * DAY + 8 * HOUR)
    assert len(await place.told()) == 1
    await place.look(SEVEN + 4 * DAY)
    assert (await place.told())[1:] == [CALM]


async def test_two_bridges_tell_it_once() -> None:
    """On one PostgreSQL, at the same moment, both believing that they lead."""
    with running_postgresql() as url:
        stores = Store(url), Store(url)
        for one in stores:
            await one.open()
        place = Place(*stores)
        await place.look()
        for day in range(5):
            await place.look(SEVEN + day * DAY)
        assert len(await place.told()) == 5
        for one in stores:
            await one.close()


async def test_a_peer_that_is_away_is_asked_again_for_a_while(store: Store) -> None:
    """A restart at that minute costs nothing; after two minutes the report goes out with its part not known."""
    place = Place(store)
    await place.look()
    place.away = {"prometheus"}
    await place.look(SEVEN)
    await place.look(SEVEN + timedelta(seconds=60))
    assert await place.told() == []
    place.away = set()
    await place.look(SEVEN + timedelta(seconds=65))
    assert await place.told() == [CALM]
    place.away = {"prometheus", "exporter"}
    for seconds in (0, 60, 119, 121, 130):
        await place.look(SEVEN + DAY + timedelta(seconds=seconds))
    assert [text.splitlines()[0] for text in (await place.told())[1:]] == ["📊 Daily report · all regions · not known"]
    assert "Prometheus does not answer" in (await place.told())[1]
    assert "the exporter does not answer" in (await place.told())[1]


async def test_each_chat_gets_its_regions_in_its_language_at_its_time(store: Store) -> None:
    """A chat for Bali sees Bali; a daily and a weekly one may fall together."""
    bali = Chat(name="bali", id=-2, reports=(DAILY, WEEKLY))
    later = Chat(name="later", id=-3, language=Language.EN, reports=(replace(DAILY, at=time(8)),))
    routes = (Route(regions=frozenset({"BALI"}), chats=("bali",)), Route(regions=frozenset({"X"}), chats=("later",)))
    place = Place(store, chats=(CHAT, bali, later), routes=routes)
    await place.look()
    await place.look(SEVEN)
    assert [(row.chat, text) for row, text in zip(await place.rows(), await place.told(), strict=True)] == [
        ("noc", CALM),
        ("bali", "📊 Laporan harian · Bali · 100,00 % · tidak ada gangguan"),
        ("bali", "📊 Laporan mingguan · Bali · 100,00 % · tidak ada gangguan"),
    ]
    assert any('region=~"BALI"' in query and "[604800s]" in query for query in place.asked)
    await place.look(SEVEN + HOUR)
    assert (await place.told())[3:] == [CALM.replace("all regions", "X")]


async def test_a_mistake_in_one_report_costs_no_other(store: Store) -> None:
    """Logged once, and not every few seconds for hours; the next slot is tried anew."""
    odd = Chat(name="odd", id=-9, reports=(DAILY,))
    place = Place(store, chats=(odd, CHAT), routes=(Route(regions=frozenset({"ODD"}), chats=("odd",)),))
    await place.look()
    place.broken = "ODD"
    await place.look(SEVEN)
    before = len(place.asked)
    await place.look(SEVEN + timedelta(seconds=5))
    assert await place.told() == [CALM]
    assert len(place.asked) == before
    place.broken = ""
    await place.look(SEVEN + DAY)
    assert sorted(row.chat for row in await place.rows()) == ["noc", "noc", "odd"]


async def test_chats_with_the_same_report_share_the_questions(store: Store) -> None:
    """Forty chats at seven o'clock are one question."""
    place = Place(store, chats=tuple(replace(CHAT, name=f"chat {n}", id=-n) for n in range(1, 41)))
    await place.look()
    await place.look(SEVEN)
    assert len(await place.told()) == 40
    assert len(place.asked) == 5


def test_which_regions_a_chat_covers() -> None:
    """Those that its routes name; all where one of them names none, or where no route names the chat."""
    routes = (
        Route(regions=frozenset({"JBR"}), chats=("a", "b")),
        Route(regions=frozenset({"BTN"}), chats=("a",)),
        Route(severities=frozenset({"critical"}), chats=("b",)),
    )
    chats = tuple(Chat(name=name, id=-n) for n, name in enumerate("abc", start=1))
    found = [regions_of(Settings(chats=chats, routes=routes), chat) for chat in chats]
    assert found == [{"JBR", "BTN"}, frozenset(), frozenset()]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 2000), st.booleans()), max_size=40))
def test_no_slot_is_told_twice_and_none_is_missed_by_a_bridge_that_is_there(steps: list[tuple[int, bool]]) -> None:
    """Whatever the clock's steps in minutes and the restarts: the slots told are those that were seen in time."""

    async def run() -> None:
        memory = Store("sqlite://")
        await memory.open()
        place = Place(memory)
        await place.look()
        seen = {newest(DAILY, place.at)}
        expected = 0
        for minutes, restarts in steps:
            if restarts:
                place.reporters = [place.bridge(memory)]
            await place.look(place.at + timedelta(minutes=minutes))
            slot = newest(DAILY, place.at)
            if slot not in seen and place.at - slot <= 6 * HOUR:
                expected += 1
            seen.add(slot)
        assert len(await place.told()) == expected
        await memory.close()

    asyncio.run(run())
