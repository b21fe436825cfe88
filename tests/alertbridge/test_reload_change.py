"""alertbridge.yml changing is a reload by itself, unless it would silence a chat: that waits for a person's word."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.alertbridge.conftest import Trial

SECOND = "  - {name: second, id: -100777}\n"


async def becomes(condition: Callable[[], bool]) -> bool:
    """Wait until something holds; False after 15 seconds."""
    deadline = asyncio.get_running_loop().time() + 15
    while not condition():
        if asyncio.get_running_loop().time() > deadline:
            return False
        await asyncio.sleep(0.02)
    return True


def chats(trial: Trial) -> list[str]:
    return [chat.name for chat in trial.bridge.live.settings.chats]


def add_second(trial: Trial) -> str:
    """Add a chat to the file; return the text before."""
    before = trial.config.read_text(encoding="utf-8")
    head, key, tail = before.partition("chats:\n")
    trial.config.write_text(f"{head}{key}{SECOND}{tail}", encoding="utf-8")
    return before


async def test_a_changed_file_is_in_force_without_being_asked_for(trial: Trial) -> None:
    """As the exporter follows targets.yml."""
    first = chats(trial)
    add_second(trial)
    assert await becomes(lambda: chats(trial) == ["second", *first])


async def test_a_bad_change_is_told_and_changes_nothing(trial: Trial) -> None:
    """By the metric that VPNConfigReloadFailed reads; a good file ends it."""
    before = trial.config.read_text(encoding="utf-8")
    trial.config.write_text(f"{before}\nchat: []\n", encoding="utf-8")
    await trial.metric_becomes(0, "alertbridge_config_last_reload_successful")
    trial.config.write_text(before, encoding="utf-8")
    await trial.metric_becomes(1, "alertbridge_config_last_reload_successful")


async def test_a_change_that_would_silence_a_chat_waits_for_a_word(trial: Trial) -> None:
    """An editor saves halves, and what waits for a chat that is gone is given up. A reload by a person confirms it."""
    before = add_second(trial)
    assert await becomes(lambda: "second" in chats(trial))
    trial.config.write_text(before, encoding="utf-8")

    async def page() -> str:
        return (await trial.http.get(f"{trial.bridge.url}/")).text

    deadline = asyncio.get_running_loop().time() + 15
    while "would remove second" not in await page():
        assert asyncio.get_running_loop().time() < deadline
        await asyncio.sleep(0.02)
    assert "second" in chats(trial)
    assert (await trial.http.post(f"{trial.bridge.url}/-/reload")).status_code == 200
    assert "second" not in chats(trial)
    assert "would remove" not in await page()
