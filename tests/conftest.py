"""What the whole run says at its end: which tests were left out because what they need is not on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grafana.serve import find_home

if TYPE_CHECKING:
    import pytest


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name what is not in the count, so that nobody takes it for passed."""
    if find_home() is None:
        terminalreporter.section("left out", sep="-")
        terminalreporter.write_line(
            "tests/grafana/test_in_grafana.py (every dashboard in Grafana itself): no Grafana on this machine; "
            "set GRAFANA_HOME to an unpacked one"
        )
