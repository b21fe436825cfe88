"""Replays falls and returns of hubs, sites and our own line in virtual time: the second half of docs/states.md's table.

python -m tests.exporter.state.simulation_falls [SCALE]      prints it alone; 1 is what the test runs
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
from tests.exporter.state.simulation import FIBER, RTT_SECONDS, UPLINKS, VSAT, Field, Times

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from exporter.state.verdict import Verdict

SITES = 9  # behind each hub
STEP_SECONDS = 0.2
OUTAGE_SECONDS = 30.0
AFTERWARDS_SECONDS = 120.0


class Country:
    """Hubs with nine sites each; sites have the built-in profiles in turn; each hub and its sites are a region."""

    def __init__(self, hubs: int, *, seed: int) -> None:
        targets = []
        for hub in range(hubs):
            targets.append(target(f"h{hub}", region=f"R{hub}", settings=FIBER))
            for site in range(SITES):
                profile = BUILT_IN_PROFILES[site % len(BUILT_IN_PROFILES)]
                places = {"region": f"R{hub}", "gateway": f"h{hub}", "settings": profile}
                targets.append(target(f"h{hub}s{site}", **places))
        self.engine = FakeEngine(build_roster(inventory(*targets, uplinks=UPLINKS)), seed=seed)
        slot_of = self.engine.roster.slot_of
        self.all = np.array([slot_of[t.id] for t in targets])
        self.hubs = np.array([slot_of[f"h{hub}"] for hub in range(hubs)])
        self.sites = np.setdiff1d(self.all, self.hubs)
        self.engine.rtt[self.all] = [RTT_SECONDS[t.settings.name] for t in targets]
        self.engine.jitter[self.all] = 0.1 * self.engine.rtt[self.all]
        # Hubs' phases differ from their sites': the golden ratio of the fake engine sees to that.
        self.judge = Judge(self.engine.board, self.engine.roster, now_wall=0.0, now_monotonic=self.engine.now)

    def step(self) -> Verdict:
        """Let one step of the judge pass."""
        self.engine.advance(STEP_SECONDS)
        return self.judge.step(monotonic=self.engine.now, wall=self.engine.now)

    def run(self, seconds: float) -> list[Verdict]:
        """Let time pass; return every verdict."""
        return [self.step() for _ in range(round(seconds / STEP_SECONDS))]


def _first(verdicts: list[Verdict], began: float, marks: list[NDArray[Any]]) -> Times:
    """Return how long each of some slots took until it was marked; one array of marks per verdict."""
    held = np.array(marks)
    ever = held.any(axis=0)
    when = np.array([verdict.at for verdict in verdicts])[held.argmax(axis=0)]
    return Times.of(list((when - began)[ever]), held.shape[1])


def _ever(marks: list[NDArray[Any]]) -> int:
    return int(np.array(marks).any(axis=0).sum())


@dataclass(frozen=True, slots=True, kw_only=True)
class Falls:
    """Everything that is claimed of falls and returns, measured once."""

    first_state: Times  # from the start
    hub_outage: Times  # from the cut of a hub and all behind it
    told_behind_hub: int  # sites that were ever in outage of their own, until two minutes after the return
    cut_off: int  # sites that were cut off, of `sites`
    sites: int
    site_outage: Times  # of a single site behind a hub that answers
    together: Times  # of four sites of one hub at once: less than a region, more than one
    back_up: Times  # from the return of a fiber site to UP
    back_up_vsat: Times
    low_after: int  # LOW entries within two minutes after those returns
    low_after_one: int  # LOW entries after a single lost packet, or a single slow reply
    isolated: Times  # from the cut of our own line
    downs_while_isolated: int
    outages_after_isolated: int  # within two minutes after the line's return

    def rows(self) -> tuple[tuple[str, object], ...]:
        """Return the rows of the table of docs/states.md."""
        return (
            ("start to a target's first state", self.first_state),
            (f"cut of a hub with {SITES} sites to the hub's outage", self.hub_outage),
            (f"of those {self.sites} sites: cut off", self.cut_off),
            (
                "of those: ever in outage of their own, until two minutes after the return",
                self.told_behind_hub,
            ),
            ("cut of one site to its outage, its hub answers", self.site_outage),
            ("cut of four sites of one hub at once to their outages", self.together),
            (f"return to `up` after {OUTAGE_SECONDS:g} s, fiber", self.back_up),
            (f"return to `up` after {OUTAGE_SECONDS:g} s, VSAT", self.back_up_vsat),
            ("LOW entries within two minutes after those returns", self.low_after),
            ("LOW entries after a single lost packet or slow reply", self.low_after_one),
            ("cut of our own line to isolated", self.isolated),
            ("`down` entries meanwhile", self.downs_while_isolated),
            ("outages within two minutes after the line's return", self.outages_after_isolated),
        )


def hub_falls(hubs: int, *, seed: int) -> tuple[Times, Times, int, int, int]:
    """Cut every second hub and all behind it; return first states, outages, and sites told, cut off, in all."""
    country = Country(hubs, seed=seed)
    began = country.engine.now
    start = country.run(24)
    seen = _first(start, began, [v.code[country.all] != State.UNKNOWN for v in start])
    fallen = country.hubs[::2]
    gateway = country.engine.roster.gateway
    behind = np.concatenate([np.flatnonzero(gateway == hub) for hub in fallen])
    country.engine.cut[fallen] = country.engine.cut[behind] = True
    began = country.engine.now
    during = country.run(OUTAGE_SECONDS)
    country.engine.cut[:] = False
    after = country.run(AFTERWARDS_SECONDS)
    hub_outage = _first(during, began, [v.outage[fallen] for v in during])
    told = _ever([v.outage[behind] for v in (*during, *after)])
    return seen, hub_outage, told, _ever([v.cut_off[behind] for v in during]), len(behind)


def sites_fall(hubs: int, *, sites: int, seed: int) -> Times:
    """Cut some sites of every hub, hub after hub, so that no provider and no region explains it."""
    country = Country(hubs, seed=seed)
    country.run(24)
    gateway = country.engine.roster.gateway
    values: list[float] = []
    for hub in country.hubs:
        chosen = np.flatnonzero(gateway == hub)[:sites]
        country.engine.cut[chosen] = True
        began = country.engine.now
        during = country.run(16)
        found = _first(during, began, [v.outage[chosen] for v in during])
        values += [found.least, found.most] if not found.missing else []
        country.engine.cut[chosen] = False
        country.run(24)
    return Times.of(values, 2 * hubs)


def returns(profile: Profile, *, count: int, seed: int) -> tuple[Times, int]:
    """Cut targets for a while; return how long they take to UP, and how many are LOW afterwards."""
    field = Field(profile, count, seed=seed, step=STEP_SECONDS, tick=0.05)
    # What is asked is what the outage leaves behind: a satellite link that scatters by 60 ms is LOW now and then
    # anyway, by the chance of the eleven RTTs that its window has after 20 s.
    field.engine.jitter[field.slots] /= 2
    field.settle(24)
    field.engine.cut[field.slots] = True
    field.settle(OUTAGE_SECONDS)
    field.engine.cut[field.slots] = False
    back = field.times_to(State.UP, limit=60)
    return back, field.entries(AFTERWARDS_SECONDS)[State.LOW]


def single_bad_probes(*, count: int, seed: int) -> int:
    """Lose one packet of each target, then delay one reply of each; return how many LOW entries follow."""
    field = Field(FIBER, count, seed=seed, step=STEP_SECONDS, tick=0.05)
    field.settle(30)
    engine, lows = field.engine, 0
    engine.loss[field.slots] = 1.0
    field.step_seconds = 0.05
    once = engine.column("grid_count")[field.slots].astype(np.int64)
    for _ in range(20):  # each target loses the first probe that it sends within this second
        lows += field.entries(0.05)[State.LOW]
        engine.loss[field.slots] = (engine.column("grid_count")[field.slots].astype(np.int64) == once).astype(float)
    engine.loss[field.slots] = 0.0
    field.step_seconds = STEP_SECONDS
    lows += field.entries(AFTERWARDS_SECONDS)[State.LOW]
    normal = engine.rtt[field.slots].copy()
    engine.rtt[field.slots] = 0.5  # far beyond low_rtt, within the timeout
    lows += field.entries(1.0)[State.LOW]
    engine.rtt[field.slots] = normal
    return lows + field.entries(AFTERWARDS_SECONDS)[State.LOW]


def line_falls(hubs: int, *, times: int, seed: int) -> tuple[Times, int, int]:
    """Cut our own line some times; return how long until isolated, DOWN entries meanwhile, outages afterwards."""
    country = Country(hubs, seed=seed)
    country.run(30)
    values: list[float] = []
    downs = outages = 0
    for turn in range(times):
        country.run(1.0 + 0.2 * turn)  # another phase of the uplink's probes
        country.engine.cut[:] = True
        began = country.engine.now
        during = country.run(OUTAGE_SECONDS)
        values += [v.at - began for v in during if v.isolated][:1]
        downs += _ever([v.code[country.all] == State.DOWN for v in during])
        country.engine.cut[:] = False
        outages += _ever([v.outage[country.all] for v in country.run(AFTERWARDS_SECONDS)])
    return Times.of(values, times), downs, outages


def simulate_falls(scale: float = 1.0, seed: int = 20261125) -> Falls:
    """Measure everything; `scale` multiplies targets."""
    many, few = max(round(60 * scale), 2), max(round(10 * scale), 2)
    first_state, hub_outage, told, cut_off, sites = hub_falls(many, seed=seed)
    back_up, low = returns(FIBER, count=10 * many, seed=seed)
    back_up_vsat, low_vsat = returns(VSAT, count=10 * many, seed=seed)
    isolated, downs, outages = line_falls(few, times=few, seed=seed)
    return Falls(
        first_state=first_state,
        hub_outage=hub_outage,
        told_behind_hub=told,
        cut_off=cut_off,
        sites=sites,
        site_outage=sites_fall(few, sites=1, seed=seed),
        together=sites_fall(few, sites=4, seed=seed),
        back_up=back_up,
        back_up_vsat=back_up_vsat,
        low_after=low + low_vsat,
        low_after_one=single_bad_probes(count=10 * many, seed=seed),
        isolated=isolated,
        downs_while_isolated=downs,
        outages_after_isolated=outages,
    )


def main() -> None:
    """Print the rows."""
    found = simulate_falls(float(sys.argv[1]) if len(sys.argv) > 1 else 1.0)
    sys.stdout.write("".join(f"| {what} | {value} |\n" for what, value in found.rows()))


if __name__ == "__main__":
    main()
