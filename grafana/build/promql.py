"""Queries: the shapes that panels ask Prometheus in, and the expressions that more than one page needs.

Expressions join on (region, target), never on job or instance: states and the rest come from two scrape jobs. Joins
live in PromQL, not in transformations, so that the tests can run them. Nothing is filled with 0 where data is missing.
"""

from __future__ import annotations

from typing import Any, Final

DATASOURCE: Final = {"type": "prometheus", "uid": "${datasource}"}
MINUTE: Final = "1m"

IN_REGION: Final = 'region=~"$region"'
IN_TARGET: Final = 'region=~"$region",target=~"$target"'


def table(expr: str, ref: str = "A") -> dict[str, Any]:
    """Return an instant query answered as one frame: a column per label, then the value."""
    return _query(expr, ref, instant=True, format="table")


def value(expr: str, legend: str, ref: str = "A") -> dict[str, Any]:
    """Return an instant query answered as one number per series."""
    return _query(expr, ref, instant=True, format="time_series", legendFormat=legend)


def series(expr: str, legend: str, ref: str = "A", **more: Any) -> dict[str, Any]:
    """Return a range query: one line per series."""
    return _query(expr, ref, instant=False, format="time_series", legendFormat=legend, **more)


def samples(expr: str, ref: str = "A", *, interval: str) -> dict[str, Any]:
    """Return a range query answered as one frame: a row per series and step."""
    return _query(expr, ref, instant=False, format="table", interval=interval)


def _query(expr: str, ref: str, *, instant: bool, **more: Any) -> dict[str, Any]:
    """Return one query of a panel."""
    return {
        "refId": ref,
        "datasource": DATASOURCE,
        "expr": " ".join(expr.split()),
        "instant": instant,
        "range": not instant,
        "editorMode": "code",
        **more,
    }


def per_target(metric: str, matchers: str = IN_REGION) -> str:
    """Return a metric by region and target, without instance and job."""
    return f"max by (region, target) ({metric}{{{matchers}}})"


def code(matchers: str = IN_REGION) -> str:
    """Return the states as numbers: 0 down, 1 low, 2 up, 3 unknown."""
    return per_target("vpn_target_state_code", matchers)


def info(labels: str, matchers: str = IN_REGION) -> str:
    """Return the right side of a join that brings words of `vpn_target_info`.

    topk leaves one series per target: a renamed target can have two for minutes after a restart of Prometheus, and one
    such pair would fail the whole query.
    """
    one = f"topk by (region, target) (1, vpn_target_info{{{matchers}}})"
    return f"* on (region, target) group_left ({labels}) {one}"


def count_in_state(state: int, matchers: str = IN_REGION) -> str:
    """Return how many targets are in a state: 0 when none is, absent when there is no data."""
    return f"sum(vpn_target_state_code{{{matchers}}} == bool {state})"


def since_millis(matchers: str = IN_REGION) -> str:
    """Return the moment each target entered its state, in milliseconds since the epoch as Grafana's dates want it."""
    return f"{per_target('vpn_target_state_timestamp_seconds', matchers)} * 1000"


def age(matchers: str = IN_REGION) -> str:
    """Return how long each target has been in its state, in seconds."""
    return f"time() - {per_target('vpn_target_state_timestamp_seconds', matchers)}"


def low_rtt(matchers: str = IN_REGION) -> str:
    """Return the low limit of each target's round trip: its own, else its profile's."""
    target = f"topk by (region, target) (1, vpn_target_info{{{matchers}}})"
    of_profile = f"{target} * on (profile) group_left () max by (profile) (vpn_profile_low_rtt_seconds)"
    return f"{per_target('vpn_target_low_rtt_seconds', matchers)} or max by (region, target) ({of_profile})"


def own_causes(matchers: str = IN_REGION) -> str:
    """Return the judge's cause of each outage of a target's own; what is cut off has its hub's."""
    outage = f"{per_target('vpn_target_outage', matchers)} == 1"
    return f"max by (region, target, cause) (vpn_target_cause{{{matchers}}}) and on (region, target) ({outage})"


LOW_REASONS: Final = {"loss": 1, "rtt": 2, "jitter": 4}
"""What each broken limit adds to the number that names all of them; 0: LOW, and none is broken any more."""


def low_causes(matchers: str = IN_REGION) -> str:
    """Return what makes each LOW target LOW, as the exporter says: the sum of LOW_REASONS, as the label `cause`."""
    broken = " or ".join(
        f'{weight} * max by (region, target, reason) (vpn_target_low_reason{{reason="{reason}",{matchers}}})'
        for reason, weight in LOW_REASONS.items()
    )
    total = f"sum by (region, target) ({broken}) or 0 * ({code(matchers)} == 1)"
    return f'count_values by (region, target) ("cause", {total})'


ALERT_LABELS: Final = "alertname, severity, region, target"


def alerts(alertstate: str, matchers: str = "") -> str:
    """Return alerts in a state with the moment they became active, in milliseconds since the epoch."""
    chosen = f'alertname!="Watchdog"{"," + matchers if matchers else ""}'
    return (
        f"max by ({ALERT_LABELS}) (ALERTS_FOR_STATE{{{chosen}}}) * 1000 and on ({ALERT_LABELS}) "
        f'ALERTS{{alertstate="{alertstate}",{chosen}}}'
    )


def region_code(matchers: str = IN_REGION) -> str:
    """Return the regions' states as numbers, from the StateSet: 0 down, 1 low, 2 up, 3 unknown."""
    weights = (("low", 1), ("up", 2), ("unknown", 3))
    return " + ".join(
        f'{weight} * max by (region) (vpn_region_state{{state="{state}",{matchers}}})' for state, weight in weights
    )


def region_info(labels: str, matchers: str = IN_REGION) -> str:
    """Return the right side of a join that brings words of `vpn_region_info`, one series per region."""
    one = f"topk by (region) (1, vpn_region_info{{{matchers}}})"
    return f"* on (region) group_left ({labels}) {one}"


def per_region(metric: str, state: int, matchers: str = IN_REGION) -> str:
    """Return how many targets of each region are in a state; 0 when none is."""
    return f"sum by (region) ({metric}{{{matchers}}} == bool {state})"


def tiles(part: str, by: str, window: str, step: str = "5m") -> str:
    """Return the sum of averages that tile a window (steps of 5 or 15 minutes): `available` or `judged` targets."""
    return f"sum by ({by}) (sum_over_time(region:vpn_target_{part}:tile{step}{{{IN_REGION}}}[{window}]))"


def availability(window: str, by: str = "region", step: str = "5m") -> str:
    """Return time (up + low) / time (up + low + down) over a window; unknown is left out (design section 6)."""
    return f"{tiles('available', by, window, step)} / ({tiles('judged', by, window, step)} > 0)"


def recorded_availability(window: str, longest_gap: str) -> str:
    """Return an availability that Prometheus records; the gap is a little more than the rule's interval."""
    return (
        f"max by (region) (last_over_time(region:vpn_target_availability:ratio_{window}{{{IN_REGION}}}[{longest_gap}]))"
    )
