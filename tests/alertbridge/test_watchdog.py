"""The dead man's switch: silence is told, its end too, and the outside is pinged only while all is well."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from alertbridge.prometheus import Prometheus
from alertbridge.watchdog import Signs, Silence, silence
from tests.alertbridge.conftest import running_bridge
from tests.alertbridge.webhooks import watchdog

if TYPE_CHECKING:
    from pathlib import Path

    from tests.alertbridge.peers import Peers
    from tests.botapi.server import BotApi

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


def ago(seconds: float) -> datetime:
    """Return a moment before NOW."""
    return NOW - timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("signs", "expected"),
    [
        (Signs(seen_at=ago(179)), None),
        (Signs(seen_at=ago(181)), Silence.TIMEOUT),
        (Signs(seen_at=ago(60), ended_at=ago(5)), Silence.ENDED),
        (Signs(seen_at=ago(5), ended_at=ago(60)), None),
        (Signs(seen_at=ago(5), answered_at=ago(61), refused=True), Silence.PROMETHEUS),
        (Signs(seen_at=ago(5), answered_at=ago(59), refused=True), None),
        (Signs(seen_at=ago(5), answered_at=ago(61)), None),
        (Signs(seen_at=ago(5), refused=True), None),
    ],
    ids=[
        "fresh",
        "silent",
        "ended",
        "came back",
        "prometheus away",
        "prometheus restarts",
        "asked long ago",
        "never answered",
    ],
)
def test_when_the_monitoring_is_silent(signs: Signs, expected: Silence | None) -> None:
    """The table is the specification."""
    assert silence(signs, timeout=timedelta(seconds=180), now=NOW) is expected


async def test_silence_is_told_once_and_its_end_too(api: BotApi, peers: Peers, tmp_path: Path) -> None:
    """With what still answers; a restart in between changes nothing."""
    more = "watchdog: {timeout: 1s}"
    peers.down = {"prometheus"}
    async with running_bridge(api, peers, tmp_path, more=more) as trial:
        await trial.fire(watchdog())
        await api.until(lambda: api.messages)
        assert api.messages[0].first_line.startswith("❗ The monitoring itself is silent")
        assert "Still answering: exporter, Alertmanager" in api.messages[0].text
    async with running_bridge(api, peers, tmp_path, more=more) as trial:
        await trial.fire(watchdog())
        await api.until(lambda: len(api.messages) == 2)
        assert api.messages[1].text.startswith("✅ The monitoring speaks again after")


async def test_a_resolved_watchdog_is_the_alarm(api: BotApi, peers: Peers, tmp_path: Path) -> None:
    """Nobody waits for the time-out."""
    async with running_bridge(api, peers, tmp_path) as trial:
        await trial.fire(watchdog())
        await trial.fire(watchdog("resolved"))
        await api.until(lambda: api.messages)
        assert "Alertmanager has ended the Watchdog" in api.messages[0].text
        await trial.fire(watchdog())
        await api.until(lambda: len(api.messages) == 2)


async def test_a_watchdog_that_ends_while_prometheus_is_asked_is_not_forgotten(
    api: BotApi, peers: Peers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Prometheus takes its time to answer, and the webhook comes meanwhile: its word stands."""
    asked, may_answer = asyncio.Event(), asyncio.Event()

    async def answer_late(_: Prometheus) -> tuple[dict[str, str], ...]:
        asked.set()
        await may_answer.wait()
        return ()

    monkeypatch.setattr(Prometheus, "firing", answer_late)
    async with running_bridge(api, peers, tmp_path) as trial:
        await asked.wait()
        found = trial.bridge.parts.watchdog
        await trial.fire(watchdog("resolved"))
        ended = found.signs.ended_at
        may_answer.set()
        await api.until(lambda: found.signs.answered_at is not None, what="the late answer")
        assert ended is not None
        assert found.signs.ended_at == ended


async def test_the_outside_is_pinged_only_while_all_is_well(api: BotApi, peers: Peers, tmp_path: Path) -> None:
    """No ping before the first Watchdog, none while silent."""
    (tmp_path / "ping").write_text(f"{peers.url}/ping", encoding="utf-8")
    more = f"watchdog: {{timeout: 2s, ping_url_file: {tmp_path}/ping, ping_every: 1s}}"
    async with running_bridge(api, peers, tmp_path, more=more) as trial:
        await api.until(lambda: api.messages, what="silence")  # two seconds without Watchdog
        assert peers.pings == 0
        await trial.fire(watchdog())
        await api.until(lambda: peers.pings > 0)
        await trial.fire(watchdog("resolved"))
        await api.until(lambda: len(api.messages) == 3)
        before = peers.pings
        await trial.fire(watchdog("resolved"))
        assert not await trial.bridge.parts.watchdog.well()
        assert peers.pings <= before + 1
