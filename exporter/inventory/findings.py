"""Collects what is wrong with one file: every mistake with its line, path, value and remedy."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NoReturn

from exporter.errors import InventoryError
from httpservice.mistakes import Mistake, nearest, shown, visible

if TYPE_CHECKING:
    from collections.abc import Iterable

_MOST_MISTAKES = 10_000  # of a wrong file that is large: each takes memory, and nobody reads more
_SUGGESTIONS = 50  # a near match among 100,000 ids costs 0.2 s: enough are given to show the pattern


class Refusal(Exception):  # noqa: N818 - it is an answer of the readers in scalars.py, not an error of the program
    """A scalar is not what its key needs."""

    def __init__(self, problem: str, remedy: str) -> None:
        self.problem = problem
        self.remedy = remedy
        super().__init__(f"{problem}; {remedy}")


@dataclass(slots=True)
class Findings:
    """Mistakes and warnings found so far in one file."""

    file: str
    found: list[Mistake] = field(default_factory=list)
    suggestions_left: int = _SUGGESTIONS
    _mistakes: int = 0

    def mistake(self, line: int, path: str, problem: str, remedy: str, *, value: str = "") -> None:
        """Note something that makes the file unusable. `line` counts from 1; 0 stands for the whole file.

        Raises:
            InventoryError: there are so many that reading on helps nobody.
        """
        self._note(line, path, problem, remedy, value, warning=False)
        self._mistakes += 1
        if self._mistakes == _MOST_MISTAKES:
            self._give_up(line)

    def warning(self, line: int, path: str, problem: str, remedy: str, *, value: str = "") -> None:
        """Note something that is told, though the file is used."""
        self._note(line, path, problem, remedy, value, warning=True)

    def _note(self, line: int, path: str, problem: str, remedy: str, value: str, *, warning: bool) -> None:
        self.found.append(
            Mistake(
                file=self.file,
                line=line,
                path=visible(path),
                value=shown(value),
                problem=visible(problem),
                remedy=visible(remedy),
                warning=warning,
            )
        )

    def near(self, word: str, known: Iterable[str]) -> str | None:
        """Return the known word that was probably meant, or None."""
        if self.suggestions_left <= 0:
            return None
        self.suggestions_left -= 1
        return nearest(word, known)

    @property
    def warnings(self) -> tuple[Mistake, ...]:
        """The warnings in line order."""
        return tuple(sorted((each for each in self.found if each.warning), key=_by_line))

    def raise_if_any(self) -> None:
        """Stop if there is a mistake.

        Raises:
            InventoryError: with every mistake in line order; warnings are left out.
        """
        mistakes = self._in_order()
        if mistakes:
            raise InventoryError(mistakes)

    def _give_up(self, line: int) -> NoReturn:
        """Stop with what was found so far, and say that there is more."""
        so_far = self._in_order()
        self._note(
            line, "", "there are more mistakes", "correct these first, or name the right file", "", warning=False
        )
        raise InventoryError((*so_far, self.found[-1]))

    def _in_order(self) -> tuple[Mistake, ...]:
        """Return the mistakes, without the warnings, in line order."""
        return tuple(sorted((each for each in self.found if not each.warning), key=_by_line))


def _by_line(mistake: Mistake) -> tuple[int, str]:
    return mistake.line, mistake.path
