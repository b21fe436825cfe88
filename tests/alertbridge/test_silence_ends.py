"""The end of a silence: when it is announced, what is said of it, and the button that prolongs it."""

from __future__ import annotations

import asyncio
import operator
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertbridge.alertmanager import Matcher, Silence
from alertbridge.bot.callbacks import LONGEST_BYTES, Kind, Signer
from alertbridge.bot.keeper import Keeper
from alertbridge.bot.silence_ends import ending, is_near, warned, warning
from alertbridge.bot.silencing import note_of
from alertbridge.incidents import Level
from alertbridge.settings import JAKARTA, Chat, QuietHours, Settings
from alertbridge.store import Store
from alertbridge.store.rows import RowState
from tests.alertbridge.test_escalation import INCIDENT, RECORD

if TYPE_CHECKING:
    from pathlib import Path


NOW = datetime(2026, 11, 25, 7, 0, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
IDENT = "9d3c0f6e-0000-4000-8000-000000000001"
SILENCE = Silence(
    id=IDENT,
    matchers=(Matcher(name="target", value="a"),),
    starts_at=NOW - 4 * HOUR,
    ends_at=NOW + 8 * MINUTE,
    author="karma",
    comment="",
)
NOTE = note_of(SILENCE)
CHAT = Chat(name="noc", id=-1)
WRONG = replace(INCIDENT, records=(replace(RECORD, labels={**RECORD.labels, "target": "a"}),))


@pytest.mark.parametrize(
    ("silence", "note", "expected"),
    [
        (SILENCE, NOTE, True),
        (replace(SILENCE, ends_at=NOW + 11 * MINUTE), NOTE, False),
        (replace(SILENCE, ends_at=NOW + timedelta(seconds=30)), NOTE, False),
        (replace(SILENCE, starts_at=NOW - 52 * MINUTE - timedelta(seconds=1)), NOTE, False),
        (SILENCE, warned(SILENCE, NOTE, ["noc"]), False),
        (SILENCE, warned(replace(SILENCE, ends_at=NOW), NOTE, ["noc"]), True),
    ],
    ids=["near", "far", "all but over", "the button's hour", "announced", "prolonged since"],
)
def test_when_an_end_is_announced(silence: Silence, note: dict[str, Any], expected: bool) -> None:
    """Ten minutes before, of a silence that is longer than an hour, once for each end."""
    assert is_near(silence, note, [silence], now=NOW) is expected


def test_no_end_is_announced_where_another_silence_goes_on() -> None:
    """Two of the same: only the last to end ends anything."""
    longer = replace(SILENCE, id="other", ends_at=NOW + 4 * HOUR)
    assert not is_near(SILENCE, NOTE, [SILENCE, longer], now=NOW)
    for other in (
        replace(longer, matchers=(Matcher(name="target", value="b"),)),
        replace(longer, starts_at=NOW + HOUR),
        replace(longer, ends_at=SILENCE.ends_at),
    ):
        assert is_near(SILENCE, NOTE, [SILENCE, other], now=NOW)


@given(st.lists(st.tuples(st.integers(1, 400), st.integers(0, 3)), max_size=30))
def test_each_end_is_announced_at_most_once_and_every_one_that_is_seen(steps: list[tuple[int, int]]) -> None:
    """However the clock and the end move: a look in time announces this end, unless it was announced."""
    now, silence, note = NOW, replace(SILENCE, ends_at=NOW + 2 * HOUR), NOTE
    announced: list[datetime] = []
    for seconds, prolonged in steps:
        now += timedelta(seconds=seconds)
        silence = replace(silence, ends_at=silence.ends_at + prolonged * timedelta(minutes=20))
        due = MINUTE < silence.ends_at - now <= 10 * MINUTE
        assert is_near(silence, note, [silence], now=now) is (due and silence.ends_at not in announced)
        if is_near(silence, note, [silence], now=now):
            announced.append(silence.ends_at)
            note = warned(silence, note, ["noc"])
    assert len(announced) == len(set(announced))


def test_a_warning_says_when_in_the_chats_zone_and_is_loud_where_something_is_wrong() -> None:
    """Minutes are round, and the button knows this very end."""
    found = warning(SILENCE, NOTE, [WRONG], CHAT, now=NOW + timedelta(seconds=2))
    assert (found["seconds"], found["when"], "silent" in found) == ("480.0", "14:08 WIB", False)
    data = Signer(b"x").pack(Kind.PROLONG, found["silence"], found["until"])
    assert data is not None
    assert len(data.encode()) <= LONGEST_BYTES
    assert warning(SILENCE, NOTE, [], CHAT, now=NOW)["silent"] == "yes"


def test_in_quiet_hours_only_what_is_critical_makes_a_sound() -> None:
    """A site that is weak waits for the morning; that its silence ends does too."""
    night = replace(CHAT, quiet_hours=QuietHours(start=time(13), end=time(15), zone=JAKARTA))
    weak = replace(WRONG, level=Level.WARNING)
    for chat, wrong, silent in (
        (CHAT, [weak], False),
        (night, [weak], True),
        (night, [weak, WRONG], False),
        (night, [], True),
    ):
        assert ("silent" in warning(SILENCE, NOTE, wrong, chat, now=NOW)) is silent
        assert ("silent" in ending(NOTE, wrong, [], "silence_over", chat, now=NOW)) is silent


def test_what_another_silence_hides_is_not_told_again() -> None:
    """The region is silenced, and the silence on one of its targets ends."""
    region = replace(
        SILENCE, id="other", matchers=(Matcher(name="target", value="a|b", regex=True),), ends_at=NOW + HOUR
    )
    for held, rest, silent in (([], "silence_still", False), ([region], "silence_other", True)):
        found = ending(NOTE, [WRONG], held, "silence_over", CHAT, now=NOW)
        assert (found["keys"], "silent" in found) == (f"silence_over,{rest}", silent)
    assert ending(NOTE, [], [], "silence_over", CHAT, now=NOW)["keys"] == "silence_over,silence_clear"


class Held:
    """An Alertmanager that holds one silence."""

    def __init__(self, silence: Silence) -> None:
        self.silence = silence

    async def silences(self) -> dict[str, Silence]:
        """Answer."""
        return {self.silence.id: self.silence}


async def test_two_bridges_announce_an_end_once(tmp_path: Path) -> None:
    """Both look at the same moment, each believing that it leads; prolonged, it is announced once more."""
    store = Store.at(tmp_path / "a.db")
    await store.open()
    await store.transact(lambda q: q.watch_silence(IDENT, NOTE | {"chat": "noc"}))
    for hours in (0, 1):
        moved = timedelta(hours=hours)
        held: Any = Held(replace(SILENCE, ends_at=SILENCE.ends_at + moved))
        keepers = [
            Keeper(
                store=store,
                settings=lambda: Settings(chats=(CHAT,)),
                alertmanager=held,
                on_change=lambda: None,
                now=partial(operator.add, NOW, moved),
            )
            for _ in range(2)
        ]
        for _ in range(2):
            await asyncio.gather(*(keeper.check() for keeper in keepers))
        rows = await store.transact(lambda q: q.rows([RowState.PENDING]))
        assert [row.values["until"] for row in rows][hours:] == [str(round((SILENCE.ends_at + moved).timestamp()))]
    await store.close()
