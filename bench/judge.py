"""How long one step of the judge takes, in the situations that matter. Prints a table; nothing is sent anywhere.

python -m bench.judge [TARGETS ...]      default: 10000 100000
"""

from __future__ import annotations

import statistics
import sys
import time
from typing import TYPE_CHECKING

import numpy as np

from bench.progress import say
from exporter.engine.board import GRID
from exporter.inventory.model import Inventory, ProbeKind, ProbeSpec, Profile, Region, Role, Target
from exporter.outcome import Status
from exporter.roster import build_roster
from exporter.state.judge import Judge
from tests.exporter.state.fake_engine import FakeEngine

if TYPE_CHECKING:
    from collections.abc import Callable

HUB_SITES = 200
STEP_SECONDS = 0.2
_ICMP = ProbeSpec(kind=ProbeKind.ICMP)


def country(count: int) -> Inventory:
    """Return an inventory of hubs with 200 sites each, spread over 38 regions."""
    regions = tuple(Region(id=f"R{number}", name=f"Region {number}") for number in range(38))
    targets = []
    for number in range(count):
        hub = number - number % HUB_SITES
        targets.append(
            Target(
                id=f"t{number}",
                name=f"Target {number}",
                region=regions[hub // HUB_SITES % len(regions)].id,
                address=f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}",
                probe=_ICMP,
                settings=Profile(),
                gateway=None if number == hub else f"t{hub}",
                role=Role.HUB if number == hub else Role.SITE,
            )
        )
    return Inventory(regions=regions, targets=tuple(targets))


def with_history(engine: FakeEngine) -> None:
    """Fill every ring with answered probes, as after some minutes."""
    size = engine.roster.size
    begun = 2 * GRID
    number = begun - GRID + np.arange(GRID)
    position = number % GRID
    engine.column("grid_count")[:size] = begun
    sent_at = engine.due[:size, None] - (begun - number)[None, :]
    engine.column("grid_sent_at")[:size][:, position] = sent_at
    engine.column("grid_rtt")[:size] = engine.random.normal(0.02, 0.002, (size, GRID))
    engine.column("grid_status")[:size] = Status.REPLY
    engine.column("last_reply_sent_at")[:size] = sent_at.max(axis=1)
    engine.column("revision")[:size] += 1
    engine.begun[:size] = begun


def measure(count: int) -> None:
    """Time the steps of each situation."""
    roster = build_roster(country(count))
    engine = FakeEngine(roster)
    with_history(engine)
    judge = Judge(engine.board, roster, now_wall=engine.now, now_monotonic=engine.now)

    def steps(seconds: float) -> list[float]:
        times = []
        for _ in range(round(seconds / STEP_SECONDS)):
            engine.advance(STEP_SECONDS)
            began = time.process_time()
            judge.step(monotonic=engine.now, wall=engine.now)
            times.append(time.process_time() - began)
        return times

    def cut(share: float) -> Callable[[], None]:
        def cut_now() -> None:
            engine.cut[: int(count * share)] = True

        return cut_now

    def heal() -> None:
        engine.cut[:] = False

    def nothing() -> None:
        pass

    situations: tuple[tuple[str, Callable[[], None], float], ...] = (
        ("start", nothing, 1.0),
        ("all well", nothing, 3.0),
        ("a tenth falls", cut(0.1), 8.0),
        ("a tenth comes back", heal, 6.0),
        ("everything falls silent", cut(1.0), 6.0),
        ("everything comes back", heal, 6.0),
    )
    for name, prepare, seconds in situations:
        say(f"{count:,} targets, {name}")
        prepare()
        times = steps(seconds)
        print(f"| {count:7,d} | {name:24s} | {statistics.median(times) * 1e3:7.1f} | {max(times) * 1e3:7.1f} |")


def main() -> None:
    """Measure each size on the command line."""
    print("| targets | situation                | median ms | worst ms |")
    print("|---|---|---|---|")
    for count in [int(text) for text in sys.argv[1:]] or [10_000, 100_000]:
        measure(count)


if __name__ == "__main__":
    main()
