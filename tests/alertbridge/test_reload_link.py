"""A reload with another token or API address opens the link to Telegram anew; another store, or none, is refused."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from tests.alertbridge.conftest import running_bridge
from tests.alertbridge.logged import logging_to
from tests.alertbridge.test_bot import ask, fill
from tests.alertbridge.webhooks import alert
from tests.botapi.server import BotApi

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.alertbridge.conftest import Trial
    from tests.alertbridge.peers import Peers

CONFIG = """
version: 1
language: en
telegram: {{api_url: "{api}", token_file: "{more}"}}
alertmanager: {{url: "{peers}"}}
prometheus: {{url: "{peers}"}}
exporter: {{url: "{peers}"}}
chats:
  - {{name: noc, id: -1001234567890, role: admin}}
"""
NEW = "777:another_token-for-the-same-bot-987654321"


@pytest_asyncio.fixture
async def trial(api: BotApi, peers: Peers, tmp_path: Path) -> AsyncIterator[Trial]:
    """Give a bridge that reads its token from a file."""
    fill(peers)
    token_file = tmp_path / "token"
    token_file.write_text(f"{api.token}\n", encoding="utf-8")
    async with running_bridge(api, peers, tmp_path, token=False, config=CONFIG, more=str(token_file)) as running_trial:
        yield running_trial


async def reload(trial: Trial) -> dict[str, object]:
    """Reload over HTTP; it must succeed."""
    answer = await trial.http.post(f"{trial.bridge.url}/-/reload")
    assert answer.status_code == 200, answer.text
    found: dict[str, object] = answer.json()
    return found


def rewrite(trial: Trial, old: str, new: str) -> None:
    """Change alertbridge.yml."""
    text = trial.config.read_text(encoding="utf-8")
    assert old in text
    trial.config.write_text(text.replace(old, new), encoding="utf-8")


async def test_a_new_token_is_used_at_once_and_nothing_is_lost(trial: Trial, tmp_path: Path) -> None:
    """What waited because the old one was revoked is sent once; commands are fetched; neither token is ever logged."""
    old = trial.api.token

    def heads() -> str:
        return "\n".join(message.first_line for message in trial.api.messages)

    with logging_to(trial.bridge.live.secrets, "debug") as logged:
        await trial.metric_becomes(1, "alertbridge_telegram_polling_up")
        trial.api.world.token = NEW
        await trial.fire(alert(), alert(target="jbr-hub"))
        await trial.metric_becomes(0, "alertbridge_telegram_up")  # everybody waits a minute now
        (tmp_path / "token").write_text(NEW, encoding="utf-8")
        assert (await reload(trial))["restart_needed"] == []
        await trial.api.until(lambda: "Pasteur" in heads() and "Hub" in heads(), what="what waited")
        assert (await ask(trial.api, "/status")).text.startswith("🔴 1 DOWN")
        await trial.metric_becomes(1, "alertbridge_telegram_up")
        await trial.metric_becomes(1, "alertbridge_telegram_polling_up")
        text = logged.text
    assert [heads().count(name) for name in ("Jbr Gt Pasteur 1", "Jbr Hub")] == [1, 1]
    assert "sendMessage" in text  # the libraries' lines are in it
    assert [secret for token in (old, NEW) for secret in (token, token.partition(":")[2]) if secret in text] == []


async def test_a_new_api_address_is_used_at_once(trial: Trial) -> None:
    """By SIGHUP; messages and commands go to the other server, and none to the one before."""
    with BotApi() as other:
        other.world.rates.enforced = False
        rewrite(trial, trial.api.url, other.url)
        os.kill(os.getpid(), signal.SIGHUP)
        await other.until(lambda: any(call.method == "getMe" for call in other.calls), what="the poller")
        await trial.fire(alert())
        await other.until(lambda: other.messages)
        assert (await ask(other, "/status")).text.startswith("🔴 1 DOWN")
        assert trial.api.messages == []
        trial.api.say("/status", user=99)
        assert trial.api.world.updates  # nobody fetches there any more
        rewrite(trial, other.url, trial.api.url)
        await reload(trial)


async def test_a_request_that_is_out_ends_on_the_old_connection(trial: Trial) -> None:
    """Nothing is sent twice because the link was opened anew in the middle."""
    trial.api.fail_next(method="sendMessage", accept=True, hang_seconds=0.5, raw=OK, content_type="application/json")
    trial.api.world.faults[-1].status = 200
    await trial.fire(alert())
    await trial.api.until(lambda: trial.api.messages)
    with BotApi() as other:
        other.world.rates.enforced = False
        rewrite(trial, trial.api.url, other.url)
        await reload(trial)
        await trial.metric_becomes(1, "alertbridge_deliveries_total")
        assert (len(trial.api.messages), other.messages) == (1, [])
        rewrite(trial, other.url, trial.api.url)
        await reload(trial)


async def test_what_the_old_connection_refuses_is_tried_on_the_new_one(trial: Trial) -> None:
    """At once: the minute that a refused token costs is the old connection's."""
    trial.api.fail_next(method="sendMessage", status=401, description="Unauthorized", hang_seconds=1.0)
    await trial.fire(alert())
    await trial.api.until(lambda: any(call.method == "sendMessage" for call in trial.api.calls))  # it is out
    with BotApi() as other:
        other.world.rates.enforced = False
        rewrite(trial, trial.api.url, other.url)
        await reload(trial)
        await other.until(lambda: other.messages, what="the message that was refused")
        assert await trial.metric("alertbridge_delivery_failures_total", reason="token") == 0
        rewrite(trial, other.url, trial.api.url)
        await reload(trial)


OK = b'{"ok":true,"result":{"message_id":1,"date":1,"chat":{"id":-1001234567890,"type":"supergroup","title":"x"}}}'


async def test_another_store_needs_a_restart_and_is_named_each_time(trial: Trial, tmp_path: Path) -> None:
    """In the answer, in the log and on /-/ready, until the file says the old one again; everything else is applied."""
    rewrite(trial, "language: en", f'language: id\nstore: {{path: "{tmp_path}/other.db"}}')
    with logging_to(trial.bridge.live.secrets) as logged:
        for _ in range(2):
            assert (await reload(trial))["restart_needed"] == ["store"]
    named = [event["changed"] for event in logged.events("restart needed")]
    assert (set(named), len(named) >= 2) == ({"store"}, True)  # once more where the change of the file was seen first
    ready = (await trial.http.get(f"{trial.bridge.url}/-/ready")).text
    assert ready == "ready\nsettings: store changed in alertbridge.yml; it holds after a restart\n"
    await trial.fire(alert())
    await trial.api.until(lambda: trial.api.messages)
    assert "Terputus sejak" in trial.api.messages[0].text
    assert not (tmp_path / "other.db").exists()
    rewrite(trial, f'\nstore: {{path: "{tmp_path}/other.db"}}', "")
    assert (await reload(trial))["restart_needed"] == []
    assert (await trial.http.get(f"{trial.bridge.url}/-/ready")).text == "ready\n"


async def test_a_new_token_in_its_file_is_taken_without_being_asked_for(trial: Trial, tmp_path: Path) -> None:
    """As a changed alertbridge.yml is: whoever puts a new secret in place may know of no reload."""
    trial.api.world.token = NEW
    (tmp_path / "token").write_text(NEW, encoding="utf-8")
    await trial.fire(alert())
    await trial.api.until(lambda: len(trial.api.messages) == 1, seconds=20)


async def test_a_secret_that_was_missing_is_taken_when_it_comes(trial: Trial, tmp_path: Path) -> None:
    """The settings name it first, so they were refused; then it is put in place, and they hold."""
    rewrite(trial, "chats:", f"webhook: {{bearer_token_file: {tmp_path / 'webhook'}}}\nchats:")
    await trial.metric_becomes(0, "alertbridge_config_last_reload_successful")
    (tmp_path / "webhook").write_text("a-secret-of-the-webhook", encoding="utf-8")
    await trial.metric_becomes(1, "alertbridge_config_last_reload_successful")
    assert trial.bridge.live.settings.webhook_token is not None


async def test_a_token_that_is_gone_stays_in_use(trial: Trial, tmp_path: Path) -> None:
    """An empty file is one that is being written: alerts go on to Telegram, and are not printed somewhere."""
    (tmp_path / "token").write_text("# soon\n", encoding="utf-8")
    done = await reload(trial)
    assert done["restart_needed"] == ["telegram.token_file"]
    assert "is empty" in str(done["warnings"])
    await trial.fire(alert())
    await trial.api.until(lambda: trial.api.messages)


@pytest.mark.parametrize("named", [False, True], ids=["the dry run's own chat", "a chat of the file"])
async def test_a_token_that_comes_ends_the_dry_run(api: BotApi, peers: Peers, tmp_path: Path, *, named: bool) -> None:
    """The way most people begin: what is open and was only printed is told, once, and commands are answered."""
    fill(peers)
    token_file = tmp_path / "token"
    token_file.write_text("", encoding="utf-8")
    chats = "chats: [{{name: noc, id: -1001234567890}}]"
    config = CONFIG.partition("chats:")[0] + (chats if named else "")
    async with running_bridge(api, peers, tmp_path, token=False, config=config, more=str(token_file)) as trial:
        await trial.fire(alert())
        await trial.metric_becomes(1, "alertbridge_deliveries_total")
        token_file.write_text(api.token, encoding="utf-8")
        if not named:
            rewrite(trial, "language: en", f"language: en\n{chats.format()}")
        assert (await reload(trial))["restart_needed"] == []
        await api.until(lambda: api.messages, what="what was only printed")
        assert "Jbr Gt Pasteur 1" in api.messages[0].first_line
        await reload(trial)
        assert (await ask(api, "/status")).text.startswith("🔴 1 DOWN")
        assert len(api.in_chat(-1001234567890)) == 2
    async with running_bridge(api, peers, tmp_path, token=False, config=CONFIG, more=str(token_file)) as trial:
        assert (await ask(api, "/status")).text.startswith("🔴 1 DOWN")
        assert len(api.in_chat(-1001234567890)) == 3  # nor does a restart tell it again
