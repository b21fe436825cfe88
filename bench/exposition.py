"""What `/metrics` costs: CPU time of every part at 10,000 and 100,000 targets, first rendering and the ones after.

python -m bench.exposition [TARGETS ...]
"""

from __future__ import annotations

import sys
import time
from dataclasses import replace

import numpy as np

from bench.progress import say
from exporter.exposition import Exposition
from exporter.exposition_names import Part
from tests.exporter.web.sample import big_inventory, make_board, make_roster, neutral_verdict

ROUNDS = 7


def measure(count: int) -> None:
    """Print the milliseconds of each part for one number of targets."""
    say(f"{count:,} targets")
    roster = make_roster(big_inventory(count))
    board = make_board(roster)
    exposition = Exposition(board)
    random = np.random.default_rng(1)
    verdict = neutral_verdict(roster)
    whole = frozenset({Part.STATE, Part.PROBES, Part.INFO})
    print(f"{count} targets")
    for parts in (whole, frozenset({Part.STATE}), frozenset({Part.PROBES}), frozenset({Part.INFO})):
        times: list[float] = []
        size = 0
        for _ in range(ROUNDS):
            # As in a second of real work: every counter and last RTT moved, a third of the medians, a few states.
            board.slot["probes_total"][: roster.size] = board.slot["probes_total"][: roster.size].astype(np.int64) + 1
            code = verdict.code.copy()
            code[random.integers(0, roster.size, 5)] = 0
            rtt = np.where(random.random(roster.size) < 0.3, random.normal(0.02, 0.001, roster.size), verdict.rtt)
            verdict = replace(verdict, code=code, rtt=rtt, last_rtt=random.normal(0.02, 0.002, roster.size))
            start = time.process_time()
            size = len(exposition.render(parts, roster, verdict))
            times.append((time.process_time() - start) * 1000)
        name = "all" if len(parts) > 1 else next(iter(parts)).value
        later = sorted(times[1:])
        print(f"  {name:7} first {times[0]:7.1f} ms   then {later[len(later) // 2]:7.1f} ms   {size / 1e6:6.2f} MB")


if __name__ == "__main__":
    for number in [int(text) for text in sys.argv[1:]] or [10_000, 100_000]:
        measure(number)
