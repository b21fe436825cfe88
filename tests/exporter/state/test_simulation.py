"""The claims of design section 6, replayed with seeded loss in virtual time; the table is printed (pytest -s)."""

from __future__ import annotations

import pytest

from tests.exporter.state.simulation import Table, simulate
from tests.exporter.state.simulation_falls import Falls, simulate_falls


@pytest.fixture(scope="module")
def table() -> Table:
    measured = simulate(0.4)
    print(f"\n{measured}")
    return measured


@pytest.fixture(scope="module")
def falls() -> Falls:
    measured = simulate_falls(0.1)
    print("\n" + "\n".join(f"| {what} | {value} |" for what, value in measured.rows()))
    return measured


def test_time_to_down(table: Table) -> None:
    """A cut fiber target is DOWN within 3.4-5 s, a satellite one within 4-7 s, an LTE one within 3.4-9 s; all are."""
    assert table.fiber_down.missing == table.vsat_down.missing == table.lte_down.missing == 0
    assert table.fiber_down.least > 3.4
    assert table.fiber_down.most < 5.0
    assert table.vsat_down.least > 4.0
    assert table.vsat_down.most < 7.0
    assert table.lte_down.most < 9.0


def test_one_percent_loss_is_nearly_never_low(table: Table) -> None:
    """About 0.7 LOW entries a day and target at 1 % random loss, and no DOWN."""
    assert table.low_per_day < 1.6
    assert table.downs_at_one_percent == 0


def test_real_loss_is_found_soon(table: Table) -> None:
    """20 % loss is LOW within 47 s (p95), 30 % within 26 s; here with the margin of 80 targets and 1 s steps."""
    assert table.low_at_20.missing == table.low_at_30.missing == 0
    assert table.low_at_20.p95 < 60
    assert table.low_at_30.p95 < 34


def test_loss_is_never_down(table: Table) -> None:
    """At 20 % random loss nobody enters DOWN: the confirmation probes see to that."""
    assert table.false_downs_at_20 == 0


def test_first_state_is_there_within_five_seconds(falls: Falls) -> None:
    """Whatever the interval: the first three probes come a second apart."""
    assert falls.first_state.missing == 0
    assert falls.first_state.most < 5.0


def test_a_fallen_hub_is_one_outage(falls: Falls) -> None:
    """Its sites are all cut off and never told, neither while it is away nor when it returns."""
    assert falls.hub_outage.missing == 0
    assert falls.hub_outage.most < 5.0
    assert (falls.cut_off, falls.told_behind_hub) == (falls.sites, 0)


def test_what_falls_alone_is_told_at_once_and_together_within_three_seconds_more(falls: Falls) -> None:
    """A lone fiber site as soon as it is DOWN; four at once within the 3 s for which companions are waited for."""
    assert falls.site_outage.missing == falls.together.missing == 0
    assert falls.site_outage.most < 5.0
    assert falls.together.most < 9.0 + 3.0  # one of them is LTE


def test_return_needs_three_replies_and_leaves_no_low(falls: Falls) -> None:
    """UP with the third reply in a row, and no LOW of what the outage has lost."""
    assert falls.back_up.missing == falls.back_up_vsat.missing == 0
    assert falls.back_up.least > 2.0
    assert falls.back_up.most < 3.6
    assert falls.back_up_vsat.most < 7.0
    assert falls.low_after == 0


def test_one_bad_probe_is_never_low(falls: Falls) -> None:
    """Neither a lost packet nor a slow reply."""
    assert falls.low_after_one == 0


def test_our_own_line_is_never_told_as_outages(falls: Falls) -> None:
    """Isolated within about 2 s, before anything may be DOWN; nothing of it is an outage when the line is back."""
    assert falls.isolated.missing == 0
    assert falls.isolated.most < 2.6
    assert (falls.downs_while_isolated, falls.outages_after_isolated) == (0, 0)
