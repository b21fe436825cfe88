"""Silences from the phone in a real Alertmanager, old and new: made, listed, extended, ended, told."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests.alertbridge.acting import OPERATOR, data_of, press
from tests.alertbridge.conftest import running_bridge
from tests.alertbridge.test_bot import ask, fill
from tests.alertbridge.test_real_alertmanager import RealAlertmanager, free_port, running_alertmanager

if TYPE_CHECKING:
    from pathlib import Path

    from tests.alertbridge.peers import Peers
    from tests.botapi.server import BotApi

SITE = "jbr-gt-pasteur-1"
CONFIG = """
version: 1
language: en
telegram: {{api_url: "{api}"}}
alertmanager: {{url: "{more}"}}
prometheus: {{url: "{peers}"}}
exporter: {{url: "{peers}"}}
chats: [{{name: noc, id: -1001234567890, role: viewer}}]
users: [{{name: duty, id: 22, role: operator}}]
"""


async def silences(alertmanager: RealAlertmanager, state: str) -> list[dict[str, Any]]:
    """Return Alertmanager's silences of a state."""
    answer = await alertmanager.http.get(f"{alertmanager.url}/api/v2/silences")
    answer.raise_for_status()
    return [one for one in answer.json() if one["status"]["state"] == state]


async def becomes(alertmanager: RealAlertmanager, state: str, count: int) -> list[dict[str, Any]]:
    """Wait until Alertmanager has so many silences of a state."""
    deadline = asyncio.get_running_loop().time() + 10
    while len(found := await silences(alertmanager, state)) != count:
        assert asyncio.get_running_loop().time() < deadline, found
        await asyncio.sleep(0.05)
    return found


@pytest.mark.parametrize("suite", ["installed", "sid"])
async def test_silences_in_a_real_alertmanager(suite: str, api: BotApi, peers: Peers, tmp_path: Path) -> None:
    """By button, by command, made elsewhere; until it is back: extended under its id, then ended and told."""
    port = free_port()
    fill(peers)
    async with (
        running_alertmanager(suite, tmp_path, port) as alertmanager,
        running_bridge(api, peers, tmp_path, config=CONFIG, more=alertmanager.url, listen=f"127.0.0.1:{port}") as trial,
    ):
        began = datetime.now(UTC)
        await alertmanager.send(SITE, started=began, firing=True)
        await api.until(lambda: api.messages)
        message = api.messages[0]
        # One hour, by button: Alertmanager hides the alert, the message says so and loses the buttons for silences.
        await press(trial, message, data_of(message, "1 hour"))
        (silence,) = await becomes(alertmanager, "active", 1)
        assert (silence["createdBy"], silence["comment"]) == ("duty", "no reason given")
        await api.until(lambda: "Silenced in Alertmanager" in message.text)
        await api.until(lambda: any("silenced until" in m.text for m in api.messages))
        assert not [b for row in message.buttons for b in row if "🔕" in b["text"]]
        # Ended by command: it is over at once, and the message is as before.
        ended = await ask(api, f"/unsilence {silence['id'][:8]}", user=OPERATOR)
        assert ended.text == "🔔 Silence on Jawa Barat · Jbr Gt Pasteur 1 ended by duty"
        await becomes(alertmanager, "active", 0)
        await api.until(lambda: "Silenced in Alertmanager" not in message.text)
        # Made elsewhere: listed.
        await alertmanager.silence("btn-gt-1")
        listed = (await ask(api, "/silences", user=OPERATOR)).text
        assert "target=btn-gt-1" in listed
        assert "test: test" in listed
        # Until it is back: extended while it is down.
        await press(trial, message, data_of(message, "Until it is back"))
        await becomes(alertmanager, "active", 2)
        await api.until(lambda: any("silenced until it is back" in m.text for m in api.messages))
        (mine,) = [one for one in await silences(alertmanager, "active") if one["createdBy"] == "duty"]
        keeper = trial.bridge.parts.keeper
        keeper.now = lambda: datetime.now(UTC) + timedelta(minutes=7)
        first_end = datetime.fromisoformat(mine["endsAt"])
        deadline = asyncio.get_running_loop().time() + 10
        while datetime.fromisoformat(mine["endsAt"]) < first_end + timedelta(minutes=5):
            assert asyncio.get_running_loop().time() < deadline
            await asyncio.sleep(0.05)
            (mine,) = [one for one in await silences(alertmanager, "active") if one["createdBy"] == "duty"]
        keeper.now = lambda: datetime.now(UTC)
        # It is back: Alertmanager says nothing, since it is silenced; the bridge asks, tells it, and ends the silence.
        await alertmanager.send(SITE, started=began, firing=False)
        peers.put(SITE, "up", age_seconds=95)
        old = datetime.now(UTC) - timedelta(minutes=2)
        found = await trial.bridge.store.transact(lambda q: q.newest_incident(f"target:{SITE}"))
        assert found is not None
        names = [record.fingerprint for record in found.records]
        await trial.bridge.store.transact(lambda q: q.update_records(names, seen_at=old))
        await api.until(lambda: message.first_line.startswith("✅"), seconds=15)
        await api.until(lambda: any("and with it the silence until then" in m.text for m in api.messages))
        (left,) = await becomes(alertmanager, "active", 1)
        assert left["createdBy"] == "test"
        # A silence that somebody ends elsewhere was made for a place where nothing is wrong: no word of it.
        before = len(api.messages)
        (await alertmanager.http.delete(f"{alertmanager.url}/api/v2/silence/{left['id']}")).raise_for_status()
        assert (await ask(api, "/silences", user=OPERATOR)).text == "Nothing is silenced."
        assert len(api.messages) == before + 1
