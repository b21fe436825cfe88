"""A bridge with a token and no chat: it says how to be set up, keeps what comes, and tells it when a chat is named."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest_asyncio

from tests.alertbridge.conftest import NOC, running_bridge
from tests.alertbridge.logged import logging_to
from tests.alertbridge.peers import target_item
from tests.alertbridge.test_bot import ask, fill
from tests.alertbridge.test_reload_link import reload, rewrite
from tests.alertbridge.webhooks import alert, watchdog

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.alertbridge.conftest import Trial
    from tests.alertbridge.peers import Peers
    from tests.botapi.server import BotApi

CONFIG = """
version: 1
language: en
telegram: {{api_url: "{api}", token_file: "{more}"}}
alertmanager: {{url: "{peers}"}}
prometheus: {{url: "{peers}"}}
exporter: {{url: "{peers}"}}
watchdog: {{timeout: 1s}}
users: [{{name: duty, id: 4242}}]
"""
NOBODY = "❗ No chat is configured yet: alerts are kept, and nobody is told."


@pytest_asyncio.fixture
async def trial(api: BotApi, peers: Peers, tmp_path: Path) -> AsyncIterator[Trial]:
    """Give a bridge with a token, one user and no chat."""
    fill(peers)
    (tmp_path / "token").write_text(api.token, encoding="utf-8")
    more = str(tmp_path / "token")
    async with running_bridge(api, peers, tmp_path, token=False, config=CONFIG, more=more) as running_trial:
        yield running_trial


async def test_whoami_tells_what_to_write_in_a_group(trial: Trial) -> None:
    """The line can be copied as it is; a topic is part of it."""
    answer = await ask(trial.api, "/whoami", user=99, chat=NOC, is_topic_message=True, message_thread_id=7)
    assert answer.text == (
        f"Your user id: 99\nThis chat's id: {NOC}\nTopic: 7\nYour role here: none\n\n{NOBODY}\n\n"
        "To have alerts told here, add this below chats: in alertbridge.yml; it holds within seconds:\n"
        f"- {{name: noc, id: {NOC}, topic: 7, role: operator}}"
    )


async def test_whoami_in_private_names_both_ways(trial: Trial) -> None:
    """This chat itself, or a group."""
    answer = await ask(trial.api, "/whoami", user=99, chat=99)
    assert "- {name: noc, id: 99, role: operator}" in answer.text
    assert answer.text.endswith("Or add me to the group that is to be told: I answer there with its id.")


async def test_whoever_adds_the_bot_to_a_group_gets_its_id(trial: Trial) -> None:
    """A plain command may not reach a bot in a group; that it came does."""
    newcomer = {"id": 123456, "is_bot": True, "first_name": "Stand-in", "username": "standin_bot"}
    answer = await ask(trial.api, "", user=99, chat=-100777, new_chat_members=[newcomer])
    assert "- {name: noc, id: -100777, role: operator}" in answer.text


async def test_a_person_may_try_in_every_chat(trial: Trial) -> None:
    """An hour's silence after the first try would leave them puzzled."""
    await ask(trial.api, "/whoami", user=99, chat=99)
    answer = await ask(trial.api, "/whoami", user=99, chat=NOC)
    assert f"This chat's id: {NOC}" in answer.text


async def test_everybody_who_looks_learns_that_nobody_is_told(trial: Trial) -> None:
    """/status, the status page, /-/ready; and a log line at the start."""
    assert NOBODY in (await ask(trial.api, "/status", user=4242, chat=4242)).text
    line = "chats: alertbridge.yml names none, so nobody is told; alerts are kept until it does\n"
    assert (await trial.http.get(f"{trial.bridge.url}/-/ready")).text == f"ready\n{line}"
    assert f"! {line}" in (await trial.http.get(trial.bridge.url)).text


async def test_what_is_open_is_told_once_when_a_chat_is_named(trial: Trial) -> None:
    """By a reload; what is over by then is told to nobody; a second reload repeats nothing."""
    await trial.fire(alert(), alert(target="jbr-low", name="VPNTargetLow", severity="warning"))
    trial.peers.targets["jbr-low"] = target_item("jbr-low")
    await trial.fire(alert(target="jbr-low", name="VPNTargetLow", severity="warning", status="resolved"))
    assert trial.api.messages == []
    with logging_to(trial.bridge.live.secrets) as logged:
        rewrite(trial, "users:", f"chats: [{{name: noc, id: {NOC}}}]\nusers:")
        await reload(trial)
        await trial.api.until(lambda: any("Pasteur" in m.first_line for m in trial.api.messages))
        await reload(trial)
        await trial.fire(alert(target="jbr-hub"))
        await trial.api.until(lambda: any("Hub" in m.first_line for m in trial.api.messages))
        assert [event["incidents"] for event in logged.events("told late")] == [1]
    assert [m.chat_id for m in trial.api.messages if "Pasteur" in m.first_line] == [NOC]
    assert not any("Low" in m.first_line for m in trial.api.messages)


async def test_the_dead_mans_switch_waits_for_somebody_to_tell(trial: Trial) -> None:
    """It has run out long ago: the first chat hears of it. And nothing outside is told that all is well before."""
    await trial.fire(watchdog())
    watch = trial.bridge.parts.watchdog
    assert not await watch.well()
    long_ago = timedelta(seconds=1.5)  # the time-out, and many looks
    await trial.api.until(lambda: datetime.now(UTC) - watch.signs.seen_at > long_ago)
    rewrite(trial, "users:", f"chats: [{{name: noc, id: {NOC}}}]\nusers:")
    await reload(trial)
    await trial.api.until(lambda: any("monitoring itself is silent" in m.text for m in trial.api.messages))


async def test_at_the_start_one_line_says_it(api: BotApi, peers: Peers, tmp_path: Path) -> None:
    """With the remedy."""
    (tmp_path / "token").write_text(api.token, encoding="utf-8")
    more = str(tmp_path / "token")
    with logging_to(tuple) as logged:
        async with running_bridge(api, peers, tmp_path, token=False, config=CONFIG, more=more) as trial:
            await trial.metric_becomes(1, "alertbridge_telegram_polling_up")
    (line,) = logged.events("nobody is told")
    assert (line["level"], "/whoami" in line["remedy"]) == ("warning", True)


async def test_a_stranger_of_a_bridge_that_is_set_up_is_told_what_to_write_too(
    api: BotApi, peers: Peers, tmp_path: Path
) -> None:
    """A second group: another name than the one that is taken. Nothing of the file is in the answer but that."""
    async with running_bridge(api, peers, tmp_path) as trial:
        answer = await ask(trial.api, "/whoami", user=99, chat=-5551234)
        assert "- {name: chat-1234, id: -5551234, role: operator}" in answer.text
        assert "No chat is configured" not in answer.text
        private = await ask(trial.api, "/whoami", user=98, chat=98)
        assert private.text.endswith("you need this below users: in alertbridge.yml:\n- {name: duty, id: 98}")
