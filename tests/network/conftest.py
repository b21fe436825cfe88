"""One namespace with simulated sites for all tests of this folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.integration.namespace import Namespace
from tests.network.sites import Sites

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def space() -> Iterator[Namespace]:
    """A fresh namespace: ping_group_range closed, as the kernel makes it."""
    with Namespace("engine-sites") as space:
        yield space


@pytest.fixture(scope="session")
def sites(space: Namespace) -> Iterator[Sites]:
    """The responder in it."""
    sites = Sites(space)
    yield sites
    sites.close()


@pytest.fixture
def unprivileged(space: Namespace) -> Iterator[None]:
    """The namespace with its ping_group_range open: probing processes take the unprivileged socket."""
    space.run("sysctl", "-q", "-w", "net.ipv4.ping_group_range=0 2147483647")
    yield
    space.run("sysctl", "-q", "-w", "net.ipv4.ping_group_range=1 0")
