"""Reads a YAML mapping by our own schema: typed reads with lines and paths, all mistakes at once, unknown keys refused.

Scalars are typed by the reader, not by YAML 1.1 (a name `NO` stays text); duplicate keys are a mistake. What the keys
mean is settings.py's business.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import yaml

from httpservice.mistakes import Mistake, nearest, shown, visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_NULL = "tag:yaml.org,2002:null"
_ALIKE = 0.6  # the sets are small: `token` may well mean `token_file`
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")


@dataclass(slots=True)
class Mistakes:
    """Collects what is wrong with one file."""

    file: str
    found: list[Mistake] = field(default_factory=list)

    def add(self, *, line: int, path: str, problem: str, remedy: str, value: str = "", warning: bool = False) -> None:
        """Note one mistake or warning."""
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

    def errors(self) -> tuple[Mistake, ...]:
        """Return everything but the warnings, in line order."""
        return tuple(sorted((m for m in self.found if not m.warning), key=lambda m: m.line))

    def warnings(self) -> tuple[Mistake, ...]:
        """Return the warnings, in line order."""
        return tuple(sorted((m for m in self.found if m.warning), key=lambda m: m.line))


def near(word: str, choices: Iterable[str]) -> str:
    """Return the remedy for a mistyped word: what was probably meant, else the choices."""
    choices = sorted(set(choices))
    close = nearest(word, choices, cutoff=_ALIKE)
    return f"did you mean {close}?" if close else f"use one of {', '.join(choices)}"


def parse_duration(text: str) -> float | None:
    """Return seconds for `90s`, `3m`, `1h30m`; None when the text is no duration."""
    seconds, end = 0.0, 0
    for match in _DURATION.finditer(text):
        if match.start() != end:
            return None
        seconds += float(match[1]) * _UNITS[match[2]]
        end = match.end()
    return seconds if text and end == len(text) else None


def open_document(text: str, mistakes: Mistakes) -> Section | None:
    """Return the file's top mapping, or None with the reason noted."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        node = yaml.compose(text, Loader=loader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        mistakes.add(line=line, path="", problem=f"is no YAML: {error.problem}", remedy="correct the syntax")
        return None
    except yaml.YAMLError as error:
        mistakes.add(line=0, path="", problem=f"is no YAML: {error}", remedy="correct the syntax")
        return None
    if not isinstance(node, yaml.MappingNode):
        mistakes.add(line=0, path="", problem="holds no settings", remedy="start with `version: 1`")
        return None
    return Section(node, "", mistakes)


def named_files(text: str) -> tuple[str, ...]:
    """Return the value of every key that ends in `_file`, whatever else may be wrong with the text."""
    try:
        top = yaml.compose(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except yaml.YAMLError:
        return ()
    return tuple(dict.fromkeys(_file_values(top)))


def _file_values(node: yaml.Node | None) -> Iterator[str]:
    """Yield them from one node and all below it."""
    if isinstance(node, yaml.SequenceNode):
        for each in node.value:
            yield from _file_values(each)
    elif isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            named = isinstance(key, yaml.ScalarNode) and key.value.endswith("_file") and value.tag != _NULL
            if named and isinstance(value, yaml.ScalarNode):
                yield value.value.strip()
            else:
                yield from _file_values(value)


class Section:
    """One mapping of the file. Each key is read at most once; `finish` refuses what nobody asked for."""

    def __init__(self, node: yaml.MappingNode, path: str, mistakes: Mistakes) -> None:
        self.path = path
        self.line = int(node.start_mark.line) + 1
        self.mistakes = mistakes
        self._asked: set[str] = set()
        self._nodes: dict[str, yaml.Node] = {}
        self._lines: dict[str, int] = {}
        for key_node, value_node in node.value:
            key = key_node.value if isinstance(key_node, yaml.ScalarNode) else "?"
            line = int(key_node.start_mark.line) + 1
            if key in self._nodes:
                mistakes.add(
                    line=line,
                    path=self._at(key),
                    problem=f"is written twice (first on line {self._lines[key]})",
                    remedy="keep one of them",
                )
                continue
            self._nodes[key] = value_node
            self._lines[key] = line

    def _at(self, key: str) -> str:
        return f"{self.path}.{key}" if self.path else key

    def line_of(self, key: str) -> int:
        """Return the line a key stands on, or the section's own."""
        return self._lines.get(key, self.line)

    def wrong(self, key: str, problem: str, remedy: str, *, value: str = "", warning: bool = False) -> None:
        """Note a mistake about one key."""
        self.mistakes.add(
            line=self.line_of(key), path=self._at(key), problem=problem, remedy=remedy, value=value, warning=warning
        )

    def _take(self, key: str) -> yaml.Node | None:
        self._asked.add(key)
        node = self._nodes.get(key)
        return None if node is None or node.tag == _NULL else node

    def has(self, key: str) -> bool:
        """Tell whether a key is written with a value."""
        node = self._nodes.get(key)
        return node is not None and node.tag != _NULL

    def text(self, key: str, *, required: str = "") -> str | None:
        """Return a scalar as text; `required` is the remedy to print when it is missing."""
        node = self._take(key)
        if node is None:
            if required:
                self.wrong(key, "is missing", required)
            return None
        if not isinstance(node, yaml.ScalarNode):
            self.wrong(key, "must be a single value", "write it on one line after the colon")
            return None
        return str(node.value).strip()

    def whole(self, key: str, *, required: str = "") -> int | None:
        """Return a whole number."""
        text = self.text(key, required=required)
        if text is None:
            return None
        if not re.fullmatch(r"-?\d{1,18}", text):
            self.wrong(key, "is no whole number", "write digits only, with a leading - for groups", value=text)
            return None
        return int(text)

    def duration(self, key: str, default: float, *, least: float = 0.0) -> float:
        """Return seconds."""
        text = self.text(key)
        if text is None:
            return default
        seconds = parse_duration(text)
        if seconds is None or seconds < least:
            self.wrong(key, "is no duration that can be used", "write it like 60s, 3m or 1h30m", value=text)
            return default
        return seconds

    def choice(self, key: str, choices: Iterable[str], default: str) -> str:
        """Return one word of a closed set."""
        text = self.text(key)
        if text is None:
            return default
        known = tuple(choices)
        if text not in known:
            self.wrong(key, "is not known here", near(text, known), value=text)
            return default
        return text

    def section(self, key: str) -> Section | None:
        """Return a nested mapping."""
        node = self._take(key)
        if node is None:
            return None
        if not isinstance(node, yaml.MappingNode):
            self.wrong(key, "must be a mapping", f"write it like `{key}: {{...}}`")
            return None
        return Section(node, self._at(key), self.mistakes)

    def sections(self, key: str) -> tuple[Section, ...]:
        """Return a list of mappings."""
        node = self._take(key)
        if node is None:
            return ()
        if not isinstance(node, yaml.SequenceNode):
            self.wrong(key, "must be a list", f"write each entry of {key} on a line that starts with `- `")
            return ()
        found = []
        for index, item in enumerate(node.value):
            path = f"{self._at(key)}[{index}]"
            if isinstance(item, yaml.MappingNode):
                found.append(Section(item, path, self.mistakes))
            else:
                self.mistakes.add(
                    line=int(item.start_mark.line) + 1,
                    path=path,
                    problem="must be a mapping",
                    remedy="write it like `- {name: ..., ...}`",
                )
        return tuple(found)

    def texts(self, key: str) -> tuple[str, ...]:
        """Return a list of words; a single word counts as a list of one."""
        node = self._take(key)
        if node is None:
            return ()
        items = node.value if isinstance(node, yaml.SequenceNode) else [node]
        if not all(isinstance(item, yaml.ScalarNode) for item in items):
            self.wrong(key, "must be a list of words", f"write it like `{key}: [one, two]`")
            return ()
        return tuple(str(item.value).strip() for item in items)

    def finish(self) -> None:
        """Refuse every key that no read asked for."""
        for key, line in self._lines.items():
            if key not in self._asked:
                self.mistakes.add(
                    line=line, path=self._at(key), problem="is no key that is known", remedy=near(key, self._asked)
                )
