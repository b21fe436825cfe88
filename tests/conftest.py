"""What holds for the whole run: no property test fails for being slow, and what was left out is said at the end."""

from __future__ import annotations

from pathlib import Path

import hypothesis
import pytest

from grafana.serve import find_home

_HERE = Path(__file__).parent

# A busy machine makes any single example slow (277 ms for one of 2 ms); speeds are measured by `make bench`.
hypothesis.settings.register_profile("patient", deadline=None)
hypothesis.settings.load_profile("patient")


# Files go to the workers whole. Those that start servers, browsers or whole countries take a minute or two each: begun
# last, one worker would be left alone with them at the end.
_LONG = ("browser", "grafana", "integration", "network", "prometheus", "tools")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the long files come first; among themselves, and all others, in the random order that they have."""
    items.sort(key=lambda item: item.path.relative_to(_HERE).parts[0] not in _LONG)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name what is not in the count, so that nobody takes it for passed."""
    if find_home() is None:
        terminalreporter.section("left out", sep="-")
        terminalreporter.write_line(
            "tests/grafana/test_in_grafana.py (every dashboard in Grafana itself): no Grafana on this machine; "
            "set GRAFANA_HOME to an unpacked one"
        )
