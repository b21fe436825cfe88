"""Whose hands an incident is in: taken over, let go, by button and by command; who and when stands in the message."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from tests.alertbridge.acting import (
    ADMIN,
    OPERATOR,
    SITE,
    becomes_recorded,
    data_of,
    elsewhere,
    press,
    settled,
    told,
    with_people,
)
from tests.alertbridge.test_bot import ask
from tests.alertbridge.webhooks import alert

if TYPE_CHECKING:
    from tests.alertbridge.conftest import Trial
    from tests.botapi.world import Message


trial = with_people


async def taken_a_minute_ago(trial: Trial) -> Message:
    """Let duty take an incident; return its message, a minute later."""
    message = await told(trial)
    await press(trial, message, data_of(message, "I take it"))
    await trial.api.until(lambda: "In the hands of duty since" in message.text)
    await settled(trial)
    ago = datetime.now(UTC) - timedelta(minutes=1)
    incident = await trial.bridge.store.transact(lambda q: q.newest_incident(f"target:{SITE}"))
    assert incident is not None
    await trial.bridge.store.transact(lambda q: q.update_incidents([incident.id], acknowledged_at=ago))
    return message


async def test_a_second_person_takes_over_and_everybody_sees_it(trial: Trial) -> None:
    """One press: the message says who has it and from whom, a silent reply tells the one who had it."""
    message = await taken_a_minute_ago(trial)
    await press(trial, message, data_of(message, "I take over"), user=ADMIN)
    await trial.api.until(lambda: ", taken over from duty" in message.text)
    assert "In the hands of boss since" in message.text
    await trial.api.until(lambda: len(trial.api.messages) == 2)
    reply = trial.api.messages[1]
    assert reply.text == "🛠 boss takes over from duty: Jawa Barat · Jbr Gt Pasteur 1"
    assert (reply.silent, reply.reply_to) == (True, message.message_id)
    assert (await becomes_recorded(trial, 2))[1] == (
        "boss",
        "button ack Jawa Barat · Jbr Gt Pasteur 1",
        "taken over from duty",
    )


async def test_the_command_takes_over_by_name_and_by_reply_but_never_all_of_it(trial: Trial) -> None:
    """`/ack all` is for what nobody has: it must not sweep other people's work away."""
    message = await taken_a_minute_ago(trial)
    assert "Already in the hands of duty" in (await ask(trial.api, "/ack all", user=ADMIN)).text
    assert "Already in the hands of duty" in (await ask(trial.api, "/ack", user=ADMIN)).text
    assert "boss takes over from duty" in (await ask(trial.api, f"/ack {SITE}", user=ADMIN)).text
    await trial.api.until(lambda: "taken over from duty" in message.text)


async def test_what_is_mine_is_not_taken_over_from_me(trial: Trial) -> None:
    """Neither by a second tap nor by a second command."""
    message = await taken_a_minute_ago(trial)
    assert "Already in the hands of duty" in await press(trial, message, data_of(message, "I take over"))
    assert "Already in the hands of duty" in (await ask(trial.api, f"/ack {SITE}", user=OPERATOR)).text


async def test_letting_go_says_so_and_gives_the_button_back(trial: Trial) -> None:
    """By anybody who may take it; a reply tells the one who had it."""
    message = await taken_a_minute_ago(trial)
    await press(trial, message, data_of(message, "Let go"), user=ADMIN)
    await trial.api.until(lambda: "↩️ boss let it go at " in message.text)
    assert ": nobody has it" in message.text
    assert "In the hands of" not in message.text
    assert data_of(message, "I take it")
    await trial.api.until(lambda: len(trial.api.messages) == 2)
    assert trial.api.messages[1].text == "↩️ boss has let go: Jawa Barat · Jbr Gt Pasteur 1. Nobody has it now."
    await press(trial, message, data_of(message, "I take it"))
    await trial.api.until(lambda: "In the hands of duty since" in message.text)
    assert "nobody has it" not in message.text
    assert "taken over" not in message.text


async def test_unack_without_a_name_lets_go_of_all_that_is_mine(trial: Trial) -> None:
    """And of nothing else; twice is told plainly."""
    message = await taken_a_minute_ago(trial)
    assert (await ask(trial.api, "/unack", user=ADMIN)).text == "Nobody has it."
    assert "duty has let go: Jawa Barat" in (await ask(trial.api, "/unack", user=OPERATOR)).text
    await trial.api.until(lambda: "nobody has it" in message.text)
    assert (await ask(trial.api, f"/unack {SITE}", user=OPERATOR)).text == "Nobody has it."


async def test_what_was_let_go_is_repeated_with_sound_again(trial: Trial) -> None:
    """Nobody has it: Alertmanager's next repeat is a reminder."""
    began = datetime.now(UTC) - timedelta(hours=5)
    await told(trial, starts_at=began)
    await ask(trial.api, f"/ack {SITE}", user=OPERATOR)
    await ask(trial.api, f"/unack {SITE}", user=OPERATOR)
    incident = await trial.bridge.store.transact(lambda q: q.newest_incident(f"target:{SITE}"))
    assert incident is not None
    long_ago = datetime.now(UTC) - timedelta(hours=4)

    def age(queries: Any) -> None:
        queries.update_incidents([incident.id], told_at=long_ago)
        queries.update_records([record.fingerprint for record in incident.records], seen_at=long_ago)

    await trial.bridge.store.transact(age)
    await trial.fire(alert(target=SITE, starts_at=began))
    await trial.api.until(lambda: "nobody has taken it" in trial.api.messages[-1].text)
    assert not trial.api.messages[-1].silent


async def test_a_silence_made_here_is_on_the_message_at_once(trial: Trial) -> None:
    """Before Alertmanager is asked what it hides: this one never says that it hides anything."""
    trial.bridge.parts.reconciler.every_seconds = 3600.0
    trial.bridge.parts.reconciler.wake()
    message = await told(trial)
    await press(trial, message, data_of(message, "1 hour"))
    await trial.api.until(lambda: "Silenced in Alertmanager" in message.text)


async def silenced(trial: Trial) -> Message:
    """Let a site be down and be hidden by Alertmanager; return its message, which says so."""
    body = alert(target=SITE)
    hidden = {"state": "suppressed", "silencedBy": ["x"], "inhibitedBy": []}
    trial.peers.alerts = [body | {"status": hidden}]
    message = await told(trial)
    await trial.api.until(lambda: "Silenced in Alertmanager" in message.text)
    return message


async def test_a_silenced_message_has_a_button_that_ends_it(trial: Trial) -> None:
    """Its own silence, whoever made it; the answer replies to the message."""
    trial.peers.silences["own"] = elsewhere("own")
    message = await silenced(trial)
    await press(trial, message, data_of(message, "End the silence"))
    await trial.api.until(lambda: trial.api.messages[-1].text.startswith("🔔 Silence on target="))
    assert trial.peers.silences["own"]["status"]["state"] == "expired"


async def test_one_sites_button_does_not_end_a_wider_silence(trial: Trial) -> None:
    """A region's planned work stays silent; the answer names where it is to be found."""
    region = [{"name": "region", "value": "JBR", "isRegex": False, "isEqual": True}]
    trial.peers.silences["wide"] = elsewhere("wide") | {"matchers": region}
    message = await silenced(trial)
    await press(trial, message, data_of(message, "End the silence"))
    await trial.api.until(lambda: "A wider silence hides it" in trial.api.messages[-1].text)
    assert trial.peers.silences["wide"]["status"]["state"] == "active"
