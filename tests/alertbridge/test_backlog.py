"""When Telegram counts as out of reach for long, and the word that chats get for it: pure, and in the store."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from alertbridge import backlog
from alertbridge.backlog import Away
from alertbridge.errors import Failure
from alertbridge.incidents import Tell
from alertbridge.settings import JAKARTA, Language
from alertbridge.store import Store
from alertbridge.texts import texts

if TYPE_CHECKING:
    from pathlib import Path

    from alertbridge.store.queries import Queries
    from alertbridge.store.rows import Row

NOW = datetime(2026, 11, 25, 6, 40, 5, tzinfo=UTC)


def minutes(count: float) -> timedelta:
    """Return a span."""
    return timedelta(minutes=count)


@pytest.mark.parametrize(
    ("lasted", "ago", "since_ago"),
    [(1, 1, 2), (40, 1, 41), (1, 60, 0), (40, 60, 100)],
    ids=["goes on", "goes on for long", "a hiccup, then the bridge was off", "long, then the bridge was off"],
)
def test_one_more_failure_belongs_to_the_same_absence(lasted: float, ago: float, since_ago: float) -> None:
    """But for a hiccup that the bridge saw before it was off for long: that says nothing of the time between."""
    last = NOW - minutes(ago)
    away = Away(since=last - minutes(lasted), last=last).again(NOW)
    assert away == Away(since=NOW - minutes(since_ago), last=NOW)


def test_nothing_is_said_of_the_time_in_which_the_bridge_was_off() -> None:
    """After a long gap the absence is known up to its newest failure, else up to now."""
    seen = Away(since=NOW - minutes(90), last=NOW - minutes(60))
    assert seen.end(NOW) == NOW - minutes(60)
    assert seen.end(NOW - minutes(59)) == NOW - minutes(59)


LOOKS = [(119, False), (121, True)]


@pytest.mark.parametrize(("seconds", "told"), LOOKS)
async def test_two_minutes_make_a_word_and_it_is_owed_once(seconds: int, told: bool, tmp_path: Path) -> None:
    """To each chat that something is due for, in front of it; not to one whose rows wait for its morning."""
    store = Store.at(tmp_path / "a.db")
    await store.open()
    later = NOW + timedelta(seconds=seconds)

    def work(queries: Queries) -> dict[str, list[Row]]:
        for chat, held in (("noc", None), ("west", None), ("night", NOW + minutes(600))):
            queries.enqueue(chat=chat, kind=Tell.OPEN, incident_id=1, now=NOW, held_until=held)
        for failure in (Failure.UNSENT, Failure.SERVER):
            backlog.note(queries, failure, now=NOW if failure is Failure.UNSENT else later - timedelta(seconds=30))
        backlog.note(queries, Failure.INTERNAL, now=later)  # ours
        backlog.owe(queries, now=later)
        backlog.owe(queries, now=later)
        return {chat: list(queries.due(chat, later)) for chat in ("noc", "west", "night")}

    rows = await store.transact(work)
    await store.close()
    assert {chat: [row.notice for row in due] for chat, due in rows.items()} == {
        "noc": ["backlog", ""] if told else [""],
        "west": ["backlog", ""] if told else [""],
        "night": [],
    }


@pytest.mark.parametrize(
    "answer", [None, Failure.RATE_LIMITED, Failure.TOKEN, Failure.BLOCKED, Failure.CHAT_NOT_FOUND, Failure.MARKUP]
)
async def test_any_answer_of_telegram_ends_the_absence(answer: Failure | None, tmp_path: Path) -> None:
    """One blocked chat, a limit or a wrong token is no absence."""
    store = Store.at(tmp_path / "a.db")
    await store.open()

    def work(queries: Queries) -> int:
        queries.enqueue(chat="noc", kind=Tell.OPEN, incident_id=1, now=NOW)
        backlog.note(queries, Failure.TIMEOUT, now=NOW)
        backlog.note(queries, answer, now=NOW + minutes(1))
        backlog.owe(queries, now=NOW + minutes(3))
        return len(queries.due("noc", NOW + minutes(4)))

    assert await store.transact(work) == 1
    await store.close()


async def test_the_absence_ends_with_the_first_answer_for_every_chat(tmp_path: Path) -> None:
    """A chat that is tried later counts what was held until then, and no later failure makes it longer."""
    store = Store.at(tmp_path / "a.db")
    await store.open()

    def work(queries: Queries) -> Row | None:
        for minute in range(40):
            queries.enqueue(chat="west", kind=Tell.REMIND, incident_id=1, now=NOW + minutes(minute))
            backlog.note(queries, Failure.UNSENT, now=NOW + minutes(minute))
            backlog.owe(queries, now=NOW + minutes(minute))
        backlog.note(queries, None, now=NOW + minutes(40))  # another chat's
        queries.enqueue(chat="west", kind=Tell.REMIND, incident_id=1, now=NOW + minutes(41))
        backlog.note(queries, Failure.TIMEOUT, now=NOW + minutes(41))
        return backlog.counted(queries, queries.due("west", NOW + minutes(42))[0], now=NOW + minutes(42))

    word = await store.transact(work)
    await store.close()
    assert word is not None
    assert (word.values["away_since"], word.values["away_until"]) == (NOW.isoformat(), (NOW + minutes(40)).isoformat())
    assert word.values["messages"] == "40"


async def test_what_came_after_the_absence_was_not_held(tmp_path: Path) -> None:
    """What waited was dropped by a person; what is to be sent days later finds an old absence, and nothing is said."""
    store = Store.at(tmp_path / "a.db")
    await store.open()

    def work(queries: Queries) -> int:
        for minute in range(30):
            backlog.note(queries, Failure.UNSENT, now=NOW + minutes(minute))
        queries.enqueue(chat="noc", kind=Tell.OPEN, incident_id=1, now=NOW + minutes(3000))
        backlog.owe(queries, now=NOW + minutes(3001))
        return len(queries.due("noc", NOW + minutes(3002)))

    assert await store.transact(work) == 1
    await store.close()


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        (
            Language.EN,
            (
                "📮 Telegram could not be reached from 13:02:11 WIB to 13:40:05 WIB (37 min 54 s).\n"
                "Messages held for this chat: 10\nOver meanwhile: 4 · still open: 2. They follow, summarised."
            ),
        ),
        (
            Language.ID,
            (
                "📮 Telegram tidak terjangkau dari 13:02:11 WIB sampai 13:40:05 WIB (37 mnt 54 dtk).\n"
                "Pesan yang tertahan untuk chat ini: 10\n"
                "Sudah berakhir: 4 · masih berlangsung: 2. Ringkasannya menyusul."
            ),
        ),
    ],
)
def test_the_word_in_the_time_of_the_chat(language: Language, expected: str) -> None:
    """How long, how many, what follows; where no incident is held (a report), nothing is said of incidents."""
    values = {"away_since": "2026-11-25T06:02:11+00:00", "away_until": "2026-11-25T06:40:05+00:00"}
    counts = {"messages": "10", "over": "4", "open": "2"}
    assert backlog.text(values | counts, texts(language), JAKARTA, now=NOW) == expected
    none = {"messages": "1", "over": "0", "open": "0"}
    assert backlog.text(values | none, texts(language), JAKARTA, now=NOW).count("\n") == 1
