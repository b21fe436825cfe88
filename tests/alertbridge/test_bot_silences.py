"""Silences from the phone: made, listed, extended, ended, told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from tests.alertbridge.acting import (
    ADMIN,
    OPERATOR,
    SITE,
    VIEWER,
    becomes_recorded,
    data_of,
    elsewhere,
    press,
    told,
    with_people,
)
from tests.alertbridge.conftest import NOC
from tests.alertbridge.peers import text_of
from tests.alertbridge.test_bot import ask
from tests.alertbridge.webhooks import alert

if TYPE_CHECKING:
    from tests.alertbridge.conftest import Trial


trial = with_people


async def test_the_silence_button_hides_this_target_for_an_hour(trial: Trial) -> None:
    """In Alertmanager, with author and comment; the chat reads who, until when."""
    message = await told(trial)
    assert await press(trial, message, data_of(message, "1 hour")) == "Silencing …"
    await trial.api.until(lambda: len(trial.api.messages) == 2)
    (silence,) = trial.peers.silences.values()
    assert silence["matchers"] == [{"name": "target", "value": SITE, "isRegex": False, "isEqual": True}]
    assert silence["createdBy"] == "duty"
    ends = datetime.fromisoformat(silence["endsAt"])
    assert timedelta(minutes=59) < ends - datetime.now(UTC) <= timedelta(hours=1)
    answer = trial.api.messages[1]
    assert answer.text.startswith("🔕 Jawa Barat · Jbr Gt Pasteur 1 silenced until ")
    assert answer.text.endswith("(1 h) by duty")
    assert (answer.reply_to, answer.silent) == (message.message_id, True)


@pytest.mark.parametrize(
    ("text", "matchers", "hours", "comment"),
    [
        ("/silence jbr-hub 4h power work", {"target": "jbr-hub"}, 4, "power work"),
        ("/silence Jbr Hub 1h30m", {"target": "jbr-hub"}, 1.5, "no reason given"),
        ("/silence JBR 2 hari pemeliharaan", {"region": "JBR"}, 48, "pemeliharaan"),
        ("/silence jabar 90menit", {"region": "JBR"}, 1.5, "no reason given"),
    ],
)
async def test_silence_by_command(
    trial: Trial, text: str, matchers: dict[str, str], hours: float, comment: str
) -> None:
    """A target or a region, by id or name, for any time, with a reason."""
    answer = await ask(trial.api, text, user=OPERATOR)
    assert "silenced until" in answer.text
    (silence,) = trial.peers.silences.values()
    assert {m["name"]: m["value"] for m in silence["matchers"]} == matchers
    assert silence["comment"] == comment
    span = datetime.fromisoformat(silence["endsAt"]) - datetime.now(UTC)
    assert abs(span - timedelta(hours=hours)) < timedelta(minutes=1)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("/silence", "Write it like /silence jbr-hub 4h reason"),
        ("/silence jbr-hub", "Write it like"),
        ("/silence 4h jbr-hub", "Write it like"),
        ("/silence jbr-hub 5s", "Write it like"),
        ("/silence jbr-hub 45d", "A silence lasts from 1m to 30d."),
        ("/silence gt 4h", "Several fit gt; which one?"),
        ("/silence nowhere 4h", "No target and no region is called nowhere."),
        ("/silence nowhere back", "No incident is open."),
        ("/unsilence", "Write it like /unsilence jbr-hub"),
        ("/unsilence jbr-hub", "No silence fits jbr-hub."),
    ],
)
async def test_wrong_silences_get_help(trial: Trial, text: str, says: str) -> None:
    """And change nothing."""
    if "nowhere back" not in text:
        await told(trial)
    answer = await ask(trial.api, text, user=OPERATOR)
    assert says in answer.text or "No open incident is called nowhere." in answer.text
    assert trial.peers.silences == {}


async def test_alertmanager_away_says_not_done(trial: Trial) -> None:
    """Plainly, and in the record."""
    message = await told(trial)
    trial.peers.down = {"alertmanager"}
    answer = await ask(trial.api, "/silence jbr-hub 4h x", user=OPERATOR)
    assert answer.text == "Not done: alertmanager answered 503"
    await press(trial, message, data_of(message, "1 hour"))
    await trial.api.until(lambda: len(trial.api.messages) == 3)
    assert trial.api.messages[2].text == "Not done: alertmanager answered 503"
    assert "alertmanager cannot be reached now" in (await ask(trial.api, "/silences", user=OPERATOR)).text
    assert {row[2] for row in await becomes_recorded(trial, 2)} == {"alertmanager answered 503"}


async def test_silences_lists_those_made_elsewhere_and_ends_them_by_button(trial: Trial) -> None:
    """Everybody may look; the button checks who presses it."""
    trial.peers.silences["9d3c0f6e-0000-4000-8000-000000000001"] = elsewhere("9d3c0f6e-0000-4000-8000-000000000001")
    listed = await ask(trial.api, "/silences", user=VIEWER)
    assert "Silences: 1\n1. 🔕 target=jbr-gt-pasteur-1 · until" in listed.text
    assert "karma: new <router> · 9d3c0f6e" in listed.text
    data = data_of(listed, "✖ 1")
    assert "this needs operator" in await press(trial, listed, data, user=VIEWER)
    assert await press(trial, listed, data) == "Ending the silence …"
    await trial.api.until(lambda: len(trial.api.messages) == 2)
    assert trial.api.messages[1].text == "🔔 Silence on target=jbr-gt-pasteur-1 ended by duty"
    assert trial.peers.silences["9d3c0f6e-0000-4000-8000-000000000001"]["status"] == {"state": "expired"}
    await press(trial, listed, data)
    await trial.api.until(lambda: len(trial.api.messages) == 3)
    assert trial.api.messages[2].text == "This button is no longer valid."


@pytest.mark.parametrize("text", ["/unsilence jbr-hub", "/unsilence Jbr Hub", "/unsilence {id}"])
async def test_unsilence(trial: Trial, text: str) -> None:
    """By target, by name, by the first characters of the id."""
    await ask(trial.api, "/silence jbr-hub 4h x", user=OPERATOR)
    (ident,) = trial.peers.silences
    answer = await ask(trial.api, text.format(id=ident[:8].upper()), user=OPERATOR)
    assert answer.text == "🔔 Silence on Jbr Hub ended by duty"
    assert trial.peers.silences[ident]["status"] == {"state": "expired"}
    assert (await ask(trial.api, "/silences", user=OPERATOR)).text == "Nothing is silenced."
    assert len(trial.api.messages) == 3


async def test_a_silence_ended_in_private_is_told_where_it_was_made(trial: Trial) -> None:
    """Nobody in the group wonders why it speaks again."""
    await ask(trial.api, "/silence jbr-hub 4h x", user=OPERATOR)
    trial.api.say("/unsilence jbr-hub", user=ADMIN)
    await trial.api.until(lambda: trial.api.in_chat(ADMIN) and len(trial.api.in_chat(NOC)) == 2)
    assert trial.api.in_chat(NOC)[1].text == "🔔 The silence on Jbr Hub (by duty) was ended by boss."


async def test_a_silence_that_ends_is_told_with_what_is_still_down(trial: Trial) -> None:
    """Alertmanager itself says nothing then."""
    await told(trial)
    await ask(trial.api, f"/silence {SITE} 4h x", user=OPERATOR)
    (ident,) = trial.peers.silences
    trial.peers.silences[ident]["status"] = {"state": "expired"}
    await trial.api.until(lambda: len(trial.api.messages) == 3)
    text = trial.api.messages[2].text
    assert text.startswith("🔔 The silence on Jbr Gt Pasteur 1 (by duty) has ended.")
    assert "Still there, and told again from now on: Jawa Barat · Jbr Gt Pasteur 1" in text


async def test_the_end_of_a_silence_made_elsewhere_is_told_where_it_hid_something(trial: Trial) -> None:
    """Once; a silence that hid nothing ends quietly."""
    await told(trial)
    first, second = "9d3c0f6e-0000-4000-8000-000000000001", "9d3c0f6e-0000-4000-8000-000000000002"
    trial.peers.silences[first] = elsewhere(first)
    trial.peers.silences[second] = elsewhere(second, target="jbr-hub")
    store = trial.bridge.store
    deadline = datetime.now(UTC) + timedelta(seconds=10)
    while len(await store.transact(lambda q: q.watched_silences())) < 2:
        assert datetime.now(UTC) < deadline
    trial.peers.silences.clear()
    await trial.api.until(lambda: len(trial.api.messages) == 2)
    assert "The silence on target=jbr-gt-pasteur-1 (by karma) has ended." in trial.api.messages[1].text
    while await store.transact(lambda q: q.watched_silences()):
        assert datetime.now(UTC) < deadline
    await ask(trial.api, "/whoami", user=OPERATOR)
    assert len(trial.api.messages) == 3


async def test_until_it_is_back_is_extended_while_open_and_ended_when_over(trial: Trial) -> None:
    """Short enough to run out by itself when the bridge dies."""
    message = await told(trial)
    await press(trial, message, data_of(message, "Until it is back"))
    await trial.api.until(lambda: len(trial.api.messages) == 2)
    assert trial.api.messages[1].text == "🔕 Jawa Barat · Jbr Gt Pasteur 1 silenced until it is back, by duty"
    (ident,) = trial.peers.silences
    soon = datetime.now(UTC) + timedelta(minutes=3)
    trial.peers.silences[ident]["endsAt"] = text_of(soon)

    def ends() -> datetime:
        return datetime.fromisoformat(trial.peers.silences[ident]["endsAt"])

    await trial.api.until(lambda: ends() > soon + timedelta(minutes=10), what="an extension")
    assert list(trial.peers.silences) == [ident]
    trial.peers.put(SITE, "up", age_seconds=1)
    await trial.fire(alert(target=SITE, status="resolved"))
    await trial.api.until(lambda: trial.peers.silences[ident]["status"] == {"state": "expired"})
    await trial.api.until(lambda: any("and with it the silence until then" in m.text for m in trial.api.messages))
