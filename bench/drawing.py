"""Measures how long the bridge's pictures take to draw: the part of `/map` and `/graph` that is ours alone.

    python -m bench.drawing

bench.bridge prints the same. The largest map (10,000 targets, the most that it draws one by one), a region's, and a
graph whose every step has values. What the exporter and Prometheus take to answer is not in it.
"""

from __future__ import annotations

import random
import statistics
import time
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from alertbridge.pictures_canvas import WORST_FIRST
from alertbridge.pictures_curves import STEPS
from alertbridge.pictures_graph import GraphView, draw_graph
from alertbridge.pictures_map import Dot, MapView, Row, draw_map

if TYPE_CHECKING:
    from collections.abc import Callable

ROUNDS: Final = 15
_WEEK_SECONDS: Final = 7 * 86400
_BALI: Final = (115.15, -8.42)


def table() -> str:
    """Draw everything some times; return a Markdown table. The first of each also reads fonts and the outline."""
    lines = ["| picture | first | median | slowest after it | size |", "|---|---:|---:|---:|---:|"]
    for name, draw in pictures().items():
        took, size = [], 0
        for _ in range(ROUNDS):
            begin = time.perf_counter()
            size = len(draw())
            took.append((time.perf_counter() - begin) * 1000)
        first, *others = took
        figures = f"{first:.0f} ms | {statistics.median(others):.0f} ms | {max(others):.0f} ms"
        lines.append(f"| {name} | {figures} | {size / 1024:.0f} KiB |")
    return "\n".join(lines)


def pictures() -> dict[str, Callable[[], bytes]]:
    """Return what is drawn, by what it is called in the table."""
    dice = random.Random(7)  # noqa: S311 - the same picture each time
    everywhere = [_dot(dice, dice.uniform(96, 140), dice.uniform(-10, 5)) for _ in range(10_000)]
    around = [_dot(dice, _BALI[0] + dice.gauss(0, 0.2), _BALI[1] + dice.gauss(0, 0.1)) for _ in range(500)]
    graph = _graph(dice)
    return {
        "map, 10,000 targets": lambda: draw_map(_map(everywhere)),
        "map of a region, 500 targets": lambda: draw_map(_map(around, zoom=True)),
        f"graph, 7 days in {STEPS} steps": lambda: draw_graph(graph),
    }


def _dot(dice: random.Random, longitude: float, latitude: float) -> Dot:
    state = dice.choices(WORST_FIRST, weights=[8, 2, 4, 86])[0]
    return Dot(longitude=longitude, latitude=latitude, state=state)


def _map(dots: list[Dot], *, zoom: bool = False) -> MapView:
    counts = {state: sum(dot.state == state for dot in dots) for state in WORST_FIRST}
    rows = [Row(state="down", name=f"Wilayah {number}", counts=counts) for number in range(5)]
    words = {state: state.upper() for state in WORST_FIRST}
    return MapView(title="Semua wilayah", dots=dots, counts=counts, words=words, rows=rows, foot="14:03", zoom=zoom)


def _graph(dice: random.Random) -> GraphView:
    low = tuple(0.02 + dice.random() * 0.01 for _ in range(STEPS))
    keys = (*WORST_FIRST, "rtt_low", "rtt_high", "loss", "no_data")
    return GraphView(
        title="DOWN · GT Pasteur 1",
        state="down",
        subtitle="7 d",
        start=time.time() - _WEEK_SECONDS,
        step_seconds=_WEEK_SECONDS / STEPS,
        zone=ZoneInfo("Asia/Jakarta"),
        rtt_low=low,
        rtt_high=tuple(value * 1.5 for value in low),
        loss=tuple(dice.random() for _ in range(STEPS)),
        states=tuple(dice.choice(WORST_FIRST) for _ in range(STEPS)),
        words={key: key for key in keys},
        foot="14:03",
    )


if __name__ == "__main__":
    print(table())
