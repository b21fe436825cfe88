"""What can be pressed instead of typed: which of several was meant, what to ask or do next; and the first /start."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alertbridge.bot.callbacks import LONGEST_BYTES
from alertbridge.bot.lookup import Found, both
from alertbridge.bot.offering import Choice
from tests.alertbridge.acting import (
    ADMIN,
    OPERATOR,
    VIEWER,
    becomes_recorded,
    data_of,
    press,
    recorded,
    told,
    with_people,
)
from tests.alertbridge.test_bot import ask

if TYPE_CHECKING:
    from tests.alertbridge.conftest import Trial
    from tests.botapi.world import Message


trial = with_people


def labels(message: Message) -> list[list[str]]:
    """Return what stands on a message's buttons."""
    return [[str(button["text"]) for button in row] for row in message.buttons]


async def pressed(trial: Trial, message: Message, button: str, *, user: int) -> Message:
    """Press a button, and return the message that answers it."""
    before = len(trial.api.messages)
    await press(trial, message, data_of(message, button), user=user)
    await trial.api.until(lambda: len(trial.api.messages) > before, what="an answer")
    return trial.api.messages[before]


async def test_one_of_several_is_chosen_by_a_press(trial: Trial) -> None:
    """A long id need not be typed on a phone; the answer is the chosen one's."""
    asked = await ask(trial.api, "/target gt", user=VIEWER)
    assert ["Jbr Gt Pasteur 1"] in labels(asked)
    answer = await pressed(trial, asked, "Pasteur", user=VIEWER)
    assert answer.first_line == "🔴 DOWN · Jawa Barat · Jbr Gt Pasteur 1"
    assert answer.reply_to == asked.message_id
    assert await recorded(trial) == []


async def test_what_followed_the_name_is_kept(trial: Trial) -> None:
    """`/graph jbr-hubb 1h` means an hour of jbr-hub; `/silence jbr-hubb 4h work` four hours, for this reason."""
    graph = await ask(trial.api, "/graph jbr-hubb 1h", user=VIEWER)
    assert graph.first_line == "Nothing is called jbr-hubb. Did you mean:"
    assert "Last 1 h" in (await pressed(trial, graph, "Jbr Hub", user=VIEWER)).text
    asked = await ask(trial.api, "/silence jbr-hubb 4h work", user=OPERATOR)
    assert trial.peers.silences == {}
    assert "4 h" in (await pressed(trial, asked, "Jbr Hub", user=OPERATOR)).text
    (silence,) = trial.peers.silences.values()
    assert silence["comment"] == "work"


async def test_until_when_and_why_are_kept_of_an_open_incident_too(trial: Trial) -> None:
    """`back` means open incidents: the pressed one is silenced until it is back, for the reason that was typed."""
    await told(trial, "jbr-pk-dago")
    asked = await ask(trial.api, "/silence jbr-pk-dagu back work", user=OPERATOR)
    assert asked.first_line == "No open incident is called jbr-pk-dagu. Open, with a name like it:"
    await pressed(trial, asked, "Dago", user=OPERATOR)
    (silence,) = trial.peers.silences.values()
    assert silence["comment"] == "work"
    assert (await becomes_recorded(trial, 2))[1] == ("duty", "button /silence jbr-pk-dago back work", "ok")


async def test_a_target_offers_its_curve_its_probes_and_an_hour_of_silence(trial: Trial) -> None:
    """Silence only where somebody may; it is recorded as what it is, by whoever pressed."""
    for_viewer = await ask(trial.api, "/target jbr-hub", user=VIEWER)
    assert labels(for_viewer) == [["📈 Graph", "📜 Log"]]
    assert (await pressed(trial, for_viewer, "Log", user=VIEWER)).first_line == "Last probes of Jbr Hub"
    assert (await pressed(trial, for_viewer, "Graph", user=VIEWER)).photo is not None
    for_operator = await ask(trial.api, "/target jbr-hub", user=OPERATOR)
    assert labels(for_operator) == [["📈 Graph", "📜 Log", "🔕 1 hour"]]
    data = data_of(for_operator, "1 hour")
    assert "this needs operator" in await press(trial, for_operator, data, user=VIEWER)
    assert trial.peers.silences == {}
    await pressed(trial, for_operator, "1 hour", user=OPERATOR)
    assert len(trial.peers.silences) == 1
    assert await becomes_recorded(trial, 1) == [("duty", "button /silence jbr-hub 1h", "ok")]


async def test_one_of_several_incidents_is_taken_by_a_press(trial: Trial) -> None:
    """Nothing is taken by guessing; a press is no guess."""
    await told(trial)
    message = await told(trial, "jbr-pk-dago")
    asked = await ask(trial.api, "/ack", user=OPERATOR)
    await pressed(trial, asked, "Dago", user=OPERATOR)
    await trial.api.until(lambda: "In the hands of duty" in message.text)
    assert (await becomes_recorded(trial, 2))[1] == ("duty", "button /ack jbr-pk-dago", "ok")


async def test_an_id_too_long_for_a_button_is_still_listed(trial: Trial) -> None:
    """Telegram takes 64 bytes of callback data: what is longer can be typed."""
    long = "jbr-" + "x" * LONGEST_BYTES
    trial.peers.put(long, "up")
    trial.peers.put("jbr-xxx", "up")
    asked = await ask(trial.api, "/target xxx", user=VIEWER)
    assert long in asked.text
    assert len(labels(asked)) == 1


async def test_the_first_start_is_welcomed(trial: Trial) -> None:
    """Telegram's own button sends /start: it is no wrong command."""
    answer = await ask(trial.api, "/start", user=ADMIN, chat=None)
    assert answer.first_line.startswith("Welcome.")
    assert "/restart · restart the prober" in answer.text


def test_what_fits_goes_before_what_is_only_written_alike() -> None:
    """A name that contains the words beats a guess; guesses of both kinds are offered together."""
    fitting = Found(near=(Choice(id="a", name="A"),))
    alike, other = (
        Found(near=(Choice(id="b", name="B"),), fits=False),
        Found(near=(Choice(id="c", name="C"),), fits=False),
    )
    nothing = Found(fits=False)
    assert [one.id for one in both(alike, fitting).near] == [one.id for one in both(fitting, alike).near] == ["a"]
    assert both(alike, fitting).fits
    assert [one.id for one in both(alike, other).near] == ["b", "c"]
    assert not both(alike, other).fits
    assert both(nothing, fitting).fits
