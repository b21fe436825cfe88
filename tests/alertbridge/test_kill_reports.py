"""SIGKILL around the minute of a report: before it is stored, before it is sent, after it was sent; told once."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

import pytest

from alertbridge.schedules import newest, text_of
from alertbridge.settings import JAKARTA, Cadence, Schedule
from alertbridge.store import Store
from tests.alertbridge.conftest import NOC
from tests.alertbridge.process import Process, serving_peers
from tests.alertbridge.webhooks import alert

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.alertbridge.peers import Peers
    from tests.botapi.server import BotApi

CONFIG = """
version: 1
language: en
telegram: {{api_url: "{api}"}}
alertmanager: {{url: "{peers}"}}
prometheus: {{url: "{peers}"}}
exporter: {{url: "{peers}"}}
chats: [{{name: noc, id: -1001234567890, daily_report: "{at}"}}]
"""


@pytest.fixture
def peers() -> Iterator[Peers]:
    """Give peers that a thread serves."""
    with serving_peers() as found:
        found.ratio = 1.0
        yield found


@pytest.fixture
def folder(api: BotApi, peers: Peers, tmp_path: Path) -> Path:
    """Give a bridge's folder in which a report has been due for a minute."""
    now = datetime.now(UTC)
    at = (now - timedelta(minutes=1)).astimezone(JAKARTA).time().replace(second=0, microsecond=0)
    schedule = Schedule(cadence=Cadence.DAILY, at=at, zone=JAKARTA)

    async def seed() -> None:
        store = Store.at(tmp_path / "alertbridge.db")
        await store.open()
        before = newest(schedule, now) - timedelta(days=1)
        noted = f'["{text_of(schedule)}", "{before.isoformat()}"]'
        await store.transact(lambda q: q.remember("report:daily:noc", noted))
        await store.close()

    asyncio.run(seed())
    text = CONFIG.format(api=api.url, peers=peers.url, at=f"{at:%H:%M}")
    (tmp_path / "alertbridge.yml").write_text(text, encoding="utf-8")
    return tmp_path


def reports(api: BotApi) -> int:
    """Return how many reports the chat has got."""
    return sum(message.first_line.startswith("📊") for message in api.in_chat(NOC))


def shows(api: BotApi, part: str) -> bool:
    """Tell whether a message has this in it."""
    return any(part in message.text for message in api.in_chat(NOC))


def settled(folder: Path) -> bool:
    """Tell whether the report is noted as sent."""
    with contextlib.closing(sqlite3.connect(folder / "alertbridge.db")) as reader:
        found: list[tuple[str]] = reader.execute("SELECT state FROM outbox WHERE notice = 'report'").fetchall()
    return found == [("sent",)]


@pytest.mark.parametrize("moment", ["before it is stored", "before it is sent", "after it was sent"])
def test_a_report_is_told_once_whenever_the_bridge_is_killed(
    moment: str, api: BotApi, peers: Peers, folder: Path
) -> None:
    """Before: by the next start; after: by none."""
    if moment == "before it is stored":
        peers.down = {"prometheus", "exporter"}  # it waits for their answers
    elif moment == "before it is sent":
        api.fail_next(method="sendMessage", status=429, parameters={"retry_after": 600})
    process = Process(folder, api.token)
    if moment == "before it is stored":
        api.wait_for(lambda: 'event="report waits"' in process.log)
    elif moment == "before it is sent":
        api.wait_for(lambda: any(call.method == "sendMessage" for call in list(api.calls)))
    else:
        api.wait_for(lambda: settled(folder))  # Telegram has taken it, and that is noted
    process.kill()
    assert reports(api) == (1 if moment == "after it was sent" else 0)
    peers.down = set()
    for number in (1, 2):
        process = Process(folder, api.token)
        api.wait_for(lambda: reports(api) == 1)
        # What comes after the report in the chat's order has come: nothing of it waits any more.
        assert process.post(alert(target=f"site-{number}")) == 200
        api.wait_for(partial(shows, api, f"site-{number}"))
        assert process.stop() == 0
    assert reports(api) == 1
    print(f"{moment:20} reports told: {reports(api)}")
