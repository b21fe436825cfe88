"""What every source of `targets regenerate` yields: rows, and what is wrong with the ones that cannot be used."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

# Keys of a target that a source may fill, in the order in which a new entry is written.
ROW_KEYS: Final = (
    "name",
    "region",
    "address",
    "probe",
    "kind",
    "gateway",
    "profile",
    "provider",
    "model",
    "latitude",
    "longitude",
    "hours",
    "tunnel",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RegionWords:
    """What a row says of its region; both empty: nothing."""

    id: str = ""  # from a column that holds ids
    name: str = ""  # from a column of names, or of either


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One device as its source names it. Texts are clean: one line, no odd blanks."""

    key: str  # what stays the same when other columns change; unique in its source
    where: str  # for people: `sites.csv row 12`
    name: str
    address: str
    region: RegionWords
    wanted_id: str = ""  # an id that the source itself has; empty: one is made of region and name
    values: Mapping[str, str] = field(
        default_factory=dict
    )  # other keys of ROW_KEYS that the row fills; gateway as written


@dataclass(frozen=True, slots=True, kw_only=True)
class RowProblem:
    """A row, or the whole source (`where` is its name), that cannot be used as it is."""

    where: str
    problem: str
    remedy: str

    def __str__(self) -> str:
        """Return the line that people read."""
        return f"{self.where}: {self.problem}; {self.remedy}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """All of one source."""

    source: str  # KIND:NAME, as entries remember it
    rows: tuple[Row, ...] = ()
    default_region: str | None = None  # id of the region of rows that say nothing
    problems: tuple[RowProblem, ...] = ()
    withheld: frozenset[str] = frozenset()  # keys of rows that cannot be used: their entries are left as they are
    notes: tuple[str, ...] = ()  # what was assumed or left out, for people
