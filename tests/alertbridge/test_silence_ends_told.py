"""The end of a silence over HTTP: who is told, once, and the button that prolongs it; in real Alertmanagers too."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

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
    settled,
    told,
)
from tests.alertbridge.conftest import NOC, running_bridge
from tests.alertbridge.peers import text_of
from tests.alertbridge.test_bot import ask, fill
from tests.alertbridge.test_bot_real_alertmanager import CONFIG as REAL_CONFIG
from tests.alertbridge.test_bot_real_alertmanager import becomes
from tests.alertbridge.test_real_alertmanager import free_port, running_alertmanager

if TYPE_CHECKING:
    from pathlib import Path

    from tests.alertbridge.conftest import Trial
    from tests.alertbridge.peers import Peers
    from tests.botapi.server import BotApi

IDENT = "9d3c0f6e-0000-4000-8000-000000000001"
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


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


TWO = """
version: 1
language: en
telegram: {{api_url: "{api}"}}
alertmanager: {{url: "{peers}"}}
prometheus: {{url: "{peers}"}}
exporter: {{url: "{peers}"}}
chats:
  - {{name: noc, id: -1001234567890}}
  - {{name: east, id: -1002, timezone: WIT}}
  - {{name: other, id: -1003}}
users: [{{name: duty, id: 22, role: operator}}]
routes:
  - {{match: {{severity: critical}}, chats: [noc, east]}}
{more}
"""
EAST, OTHER = -1002, -1003


async def test_who_was_told_of_the_end_hears_that_it_was_put_off_elsewhere(
    api: BotApi, peers: Peers, tmp_path: Path
) -> None:
    """In the time of that chat, without sound, and once; who knew nothing of the silence hears nothing."""
    fill(peers)
    async with running_bridge(api, peers, tmp_path, config=TWO) as trial:
        await told(trial)
        await api.until(lambda: api.in_chat(EAST))
        await ask(api, f"/silence {SITE} 2h work", user=OPERATOR)
        set_ahead(trial, timedelta(minutes=112))
        await warned_of(trial, 1)
        await api.until(lambda: api.in_chat(EAST)[-1].text.startswith("⏳"))
        message = next(one for one in api.in_chat(NOC) if one.text.startswith("⏳"))
        await press(trial, message, data_of(message, "1 hour more"))
        await api.until(lambda: "goes on until" in api.in_chat(EAST)[-1].text)
        (notice,) = [one for one in api.in_chat(EAST) if "goes on until" in one.text]
        assert notice.text.startswith("🔕 The silence on Jbr Gt Pasteur 1 goes on until ")
        assert notice.text.endswith(" WIT: duty has prolonged it.")
        assert notice.silent
        await api.until(lambda: "goes on until" in api.in_chat(NOC)[-1].text, what="the answer to the press")
        await settled(trial)
        assert sum("goes on until" in one.text for one in api.in_chat(NOC)) == 1
        assert api.in_chat(OTHER) == []


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
