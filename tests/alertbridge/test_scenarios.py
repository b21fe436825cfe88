"""Webhooks in, messages out: the whole bridge against the Bot API stand-in."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from tests.alertbridge.webhooks import alert

if TYPE_CHECKING:
    from tests.alertbridge.conftest import Trial

SITE = "jbr-gt-pasteur-1"


async def test_an_outage_is_told_edited_and_ended(trial: Trial) -> None:
    """Down gives one loud message with the facts; up edits it and adds one short silent reply."""
    began = datetime.now(UTC) - timedelta(seconds=12)
    trial.peers.put(SITE, "down", age_seconds=15, cut_off_targets=3)
    await trial.fire(alert(starts_at=began))
    await trial.api.until(lambda: trial.api.messages)
    message = trial.api.messages[0]
    assert message.first_line == "🔴 DOWN · Jawa Barat · Jbr Gt Pasteur 1"
    assert not message.silent
    assert "Not reachable since" in message.text
    assert "WIB (15 s)" in message.text
    assert "3 more cut off behind it" in message.text
    trial.peers.put(SITE, "up", age_seconds=1)
    await trial.fire(alert(status="resolved", starts_at=began))
    await trial.api.until(lambda: len(trial.api.messages) == 2 and message.edits)
    reply = trial.api.messages[1]
    assert message.first_line == "✅ UP · Jawa Barat · Jbr Gt Pasteur 1"
    assert "Was down from" in message.text
    assert (reply.silent, reply.reply_to) == (True, message.message_id)
    assert "back after 14 s" in reply.text
