"""Commands in, answers out: who may ask, what is answered, and that nothing of it holds up alerts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.alertbridge.conftest import NOC, running_bridge
from tests.alertbridge.webhooks import alert

if TYPE_CHECKING:
    from pathlib import Path

    from tests.alertbridge.conftest import Trial
    from tests.alertbridge.peers import Peers
    from tests.botapi.server import BotApi
    from tests.botapi.world import Message

DUTY, STRANGER = 11112222, 5551
USERS = f"users: [{{name: duty, id: {DUTY}, role: operator}}]"


def fill(peers: Peers) -> None:
    """Let the exporter know two regions and four targets."""
    for ident, name, state, down in (("JBR", "Jawa Barat", "low", 1), ("BTN", "Banten", "up", 0)):
        peers.regions[ident] = {
            "id": ident,
            "name": name,
            "timezone": "Asia/Jakarta",
            "state": state,
            "state_since": "2026-11-25T00:00:00Z",
            "outage": False,
            "targets": 2,
            "up": 2 - down,
            "low": 0,
            "down": down,
            "unknown": 0,
            "cut_off": 0,
        }
    peers.put("jbr-gt-pasteur-1", "down", age_seconds=125)
    peers.put("jbr-hub", "up", age_seconds=4000)
    peers.put("btn-gt-1", "up", region="BTN", region_name="Banten")
    peers.put("btn-gt-2", "up", region="BTN", region_name="Banten")


async def ask(api: BotApi, text: str, *, user: int = 99, chat: int | None = NOC, **more: object) -> Message:
    """Write to the bot and return its answer."""
    before = len(api.messages)
    api.say(text, user=user, chat=chat, **more)
    await api.until(lambda: len(api.messages) > before, what=f"an answer to {text}")
    return api.messages[before]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("/status", ["🔴 1 DOWN ✅ 3 UP", "4 targets in 2 regions", "Open incidents: 0", "0 waiting, 0 refused"]),
        ("/down", ["🔴 1 DOWN", "🔴 Jawa Barat · Jbr Gt Pasteur 1 · 2 min"]),
        ("/low", ["✅ Nothing is LOW."]),
        ("/regions", ["🟨 Jawa Barat (JBR): 🔴 1 DOWN ✅ 1 UP\n✅ Banten (BTN): ✅ 2 UP"]),
        ("/region JBR", ["🟨 Jawa Barat (JBR)", "🔴 Jawa Barat · Jbr Gt Pasteur 1"]),
        ("/region banten", ["✅ Banten (BTN): ✅ 2 UP"]),
        ("/region Bantem", ["Nothing is called Bantem. Did you mean:", "BTN (Banten)"]),
        ("/region", ["Write it like /region JBR"]),
        ("/target jbr-gt-pasteur-1", ["🔴 DOWN · Jawa Barat · Jbr Gt Pasteur 1", "Not reachable since", "loss 100 %"]),
        ("/target JBR HUB", ["✅ UP", "RTT 21.0 ms"]),
        ("/target gt", ["Several fit gt", "jbr-gt-pasteur-1", "btn-gt-2"]),
        ("/target nowhere", ["No target is called nowhere."]),
        ("/log jbr-hub", ["Last probes of Jbr Hub", "21.3 ms", "no reply in time"]),
        ("/whoami", ["Your user id: 99", f"This chat's id: {NOC}", "Your role here: admin"]),
        ("/help@Standin_Bot", ["/target jbr-hub · one target"]),
    ],
)  # fmt: skip
async def test_each_command_has_its_answer(trial: Trial, text: str, parts: list[str]) -> None:
    """In a configured group, as a silent reply."""
    fill(trial.peers)
    answer = await ask(trial.api, text)
    for part in parts:
        assert part in answer.text
    assert answer.silent


async def test_commands_for_another_bot_and_plain_words_are_not_ours(trial: Trial) -> None:
    """In groups only what is meant for us."""
    for text in ("/whoami@other_bot", "hello", "/unheard_of"):
        trial.api.say(text, user=99, chat=NOC)
    answer = await ask(trial.api, "/help")  # asked last: by now the others would be counted, if not answered
    assert answer.first_line == "What you can ask"
    assert not await trial.metric("alertbridge_commands_total", command="whoami", result="ok")
    assert len(trial.api.messages) == 1


async def test_a_stranger_gets_one_polite_answer_and_learns_nothing(api: BotApi, peers: Peers, tmp_path: Path) -> None:
    """With the numbers that the administrator needs; the known user gets answers in private."""
    fill(peers)
    async with running_bridge(api, peers, tmp_path, more=USERS) as trial:
        refusal = await ask(api, "/down", user=STRANGER, chat=None)
        assert "This bot answers only those it knows" in refusal.text
        assert f"Your user id: {STRANGER}" in refusal.text
        assert "Pasteur" not in refusal.text
        for text in ("/status", "/whoami", "/down"):
            api.say(text, user=STRANGER)
        answer = await ask(api, "/down", user=DUTY, chat=None)
        assert "Pasteur" in answer.text
        assert len(api.messages) == 2
        await trial.metric_becomes(3, "alertbridge_access_denied_total", reason="stranger")
        assert await trial.metric("alertbridge_commands_total", command="down", result="ok") == 1


async def test_unknown_words_in_private_get_the_help(api: BotApi, peers: Peers, tmp_path: Path) -> None:
    """For those it knows."""
    async with running_bridge(api, peers, tmp_path, more=USERS):
        answer = await ask(api, "/unheard_of", user=DUTY, chat=None)
        assert "That is no command I know." in answer.text
        assert "/status" in answer.text


async def test_answers_say_plainly_what_cannot_be_reached(trial: Trial) -> None:
    """The exporter is away: status tells the rest, the others say so."""
    trial.peers.down = {"exporter"}
    assert "exporter cannot be reached now" in (await ask(trial.api, "/down")).text
    status = (await ask(trial.api, "/status")).text
    assert "Open incidents: 0" in status
    assert "exporter cannot be reached now" in status
    await trial.metric_becomes(1, "alertbridge_commands_total", command="down", result="unavailable")


async def test_answers_go_to_the_topic_they_were_asked_in(trial: Trial) -> None:
    """A forum group's topic."""
    answer = await ask(trial.api, "/whoami", message_thread_id=7, is_topic_message=True)
    assert answer.topic == 7


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 409, "description": "Conflict: terminated"},
        {"status": 502, "raw": b"<html>"},
        {"status": 401, "description": "Unauthorized"},
    ],
    ids=["409", "502", "401"],
)
async def test_trouble_with_polling_never_stops_delivery_and_ends_by_itself(
    fault: dict[str, object], api: BotApi, peers: Peers, tmp_path: Path
) -> None:
    """The library's poller would die silently on 401."""
    api.fail_next(method="getUpdates", **fault)
    async with running_bridge(api, peers, tmp_path) as trial:
        await api.until(lambda: not api.world.faults)
        await trial.fire(alert())
        await api.until(lambda: api.messages)
        answer = await ask(api, "/whoami")
        assert "Your user id" in answer.text


async def test_commands_are_registered_in_both_languages(trial: Trial) -> None:
    """English for everybody else."""
    await trial.api.until(lambda: len(trial.api.world.commands) == 3)
    assert [call.get("language_code") for call in trial.api.world.commands] == [None, "id", "en"]
