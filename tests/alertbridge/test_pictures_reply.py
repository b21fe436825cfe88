"""The map that follows a region's message: owed with the message, sent once, also after a restart."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from alertbridge import pictures_due
from tests.alertbridge.acting import settled
from tests.alertbridge.conftest import NOC, running_bridge
from tests.alertbridge.test_bot import fill
from tests.alertbridge.test_pictures_bot import is_png
from tests.alertbridge.webhooks import alert

if TYPE_CHECKING:
    from pathlib import Path

    from tests.alertbridge.conftest import Trial
    from tests.alertbridge.peers import Peers
    from tests.botapi.server import BotApi

REGION = alert("VPNRegionDown", None)


async def owed(trial: Trial, *, later: timedelta = timedelta(0)) -> int:
    """Return how many pictures are owed."""
    now = datetime.now(UTC) + later
    return len(await trial.bridge.store.transact(lambda q: pictures_due.owed(q, now=now)))


async def test_a_region_that_is_down_gets_its_map_once(trial: Trial) -> None:
    """A silent photo that replies to the message; nothing is owed then."""
    fill(trial.peers)
    await trial.fire(REGION)
    await trial.api.until(lambda: len(trial.api.messages) == 2)
    message, picture = trial.api.messages
    assert is_png(picture.photo)
    assert (picture.silent, picture.reply_to) == (True, message.message_id)
    await settled(trial)
    await trial.api.until(lambda: [call.method for call in trial.api.calls].count("sendPhoto") == 1)
    deadline = datetime.now(UTC) + timedelta(seconds=10)
    while await owed(trial):
        assert datetime.now(UTC) < deadline


async def test_what_a_stop_cut_off_is_sent_by_the_next(api: BotApi, peers: Peers, tmp_path: Path) -> None:
    """Telegram asked to wait, the bridge was stopped: the map comes after the restart, as a reply to the message."""
    fill(peers)
    api.fail_next(method="sendPhoto", status=429, parameters={"retry_after": 600})
    async with running_bridge(api, peers, tmp_path) as trial:
        await trial.fire(REGION)
        await api.until(lambda: any(call.method == "sendPhoto" for call in api.calls))
        await settled(trial)
        assert await owed(trial) == 1
    assert len(api.messages) == 1
    async with running_bridge(api, peers, tmp_path):
        await api.until(lambda: len(api.messages) == 2)
    assert is_png(api.messages[1].photo)
    assert api.messages[1].reply_to == api.messages[0].message_id


async def test_a_chat_that_takes_no_pictures_is_asked_once(trial: Trial) -> None:
    """No right to send photos: it is left out, and no dead letter."""
    fill(trial.peers)
    description = "Bad Request: not enough rights to send photos to the chat"
    trial.api.fail_next(method="sendPhoto", status=400, description=description, times=5)
    await trial.fire(REGION)
    await trial.api.until(lambda: any(call.method == "sendPhoto" for call in trial.api.calls))
    deadline = datetime.now(UTC) + timedelta(seconds=10)
    while await owed(trial):
        assert datetime.now(UTC) < deadline
    assert len([call for call in trial.api.calls if call.method == "sendPhoto"]) == 1
    assert len(trial.api.in_chat(NOC)) == 1
    await trial.metric_becomes(0, "alertbridge_outbox_messages", state="dead")


async def test_a_map_that_would_come_too_late_is_forgotten(trial: Trial) -> None:
    """Ten minutes later it shows another moment than the message; so it is when the region is back."""
    fill(trial.peers)
    trial.api.fail_next(method="sendPhoto", status=429, parameters={"retry_after": 600})
    await trial.fire(REGION)
    await trial.api.until(lambda: any(call.method == "sendPhoto" for call in trial.api.calls))
    await settled(trial)
    assert await owed(trial) == 1
    assert await owed(trial, later=pictures_due.USEFUL_FOR + timedelta(seconds=1)) == 0
    assert await owed(trial) == 0

    def back(queries: Any) -> None:
        pictures_due.note(queries, 1, now=datetime.now(UTC))
        queries.update_incidents([1], phase="over")

    await trial.bridge.store.transact(back)
    assert await owed(trial) == 0
