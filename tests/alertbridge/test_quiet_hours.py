"""Quiet hours end to end: what passes, with or without sound, and the one summary of the morning."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from alertbridge.settings import JAKARTA
from tests.alertbridge.acting import settled
from tests.alertbridge.conftest import NOC, running_bridge
from tests.alertbridge.webhooks import alert

if TYPE_CHECKING:
    from pathlib import Path

    from tests.alertbridge.conftest import Trial
    from tests.alertbridge.peers import Peers
    from tests.botapi.server import BotApi

HOUR = timedelta(hours=1)
MORE = """
    quiet_hours: "{start}-{end}"
    critical_in_quiet_hours: {critical}
"""
CONFIG = """
version: 1
language: en
telegram: {{api_url: "{api}"}}
alertmanager: {{url: "{peers}"}}
prometheus: {{url: "{peers}"}}
exporter: {{url: "{peers}"}}
chats:
  - name: noc
    id: -1001234567890
{more}
"""


def night(critical: str) -> str:
    """Return quiet hours that hold now, from an hour ago until some two hours from now."""
    now = datetime.now(JAKARTA)
    return MORE.format(start=f"{now - HOUR:%H:%M}", end=f"{now + 2 * HOUR:%H:%M}", critical=critical)


async def weak(trial: Trial, *sites: str, status: str = "firing") -> None:
    """Let sites be weak, or be well again."""
    for site in sites:
        trial.peers.put(site, "low" if status == "firing" else "up", age_seconds=20)
    await trial.fire(*(alert("VPNTargetLow", site, severity="warning", status=status) for site in sites))


@pytest.mark.parametrize("critical", ["loud", "silent"])
async def test_the_rest_of_the_night_is_one_message_in_the_morning(
    api: BotApi, peers: Peers, tmp_path: Path, critical: str
) -> None:
    """Critical passes, as loud as the file says; what was weak, also what is well again, waits for one summary."""
    async with running_bridge(api, peers, tmp_path, config=CONFIG, more=night(critical)) as trial:
        await weak(trial, "jbr-a", "jbr-b", "jbr-c", "jbr-d")
        peers.put("jbr-gt-pasteur-1", "down", age_seconds=15)
        await trial.fire(alert())
        await api.until(lambda: api.in_chat(NOC))
        assert api.in_chat(NOC)[0].first_line.startswith("🔴 DOWN")
        assert api.in_chat(NOC)[0].silent is (critical == "silent")
        await weak(trial, "jbr-b", status="resolved")
        deadline = datetime.now(UTC) + timedelta(seconds=10)
        while (found := await trial.bridge.store.transact(lambda q: q.newest_incident("target:jbr-b"))) is None or (
            not found.phase.closed
        ):
            assert datetime.now(UTC) < deadline
        await weak(trial, "jbr-e")
        assert len(api.in_chat(NOC)) == 1
        trial.bridge.parts.outbox.now = lambda: datetime.now(UTC) + 3 * HOUR
        trial.bridge.parts.outbox.wake()
        await api.until(lambda: len(api.in_chat(NOC)) == 2)
        await settled(trial)
        assert len(api.in_chat(NOC)) == 2
        summary = api.in_chat(NOC)[1]
        assert "What happened in the quiet hours" in summary.text
        assert not summary.silent
        for site in ("Jbr A", "Jbr B", "Jbr C", "Jbr D", "Jbr E"):
            assert sum(site in line for line in summary.text.splitlines()) == 1, summary.text
        (over,) = [line for line in summary.text.splitlines() if "Jbr B" in line]
        assert over.startswith("✅")
        assert "Pasteur" not in summary.text
