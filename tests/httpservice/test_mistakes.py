"""What is wrong with a settings file: how it prints, what it never repeats, and which word was meant."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from httpservice.mistakes import Mistake, nearest, shown, visible


@pytest.mark.parametrize(
    ("mistake", "text"),
    [
        (
            Mistake(file="a.yml", line=3, path="chats[0].id", value="x", problem="is no number", remedy="use digits"),
            'a.yml:3: chats[0].id: "x" is no number; use digits',
        ),
        (
            Mistake(file="a.yml", line=0, path="", value="", problem="cannot be read", remedy="name another"),
            "a.yml: cannot be read; name another",
        ),
        (
            Mistake(file="a", line=1, path="b", value="", problem="is empty", remedy="fill it", warning=True),
            "a:1: warning: b: is empty; fill it",
        ),
    ],
    ids=["value", "whole file", "warning"],
)
def test_a_mistake_is_one_line(mistake: Mistake, text: str) -> None:
    """File, line, path, value, problem, remedy; what is not there leaves no trace."""
    assert str(mistake) == text


def test_a_value_is_repeated_without_its_password_and_not_whole() -> None:
    """Messages reach terminals, logs and pages."""
    assert shown("postgresql://duty:geheim@db/x") == "postgresql://***@db/x"
    assert shown("a\x1b[31m\nb") == "a\\x1b[31m\\nb"
    assert len(shown("x" * 1000)) == 60


@given(st.text())
def test_whatever_a_file_holds_is_one_printable_line(text: str) -> None:
    """No control character, no line break, at most as long as a message bears."""
    assert visible(text).isprintable()
    assert shown(text).isprintable()
    assert len(shown(text)) <= 60


@pytest.mark.parametrize(
    ("word", "cutoff", "meant"),
    [
        ("languag", 0.7, "language"),
        ("LANGUAGE", 0.7, "language"),
        ("lang", 0.7, None),
        ("lang", 0.6, "language"),
        ("x", 0.6, None),
    ],
)
def test_the_nearest_word_is_offered(word: str, cutoff: float, meant: str | None) -> None:
    """Whatever its capitals; a small set bears a bolder guess."""
    assert nearest(word, ["language", "version"], cutoff=cutoff) == meant
