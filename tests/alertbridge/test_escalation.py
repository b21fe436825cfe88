"""Escalation: which incidents, to whom, once; and what the second chat sees afterwards."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from alertbridge.escalation import due, episode
from alertbridge.incidents import Incident, Level, Phase, Record
from tests.alertbridge.conftest import NOC, running_bridge
from tests.alertbridge.webhooks import alert

if TYPE_CHECKING:
    from pathlib import Path

    from tests.alertbridge.peers import Peers
    from tests.botapi.server import BotApi

NOW = datetime(2026, 11, 25, 7, 0, tzinfo=UTC)
AFTER = timedelta(minutes=15)
BOSS = -1009
RECORD = Record(
    fingerprint="f",
    starts_at=NOW - AFTER,
    ends_at=None,
    seen_at=NOW,
    labels={"alertname": "VPNTargetDown", "severity": "critical"},
    annotations={},
)
WEAK = replace(RECORD, starts_at=NOW - 20 * AFTER, labels={"alertname": "VPNTargetLow", "severity": "warning"})
INCIDENT = Incident(
    id=7,
    subject="target:a",
    phase=Phase.OPEN,
    level=Level.CRITICAL,
    opened_at=NOW - AFTER,
    started_at=NOW - AFTER,
    records=(RECORD,),
)


@pytest.mark.parametrize(
    ("incident", "expected"),
    [
        (INCIDENT, True),
        (replace(INCIDENT, opened_at=NOW - AFTER + timedelta(seconds=1)), False),
        (replace(INCIDENT, started_at=NOW - timedelta(minutes=1), reopenings=1), False),
        (replace(INCIDENT, acknowledged_by="Ani"), False),
        (replace(INCIDENT, level=Level.WARNING), False),
        (replace(INCIDENT, phase=Phase.CONFIRMING), False),
        (replace(INCIDENT, records=(replace(RECORD, suppressed="silenced"),)), False),
        (replace(INCIDENT, records=(replace(RECORD, suppressed="inhibited"), RECORD)), True),
        (replace(INCIDENT, records=(WEAK, replace(RECORD, starts_at=NOW - timedelta(minutes=1)))), False),
    ],
    ids=[
        "due",
        "too young",
        "came back",
        "acknowledged",
        "warning",
        "ending",
        "silenced",
        "one not hidden",
        "low for hours, down now",
    ],
)
def test_what_is_escalated(incident: Incident, expected: bool) -> None:
    """Critical, open, in nobody's hands, old enough, and not hidden."""
    assert bool(due([incident], set(), after=AFTER, now=NOW)) is expected


def test_once_per_episode() -> None:
    """An incident that is reopened may be escalated anew."""
    assert due([INCIDENT], {episode(INCIDENT)}, after=AFTER, now=NOW) == []
    assert due([replace(INCIDENT, reopenings=1)], {episode(INCIDENT)}, after=AFTER, now=NOW)


MORE = """
  - {name: boss, id: -1009}
routes: [{match: {severity: [critical, warning]}, chats: [noc]}]
escalation: {chat: boss, after: 1s}
"""


async def test_the_second_chat_is_told_once_and_hears_of_the_end(api: BotApi, peers: Peers, tmp_path: Path) -> None:
    """A new message with buttons, then edits and the short reply, as in the first chat; a warning stays there."""
    peers.put("jbr-gt-pasteur-1", "down", age_seconds=60)
    async with running_bridge(api, peers, tmp_path, more=MORE) as trial:
        await trial.fire(alert(), alert("VPNTargetLow", "jbr-gt-baros", severity="warning"))
        await api.until(lambda: len(api.in_chat(NOC)) == 2)
        assert api.in_chat(BOSS) == []
        await api.until(lambda: len(api.in_chat(BOSS)) == 1)
        escalated = api.in_chat(BOSS)[0]
        assert escalated.first_line.startswith("🔴 DOWN")
        assert "nobody has taken it" in escalated.text
        assert not escalated.silent
        assert escalated.buttons
        peers.put("jbr-gt-pasteur-1", "up")
        await trial.fire(alert(status="resolved"))
        await api.until(lambda: len(api.in_chat(BOSS)) == 2)
        over = api.in_chat(BOSS)[1]
        assert over.first_line.startswith("✅ UP")
        assert over.reply_to == escalated.message_id


async def test_who_takes_it_in_time_is_left_alone(api: BotApi, peers: Peers, tmp_path: Path) -> None:
    """Acknowledged before the time is over: the second chat hears nothing; the next one it does."""
    more = MORE.replace("after: 1s", "after: 3s").replace(
        "routes:", "users: [{name: duty, id: 99, role: operator}]\nroutes:"
    )
    peers.put("jbr-gt-pasteur-1", "down", age_seconds=60)
    async with running_bridge(api, peers, tmp_path, more=more) as trial:
        await trial.fire(alert())
        await api.until(lambda: len(api.in_chat(NOC)) == 1)
        api.say("/ack jbr-gt-pasteur-1", user=99, chat=NOC)
        await api.until(lambda: "In the hands of" in api.in_chat(NOC)[0].text)
        await trial.fire(alert(target="jbr-gt-baros"))
        await api.until(lambda: api.in_chat(BOSS))
        assert [message.first_line for message in api.in_chat(BOSS)] == ["🔴 DOWN · JBR · jbr-gt-baros"]
