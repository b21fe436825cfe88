"""What is wrong with a settings file, as a value: both daemons refuse a file with every mistake at once, in one form.

Collecting them is each reader's own (exporter/inventory/findings.py, alertbridge/yamlfile.py).
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_SHOWN_CHARACTERS = 60  # a whole paragraph in a message hides the message
_PASSWORD = re.compile(r"(?<=//)[^/\s@]*@")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistake:
    """One thing that is wrong with the file. Prints as `file:line: path: "value" problem; remedy`."""

    file: str
    line: int  # from 1; 0: the whole file
    path: str  # e.g. targets[0].probe; empty: the whole file
    value: str  # as written, shortened; empty where there is none
    problem: str
    remedy: str
    warning: bool = False  # told, but the file is used

    def __str__(self) -> str:
        """Return the one-line text that the `check` commands print."""
        where = f"{self.file}:{self.line}" if self.line else self.file
        what = f'"{self.value}" {self.problem}' if self.value else self.problem
        kind = "warning: " if self.warning else ""
        return f"{where}: {kind}{f'{self.path}: ' if self.path else ''}{what}; {self.remedy}"

    def as_dict(self) -> dict[str, str | int | bool | None]:
        """Return what JSON answers and `check --json` say of it; what there is not is None."""
        return {
            "line": self.line or None,
            "path": self.path,
            "value": self.value or None,
            "problem": self.problem,
            "remedy": self.remedy,
            "warning": self.warning,
            "text": str(self),
        }


def visible(text: str) -> str:
    """Return a text as one printable line: what the file holds may reach terminals, logs and pages."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def shown(text: str) -> str:
    """Return a value as a message may repeat it: one line, short, without what stands before the @ of a URL."""
    plain = visible(_PASSWORD.sub("***@", text))
    return plain if len(plain) <= _SHOWN_CHARACTERS else f"{plain[: _SHOWN_CHARACTERS - 3]}..."


def nearest(word: str, known: Iterable[str], *, cutoff: float = 0.7) -> str | None:
    """Return the known word that was probably meant, or None.

    Args:
        word: as written.
        known: what it may be.
        cutoff: how alike they must be, 0 to 1; a small closed set bears a lower one than thousands of ids.
    """
    by_folded = {each.casefold(): each for each in known}
    matches = difflib.get_close_matches(word.casefold()[:_SHOWN_CHARACTERS], by_folded, n=1, cutoff=cutoff)
    return by_folded[matches[0]] if matches else None
