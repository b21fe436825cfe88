"""The claims of design section 6, replayed with seeded loss in virtual time; the table is printed (pytest -s)."""

from __future__ import annotations

import pytest

from tests.exporter.state.simulation import Table, simulate


@pytest.fixture(scope="module")
def table() -> Table:
    measured = simulate(0.4)
    print(f"\n{measured}")
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
