"""Waiting for something that must come, with a deadline and words for when it does not."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

_T = TypeVar("_T")


def until(check: Callable[[], _T], what: str, *, seconds: float, every: float = 0.1) -> _T:
    """Ask again and again until the answer is true, and return it.

    Raises:
        AssertionError: it did not come in time; the text names it and the last answer.
    """
    deadline = time.monotonic() + seconds
    while True:
        answer = check()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds:g} s: {what}; the last answer was {answer!r}")
        time.sleep(every)
