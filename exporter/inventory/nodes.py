"""The nodes of the tree that tree.py builds: scalars as they were written, mappings and lists, with their places.

Lines count from 1. `start` and `end` are character indexes into the text without its byte order mark.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, TypeAlias

_NULLS: Final = frozenset({"", "~", "null", "Null", "NULL"})


@dataclass(slots=True)
class ScalarNode:
    """One value as written, quotes removed. `simple`: on its own, without anchor or tag, not a block of lines."""

    text: str
    line: int
    start: int
    end: int
    plain: bool
    simple: bool

    @property
    def is_null(self) -> bool:
        """Nothing was written, or `~` or `null`: the key counts as absent."""
        return self.plain and self.text in _NULLS


@dataclass(slots=True)
class MapNode:
    """A mapping; `entries` holds key and value in the file's order, those of merge keys last."""

    line: int
    start: int
    flow: bool  # `{a: 1}`
    end: int = 0  # exact for flow; for block the end of its last value
    entries: dict[str, tuple[ScalarNode, Node]] = field(default_factory=dict)
    merged: frozenset[str] = frozenset()  # keys that come from a merge key and stand elsewhere


@dataclass(slots=True)
class ListNode:
    """A list."""

    line: int
    start: int
    flow: bool
    end: int = 0
    items: list[Node] = field(default_factory=list)


Node: TypeAlias = ScalarNode | MapNode | ListNode
