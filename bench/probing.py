"""What a probe costs, side by side: our ICMP process, fping, smokeping_prober, blackbox_exporter and icmplib.

python -m bench.probing [SECONDS]      default: 10 per prober; needs root (a network namespace of its own)

All ask addresses in 127.0.0.0/8 of a fresh namespace, one after the other, so nothing leaves the machine. CPU is the
prober's own (all its threads, user and system; the kernel's work of answering is in everybody's). Probes are counted by
the kernel (IcmpMsg OutType8), not by the probers. The true RTT on loopback is a few microseconds: what a prober tells
beyond that is its own error. fping is measured twice: paced over the second, as we are (-i 1), and sending each round
in one burst (-i 0), which is cheapest for the processor and hardest on the network.
"""

from __future__ import annotations

import math
import sys
from typing import TYPE_CHECKING, Final

from bench import others
from bench.probers import Result, addresses, measured
from bench.progress import say
from tests.integration.namespace import Namespace
from tests.network.rig import Rig, icmp_target

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

OURS: Final = "ours"


def ours(space: Namespace, count: int, seconds: float) -> Result:
    """Measure our own ICMP process, one probe a second per target."""
    return _ours(space, count, seconds, OURS)


def portable(space: Namespace, count: int, seconds: float) -> Result:
    """Measure our own, through icmplib."""
    return _ours(space, count, seconds, f"{OURS}, --engine portable")


def _ours(space: Namespace, count: int, seconds: float, name: str) -> Result:
    targets = [icmp_target(f"t{number}", address) for number, address in enumerate(addresses(count))]
    with Rig(targets, space=space, portable=name != OURS) as rig:
        rig.until(lambda: int(rig.columns["probes_total"][:count].min()) >= 2, seconds=60)

        def rtts() -> Sequence[float]:
            values: list[float] = rig.columns["grid_rtt"][:count][rig.columns["grid_status"][:count] == 2].tolist()
            return values

        return measured(name, count, rig.pid(), lambda: rig.watch(seconds), rtts)


def table(results: Sequence[Result]) -> str:
    """Return the results as a Markdown table; each processor time also as a multiple of ours at as many targets."""
    own = {result.targets: result.cpu_us for result in results if result.prober == OURS}
    lines = [
        "| prober | targets | probes/s | CPU per probe | ours = 1 | RTT told, median | RTT told, p99 | load |",
        "|---|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {result.prober} | {result.targets:,} | {result.rate:,.0f} | {result.cpu_us:.1f} us "
        f"| {result.cpu_us / own[result.targets]:.1f} | {_told(result.rtt_p50_us)} | {_told(result.rtt_p99_us)} "
        f"| {result.load:.1f} |"
        for result in results
    ]
    return "\n".join(lines)


def _told(microseconds: float) -> str:
    return "none" if math.isnan(microseconds) else f"{microseconds:,.0f} us"


def measure(seconds: float) -> str:
    """Measure all probers, those of one number of targets after each other, and return the Markdown table."""
    results = []
    runs: list[tuple[int, tuple[Callable[[Namespace, int, float], Result], ...]]] = [
        (100, (ours, portable)),
        (200, (ours, others.smokeping_prober, others.icmplib, others.blackbox_exporter)),
        (1_000, (ours, others.paced_fping, others.fping)),
        (5_000, (ours, others.paced_fping, others.fping)),  # 10,000 is too much for fping: 65,535 pings in 10 s (#385)
        (10_000, (ours, others.floor)),
        (50_000, (ours, others.floor)),
        (100_000, (ours, others.floor)),
    ]
    with Namespace("bench-probing") as space:
        space.run("sysctl", "-q", "-w", "net.ipv4.ping_group_range=0 2147483647")  # the cheapest socket for everybody
        for count, probers in runs:
            for prober in probers:
                say(f"{prober.__name__}, {count:,} targets")
                results.append(prober(space, count, seconds))
    return table(results)


def main() -> None:
    """Print the table."""
    print(measure(float(sys.argv[1]) if len(sys.argv) > 1 else 10.0))


if __name__ == "__main__":
    main()
