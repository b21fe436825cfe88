"""How long targets.yml takes to load, and how long another thread waits meanwhile (the exporter is judging).

python -m bench.inventory [TARGETS ...]      default: 10000 100000
"""

from __future__ import annotations

import sys
import threading
import time

from bench.progress import say
from exporter.inventory.load import parse_inventory
from tests.exporter.inventory.big import big_targets


def main() -> None:
    """Print a Markdown table."""
    print("| targets | file | CPU | longest stall of another thread |\n|---:|---:|---:|---:|")
    for count in [int(text) for text in sys.argv[1:]] or [10_000, 100_000]:
        say(f"{count:,} targets")
        text = big_targets(count)
        stop = threading.Event()
        worst = [0.0]
        watcher = threading.Thread(target=_watch, args=(stop, worst))
        watcher.start()
        before = time.process_time()
        parse_inventory(text, "targets.yml")
        spent = time.process_time() - before
        stop.set()
        watcher.join()
        print(f"| {count:,} | {len(text) / 1e6:.1f} MB | {spent:.2f} s | {worst[0] * 1000:.0f} ms |")


def _watch(stop: threading.Event, worst: list[float]) -> None:
    """Note the longest time between two looks at the clock that should be a millisecond apart."""
    last = time.monotonic()
    while not stop.is_set():
        time.sleep(0.001)
        now = time.monotonic()
        worst[0] = max(worst[0], now - last)
        last = now


if __name__ == "__main__":
    main()
