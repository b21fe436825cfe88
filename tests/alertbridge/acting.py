"""What tests of acting share: a bridge with people who have roles, pressing a button, reading the record."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest_asyncio

from tests.alertbridge.conftest import running_bridge
from tests.alertbridge.peers import text_of
from tests.alertbridge.test_bot import fill
from tests.alertbridge.webhooks import alert

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from alertbridge.store.action_queries import Action
    from tests.alertbridge.conftest import Trial
    from tests.alertbridge.peers import Peers
    from tests.botapi.server import BotApi
    from tests.botapi.world import Message


SITE = "jbr-gt-pasteur-1"
VIEWER, OPERATOR, ADMIN, STRANGER = 11, 22, 33, 44
ANONYMOUS = 1087968824
CONFIG = """
version: 1
language: en
telegram: {{api_url: "{api}"}}
alertmanager: {{url: "{peers}"}}
prometheus: {{url: "{peers}"}}
exporter: {{url: "{peers}"}}
chats: [{{name: noc, id: -1001234567890, role: viewer}}]
users:
  - {{name: duty, id: 22, role: operator}}
  - {{name: boss, id: 33, role: admin}}
{more}
"""


@pytest_asyncio.fixture
async def with_people(api: BotApi, peers: Peers, tmp_path: Path) -> AsyncIterator[Trial]:
    """Give a bridge whose group asks, one person who acts, and one who administers; a module names it `trial`."""
    fill(peers)
    async with running_bridge(api, peers, tmp_path, config=CONFIG) as running_trial:
        yield running_trial


async def told(trial: Trial, target: str = SITE, **more: Any) -> Message:
    """Let a target be down, and return its message."""
    before = len(trial.api.messages)
    trial.peers.put(target, "down", age_seconds=15)
    await trial.fire(alert(target=target, **more))
    await trial.api.until(lambda: len(trial.api.messages) > before)
    message = trial.api.messages[before]
    await settled(trial)
    return message


async def settled(trial: Trial) -> None:
    """Wait until nothing is on its way: the note that Telegram took a message is written after Telegram's answer."""
    deadline = datetime.now(UTC) + timedelta(seconds=10)
    while await trial.bridge.store.transact(lambda q: q.chats_with_rows()):
        assert datetime.now(UTC) < deadline, "something still waits to be sent"


def data_of(message: Message, text: str) -> str:
    """Return the callback data of the button with this in its text."""
    buttons = [button for row in message.buttons for button in row]
    found = [str(button["callback_data"]) for button in buttons if text in button["text"]]
    assert len(found) == 1, buttons
    return found[0]


async def press(trial: Trial, message: Message, data: str, *, user: int = OPERATOR) -> str:
    """Press a button; return what the presser is told at once."""
    before = len(trial.api.world.answered)
    trial.api.press(message, data, user=user)
    await trial.api.until(lambda: len(trial.api.world.answered) > before, what="an answer to the press")
    return str(trial.api.world.answered[before].get("text", ""))


async def recorded(trial: Trial) -> list[tuple[str, str, str]]:
    """Return who did what with which result, oldest first."""
    found: tuple[Action, ...] = await trial.bridge.store.transact(lambda q: q.actions(limit=100))
    return [(action.who, action.what, action.result) for action in reversed(found)]


async def becomes_recorded(trial: Trial, count: int) -> list[tuple[str, str, str]]:
    """Wait until so many actions have ended."""
    loop_deadline = datetime.now(UTC) + timedelta(seconds=10)
    while len(found := [row for row in await recorded(trial) if row[2]]) < count:
        assert datetime.now(UTC) < loop_deadline, found
    return found


def elsewhere(ident: str, *, target: str = SITE, hours: float = 2.0) -> dict[str, Any]:
    """Return a silence that somebody made on Alertmanager's own page."""
    now = datetime.now(UTC)
    return {
        "id": ident,
        "status": {"state": "active"},
        "matchers": [{"name": "target", "value": target, "isRegex": False, "isEqual": True}],
        "startsAt": text_of(now),
        "endsAt": text_of(now + timedelta(hours=hours)),
        "createdBy": "karma",
        "comment": "new <router>",
    }
