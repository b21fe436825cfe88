"""What a state rests on in the API: silence of a DOWN target, what was before it; broken limits of a LOW one."""

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


async def test_a_down_target_says_how_it_was_before(client: httpx.AsyncClient, view: FakeView) -> None:
    """The newest reply, and the loss of the 60 probes up to it: neither the silence after it nor what is older."""
    slot, now, wall = view.roster.slot_of[DOWN], time.monotonic(), time.time()
    for number in range(100):  # the lost ones: 60, 66 and 72 are of the last sixty, the five first ones are older
        lost = number < 5 or number in {60, 66, 72}
        put_probe(view.board, slot, sent_at=now - 120 + number, rtt=None if lost else 0.02)
    _answered(view, slot, now - 20)
    for number in range(12):
        put_probe(view.board, slot, sent_at=now - 18 + number, rtt=None)
    measured = (await _item(client, DOWN))["last_measured"]
    at = datetime.fromisoformat(measured.pop("at")).timestamp()
    assert abs(wall - 20 - at) < 2
    assert measured == {"rtt_seconds": 0.01, "loss_ratio": 0.05}


async def test_what_is_forgotten_is_not_made_up(client: httpx.AsyncClient, view: FakeView) -> None:
    """First the loss before the fall goes, then the reply itself; nothing that was not sent counts as lost."""
    slot, now = view.roster.slot_of[DOWN], time.monotonic()
    put_probe(view.board, slot, sent_at=now - 990, rtt=None, reason=FailureReason.SEND_ERROR)
    put_probe(view.board, slot, sent_at=now - 980, rtt=None)
    _answered(view, slot, now - 970)
    assert (await _item(client, DOWN))["last_measured"]["loss_ratio"] == 0.5, "of a young target: of two probes"
    for number in range(GRID - 1):
        put_probe(view.board, slot, sent_at=now - 900 + number, rtt=None)
    measured = (await _item(client, DOWN))["last_measured"]
    assert (measured["rtt_seconds"], measured["loss_ratio"]) == (0.01, None)
    put_probe(view.board, slot, sent_at=now - 1, rtt=None)
    assert (await _item(client, DOWN))["last_measured"] is None


async def test_who_is_not_down_is_not_silent(client: httpx.AsyncClient, view: FakeView) -> None:
    """A lost packet of a target that is up is no silence."""
    _answered(view, view.roster.slot_of[UP], time.monotonic() - 1)
    put_probe(view.board, view.roster.slot_of[UP], sent_at=time.monotonic(), rtt=None)
    item = await _item(client, UP)
    assert item["last_measured"] is None, "its numbers of now stand beside"
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
