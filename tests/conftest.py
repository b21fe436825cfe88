"""What holds for the whole run: no property test fails for being slow, and what was left out is said at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import hypothesis

from grafana.serve import find_home

if TYPE_CHECKING:
    import pytest

# A busy machine makes any single example slow (277 ms for one of 2 ms); speeds are measured by `make bench`.
hypothesis.settings.register_profile("patient", deadline=None)
hypothesis.settings.load_profile("patient")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name what is not in the count, so that nobody takes it for passed."""
    if find_home() is None:
        terminalreporter.section("left out", sep="-")
        terminalreporter.write_line(
            "tests/grafana/test_in_grafana.py (every dashboard in Grafana itself): no Grafana on this machine; "
            "set GRAFANA_HOME to an unpacked one"
        )
