"""Names are kept up to date in the background, and nobody waits for them."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import pytest

from exporter.engine.resolve import REFRESH_SECONDS, RETRY_SECONDS, Resolver, system_lookup

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Names:
    """A name service that a test changes by hand."""

    def __init__(self) -> None:
        self.answers: dict[str, list[str]] = {}
        self.asked: list[str] = []

    def __call__(self, name: str) -> list[str]:
        self.asked.append(name)
        return self.answers.get(name, [])


@pytest.fixture
def names() -> Names:
    return Names()


@pytest.fixture
def resolver(names: Names) -> Iterator[Resolver]:
    resolver = Resolver(names)
    yield resolver
    resolver.close()


def _until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < deadline, "it did not become so in time"
        time.sleep(0.002)


def test_a_name_gets_its_address_and_says_so_once(resolver: Resolver, names: Names) -> None:
    """`poll` tells of a change once; until then the name counts as unresolved."""
    names.answers["site"] = ["10.0.0.1", "10.0.0.2"]
    resolver.want(["site"])
    assert resolver.unresolved == {"site"}
    assert resolver.poll(0.0) is False
    _until(lambda: resolver.poll(1.0))
    assert resolver.address("site") == "10.0.0.1"
    assert resolver.unresolved == frozenset()
    assert resolver.poll(2.0) is False


def test_the_unresolved_are_asked_more_often(resolver: Resolver, names: Names) -> None:
    """Every 5 s without an address, every 60 s with one; never twice at once."""
    names.answers["good"] = ["10.0.0.1"]
    resolver.want(["good", "bad"])
    resolver.poll(0.0)
    _until(lambda: len(names.asked) == 2 and not _asking(resolver, 0.0))
    resolver.poll(RETRY_SECONDS - 0.1)
    assert len(names.asked) == 2
    resolver.poll(RETRY_SECONDS + 0.1)
    _until(lambda: names.asked.count("bad") == 2)
    assert names.asked.count("good") == 1
    _until(lambda: not _asking(resolver, RETRY_SECONDS + 0.1))
    resolver.poll(REFRESH_SECONDS + 0.1)
    _until(lambda: names.asked.count("good") == 2)


def _asking(resolver: Resolver, now: float) -> bool:
    resolver.poll(now)
    return any(known.asking for known in resolver._names.values())


def test_the_last_good_answer_is_kept(resolver: Resolver, names: Names) -> None:
    """A name server that fails, or lists the same address elsewhere, changes nothing; a real move does."""
    names.answers["site"] = ["10.0.0.1"]
    resolver.want(["site"])
    _until(lambda: resolver.poll(0.0))
    now = 0.0
    for answer, address in (([], "10.0.0.1"), (["10.0.0.9", "10.0.0.1"], "10.0.0.1"), (["10.0.0.9"], "10.0.0.9")):
        names.answers["site"] = answer
        now += REFRESH_SECONDS + 1
        asked = len(names.asked)
        changed = resolver.poll(now)
        _until(lambda asked=asked: len(names.asked) == asked + 1)  # type: ignore[misc]  # mypy: lambda default
        _until(lambda now=now: not _asking(resolver, now))  # type: ignore[misc]  # mypy: lambda default
        assert changed is False
        assert resolver.address("site") == address


def test_hung_look_ups_hold_up_nobody() -> None:
    """With every thread stuck in a dead name server, `poll` still returns at once and threads stay capped."""
    gate = threading.Event()

    def hang(_name: str) -> list[str]:
        gate.wait(10)
        return []

    resolver = Resolver(hang, threads=2)
    resolver.want([f"name-{number}" for number in range(100)])
    began = time.monotonic()
    for step in range(10):
        resolver.poll(float(step))
    assert time.monotonic() - began < 1.0
    assert sum(thread.name.startswith("resolver-") for thread in threading.enumerate()) <= 2
    assert len(resolver.unresolved) == 100
    gate.set()
    resolver.close()


def test_forgotten_names_are_forgotten(resolver: Resolver, names: Names) -> None:
    """After a reload only wanted names count, and what is known of those that stay is kept."""
    names.answers.update(a=["10.0.0.1"], b=["10.0.0.2"])
    resolver.want(["a", "b"])
    resolver.poll(0.0)
    _until(lambda: not _asking(resolver, 0.0))
    resolver.want(["b", "c"])
    assert (resolver.address("a"), resolver.address("b")) == (None, "10.0.0.2")
    assert resolver.unresolved == {"c"}


def test_the_systems_own_look_up() -> None:
    """Localhost resolves; what cannot be a name has no addresses, and no exception."""
    assert {"127.0.0.1", "::1"} & set(system_lookup("localhost"))
    assert system_lookup("a" * 300) == []
