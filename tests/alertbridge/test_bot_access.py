"""Who may act, how often, how late; and what is recorded of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from alertbridge.app import Bridge
from tests.alertbridge.acting import (
    ADMIN,
    ANONYMOUS,
    CONFIG,
    OPERATOR,
    STRANGER,
    VIEWER,
    becomes_recorded,
    data_of,
    press,
    recorded,
    told,
    with_people,
)
from tests.alertbridge.conftest import NOC, running_bridge
from tests.alertbridge.test_bot import ask, fill

if TYPE_CHECKING:
    from pathlib import Path

    from tests.alertbridge.conftest import Trial
    from tests.alertbridge.peers import Peers
    from tests.botapi.server import BotApi


trial = with_people


@pytest.mark.parametrize(
    ("user", "toast", "reason"),
    [
        (VIEWER, "Your role here is viewer; this needs operator.", "role"),
        (STRANGER, "Your role here is viewer; this needs operator.", "role"),
    ],
    ids=["viewer", "member"],
)
async def test_the_presser_counts_not_the_message(trial: Trial, user: int, toast: str, reason: str) -> None:
    """A viewer's press does nothing, and is refused politely and counted."""
    message = await told(trial)
    assert await press(trial, message, data_of(message, "I take it"), user=user) == toast
    await trial.metric_becomes(1, "alertbridge_access_denied_total", reason=reason)
    assert await recorded(trial) == []
    assert message.edits == 0


async def test_a_button_of_another_making_does_nothing(trial: Trial) -> None:
    """A client can send any data; only what we signed is a button."""
    message = await told(trial)
    good = data_of(message, "I take it")
    for forged in (good[:-1] + ("A" if good[-1] != "A" else "B"), "a:1", "a:1:", "x", "p:help:0:AAAAAAAAAAAA", "é:1:é"):
        assert await press(trial, message, forged) == "This button is no longer valid."
    await trial.metric_becomes(6, "alertbridge_access_denied_total", reason="button")
    assert await recorded(trial) == []


async def test_an_old_command_is_not_carried_out(trial: Trial) -> None:
    """After an outage Telegram hands out what was written a day ago."""
    message = await told(trial)
    old = int(datetime.now(UTC).timestamp()) - 600
    answer = await ask(trial.api, "/ack", user=OPERATOR, date=old)
    assert answer.text.startswith("This command is too old: it was not carried out.")
    answer = await ask(trial.api, "/silence jbr-hub 4h x", user=OPERATOR, date=old)
    assert answer.text.startswith("This command is too old")
    assert "DOWN" in (await ask(trial.api, "/status", user=OPERATOR, date=old)).text
    await trial.metric_becomes(2, "alertbridge_access_denied_total", reason="stale")
    assert (message.edits, trial.peers.silences, await recorded(trial)) == (0, {}, [])


async def test_one_update_acts_once_whatever_telegram_repeats(api: BotApi, peers: Peers, tmp_path: Path) -> None:
    """The same update handed out again to a bridge that was stopped before the offset was confirmed."""
    fill(peers)
    async with running_bridge(api, peers, tmp_path, config=CONFIG) as trial:
        update = api.say("/silence jbr-hub 4h x", user=OPERATOR, chat=NOC)
        (again,) = [one for one in api.world.updates if one["update_id"] == update]
        await api.until(lambda: api.messages)
        assert [row[2] for row in await becomes_recorded(trial, 1)] == ["ok"]
    before = polls(api)
    async with running_bridge(api, peers, tmp_path, config=CONFIG) as trial:
        # Until this bridge polls, the poll that the first one left behind would confirm the update again.
        await api.until(lambda: polls(api) > before, what="a poll of the second bridge")
        api.world.updates.appendleft(again)
        await api.until(lambda: again not in api.world.updates, what="the old update is taken")
        api.say("/silence jbr-gt-pasteur-1 4h y", user=OPERATOR, chat=NOC)  # takes as long as the first one would
        assert [row[1] for row in await becomes_recorded(trial, 2)] == [
            "/silence jbr-hub 4h x",
            "/silence jbr-gt-pasteur-1 4h y",
        ]
        await api.until(lambda: any("Pasteur" in message.text for message in api.messages))
        assert ["Pasteur" in message.text for message in api.messages] == [False, True]
        assert sorted(silence["comment"] for silence in peers.silences.values()) == ["x", "y"]


def polls(api: BotApi) -> int:
    """Return how many questions for updates were answered."""
    return sum(call.method == "getUpdates" and call.status == 200 for call in list(api.calls))


async def test_nobody_can_act_under_a_configured_name(api: BotApi, peers: Peers, tmp_path: Path) -> None:
    """A Telegram name is what its owner writes there."""
    fill(peers)
    config = CONFIG.replace("role: viewer", "role: operator")
    async with running_bridge(api, peers, tmp_path, config=config) as trial:
        message = await told(trial)
        person = {"id": 77, "is_bot": False, "first_name": "Duty"}
        api.say("/ack", user=77, chat=NOC, **{"from": person})
        await api.until(lambda: "In the hands of Duty (77) since" in message.text)


@pytest.mark.parametrize(
    ("text", "needed"), [("/ack", "operator"), ("/silence jbr-hub 4h", "operator"), ("/restart", "admin")]
)
async def test_who_may_not_act_is_refused_politely(trial: Trial, text: str, needed: str) -> None:
    """By role."""
    await told(trial)
    assert (await ask(trial.api, text, user=VIEWER)).text == f"Your role here is viewer; this needs {needed}."
    assert (await recorded(trial), trial.peers.silences) == ([], {})


@pytest.mark.parametrize("text", ["/ack", "/silence jbr-hub 4h", "/restart"])
async def test_what_has_no_person_behind_it_may_not_act(text: str, api: BotApi, peers: Peers, tmp_path: Path) -> None:
    """Written anonymously, as a channel, or a channel's post: refused also where everybody in the chat may act."""
    fill(peers)
    everybody = CONFIG.replace("role: viewer", "role: admin")
    async with running_bridge(api, peers, tmp_path, config=everybody) as trial:
        message = await told(trial)
        await nobody_acts(trial, text)
        assert (message.edits, peers.silences, peers.restarts) == (0, {}, 0)


async def nobody_acts(trial: Trial, text: str) -> None:
    """Try a command in every way that names no person."""
    channel = {"id": NOC, "type": "supergroup", "title": "chat"}
    for user in (ANONYMOUS, 136817688):
        answer = await ask(trial.api, text, user=user, sender_chat=channel)
        assert answer.text.startswith("Actions need a person")
    before = len(trial.api.messages)
    trial.api.update(channel_post={"message_id": 9999, "date": 1, "chat": channel | {"type": "channel"}, "text": text})
    await ask(trial.api, "/whoami", user=VIEWER)
    assert len(trial.api.messages) == before + 1
    assert (await recorded(trial), trial.peers.silences) == ([], {})


async def test_the_record_is_for_admins(trial: Trial) -> None:
    """Who, when, what, where, with which result; newest first."""
    assert (await ask(trial.api, "/log actions", user=ADMIN)).text == "Nothing was done yet."
    await told(trial)
    await ask(trial.api, "/ack", user=OPERATOR)
    await ask(trial.api, "/unsilence jbr-hub", user=OPERATOR)
    await becomes_recorded(trial, 2)
    text = (await ask(trial.api, "/log actions", user=ADMIN)).text
    first, second = text.split("\n")[1:]
    assert f"· duty ({OPERATOR}) · /unsilence jbr-hub · chat {NOC} → wrong usage" in first
    assert f"· duty ({OPERATOR}) · /ack · chat {NOC} → ok" in second
    assert "this needs admin" in (await ask(trial.api, "/log actions", user=OPERATOR)).text


async def test_a_strangers_press_is_answered_and_counted_and_tells_nothing(trial: Trial) -> None:
    """In a chat that is not configured; the answer is for the presser's eyes, and no message follows."""
    message = await told(trial)
    data, private = data_of(message, "I take it"), replace(message, chat_id=STRANGER)
    toast = await press(trial, private, data, user=STRANGER)
    assert toast == f"This bot answers only those it knows. Your user id: {STRANGER}"
    await trial.metric_becomes(1, "alertbridge_access_denied_total", reason="stranger")
    assert (len(trial.api.messages), await recorded(trial)) == (1, [])


async def test_buttons_outlive_a_restart_of_the_bridge(api: BotApi, peers: Peers, tmp_path: Path) -> None:
    """The key follows from the token."""
    fill(peers)
    async with running_bridge(api, peers, tmp_path, config=CONFIG) as trial:
        message = await told(trial)
    async with running_bridge(api, peers, tmp_path, config=CONFIG) as trial:
        assert isinstance(trial.bridge, Bridge)
        assert await press(trial, message, data_of(message, "I take it")) == "It is yours."
        await api.until(lambda: "In the hands of duty" in message.text)
