"""What a state rests on in the API: silence and its reason of DOWN targets, broken limits of LOW ones."""

from __future__ import annotations

import time
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest

from exporter.engine.board import GRID
from exporter.outcome import FailureReason, State
from tests.exporter.web.sample import put_probe

if TYPE_CHECKING:
    import httpx

    from tests.exporter.web.fakes import FakeView

DOWN, UP = "btn-4", "bal-7"


async def _item(client: httpx.AsyncClient, target: str) -> dict[str, Any]:
    items = (await client.get(f"/api/v1/targets?q={target}")).json()["items"]
    found: dict[str, Any] = next(item for item in items if item["id"] == target)
    return found


def _answered(view: FakeView, slot: int, sent_at: float) -> None:
    put_probe(view.board, slot, sent_at=sent_at, rtt=0.01)
    view.board.slot["last_reply_sent_at"][slot] = sent_at


async def test_a_down_target_says_since_when_it_is_silent_and_why(client: httpx.AsyncClient, view: FakeView) -> None:
    """The first probe without an answer, and the newest reason; an earlier lost packet is no part of it."""
    slot, now, wall = view.roster.slot_of[DOWN], time.monotonic(), time.time()
    put_probe(view.board, slot, sent_at=now - 30, rtt=None)
    _answered(view, slot, now - 20)
    put_probe(view.board, slot, sent_at=now - 12, rtt=None)
    put_probe(view.board, slot, sent_at=now - 5, rtt=None, reason=FailureReason.UNREACHABLE)
    item = await _item(client, DOWN)
    since = datetime.fromisoformat(item["silent_since"]).timestamp()
    assert abs(wall - 12 - since) < 2
    assert item["newest_failure"] == "unreachable"


async def test_a_silence_that_is_longer_than_the_memory_has_no_begin(client: httpx.AsyncClient, view: FakeView) -> None:
    """Nobody made up a moment: absent, with the reason that is known."""
    slot, now = view.roster.slot_of[DOWN], time.monotonic()
    _answered(view, slot, now - 1000)
    for number in range(GRID + 5):
        put_probe(view.board, slot, sent_at=now - 500 + number, rtt=None)
    item = await _item(client, DOWN)
    assert (item["silent_since"], item["newest_failure"]) == (None, "timeout")


async def test_who_is_not_down_is_not_silent(client: httpx.AsyncClient, view: FakeView) -> None:
    """A lost packet of a target that is up is no silence."""
    put_probe(view.board, view.roster.slot_of[UP], sent_at=time.monotonic(), rtt=None)
    item = await _item(client, UP)
    assert (item["silent_since"], item["newest_failure"], item["low_reasons"]) == (None, None, None)


@pytest.mark.parametrize("lost", [0, 2, 5], ids=["no loss", "below the limit", "above"])
async def test_a_low_target_names_the_limits_it_breaks(client: httpx.AsyncClient, view: FakeView, lost: int) -> None:
    """Each with value and limit: RTT by the verdict, the short loss by the last 20 probes."""
    slot = view.roster.slot_of[UP]
    view.verdict.code[slot] = State.LOW
    view.verdict.rtt[slot] = 2.0
    for number in range(20):
        put_probe(view.board, slot, sent_at=time.monotonic(), rtt=None if number < lost else 0.01)
    found = {reason["reason"]: reason for reason in (await _item(client, UP))["low_reasons"]}
    settings = view.roster.inventory.targets[6].settings
    assert found["rtt"] == {"reason": "rtt", "value": 2.0, "limit": settings.low_rtt_seconds}
    if lost >= 2 and lost / 20 >= 2 * settings.low_loss_ratio:
        assert found["loss_20"]["value"] == lost / 20
    else:
        assert "loss_20" not in found
    assert "jitter" not in found
