"""What Prometheus is asked for a graph, and its answers as rows of equal length.

A step of a long span covers many samples: RTT is the mean and the worst of it, loss the worst, the state the worst, so
that an outage of seconds is still seen in a week. Metrics and rules: docs/metrics.md, prometheus/rules/recording.yml.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from alertbridge.prometheus import quoted

if TYPE_CHECKING:
    from alertbridge.pictures_graph import Values
    from alertbridge.prometheus import Prometheus

SPANS: Final = {"1h": timedelta(hours=1), "24h": timedelta(hours=24), "7d": timedelta(days=7)}
STEPS = 336  # per graph: a step is 11 s of an hour, 4 min of a day, half an hour of a week
# A window shorter than two scrapes (recordings) would miss samples and draw gaps where there are none.
_LEAST_STATE_SECONDS, _LEAST_SECONDS, _LEAST_RECORDED_SECONDS = 15, 30, 60
_STATES = {0: "down", 1: "low", 2: "up", 3: "unknown"}  # vpn_target_state_code


@dataclass(frozen=True, slots=True, kw_only=True)
class Curves:
    """One value per step; None: no sample."""

    span: str
    is_region: bool
    start: datetime  # of the first step
    step_seconds: float
    rtt_low: Values
    rtt_high: Values
    loss: Values
    states: tuple[str | None, ...]


async def curves(prometheus: Prometheus, identity: str, *, span: str, is_region: bool, now: datetime) -> Curves:
    """Ask for everything that a graph shows, all at the same time.

    Raises:
        PeerError: Prometheus gave no usable answer.
    """
    step = SPANS[span].total_seconds() / STEPS
    start = now - SPANS[span]
    queries = _of_region(identity, step) if is_region else _of_target(identity, step)
    # A value at a moment covers the window before it: ask for the ends of the steps.
    rows = await asyncio.gather(
        *(prometheus.values(query, start=start.timestamp() + step, step_seconds=step, count=STEPS) for query in queries)
    )
    low, high, loss, best, worst = rows
    return Curves(
        span=span,
        is_region=is_region,
        start=start,
        step_seconds=step,
        rtt_low=low,
        rtt_high=high,
        loss=loss,
        states=tuple(worst_state(least, most) for least, most in zip(best, worst, strict=True)),
    )


def worst_state(least: float | None, most: float | None) -> str | None:
    """Return the worst state of a step from its least and greatest code: DOWN, then LOW, then UNKNOWN, then UP."""
    if least is None or most is None:
        return None
    code = least if least <= 1 else most
    return _STATES.get(round(code))


def _of_target(identity: str, step: float) -> tuple[str, ...]:
    chosen = f"{{target={quoted(identity)}}}"
    window, state_window = _window(step, _LEAST_SECONDS), _window(step, _LEAST_STATE_SECONDS)
    return (
        f"max(avg_over_time(vpn_target_rtt_seconds{chosen}[{window}]))",
        f"max(max_over_time(vpn_target_rtt_seconds{chosen}[{window}]))",
        f"max(max_over_time(vpn_target_loss_ratio{chosen}[{window}]))",
        f"min(min_over_time(vpn_target_state_code{chosen}[{state_window}]))",
        f"max(max_over_time(vpn_target_state_code{chosen}[{state_window}]))",
    )


def _of_region(identity: str, step: float) -> tuple[str, ...]:
    chosen, window = f"{{region={quoted(identity)}}}", _window(step, _LEAST_RECORDED_SECONDS)
    state_window = _window(step, _LEAST_STATE_SECONDS)
    return (
        f"max(avg_over_time(region:vpn_region_rtt_seconds:p50_rate5m{chosen}[{window}]))",
        f"max(avg_over_time(region:vpn_region_rtt_seconds:p95_rate5m{chosen}[{window}]))",
        f"max(max_over_time(region:vpn_target_probe_failures_per_probes:ratio_rate5m{chosen}[{window}]))",
        f"min(min_over_time(region:vpn_region_state:code{chosen}[{state_window}]))",
        f"max(max_over_time(region:vpn_region_state:code{chosen}[{state_window}]))",
    )


def _window(step: float, least: int) -> str:
    return f"{max(round(step), least)}s"
