"""The end of a silence: when it is announced, what is said of it, and the button that prolongs it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertbridge.alertmanager import Matcher, Silence
from alertbridge.bot.callbacks import LONGEST_BYTES, Kind, Signer
from alertbridge.bot.silence_ends import ending, is_near, warned, warning
from alertbridge.bot.silencing import note_of
from alertbridge.incidents import Level
from alertbridge.settings import JAKARTA, Chat, QuietHours
from tests.alertbridge.acting import (
    ADMIN,
    CONFIG,
    OPERATOR,
    SITE,
    VIEWER,
    becomes_recorded,
    data_of,
    elsewhere,
    press,
    told,
)
from tests.alertbridge.conftest import NOC, running_bridge
from tests.alertbridge.peers import text_of
from tests.alertbridge.test_bot import ask, fill
from tests.alertbridge.test_bot_real_alertmanager import CONFIG as REAL_CONFIG
from tests.alertbridge.test_bot_real_alertmanager import becomes
from tests.alertbridge.test_escalation import INCIDENT, RECORD
from tests.alertbridge.test_real_alertmanager import free_port, running_alertmanager

if TYPE_CHECKING:
    from pathlib import Path

    from tests.alertbridge.conftest import Trial
    from tests.alertbridge.peers import Peers
    from tests.botapi.server import BotApi

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
        (SILENCE, warned(SILENCE, NOTE), False),
        (SILENCE, warned(replace(SILENCE, ends_at=NOW), NOTE), True),
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
            note = warned(silence, note)
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


def set_ahead(trial: Trial, span: timedelta) -> None:
    """Let the clock of the silences be ahead, and the outbox' with it: what is told later is due later."""
    for part in (trial.bridge.parts.keeper, trial.bridge.parts.outbox):
        part.now = lambda: datetime.now(UTC) + span


async def warned_of(trial: Trial, count: int) -> list[str]:
    """Wait for so many warnings, and return them."""

    def found() -> list[str]:
        return [message.text for message in trial.api.in_chat(NOC) if message.text.startswith("⏳")]

    await trial.api.until(lambda: len(found()) >= count, what=f"warning {count}")
    return found()


async def test_a_silence_made_elsewhere_is_announced_once_and_prolonged_once(
    api: BotApi, peers: Peers, tmp_path: Path
) -> None:
    """Where what it hides is shown; over a restart; anew after the button, which works once and for operators alone."""
    fill(peers)
    ends = datetime.now(UTC) + 9 * MINUTE
    async with running_bridge(api, peers, tmp_path, config=CONFIG) as trial:
        await told(trial)
        begun: dict[str, Any] = elsewhere(IDENT) | {"startsAt": text_of(ends - 4 * HOUR), "endsAt": text_of(ends)}
        peers.silences[IDENT] = begun
        (text,) = await warned_of(trial, 1)
        assert text.startswith("⏳ The silence on target=jbr-gt-pasteur-1 (by karma) ends in 9 min, at ")
        assert text.endswith("Still there, and told again after that: Jawa Barat · Jbr Gt Pasteur 1")
        message = next(one for one in api.in_chat(NOC) if one.text == text)
        assert not message.silent
        data = data_of(message, "1 hour more")
        assert "this needs operator" in await press(trial, message, data, user=VIEWER)
        await press(trial, message, data)
        await api.until(lambda: peers.silences[IDENT]["endsAt"] != begun["endsAt"])
        assert abs(datetime.fromisoformat(peers.silences[IDENT]["endsAt"]) - ends - HOUR) < timedelta(seconds=1)
        await api.until(lambda: "goes on until" in api.in_chat(NOC)[-1].text)
        assert api.in_chat(NOC)[-1].text.endswith("(duty)")
        await press(trial, message, data)
        await api.until(lambda: api.in_chat(NOC)[-1].text == "This button is no longer valid.")
        assert (await becomes_recorded(trial, 2))[0][1].startswith("button prolong")
    api.world.answered.clear()
    async with running_bridge(api, peers, tmp_path, config=CONFIG) as trial:
        set_ahead(trial, HOUR)
        assert len(await warned_of(trial, 2)) == 2
    async with running_bridge(api, peers, tmp_path, config=CONFIG) as trial:
        set_ahead(trial, HOUR)
        await ask(api, "/silences", user=OPERATOR)
        peers.silences[IDENT]["status"] = {"state": "expired"}
        await api.until(lambda: any("has ended" in message.text for message in api.in_chat(NOC)))
        assert len(await warned_of(trial, 2)) == 2


async def test_a_quiet_end_is_announced_where_it_was_made_without_sound(
    api: BotApi, peers: Peers, tmp_path: Path
) -> None:
    """Whoever works there may need an hour more."""
    fill(peers)
    async with running_bridge(api, peers, tmp_path, config=CONFIG) as trial:
        await ask(api, "/silence jbr-hub 2h work", user=OPERATOR)
        set_ahead(trial, timedelta(minutes=112))
        (text,) = await warned_of(trial, 1)
        assert text.startswith("⏳ The silence on Jbr Hub (by duty) ends in 8 min, at ")
        assert text.endswith("Nothing that it hides is wrong now.")
        assert api.in_chat(NOC)[-1].silent


async def test_a_chat_reads_the_time_of_its_own_zone(api: BotApi, peers: Peers, tmp_path: Path) -> None:
    """In answers, in lists and in what is told of a silence: nobody in Bali counts an hour on."""
    fill(peers)
    config = CONFIG.replace("role: viewer", "role: viewer, timezone: WITA")
    async with running_bridge(api, peers, tmp_path, config=config) as trial:
        for text in ("/silence jbr-hub 2h work", "/silences", "/status", "/down", "/log actions"):
            answer = await ask(api, text, user=ADMIN)
            assert " WITA" in answer.text, text
            assert " WIB" not in answer.text, text
        set_ahead(trial, timedelta(minutes=112))
        (text,) = await warned_of(trial, 1)
        assert text.splitlines()[0].endswith(" WITA.")


async def test_the_end_of_one_of_two_equal_silences_is_no_end(api: BotApi, peers: Peers, tmp_path: Path) -> None:
    """The button was pressed twice: "told again from now on" would be wrong."""
    fill(peers)
    async with running_bridge(api, peers, tmp_path, config=CONFIG) as trial:
        await told(trial)
        await ask(api, f"/silence {SITE} 1h x", user=OPERATOR)
        await ask(api, f"/silence {SITE} 4h x", user=OPERATOR)
        first, second = peers.silences
        peers.silences[first]["status"] = {"state": "expired"}
        deadline = datetime.now(UTC) + timedelta(seconds=10)
        while first in await trial.bridge.store.transact(lambda q: q.watched_silences()):
            assert datetime.now(UTC) < deadline
        peers.silences[second]["status"] = {"state": "expired"}
        await api.until(lambda: "told again from now on" in api.in_chat(NOC)[-1].text)
        assert sum("has ended" in message.text for message in api.in_chat(NOC)) == 1


@pytest.mark.parametrize("suite", ["installed", "sid"])
async def test_the_button_keeps_the_silences_id_in_a_real_alertmanager(
    suite: str, api: BotApi, peers: Peers, tmp_path: Path
) -> None:
    """Old and new: one silence, an hour longer, announced anew before its new end."""
    port = free_port()
    fill(peers)
    async with (
        running_alertmanager(suite, tmp_path, port) as alertmanager,
        running_bridge(
            api, peers, tmp_path, config=REAL_CONFIG, more=alertmanager.url, listen=f"127.0.0.1:{port}"
        ) as trial,
    ):
        await ask(api, "/silence jbr-hub 2h work", user=OPERATOR)
        (before,) = await becomes(alertmanager, "active", 1)
        set_ahead(trial, timedelta(minutes=112))
        await warned_of(trial, 1)
        message = api.in_chat(NOC)[-1]
        await press(trial, message, data_of(message, "1 hour more"))
        await api.until(lambda: "goes on until" in api.in_chat(NOC)[-1].text)
        (after,) = await becomes(alertmanager, "active", 1)
        assert after["id"] == before["id"]
        ends = [datetime.fromisoformat(one["endsAt"]) for one in (before, after)]
        assert ends[1] - ends[0] == HOUR
        assert (after["createdBy"], after["comment"]) == ("duty", "work")
        set_ahead(trial, timedelta(minutes=172))
        await warned_of(trial, 2)
