"""Why a LOW target is LOW, as a metric beside its state: the same limits that status page and JSON name."""

from __future__ import annotations

import time

import numpy as np
import pytest

from exporter.broken_limits import LIMITS, broken_limits
from exporter.engine.board import GRID
from exporter.exposition import Exposition
from exporter.exposition_names import Part
from exporter.outcome import FailureReason, State
from tests.exporter.web.fakes import FakeView
from tests.exporter.web.sample import put_probe

TARGET = "bal-7"


@pytest.fixture
def low() -> FakeView:
    """A view in which one target is LOW and measured well below every limit."""
    view = FakeView()
    slot = view.roster.slot_of[TARGET]
    view.verdict.code[:] = State.UP
    view.verdict.code[slot] = State.LOW
    for values in (view.verdict.rtt, view.verdict.jitter, view.verdict.loss):
        values[slot] = 0.0
    return view


def _reasons(view: FakeView) -> set[str]:
    """Return the reasons that the state part names, of our target only."""
    text = Exposition(view.board).render(frozenset({Part.STATE}), view.roster, view.verdict).decode()
    lines = [line for line in text.splitlines() if line.startswith("vpn_target_low_reason{")]
    assert all(f'target="{TARGET}"' in line and line.endswith(" 1") for line in lines)
    return {line.split('reason="')[1].split('"')[0] for line in lines}


@pytest.mark.parametrize(
    ("field", "value", "reason"), [("rtt", 5.0, "rtt"), ("jitter", 5.0, "jitter"), ("loss", 0.5, "loss")]
)
def test_each_limit_that_is_broken_is_named(low: FakeView, field: str, value: float, reason: str) -> None:
    """Jitter as well as loss and round trip: a page need not guess."""
    getattr(low.verdict, field)[low.roster.slot_of[TARGET]] = value
    assert _reasons(low) == {reason}


def test_loss_of_the_last_twenty_alone_is_loss(low: FakeView) -> None:
    """The 60 are still good, the 20 are not: that is LOW too, and no other metric shows it."""
    slot = low.roster.slot_of[TARGET]
    for number in range(GRID + 7):  # around the ring
        put_probe(low.board, slot, sent_at=time.monotonic(), rtt=None if number % 2 else 0.01)
    assert _reasons(low) == {"loss"}


def test_what_is_older_than_twenty_probes_is_left_to_the_sixty(low: FakeView) -> None:
    """Nineteen good ones after a bad minute: one lost of twenty is nothing."""
    slot = low.roster.slot_of[TARGET]
    for number in range(60):
        put_probe(low.board, slot, sent_at=time.monotonic(), rtt=None if number < 41 else 0.01)
    assert _reasons(low) == set()


def test_probes_that_were_not_sent_are_no_loss(low: FakeView) -> None:
    """Our own kernel refused them: they say nothing of the target."""
    slot = low.roster.slot_of[TARGET]
    for _ in range(20):
        put_probe(low.board, slot, sent_at=time.monotonic(), rtt=None, reason=FailureReason.SEND_ERROR)
    assert _reasons(low) == set()


def test_who_breaks_nothing_any_more_has_no_reason_and_who_is_up_has_none_either(low: FakeView) -> None:
    """LOW lasts ten probes longer than its reason; a target that is UP has no line whatever was measured."""
    assert _reasons(low) == set()
    slot = low.roster.slot_of[TARGET]
    low.verdict.rtt[slot] = 5.0
    low.verdict.code[slot] = State.UP
    assert _reasons(low) == set()


def test_nothing_measured_breaks_nothing(low: FakeView) -> None:
    """NaN is unknown: no reason is made of it."""
    slot = low.roster.slot_of[TARGET]
    for values in (low.verdict.rtt, low.verdict.jitter, low.verdict.loss):
        values[slot] = np.nan
    found = broken_limits(low.board, low.roster, low.verdict, np.array([slot]))
    assert found.broken.shape == (1, len(LIMITS))
    assert not found.broken.any()
