"""Taking incidents and restarting, by button and by command."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests.alertbridge.acting import (
    ADMIN,
    OPERATOR,
    SITE,
    becomes_recorded,
    data_of,
    press,
    settled,
    told,
    with_people,
)
from tests.alertbridge.conftest import NOC
from tests.alertbridge.test_bot import ask
from tests.alertbridge.webhooks import alert

if TYPE_CHECKING:
    from tests.alertbridge.conftest import Trial


trial = with_people


async def test_the_button_takes_an_incident_and_every_message_says_who_has_it(trial: Trial) -> None:
    """One press: a toast, an edit with name and time, other buttons, no further message."""
    message = await told(trial)
    assert await press(trial, message, data_of(message, "I take it")) == "It is yours."
    await trial.api.until(lambda: message.edits)
    assert "In the hands of duty since" in message.text
    assert [[b["text"] for b in row] for row in message.buttons] == [
        ["🛠 I take over", "↩️ Let go"],
        ["📈 Graph"],
        ["🔕 1 hour", "🔕 Until it is back"],
    ]
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
    incident = await trial.bridge.store.transact(lambda q: q.newest_incident(f"target:{SITE}"))
    assert incident is not None

    def age(queries: Any) -> None:
        queries.update_incidents([incident.id], told_at=long_ago)
        queries.update_records([record.fingerprint for record in incident.records], seen_at=long_ago)

    await trial.bridge.store.transact(age)
    await trial.fire(alert(target=SITE, starts_at=began))
    await told(trial, "jbr-other")
    assert [m.first_line.rpartition(" · ")[2] for m in trial.api.messages] == ["Jbr Gt Pasteur 1", "Jbr Other"]


async def test_what_gets_worse_is_free_again(trial: Trial) -> None:
    """Who took a weak site has not taken one that is down; whom to ask is said, until somebody takes it anew."""
    trial.peers.put(SITE, "low", age_seconds=15)
    await trial.fire(alert("VPNTargetLow", SITE, severity="warning"))
    await trial.api.until(lambda: trial.api.messages)
    await settled(trial)
    await press(trial, trial.api.messages[0], data_of(trial.api.messages[0], "I take it"))
    await trial.api.until(lambda: "In the hands of" in trial.api.messages[0].text)
    worse = await told(trial)
    assert "In the hands of" not in worse.text
    assert re.search(r"🛠 duty took it at .+, when it was LOW; nobody has it now", worse.text)
    await press(trial, worse, data_of(worse, "I take it"), user=ADMIN)
    await trial.api.until(lambda: "In the hands of boss since" in worse.text)
    assert "duty" not in worse.text


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
    await settled(trial)
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
    assert (
        near
        == "No open incident is called jbr-pk-dagu. Open, with a name like it:\njbr-pk-dago Jawa Barat · Jbr Pk Dago"
    )
    assert (await ask(trial.api, "/ack nowhere", user=OPERATOR)).text == "No open incident is called nowhere."
    assert {row[2] for row in await becomes_recorded(trial, 3)} == {"wrong usage"}


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
    poller = trial.bridge.parts.poller
    asked = await ask(trial.api, "/restart", user=ADMIN)
    poller.responder.now = lambda: datetime.now(UTC) + timedelta(seconds=90)
    assert await press(trial, asked, data_of(asked, "Yes"), user=ADMIN) == "This button is no longer valid."
    assert trial.peers.restarts == 0
