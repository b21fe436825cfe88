"""Two bridges on one PostgreSQL while Telegram is away: the word about it is told once, by who has taken over."""

from __future__ import annotations

import json
import signal
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import psycopg

from tests.alertbridge.test_leader_pair import Pair, database, pair
from tests.alertbridge.webhooks import alert

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["database", "pair"]  # fixtures


def backdate(url_file: Path) -> None:
    """Let the absence that is noted have begun twenty minutes ago."""
    now = datetime.now(UTC)
    value = json.dumps([(now - timedelta(minutes=20)).isoformat(), now.isoformat()])
    url = url_file.read_text(encoding="utf-8").strip().replace("+psycopg", "")
    with psycopg.connect(url, autocommit=True) as connection:
        changed = connection.execute("UPDATE meta SET value = %s WHERE key = 'telegram_away'", (value,))
        assert changed.rowcount == 1


def test_the_word_is_told_once_though_the_leader_died_meanwhile(pair: Pair, tmp_path: Path) -> None:
    """It began under the one and ends under the other: its whole length, once, before the alert."""
    api = pair.api
    api.fail_next(method="sendMessage", status=502, times=100_000)
    assert pair.leader.post(alert(target="site-one")) == 200
    api.wait_for(lambda: refused(pair) >= 2, seconds=20)
    pair.leader.end(signal.SIGKILL)
    backdate(tmp_path / "url")  # before the other leads
    before = refused(pair)
    pair.other.until(lambda: refused(pair) > before, "attempt of the other", seconds=40)
    api.world.faults.clear()
    api.wait_for(lambda: len(api.messages) == 2, seconds=90)
    word, told = api.messages
    assert word.text.startswith("📮 Telegram could not be reached from ")
    assert "(20 min" in word.first_line or "(21 min" in word.first_line, word.first_line
    assert word.text.splitlines()[1:] == [
        "Messages held for this chat: 1",
        "Over meanwhile: 0 · still open: 1. They follow, summarised.",
    ]
    assert told.first_line.startswith("🔴 DOWN")
    assert pair.other.post(alert(target="site-two")) == 200
    api.wait_for(lambda: len(api.messages) == 3, seconds=20)
    assert sum(message.text.startswith("📮") for message in api.messages) == 1


def refused(pair: Pair) -> int:
    """Return how many messages Telegram has not taken."""
    return sum(call.method == "sendMessage" and call.status == 502 for call in list(pair.api.calls))
