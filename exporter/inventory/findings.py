"""Collects what is wrong with one file: every mistake with its line, path, value and remedy."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from exporter.errors import InventoryError
from exporter.inventory.model import Mistake

if TYPE_CHECKING:
    from collections.abc import Iterable

_SHOWN_CHARACTERS = 60  # a whole paragraph in a message hides the message
_SUGGESTIONS = 50  # a near match among 100,000 ids costs 0.2 s: enough are given to show the pattern
_PASSWORD = re.compile(r"(?<=//)[^/\s@]*@")


class Refusal(Exception):  # noqa: N818 - it is an answer of the readers in scalars.py, not an error of the program
    """A scalar is not what its key needs."""

    def __init__(self, problem: str, remedy: str) -> None:
        self.problem = problem
        self.remedy = remedy
        super().__init__(f"{problem}; {remedy}")


def visible(text: str) -> str:
    """Return a text as one printable line: what the file holds may reach terminals, logs and pages."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def shown(text: str) -> str:
    """Return a value as a message may repeat it: one line, short, without what stands before the @ of a URL."""
    plain = visible(_PASSWORD.sub("***@", text))
    return plain if len(plain) <= _SHOWN_CHARACTERS else f"{plain[: _SHOWN_CHARACTERS - 3]}..."


@dataclass(slots=True)
class Findings:
    """Mistakes and warnings found so far in one file."""

    file: str
    found: list[Mistake] = field(default_factory=list)
    suggestions_left: int = _SUGGESTIONS

    def mistake(self, line: int, path: str, problem: str, remedy: str, *, value: str = "") -> None:
        """Note something that makes the file unusable. `line` counts from 1; 0 stands for the whole file."""
        self._note(line, path, problem, remedy, value, warning=False)

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
        by_folded = {each.casefold(): each for each in known}
        matches = difflib.get_close_matches(word.casefold()[:_SHOWN_CHARACTERS], by_folded, n=1, cutoff=0.7)
        return by_folded[matches[0]] if matches else None

    @property
    def warnings(self) -> tuple[Mistake, ...]:
        """The warnings in line order."""
        return tuple(sorted((each for each in self.found if each.warning), key=_by_line))

    def raise_if_any(self) -> None:
        """Stop if there is a mistake.

        Raises:
            InventoryError: with every mistake in line order; warnings are left out.
        """
        mistakes = sorted((each for each in self.found if not each.warning), key=_by_line)
        if mistakes:
            raise InventoryError(tuple(mistakes))


def _by_line(mistake: Mistake) -> tuple[int, str]:
    return mistake.line, mistake.path
