"""A plan of edits of targets.yml as values: what regenerate.py decides and splice.py writes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exporter.inventory.rows import RowProblem


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A new item of `targets:` or `regions:`; keys in the order in which they are written, `id` first."""

    values: Mapping[str, str]
    after: str | None = None  # id of the item behind which it goes; None: the end of the list

    @property
    def id(self) -> str:
        """The new item's id."""
        return self.values["id"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """New values of a target's keys; None removes a key."""

    id: str
    values: Mapping[str, str | None]
    before: Mapping[str, str] = field(default_factory=dict)  # what people are shown as the old values


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Everything that one run would write, and what it has to say."""

    regions: tuple[Entry, ...] = ()
    inserts: tuple[Entry, ...] = ()
    changes: tuple[Change, ...] = ()  # values that differ
    missing: tuple[Change, ...] = ()  # gets missing_since: the source does not name it any more
    returned: tuple[Change, ...] = ()  # loses missing_since
    removals: tuple[str, ...] = ()  # ids
    problems: tuple[RowProblem, ...] = ()  # while there are any, nothing is written
    notes: tuple[str, ...] = ()

    @property
    def nothing(self) -> bool:
        """The file is up to date."""
        return not (self.regions or self.inserts or self.changes or self.missing or self.returned or self.removals)

    @property
    def all_changes(self) -> tuple[Change, ...]:
        """Every edit of an entry that stays; an id may come more than once."""
        return self.changes + self.missing + self.returned
