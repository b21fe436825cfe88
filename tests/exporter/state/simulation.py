"""Replays seeded loss patterns in virtual time and measures what design section 6 claims of the judge.

python -m tests.exporter.state.simulation [SCALE]      prints the table of docs/states.md; 1 is what the test runs
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from exporter.inventory.model import BUILT_IN_PROFILES, Profile
from exporter.outcome import State
from exporter.roster import build_roster
from exporter.state.judge import Judge
from tests.exporter.state.fake_engine import FakeEngine, inventory, target

if TYPE_CHECKING:
    from numpy.typing import NDArray

FIBER, LTE, VSAT = BUILT_IN_PROFILES
RTT_SECONDS = {"fiber": 0.02, "lte": 0.08, "vsat": 0.6}
UPLINKS = ("10.9.9.9",)
DAY_SECONDS = 86400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """How long something took over many targets, in seconds."""

    least: float
    median: float
    p95: float
    most: float
    missing: int  # targets for which it did not happen

    @classmethod
    def of(cls, values: list[float], wanted: int) -> Times:
        array = np.array(values or [np.nan])
        return cls(
            least=float(array.min()),
            median=float(np.median(array)),
            p95=float(np.percentile(array, 95)),
            most=float(array.max()),
            missing=wanted - len(values),
        )

    def __str__(self) -> str:
        """Return range, median and 95th percentile."""
        return f"{self.least:.1f} - {self.most:.1f} s (median {self.median:.1f}, p95 {self.p95:.1f})"


class Field:
    """Many equal targets, each a region of its own so that nothing correlates, and an uplink."""

    def __init__(self, profile: Profile, count: int, *, seed: int, step: float, tick: float) -> None:
        targets = [target(f"t{number}", region=f"R{number}", settings=profile) for number in range(count)]
        self.engine = FakeEngine(build_roster(inventory(*targets, uplinks=UPLINKS)), seed=seed)
        self.engine.tick_seconds = tick
        self.slots = np.array([self.engine.roster.slot_of[t.id] for t in targets])
        self.engine.rtt[self.slots] = RTT_SECONDS[profile.name]
        self.engine.jitter[self.slots] = 0.1 * RTT_SECONDS[profile.name]
        self.judge = Judge(self.engine.board, self.engine.roster, now_wall=0.0, now_monotonic=self.engine.now)
        self.step_seconds = step
        self.code = np.full(count, int(State.UNKNOWN))

    def step(self) -> tuple[NDArray[Any], NDArray[Any]]:
        """Let one step pass; return the states before and after."""
        self.engine.advance(self.step_seconds)
        before = self.code
        verdict = self.judge.step(monotonic=self.engine.now, wall=self.engine.now)
        self.code = verdict.code[self.slots].astype(int)
        return before, self.code

    def settle(self, seconds: float) -> None:
        for _ in range(round(seconds / self.step_seconds)):
            self.step()

    def times_to(self, state: State, limit: float) -> Times:
        """Return how long each target takes to its first entry into a state."""
        began, found = self.engine.now, np.full(len(self.slots), np.nan)
        while self.engine.now - began < limit and np.isnan(found).any():
            _, after = self.step()
            found[np.isnan(found) & (after == state)] = self.engine.now - began
        return Times.of(list(found[~np.isnan(found)]), len(found))

    def entries(self, seconds: float) -> dict[State, int]:
        """Return how often LOW and DOWN are entered."""
        counts = {State.LOW: 0, State.DOWN: 0}
        for _ in range(round(seconds / self.step_seconds)):
            before, after = self.step()
            for state in counts:
                counts[state] += int(((after == state) & (before != state)).sum())
        return counts


def time_to_down(profile: Profile, *, count: int, seed: int) -> Times:
    """Cut targets whose probes are at all phases of their interval; RTT and jitter are those of the link."""
    field = Field(profile, count, seed=seed, step=0.2, tick=0.05)
    field.settle(24)
    field.engine.cut[field.slots] = True
    return field.times_to(State.DOWN, limit=30)


def low_entries_per_day(loss: float, *, count: int, seconds: float, seed: int) -> tuple[float, int]:
    """Return LOW entries per target and day, and DOWN entries in all, at a random loss on fiber."""
    field = Field(FIBER, count, seed=seed, step=1.0, tick=0.5)
    field.engine.loss[field.slots] = loss
    field.settle(80)
    found = field.entries(seconds)
    return found[State.LOW] / (count * seconds / DAY_SECONDS), found[State.DOWN]


def time_to_low(loss: float, *, count: int, seed: int) -> Times:
    """Let a loss begin on healthy fiber."""
    field = Field(FIBER, count, seed=seed, step=1.0, tick=0.5)
    field.settle(80)
    field.engine.loss[field.slots] = loss
    return field.times_to(State.LOW, limit=300)


def false_downs(loss: float, *, count: int, seconds: float, seed: int) -> int:
    """Return how often anybody enters DOWN at a random loss, with confirmation probes at their real pace."""
    field = Field(FIBER, count, seed=seed, step=0.2, tick=0.1)
    field.settle(10)
    field.engine.loss[field.slots] = loss
    return field.entries(seconds)[State.DOWN]


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Everything that is claimed, measured once."""

    fiber_down: Times
    lte_down: Times
    vsat_down: Times
    low_per_day: float  # at 1 % loss
    downs_at_one_percent: int
    low_at_20: Times
    low_at_30: Times
    false_downs_at_20: int
    target_days: tuple[float, float]  # behind low_per_day and behind false_downs_at_20

    def __str__(self) -> str:
        """Return the table of docs/states.md."""
        rows = (
            ("cut to `down`, fiber (1 s, RTT 20 ms)", self.fiber_down),
            ("cut to `down`, LTE (5 s, RTT 80 ms)", self.lte_down),
            ("cut to `down`, VSAT (2 s, RTT 600 ms)", self.vsat_down),
            (f"LOW entries a day at 1 % loss ({self.target_days[0]:.0f} target days)", f"{self.low_per_day:.2f}"),
            ("`down` entries in the same time", self.downs_at_one_percent),
            ("20 % loss to `low`", self.low_at_20),
            ("30 % loss to `low`", self.low_at_30),
            (f"`down` entries at 20 % loss ({self.target_days[1]:.1f} target days)", self.false_downs_at_20),
        )
        return "\n".join(("| what | measured |", "|---|---|", *(f"| {what} | {value} |" for what, value in rows)))


def simulate(scale: float = 1.0, seed: int = 20261125) -> Table:
    """Measure the whole table; `scale` multiplies targets or time."""
    few, many = round(200 * scale), round(1000 * scale)
    low_per_day, downs = low_entries_per_day(0.01, count=many, seconds=2400, seed=seed)
    return Table(
        fiber_down=time_to_down(FIBER, count=few, seed=seed),
        lte_down=time_to_down(LTE, count=few, seed=seed),
        vsat_down=time_to_down(VSAT, count=few, seed=seed),
        low_per_day=low_per_day,
        downs_at_one_percent=downs,
        low_at_20=time_to_low(0.2, count=few, seed=seed),
        low_at_30=time_to_low(0.3, count=few, seed=seed),
        false_downs_at_20=false_downs(0.2, count=many, seconds=200, seed=seed),
        target_days=(many * 2400 / DAY_SECONDS, many * 200 / DAY_SECONDS),
    )


def main() -> None:
    """Print the table."""
    sys.stdout.write(f"{simulate(float(sys.argv[1]) if len(sys.argv) > 1 else 1.0)}\n")


if __name__ == "__main__":
    main()
