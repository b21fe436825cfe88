"""Lost connection, conflict, revoked token: each in a metric, in one log line per change and in /-/ready.

Over real HTTP with the Bot API stand-in; alerts are taken meanwhile, and delivered wherever Telegram takes messages.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

import httpx

from tests.alertbridge.conftest import CONFIG, NOC, running_bridge
from tests.alertbridge.logged import logging_to
from tests.alertbridge.test_bot import ask, fill
from tests.alertbridge.webhooks import alert
from tests.botapi.server import BotApi

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    import pytest

    from tests.alertbridge.conftest import Trial
    from tests.alertbridge.peers import Peers

NOT, AGAIN = "commands cannot be fetched", "commands are fetched again"
UP = "alertbridge_telegram_polling_up"


async def ready(trial: Trial) -> list[str]:
    """Return the lines of /-/ready, which must say ready: Alertmanager is not turned away."""
    answer = await trial.http.get(f"{trial.bridge.url}/-/ready")
    lines = answer.text.splitlines()
    assert (answer.status_code, lines[0]) == (200, "ready")
    return lines[1:]


@contextlib.asynccontextmanager
async def another_poller(api: BotApi) -> AsyncIterator[None]:
    """Let a second program fetch the same bot's updates while the block runs."""

    async def poll() -> None:
        async with httpx.AsyncClient(timeout=30.0) as http:
            while True:
                await http.post(f"{api.url}/bot{api.token}/getUpdates", data={"timeout": "10"})
                await asyncio.sleep(0.05)

    task = asyncio.create_task(poll())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def test_a_conflict_is_named_everywhere_and_alerts_arrive(trial: Trial) -> None:
    """Two pollers: metric, one log line, /-/ready, the status page, /status, and one message to the admin chat."""
    fill(trial.peers)
    with logging_to(trial.bridge.live.secrets) as logged:
        await trial.metric_becomes(1, UP)
        async with another_poller(trial.api):
            await trial.metric_becomes(0, UP)
            await trial.api.until(lambda: trial.api.messages, what="the admin chat is told")
            assert trial.api.messages[0].text.startswith("❗ Another program fetches this bot's commands")
            await trial.fire(alert())
            await trial.api.until(lambda: len(trial.api.messages) == 2, what="an alert during the conflict")
            (line,) = await ready(trial)
            assert line.startswith("commands: not fetched since 20")
            assert line.endswith("(conflict): another program fetches this bot's updates, or a webhook is set; stop it")
            page = (await trial.http.get(trial.bridge.url)).text
            assert f"! {line}\n" in page
            assert "commands: NOT fetched\n" in page
            assert (await trial.metric("alertbridge_telegram_poll_failures_total", reason="conflict") or 0) >= 3
        answer = await ask(trial.api, "/status")  # the other one has gone, but not long enough
        assert "❗ Commands and buttons work only now and then, for" in answer.text
        deadline = asyncio.get_running_loop().time() + 30
        while await trial.metric(UP) != 1:
            assert asyncio.get_running_loop().time() < deadline
            trial.api.say("just talking", user=99, chat=NOC)  # ends the poll that is out, as people do
            await asyncio.sleep(0.2)
        assert await ready(trial) == []
    assert [(e["event"], e["reason"]) for e in logged.events(NOT, AGAIN)] == [(NOT, "conflict"), (AGAIN, "conflict")]
    assert len([m for m in trial.api.messages if "Another program" in m.text]) == 1


async def test_polls_that_break_are_named_and_alerts_arrive(trial: Trial) -> None:
    """The way for commands is lost, that for messages is not."""
    with logging_to(trial.bridge.live.secrets) as logged:
        await trial.metric_becomes(1, UP)
        trial.api.fail_next(method="getUpdates", cut=True, times=2)
        trial.api.say("/nothing", user=99)  # ends the poll that is out; the next two break
        await trial.metric_becomes(0, UP)
        (line,) = await ready(trial)
        assert line.startswith("commands: not fetched since 20")
        assert line.endswith("(unreachable)")
        await trial.fire(alert())
        await trial.api.until(lambda: any("DOWN" in m.first_line for m in trial.api.messages))
        assert (await trial.http.get(f"{trial.bridge.url}/-/ready")).status_code == 200
        await trial.metric_becomes(1, UP, seconds=30.0)
    told = [(e["event"], e["reason"]) for e in logged.events(NOT, AGAIN)]
    assert told == [(NOT, "unreachable"), (AGAIN, "unreachable")]
    assert await trial.metric("alertbridge_telegram_poll_failures_total", reason="unreachable") == 2


async def test_without_any_connection_alerts_are_taken_and_told_later(
    peers: Peers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Telegram is away altogether: both ways are named, nothing is lost, and the first poll that works has it told."""
    monkeypatch.setattr("alertbridge.retry.FIRST_DELAY_SECONDS", 600.0)  # the outbox itself would ask much later
    monkeypatch.setattr("alertbridge.retry.LONGEST_DELAY_SECONDS", 600.0)
    with BotApi() as api:
        api.world.rates.enforced = False
        port = int(api.url.rpartition(":")[2])
    with logging_to(tuple) as logged:
        async with running_bridge(api, peers, tmp_path) as trial:
            await trial.metric_becomes(0, UP)
            await trial.fire(alert())
            await trial.metric_becomes(0, "alertbridge_telegram_up")
            lines = await ready(trial)
            assert lines[0] == "telegram: does not take messages; they wait in the outbox"
            assert lines[1].endswith("(unreachable)")
            with BotApi(port=port) as back:
                back.world.rates.enforced = False
                await back.until(lambda: back.messages, seconds=60.0, what="the alert that waited")
                await trial.metric_becomes(1, UP, seconds=90.0)
                await trial.metric_becomes(1, "alertbridge_telegram_up")
                assert await ready(trial) == []
                assert len(back.messages) == 1
    assert [(e["event"], e["reason"]) for e in logged.events(NOT, AGAIN)] == [
        (NOT, "unreachable"),
        (AGAIN, "unreachable"),
    ]
    assert len(logged.events("delivery works again")) == 1


async def test_a_revoked_token_is_named_and_alerts_wait(trial: Trial, monkeypatch: pytest.MonkeyPatch) -> None:
    """Telegram takes nothing with it: alerts are stored; everything comes when the token is good again."""
    monkeypatch.setattr("alertbridge.retry.TOKEN_DELAY_SECONDS", 0.2)
    good = trial.api.token
    with logging_to(trial.bridge.live.secrets) as logged:
        await trial.metric_becomes(1, UP)
        trial.api.world.token = "999:another"
        trial.api.say("/nothing", user=99)  # ends the poll that is out
        await trial.metric_becomes(0, UP)
        lines = await ready(trial)
        assert lines[-1].endswith("(token): Telegram refuses the token; get one from @BotFather, then reload")
        await trial.fire(alert())
        await trial.metric_becomes(0, "alertbridge_telegram_up")
        assert (await ready(trial))[0].startswith("telegram: does not take messages")
        assert trial.api.messages == []
        trial.api.world.token = good
        await trial.api.until(lambda: any("DOWN" in m.first_line for m in trial.api.messages), seconds=30.0)
        await trial.metric_becomes(1, UP, seconds=60.0)
    assert [(e["event"], e["reason"]) for e in logged.events(NOT, AGAIN)] == [(NOT, "token"), (AGAIN, "token")]


async def test_a_webhook_that_is_set_is_named_as_such(trial: Trial) -> None:
    """It is a conflict too, with another remedy."""
    description = "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete it first"
    trial.api.fail_next(method="getUpdates", status=409, description=description, times=4)
    trial.api.say("/nothing", user=99)  # ends the poll that is out
    await trial.api.until(lambda: trial.api.messages)
    assert trial.api.messages[0].text.startswith("❗ A webhook is set for this bot")


async def test_with_nothing_to_send_polls_tell_that_telegram_answers_again(trial: Trial) -> None:
    """Else it would count as away, and the outside not be pinged, until the next alarm."""
    good = trial.api.token
    await trial.metric_becomes(1, "alertbridge_telegram_up")
    trial.api.world.token = "999:another"
    trial.api.say("/nothing", user=99)  # ends the poll that is out
    await trial.metric_becomes(0, "alertbridge_telegram_up")
    trial.api.world.token = good
    await trial.metric_becomes(1, "alertbridge_telegram_up", seconds=60.0)
    assert await ready(trial) == []


async def test_a_dry_run_polls_nobody(api: BotApi, peers: Peers, tmp_path: Path) -> None:
    """No metric, no trouble."""
    async with running_bridge(api, peers, tmp_path, token=False, config=CONFIG) as trial:
        assert await ready(trial) == []
        assert await trial.metric(UP) is None
        assert "dry run" in (await trial.http.get(trial.bridge.url)).text
