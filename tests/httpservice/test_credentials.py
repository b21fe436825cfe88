"""Checking passwords: right, wrong, unknown, changed, many at once."""

from __future__ import annotations

import asyncio

import pytest

from httpservice import credentials
from httpservice.credentials import Busy, Credentials

RIGHT = "$2b$04$wruvmQ1W4rHbxpHVWW7n4uWDw80I3vDBQkTWLEXN2XSVBEgmfXqie"  # of "right"
USERS = {"ana": RIGHT}


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Count the real checks, quickly: an unknown user's costs as much as a real one's otherwise."""
    seen: list[str] = []
    real = credentials._matches

    def matches(stored: str, password: str) -> bool:
        seen.append(password)
        return real(stored, password) if stored == RIGHT else False

    monkeypatch.setattr(credentials, "_matches", matches)
    return seen


async def test_right_wrong_and_unknown(counted: list[str]) -> None:
    """Only the right password of a known user is accepted; an unknown user costs a check like any other."""
    keeper = Credentials()
    assert await keeper.verify(USERS, "ana", "right")
    assert not await keeper.verify(USERS, "ana", "wrong")
    assert not await keeper.verify(USERS, "bob", "right")
    assert counted == ["right", "wrong", "right"]


async def test_an_answer_is_remembered_without_the_password(counted: list[str]) -> None:
    """A page that polls costs one bcrypt; the password is not kept in memory."""
    keeper = Credentials()
    for _ in range(5):
        assert await keeper.verify(USERS, "ana", "right")
    assert counted == ["right"]
    assert "right" not in repr(vars(keeper))


async def test_a_changed_hash_makes_old_answers_void(counted: list[str]) -> None:
    """Changing a password locks the old one out at once."""
    keeper = Credentials()
    assert await keeper.verify(USERS, "ana", "right")
    other = "$2b$04$" + "a" * 53
    assert not await keeper.verify({"ana": other}, "ana", "right")
    assert not await keeper.verify({}, "ana", "right")
    assert len(counted) == 3


async def test_equal_checks_at_once_cost_one(counted: list[str]) -> None:
    """A browser opens six connections at a time."""
    keeper = Credentials()
    answers = await asyncio.gather(*(keeper.verify(USERS, "ana", "right") for _ in range(6)))
    assert all(answers)
    assert counted == ["right"]


async def test_a_flood_is_turned_away(counted: list[str]) -> None:
    """Guessing cannot pile up work; a known user still gets in."""
    keeper = Credentials()
    assert await keeper.verify(USERS, "ana", "right")
    flood = [keeper.verify(USERS, "ana", f"guess {number}") for number in range(60)]
    answers = await asyncio.gather(*flood, keeper.verify(USERS, "ana", "right"), return_exceptions=True)
    assert sum(isinstance(answer, Busy) for answer in answers) >= 40
    assert answers[-1] is True
    assert len(counted) < 25


async def test_memory_is_bounded(counted: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Old answers are forgotten."""
    monkeypatch.setattr(credentials, "_REMEMBERED", 4)
    keeper = Credentials()
    for number in range(10):
        await keeper.verify(USERS, "bob", str(number))
    assert len(keeper._answers) == 4
    assert len(counted) == 10


@pytest.mark.parametrize("password", ["x" * 100, "a\0b", "\ud800", ""], ids=["long", "nul", "surrogate", "empty"])
def test_odd_passwords_are_wrong_not_errors(password: str) -> None:
    """Whatever is sent, the answer is yes or no."""
    assert credentials._matches(RIGHT, password) is False


def test_the_hash_of_nobody_is_real() -> None:
    """An unknown user takes the time of a real check."""
    assert credentials._matches(credentials._NOBODY, "") is False
    assert credentials._NOBODY.startswith("$2b$10$")
