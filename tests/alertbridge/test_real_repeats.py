"""A real Alertmanager repeats to the real bridge: what the chat gets of it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from tests.alertbridge.conftest import NOC, running_bridge
from tests.alertbridge.test_real_alertmanager import CONFIG, SITE, free_port, running_alertmanager

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from tests.alertbridge.conftest import Trial
    from tests.alertbridge.peers import Peers
    from tests.botapi.server import BotApi

DUTY = 22
USERS = CONFIG + f"users: [{{{{name: duty, id: {DUTY}, role: operator}}}}]\n"


async def repeats(trial: Trial, count: int) -> None:
    """Wait until Alertmanager has posted so many more webhooks, and they were taken."""
    begun = await trial.metric("alertbridge_webhooks_total", result="ok") or 0
    async with asyncio.timeout(60):
        while (await trial.metric("alertbridge_webhooks_total", result="ok") or 0) < begun + count:  # noqa: ASYNC110 - a number over HTTP
            await asyncio.sleep(0.1)


async def test_the_same_webhook_again_within_minutes_says_nothing(api: BotApi, peers: Peers, tmp_path: Path) -> None:
    """A retry, a peer's copy, an impatient repeat_interval: no message, no edit."""
    port = free_port()
    async with (
        running_alertmanager("installed", tmp_path, port, repeat_seconds=1) as alertmanager,
        running_bridge(api, peers, tmp_path, config=CONFIG, more=alertmanager.url, listen=f"127.0.0.1:{port}") as trial,
    ):
        peers.put(SITE, "down", age_seconds=4)
        await alertmanager.send(SITE, started=datetime.now(UTC), firing=True)
        await api.until(lambda: api.messages)
        before = api.messages[0].edits
        await repeats(trial, 4)
        await trial.metric_becomes(0, "alertbridge_outbox_messages", state="pending")
    assert [message.edits for message in api.messages] == [before], api.transcript()


async def test_a_repeat_reminds_of_a_critical_until_somebody_has_taken_it(
    api: BotApi, peers: Peers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each repeat is a reply with sound that says how long it lasts; then the chat is quiet."""
    monkeypatch.setattr("alertbridge.incidents.REPEAT_AFTER", timedelta(seconds=2))  # as 10 min are to 4 h
    port = free_port()
    async with (
        running_alertmanager("installed", tmp_path, port, repeat_seconds=5) as alertmanager,
        running_bridge(api, peers, tmp_path, config=USERS, more=alertmanager.url, listen=f"127.0.0.1:{port}") as trial,
    ):
        peers.put(SITE, "down", age_seconds=4)
        await alertmanager.send(SITE, started=datetime.now(UTC), firing=True)
        await api.until(lambda: len(api.messages) >= 3, seconds=60)
        first, second, third = api.messages[:3]
        assert [second.reply_to, third.reply_to] == [first.message_id, second.message_id]
        for reminder in (second, third):
            assert "Still so after" in reminder.texts[0]
            assert not reminder.silent
        api.say(f"/ack {SITE}", user=DUTY, chat=NOC)
        await api.until(lambda: [m for m in api.messages if "In the hands of duty" in m.text], seconds=20)
        await repeats(trial, 1)  # a reminder may have been on its way
        await trial.metric_becomes(0, "alertbridge_outbox_messages", state="pending")
        taken = len(api.messages)
        await repeats(trial, 2)
        await trial.metric_becomes(0, "alertbridge_outbox_messages", state="pending")
    assert len(api.messages) == taken, api.transcript()
