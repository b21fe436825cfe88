"""The product on the demo's sites, started once for all tests that ask it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from grafana.serve import find_home
from tests.grafana.world import World
from tests.integration.namespace import Namespace

if TYPE_CHECKING:
    from collections.abc import Iterator


# Left out, not skipped: without a Grafana there is nothing to test (tests/conftest.py says so at the end of the run).
collect_ignore = [] if find_home() else ["test_in_grafana.py"]


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Everything that a dashboard's query reaches, in every state that the demo has."""
    with Namespace("pages") as space, World(space, tmp_path_factory.mktemp("world")) as world:
        yield world
