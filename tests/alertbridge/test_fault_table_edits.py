"""The fault table, its rows of edits: what a message that stands in the chat already meets."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from tests.alertbridge.conftest import NOC, running_bridge
from tests.alertbridge.fault_rows import compare
from tests.alertbridge.test_fault_table import FIRST, FORUM, MORE, bad
from tests.alertbridge.webhooks import alert

if TYPE_CHECKING:
    from pathlib import Path

    from tests.alertbridge.conftest import Trial
    from tests.alertbridge.peers import Peers
    from tests.botapi.server import BotApi


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """A row: an edit that meets trouble. The edit tells that a site is back."""

    id: str
    fault: dict[str, Any] = field(default_factory=dict)
    deleted: bool = False
    anew: bool = False  # the message is sent anew


EDITS = (
    Edit(id="edit: 429 with retry_after", fault={"status": 429, "parameters": {"retry_after": 1}}),
    Edit(id="edit: 500", fault={"status": 500}),
    Edit(id="edit: answer cut off, accepted", fault={"cut": True, "accept": True}),
    Edit(id="edit: 400 message is not modified", fault=bad("message is not modified: specified new content ...")),
    Edit(id="edit: 400 can't parse entities", fault=bad("can't parse entities: Unexpected end tag")),
    Edit(id="edit: 400 message to edit not found", deleted=True, anew=True),
    Edit(id="edit: 400 message can't be edited", fault=bad("message can't be edited"), anew=True),
)


@pytest.mark.parametrize("row", EDITS, ids=[row.id for row in EDITS])
async def test_edits(row: Edit, trial: Trial) -> None:
    """The end is told in every case; an edit made twice is seen once."""
    trial.peers.put(FIRST, "down", age_seconds=4)
    await trial.fire(alert(target=FIRST))
    await trial.api.until(lambda: trial.api.messages)
    trial.api.messages[0].deleted = row.deleted
    if row.fault:
        trial.api.fail_next(method="editMessageText", **row.fault)
    trial.peers.put(FIRST, "up", age_seconds=1)
    await trial.fire(alert(target=FIRST, status="resolved"))
    await trial.api.until(lambda: len(trial.api.messages) == 2 + row.anew)
    ends = [m for m in trial.api.messages[1:] if m.first_line.startswith("✅ UP")]
    assert len(ends) == 1 + row.anew
    compare(row.id, [FIRST], trial.api.messages, twice=0, counted="sent anew" if row.anew else "edited")


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed:
    """A row: a topic that is closed once a message stands in it; what is to be told then."""

    id: str
    reply: bool  # it got worse, which is a reply; else it is over, which is an edit and a reply


CLOSED = (Closed(id="edit: 400 TOPIC_CLOSED", reply=False), Closed(id="reply: 400 TOPIC_CLOSED", reply=True))


@pytest.mark.parametrize("row", CLOSED, ids=[row.id for row in CLOSED])
async def test_a_topic_that_is_closed_under_a_message(row: Closed, api: BotApi, peers: Peers, tmp_path: Path) -> None:
    """Nothing in it can be edited or answered any more: what is true now is said in the group itself, once."""
    async with running_bridge(api, peers, tmp_path, more=MORE) as trial:
        peers.put(FIRST, "low" if row.reply else "down", age_seconds=4)
        await trial.fire(alert("VPNTargetLow", FIRST, severity="warning") if row.reply else alert(target=FIRST))
        await api.until(lambda: api.in_chat(FORUM))
        assert api.in_chat(FORUM)[0].topic == 7
        api.world.topics[FORUM] = set()
        if row.reply:
            peers.put(FIRST, "down", age_seconds=1)
            await trial.fire(alert(target=FIRST))
        else:
            peers.put(FIRST, "up", age_seconds=1)
            await trial.fire(alert(target=FIRST, status="resolved"))
        await api.until(lambda: len(api.in_chat(FORUM)) > 1)
        await trial.metric_becomes(0, "alertbridge_outbox_messages", state="pending")
        assert await trial.metric("alertbridge_outbox_messages", state="dead") == 0
        assert (await trial.metric("alertbridge_delivery_failures_total", reason="topic") or 0) >= 1
        await api.until(lambda: api.in_chat(NOC), what="the admin chat hears of it")
    assert ["topic" in message.text for message in api.in_chat(NOC)] == [True], "once"
    old, *new = api.in_chat(FORUM)
    assert {message.topic for message in new} == {None}
    assert new[0].first_line.partition(" · ")[0] == ("🔴 DOWN" if row.reply else "✅ UP")
    compare(row.id, [FIRST], [*new] if row.reply else [old], twice=0, counted="topic, sent anew")
