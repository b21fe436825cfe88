"""Alerts of the monitoring itself, from the webhook to the chat: own words, and none that is over before it is told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from tests.alertbridge.webhooks import alert

if TYPE_CHECKING:
    from tests.alertbridge.conftest import Trial

SITE = "jbr-gt-pasteur-1"


async def test_alerts_of_the_monitoring_itself_are_told_by_summary(trial: Trial) -> None:
    """An alert without a target shows our own words and ends when the exporter says so."""
    trial.peers.isolated = True
    words = {"summary": "The monitoring is cut off", "description": "No uplink answers."}
    body = alert("VPNMonitorIsolated", None, region="", annotations=words)
    await trial.fire(body)
    await trial.api.until(lambda: trial.api.messages)
    assert trial.api.messages[0].first_line == "🚨 MONITORING BLIND · our line is cut off"
    assert "No uplink (or" in trial.api.messages[0].text
    await trial.fire(body | {"status": "resolved"})
    asked = len(trial.peers.asked)
    await trial.api.until(lambda: len(trial.peers.asked) > asked + 2)
    assert len(trial.api.messages) == 1
    trial.peers.isolated = False
    await trial.api.until(lambda: len(trial.api.messages) == 2)


async def test_an_isolated_alarm_that_is_over_already_is_told_to_nobody(trial: Trial) -> None:
    """Its rule fires on for half a minute; the exporter is asked before it leaves, and the decision is counted."""
    trial.peers.isolated = False
    await trial.fire(alert("VPNMonitorIsolated", None, region=""))
    await trial.metric_becomes(1, "alertbridge_withheld_total", reason="over_already")
    trial.peers.put(SITE, "down", age_seconds=5)
    await trial.fire(alert())
    await trial.api.until(lambda: trial.api.messages)
    assert [message.first_line[:6] for message in trial.api.messages] == ["🔴 DOWN"]


async def test_a_long_cut_that_could_not_be_told_is_told_silently_when_it_is_over(trial: Trial) -> None:
    """Telegram was behind the same line: people hear of it, without an alarm."""
    trial.peers.isolated = False
    began = datetime.now(UTC) - timedelta(minutes=10)
    await trial.fire(alert("VPNMonitorIsolated", None, region="", starts_at=began))
    await trial.api.until(lambda: trial.api.messages)
    message = trial.api.messages[0]
    assert (message.first_line, message.silent) == ("✅ MONITORING SEES AGAIN · our line is back", True)
    assert "10 min" in message.text
