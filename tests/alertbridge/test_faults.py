"""What a trouble of one chat means for others, for order, for the chat's id, and for the log."""

from __future__ import annotations

import logging
from io import StringIO
from typing import TYPE_CHECKING

from httpservice import logs
from tests.alertbridge.conftest import NOC, running_bridge
from tests.alertbridge.webhooks import alert

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from tests.alertbridge.conftest import Trial
    from tests.alertbridge.peers import Peers
    from tests.botapi.server import BotApi


async def test_a_moved_chat_is_followed_for_ever(api: BotApi, peers: Peers, tmp_path: Path) -> None:
    """A group that became a supergroup gets its messages under the new id, after a restart too."""
    api.world.migrated[NOC] = -100555
    async with running_bridge(api, peers, tmp_path) as trial:
        await trial.fire(alert())
        await api.until(lambda: len(api.in_chat(-100555)) == 2)
        assert any("its id is now -100555".lower() in m.text.lower() for m in api.in_chat(-100555))
    refused = len([call for call in api.calls if call.status == 400])
    async with running_bridge(api, peers, tmp_path) as trial:
        await trial.fire(alert("VPNTargetDown", "jbr-other"))
        await api.until(lambda: len(api.in_chat(-100555)) == 3)
    assert len([call for call in api.calls if call.status == 400]) == refused


async def test_one_flooded_chat_delays_no_other(api: BotApi, peers: Peers, tmp_path: Path) -> None:
    """A retry_after of a minute for one chat: the other gets its message at once."""
    more = "  - {name: other, id: -100222}\nroutes: [{chats: [noc, other]}]"
    api.fail_next(method="sendMessage", chat_id=NOC, status=429, parameters={"retry_after": 60})
    async with running_bridge(api, peers, tmp_path, more=more) as trial:
        await trial.fire(alert())
        await api.until(lambda: api.in_chat(-100222), seconds=3)
        assert api.in_chat(NOC) == []


async def test_order_is_kept_in_a_chat_that_had_trouble(trial: Trial) -> None:
    """What waited is sent in its order, after the trouble."""
    trial.api.fail_next(method="sendMessage", status=500)
    await trial.fire(alert("VPNTargetDown", "a-first"))
    await trial.api.until(lambda: any(call.method == "sendMessage" for call in trial.api.calls))
    await trial.fire(alert("VPNTargetDown", "b-second"))
    await trial.api.until(lambda: len(trial.api.messages) == 2)
    assert ["a-first" in m.text or "b-second" in m.text for m in trial.api.messages] == [True, True]
    assert "a-first" in trial.api.messages[0].text


async def test_no_log_line_holds_the_token(trial: Trial, caplog: pytest.LogCaptureFixture) -> None:
    """With every library at debug level: errors, URLs and settings never print it (httpservice.logs redacts)."""
    caplog.set_level(logging.DEBUG)
    stream = StringIO()
    logs.configure("debug", "json", redact=trial.bridge.live.secrets, stream=stream)
    try:
        trial.api.fail_next(method="sendMessage", status=401, description="Unauthorized")
        await trial.fire(alert())
        await trial.metric_becomes(1, "alertbridge_delivery_failures_total", reason="token")
        logging.getLogger("httpx").debug("POST %s/bot%s/getMe", trial.api.url, trial.api.token)
        text = stream.getvalue()
    finally:
        logs.configure("info", "logfmt")
    assert "sendMessage" in text  # the libraries' lines are in it
    assert trial.api.token not in text
    assert trial.api.token.partition(":")[2] not in text
