"""What is wrong with a text that is no YAML, and the remedy: in words that people understand, not in libyaml's."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from exporter.inventory.findings import Findings

_CONFLICT: Final = re.compile(r"^(?:<{7}|={7}|>{7})(?=[ \r\n]|$)", re.MULTILINE)
_UNPRINTABLE: Final = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_TAB_INDENT: Final = re.compile(r" *\t")


class _Words(NamedTuple):
    """Our words for one of libyaml's problems; `problem` may hold {line}, where the open construct began."""

    problem: str
    remedy: str
    at_start: bool = False  # the line to name is where the construct began, not where libyaml gave up


_UNCLOSED_BRACE = _Words(
    "this {{ is not closed, or a comma is missing between two keys",
    "end the entry with } and put a comma after each value",
    at_start=True,
)
_UNCLOSED_BRACKET = _Words(
    "this [ is not closed, or a comma is missing between two items",
    "end the list with ] and put a comma after each item",
    at_start=True,
)
_NO_COLON = _Words(
    "a key without a colon, or a line that is indented too little",
    "write `key: value`; items of a list begin with `- `",
)
_INDENT = _Words(
    "this line does not fit the lines above it (they began in line {line})",
    "indent it like its neighbours, and put text that holds quotes or : into quotes",
)
# libyaml's problem -> our words. The texts are those of libyaml's scanner.c and parser.c.
_PROBLEMS: Final[dict[str, _Words]] = {
    "mapping values are not allowed in this context": _Words(
        "a colon stands where none can be",
        'put text that holds ": " into quotes, or indent the line like its neighbours',
    ),
    "did not find expected ',' or '}'": _UNCLOSED_BRACE,
    "did not find expected ',' or ']'": _UNCLOSED_BRACKET,
    "found unexpected end of stream": _Words("this quoted text has no end", "close the quotes", at_start=True),
    "found unexpected document indicator": _Words("this quoted text has no end", "close the quotes", at_start=True),
    "did not find expected key": _INDENT,
    "did not find expected '-' indicator": _INDENT,
    "block sequence entries are not allowed in this context": _INDENT,
    "block mapping keys are not allowed in this context": _INDENT,
    "could not find expected ':'": _NO_COLON,
    "did not find expected node content": _Words(
        "a comma or bracket too many", "remove it, or put the text into quotes"
    ),
    "found unknown escape character": _Words(
        "an unknown \\ sequence in double quotes", "use single quotes or write \\\\"
    ),
    "did not find expected alphabetic or numeric character": _Words(
        "& or * begins an anchor name, and none follows", "put the text into quotes"
    ),
    "exceeded maximum nesting depth": _Words("brackets are nested too deeply", "close them"),
    "found incompatible YAML document": _Words("an unknown %YAML version", "remove the line"),
}


def explain_syntax(text: str, error: Exception, findings: Findings) -> None:
    """Note the mistakes that keep the text from being YAML: at least one."""
    conflict = _CONFLICT.search(text)
    if conflict is not None:
        findings.mistake(
            _line_of(text, conflict.start()),
            "",
            "is the mark of a merge conflict",
            "choose one of the two versions and remove the lines <<<<<<<, ======= and >>>>>>>",
            value=conflict.group(),
        )
        return
    unprintable = _UNPRINTABLE.search(text)
    if unprintable is not None:
        findings.mistake(
            _line_of(text, unprintable.start()),
            "",
            f"a character that YAML does not allow (U+{ord(unprintable.group()):04X})",
            "remove it; was the file saved by another program or copied in part?",
        )
        return
    mark = getattr(error, "problem_mark", None)
    if mark is None:
        findings.mistake(0, "", "cannot be read as YAML", "save it as plain text in UTF-8")
        return
    _explain_mark(text, error, findings)


def _explain_mark(text: str, error: Exception, findings: Findings) -> None:
    """Translate a problem that libyaml found at a place."""
    mark = getattr(error, "problem_mark", None)
    begun = getattr(error, "context_mark", None) or mark
    problem = str(getattr(error, "problem", "") or "cannot be read as YAML")
    lines = text.splitlines()
    number = mark.line if mark is not None else 0
    line = lines[number] if number < len(lines) else ""
    column = mark.column if mark is not None else 0
    if "\t" in line[: column + 1] and _TAB_INDENT.match(line):
        findings.mistake(number + 1, "", "a tab in the indentation", "indent with spaces")
        return
    if problem == "found character that cannot start any token":
        character = line[column : column + 1]
        what = "a tab between the words" if character == "\t" else f"text cannot begin with {character}"
        remedy = "use spaces" if character == "\t" else "put the text into quotes"
        findings.mistake(number + 1, "", what, remedy)
        return
    words = _PROBLEMS.get(problem)
    if words is None:
        findings.mistake(number + 1, "", problem, "correct the YAML of this line or of the one above it")
        return
    place = begun if words.at_start and begun is not None else mark
    start = begun.line + 1 if begun is not None else number + 1
    findings.mistake(
        (place.line if place is not None else number) + 1, "", words.problem.format(line=start), words.remedy
    )


def _line_of(text: str, index: int) -> int:
    """Return the line, from 1, that holds a character."""
    return text.count("\n", 0, index) + 1
