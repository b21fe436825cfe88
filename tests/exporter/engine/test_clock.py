"""Slewing is no step; a step is."""

from __future__ import annotations

import pytest

from exporter.engine.clock import WallOffset


class Clocks:
    """Two clocks that a test moves by hand; the wall clock may run ahead."""

    def __init__(self) -> None:
        self.now = 10**12
        self.ahead = 10**18

    def monotonic_ns(self) -> int:
        """CLOCK_MONOTONIC."""
        return self.now

    def time_ns(self) -> int:
        """CLOCK_REALTIME."""
        return self.now + self.ahead


@pytest.fixture
def clocks(monkeypatch: pytest.MonkeyPatch) -> Clocks:
    clocks = Clocks()
    monkeypatch.setattr("exporter.engine.clock.time.monotonic_ns", clocks.monotonic_ns)
    monkeypatch.setattr("exporter.engine.clock.time.time_ns", clocks.time_ns)
    return clocks


@pytest.mark.parametrize(
    ("elapsed", "moved", "step"),
    [
        pytest.param(10_000_000, 5_000, False, id="NTP slews 0.5 ms a second"),
        pytest.param(10_000_000, 20_000_000, True, id="20 ms ahead"),
        pytest.param(10_000_000, -3_600_000_000_000, True, id="an hour back"),
        pytest.param(10_000_000_000, 5_000_000, False, id="slewed while we were stopped for 10 s"),
    ],
)
def test_steps_are_told_from_slewing(clocks: Clocks, elapsed: int, moved: int, step: bool) -> None:
    """The offset follows in both cases, so that RTTs are right again at once."""
    offset = WallOffset()
    clocks.now += elapsed
    clocks.ahead += moved
    assert offset.look() is step
    assert offset.offset_ns == clocks.ahead
    assert offset.look() is False
