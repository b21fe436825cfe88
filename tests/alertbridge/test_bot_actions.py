"""Acting from the phone: buttons and commands in; Alertmanager, messages and the record out."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from alertbridge.app import Bridge
from tests.alertbridge.conftest import NOC, running_bridge
from tests.alertbridge.peers import text_of
from tests.alertbridge.test_bot import ask, fill
from tests.alertbridge.webhooks import alert

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from alertbridge.store.action_queries import Action
    from tests.alertbridge.conftest import Trial
    from tests.alertbridge.peers import Peers
    from tests.botapi.server import BotApi
    from tests.botapi.world import Message

SITE = "jbr-gt-pasteur-1"
VIEWER, OPERATOR, ADMIN, STRANGER = 11, 22, 33, 44
ANONYMOUS = 1087968824
CONFIG = """
version: 1
language: en
telegram: {{api_url: "{api}"}}
alertmanager: {{url: "{peers}"}}
prometheus: {{url: "{peers}"}}
exporter: {{url: "{peers}"}}
chats: [{{name: noc, id: -1001234567890, role: viewer}}]
users:
  - {{name: duty, id: 22, role: operator}}
  - {{name: boss, id: 33, role: admin}}
{more}
"""


@pytest.fixture
async def trial(api: BotApi, peers: Peers, tmp_path: Path) -> AsyncIterator[Trial]:
    """Give a bridge whose group asks, one person who acts, and one who administers."""
    fill(peers)
    async with running_bridge(api, peers, tmp_path, config=CONFIG) as running_trial:
        yield running_trial


async def told(trial: Trial, target: str = SITE, **more: Any) -> Message:
    """Let a target be down, and return its message."""
    before = len(trial.api.messages)
    trial.peers.put(target, "down", age_seconds=15)
    await trial.fire(alert(target=target, **more))
    await trial.api.until(lambda: len(trial.api.messages) > before)
    message = trial.api.messages[before]
    # The note that Telegram took it is written after Telegram's answer.
    await trial.metric_becomes(0, "alertbridge_outbox_messages", state="pending")
    return message


def data_of(message: Message, text: str) -> str:
    """Return the callback data of the button with this in its text."""
    buttons = [button for row in message.buttons for button in row]
    found = [str(button["callback_data"]) for button in buttons if text in button["text"]]
    assert len(found) == 1, buttons
    return found[0]


async def press(trial: Trial, message: Message, data: str, *, user: int = OPERATOR) -> str:
    """Press a button; return what the presser is told at once."""
    before = len(trial.api.world.answered)
    trial.api.press(message, data, user=user)
    await trial.api.until(lambda: len(trial.api.world.answered) > before, what="an answer to the press")
    return str(trial.api.world.answered[before].get("text", ""))


async def recorded(trial: Trial) -> list[tuple[str, str, str]]:
    """Return who did what with which result, oldest first."""
    found: tuple[Action, ...] = await trial.bridge._store.transact(lambda q: q.actions(limit=100))
    return [(action.who, action.what, action.result) for action in reversed(found)]


async def becomes_recorded(trial: Trial, count: int) -> list[tuple[str, str, str]]:
    """Wait until so many actions have ended."""
    loop_deadline = datetime.now(UTC) + timedelta(seconds=10)
    while len(found := [row for row in await recorded(trial) if row[2]]) < count:
        assert datetime.now(UTC) < loop_deadline, found
    return found


async def test_the_button_takes_an_incident_and_every_message_says_who_has_it(trial: Trial) -> None:
    """One press: a toast, an edit with name and time, no more button, no further message."""
    message = await told(trial)
    assert await press(trial, message, data_of(message, "I take it")) == "It is yours."
    await trial.api.until(lambda: message.edits)
    assert "In the hands of duty since" in message.text
    assert [b["text"] for row in message.buttons for b in row if "take" in b["text"]] == []
    assert await becomes_recorded(trial, 1) == [("duty", "button ack Jawa Barat · Jbr Gt Pasteur 1", "ok")]
    assert len(trial.api.messages) == 1


async def test_a_second_press_learns_whose_it_is(trial: Trial) -> None:
    """Nothing changes hands by a late tap on an old picture of the message."""
    message = await told(trial)
    data = data_of(message, "I take it")
    await press(trial, message, data)
    await trial.api.until(lambda: message.edits)
    assert "Already in the hands of duty" in await press(trial, message, data, user=ADMIN)
    assert len(await becomes_recorded(trial, 1)) == 1


async def test_an_acknowledged_critical_is_not_repeated_with_sound(trial: Trial) -> None:
    """Alertmanager's repeat after hours edits the message and no more."""
    began = datetime.now(UTC) - timedelta(hours=5)
    message = await told(trial, starts_at=began)
    await press(trial, message, data_of(message, "I take it"))
    await trial.api.until(lambda: "In the hands of duty" in message.text)
    long_ago = datetime.now(UTC) - timedelta(hours=4)
    incident = await trial.bridge._store.transact(lambda q: q.newest_incident(f"target:{SITE}"))
    assert incident is not None

    def age(queries: Any) -> None:
        queries.update_incidents([incident.id], told_at=long_ago)
        queries.update_records([record.fingerprint for record in incident.records], seen_at=long_ago)

    await trial.bridge._store.transact(age)
    await trial.fire(alert(target=SITE, starts_at=began))
    await told(trial, "jbr-other")
    assert [m.first_line.rpartition(" · ")[2] for m in trial.api.messages] == ["Jbr Gt Pasteur 1", "Jbr Other"]


async def test_what_gets_worse_is_free_again(trial: Trial) -> None:
    """Who took a weak site has not taken one that is down."""
    trial.peers.put(SITE, "low", age_seconds=15)
    await trial.fire(alert("VPNTargetLow", SITE, severity="warning"))
    await trial.api.until(lambda: trial.api.messages)
    await trial.metric_becomes(0, "alertbridge_outbox_messages", state="pending")
    await press(trial, trial.api.messages[0], data_of(trial.api.messages[0], "I take it"))
    await trial.api.until(lambda: "In the hands of" in trial.api.messages[0].text)
    worse = await told(trial)
    assert "In the hands of" not in worse.text
    assert data_of(worse, "I take it")


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


async def test_the_buttons_go_when_it_is_over_and_old_ones_say_so(trial: Trial) -> None:
    """A button on somebody's screen from before is no longer valid."""
    message = await told(trial)
    data = [data_of(message, text) for text in ("I take it", "1 hour", "Until it is back")]
    trial.peers.put(SITE, "up", age_seconds=1)
    await trial.fire(alert(target=SITE, status="resolved"))
    await trial.api.until(lambda: message.first_line.startswith("✅"))
    assert message.buttons == []
    for old in data:
        assert await press(trial, message, old) == "This button is no longer valid."
    assert trial.peers.silences == {}


async def test_a_digest_is_taken_with_one_button(trial: Trial) -> None:
    """All of its incidents; each line says who has it."""
    names = [f"jbr-gt-{number}" for number in range(6)]
    for name in names:
        trial.peers.put(name, "down", age_seconds=15)
    await told(trial, "jbr-first")
    await trial.fire(*(alert(target=name) for name in names))
    await trial.api.until(lambda: any("DOWN in Jawa Barat" in m.first_line for m in trial.api.messages))
    digest = next(m for m in trial.api.messages if "DOWN in Jawa Barat" in m.first_line)
    await trial.metric_becomes(0, "alertbridge_outbox_messages", state="pending")
    await press(trial, digest, data_of(digest, "take all"))
    await trial.api.until(lambda: digest.text.count("🛠 duty") >= 5, seconds=15)
    assert digest.buttons == []


@pytest.mark.parametrize("text", ["/ack jbr-gt-pasteur-1", "/ack JBR GT PASTEUR 1", "/ack", "/ack all", "/ack pasteur"])
async def test_ack_by_command(trial: Trial, text: str) -> None:
    """By id, by name, by a part of it, or the only one there is."""
    message = await told(trial)
    answer = await ask(trial.api, text, user=OPERATOR)
    assert answer.text == "🛠 duty has taken: Jawa Barat · Jbr Gt Pasteur 1"
    await trial.api.until(lambda: "In the hands of duty" in message.text)
    assert (await becomes_recorded(trial, 1))[0] == ("duty", text, "ok")


async def test_ack_as_a_reply_takes_what_the_message_shows(trial: Trial) -> None:
    """Of two open incidents."""
    first = await told(trial)
    await told(trial, "jbr-pk-dago")
    reply = {"message_id": first.message_id, "date": 1, "chat": {"id": NOC, "type": "supergroup"}}
    answer = await ask(trial.api, "/ack", user=OPERATOR, reply_to_message=reply)
    assert answer.text == "🛠 duty has taken: Jawa Barat · Jbr Gt Pasteur 1"


async def test_ack_without_a_name_offers_what_is_open_and_near_ids_are_offered(trial: Trial) -> None:
    """The ids can be copied; nothing is taken by guessing."""
    await told(trial)
    await told(trial, "jbr-pk-dago")
    choice = (await ask(trial.api, "/ack", user=OPERATOR)).text
    assert "Which one? Write /ack with one of these" in choice
    assert "jbr-pk-dago" in choice
    near = (await ask(trial.api, "/ack jbr-pk-dagu", user=OPERATOR)).text
    assert near == "Several fit jbr-pk-dagu; which one?\njbr-pk-dago Jawa Barat · Jbr Pk Dago"
    assert (await ask(trial.api, "/ack nowhere", user=OPERATOR)).text == "No open incident is called nowhere."
    assert {row[2] for row in await becomes_recorded(trial, 3)} == {"wrong usage"}


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
    async with running_bridge(api, peers, tmp_path, config=CONFIG) as trial:
        api.world.updates.appendleft(again)
        await ask(api, "/whoami", user=OPERATOR)
        assert len(peers.silences) == 1
        assert len(api.messages) == 2
        assert len(await recorded(trial)) == 1


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


def elsewhere(ident: str, *, target: str = SITE, hours: float = 2.0) -> dict[str, Any]:
    """Return a silence that somebody made on Alertmanager's own page."""
    now = datetime.now(UTC)
    return {
        "id": ident,
        "status": {"state": "active"},
        "matchers": [{"name": "target", "value": target, "isRegex": False, "isEqual": True}],
        "startsAt": text_of(now),
        "endsAt": text_of(now + timedelta(hours=hours)),
        "createdBy": "karma",
        "comment": "new <router>",
    }


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


async def test_nobody_can_act_under_a_configured_name(api: BotApi, peers: Peers, tmp_path: Path) -> None:
    """A Telegram name is what its owner writes there."""
    fill(peers)
    config = CONFIG.replace("role: viewer", "role: operator")
    async with running_bridge(api, peers, tmp_path, config=config) as trial:
        message = await told(trial)
        person = {"id": 77, "is_bot": False, "first_name": "Duty"}
        api.say("/ack", user=77, chat=NOC, **{"from": person})
        await api.until(lambda: "In the hands of Duty (77) since" in message.text)


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
    store = trial.bridge._store
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


async def test_restart_is_confirmed_by_whoever_asked_and_its_result_told(trial: Trial) -> None:
    """Another admin's or a stale press does nothing; the message says how it ended."""
    asked = await ask(trial.api, "/restart", user=ADMIN)
    assert "Restart the exporter's probing processes?" in asked.text
    assert trial.peers.restarts == 0
    data = data_of(asked, "Yes, restart now")
    assert "this needs admin" in await press(trial, asked, data, user=OPERATOR)
    assert await press(trial, asked, data, user=ADMIN) == "Restarting …"
    await trial.api.until(lambda: "✅ Restarted by boss: probing again after" in asked.text)
    assert trial.peers.restarts == 1
    assert asked.buttons == []
    ((who, what, result),) = await becomes_recorded(trial, 1)
    assert (who, what.startswith("button restart"), result) == ("boss", True, "ok")


async def test_a_restart_that_fails_says_why(trial: Trial) -> None:
    """The exporter refuses or is away."""
    asked = await ask(trial.api, "/restart", user=ADMIN)
    trial.peers.down = {"exporter"}
    await press(trial, asked, data_of(asked, "Yes"), user=ADMIN)
    await trial.api.until(lambda: asked.text == "Not done: exporter answered 503")
    assert (await becomes_recorded(trial, 1))[0][2] == "exporter answered 503"


async def test_an_old_confirmation_is_no_longer_valid(trial: Trial) -> None:
    """After a minute."""
    poller = trial.bridge._poller
    assert poller is not None
    asked = await ask(trial.api, "/restart", user=ADMIN)
    poller._responder.now = lambda: datetime.now(UTC) + timedelta(seconds=90)
    assert await press(trial, asked, data_of(asked, "Yes"), user=ADMIN) == "This button is no longer valid."
    assert trial.peers.restarts == 0


@pytest.mark.parametrize(
    ("text", "needed"), [("/ack", "operator"), ("/silence jbr-hub 4h", "operator"), ("/restart", "admin")]
)
async def test_who_may_not_act_is_refused_politely(trial: Trial, text: str, needed: str) -> None:
    """By role; written anonymously or as a channel, for everybody."""
    await told(trial)
    assert (await ask(trial.api, text, user=VIEWER)).text == f"Your role here is viewer; this needs {needed}."
    channel = {"id": NOC, "type": "supergroup", "title": "chat"}
    for user in (ANONYMOUS, 136817688):
        answer = await ask(trial.api, text, user=user, sender_chat=channel)
        assert answer.text.startswith("Actions need a person") or f"needs {needed}" in answer.text
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


async def test_no_slow_answer_holds_up_an_acknowledgement(trial: Trial) -> None:
    """Thirty questions that take their time, then a press; and those who wait see that something is coming."""
    message = await told(trial)
    trial.peers.slow_seconds = 3.0
    for _ in range(30):
        trial.api.say("/regions", user=OPERATOR, chat=NOC)
    trial.api.press(message, data_of(message, "I take it"), user=OPERATOR)
    await trial.api.until(lambda: "In the hands of duty" in message.text, seconds=2.5)
    assert [m.text for m in trial.api.messages[1:]] == []
    await trial.api.until(lambda: any(call.method == "sendChatAction" for call in trial.api.calls), seconds=3)
    trial.peers.slow_seconds = 0.0


async def test_near_ids_of_targets_are_offered(trial: Trial) -> None:
    """For questions and silences alike."""
    assert "jbr-hub (Jbr Hub)" in (await ask(trial.api, "/target jbr-hubb", user=VIEWER)).text
    assert "jbr-hub (Jbr Hub)" in (await ask(trial.api, "/silence jbr-hubb 4h", user=OPERATOR)).text
    assert trial.peers.silences == {}


async def test_a_strangers_press_is_answered_and_counted_and_tells_nothing(trial: Trial) -> None:
    """In a chat that is not configured; the answer is for the presser's eyes, and no message follows."""
    message = await told(trial)
    data, private = data_of(message, "I take it"), replace(message, chat_id=STRANGER)
    toast = await press(trial, private, data, user=STRANGER)
    assert toast == f"This bot answers only those it knows. Your user id: {STRANGER}"
    await trial.metric_becomes(1, "alertbridge_access_denied_total", reason="stranger")
    assert (len(trial.api.messages), await recorded(trial)) == (1, [])


async def test_long_lists_come_in_pages(trial: Trial) -> None:
    """The buttons edit the message; a page that is gone by now shows the last there is."""
    for number in range(45):
        trial.peers.put(f"jbr-gt-{number:03}", "down", age_seconds=100 + number)
    first = await ask(trial.api, "/down", user=VIEWER)
    assert first.first_line == "🔴 46 DOWN"
    assert "Page 1 of 3" in first.text
    assert await press(trial, first, data_of(first, "▶"), user=VIEWER) == ""
    await trial.api.until(lambda: "Page 2 of 3" in first.text)
    trial.peers.targets = {name: item for name, item in trial.peers.targets.items() if name < "jbr-gt-030"}
    await press(trial, first, data_of(first, "▶"), user=VIEWER)
    await trial.api.until(lambda: "Page 2 of 2" in first.text)
    assert [b["text"] for row in first.buttons for b in row] == ["◀"]


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("status jabar", "🟨 Jawa Barat (JBR)"),
        ("apa yang down?", "🔴 1 DOWN"),
        ("What is down right now?", "🔴 1 DOWN"),
        ("bagaimana kondisi jbr-hub sekarang?", "✅ UP · Jawa Barat · Jbr Hub"),
        ("how is everything?", "I understand short questions"),
        ("tolong ack jbr-hub", "I understand short questions"),
    ],
)
async def test_plain_questions_in_private(trial: Trial, text: str, part: str) -> None:
    """A small grammar; what it does not know gets the help; actions never come from plain text."""
    answer = await ask(trial.api, text, user=OPERATOR, chat=None)
    assert part in answer.text
    assert await recorded(trial) == []


async def test_buttons_outlive_a_restart_of_the_bridge(api: BotApi, peers: Peers, tmp_path: Path) -> None:
    """The key follows from the token."""
    fill(peers)
    async with running_bridge(api, peers, tmp_path, config=CONFIG) as trial:
        message = await told(trial)
    async with running_bridge(api, peers, tmp_path, config=CONFIG) as trial:
        assert isinstance(trial.bridge, Bridge)
        assert await press(trial, message, data_of(message, "I take it")) == "It is yours."
        await api.until(lambda: "In the hands of duty" in message.text)
