"""Pages, near matches, plain questions; and that no question holds up an action."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.alertbridge.acting import (
    OPERATOR,
    VIEWER,
    data_of,
    press,
    recorded,
    told,
    with_people,
)
from tests.alertbridge.conftest import NOC
from tests.alertbridge.test_bot import ask

if TYPE_CHECKING:
    from tests.alertbridge.conftest import Trial


trial = with_people


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


async def test_the_graph_button_replies_with_a_picture_and_is_for_everybody(trial: Trial) -> None:
    """No record: looking is no action."""
    message = await told(trial)
    assert await press(trial, message, data_of(message, "Graph"), user=VIEWER) == "Drawing …"
    await trial.api.until(lambda: len(trial.api.messages) == 2)
    picture = trial.api.messages[1]
    assert picture.photo is not None
    assert picture.photo.startswith(b"\x89PNG")
    assert (picture.reply_to, picture.silent) == (message.message_id, True)
    assert await recorded(trial) == []
