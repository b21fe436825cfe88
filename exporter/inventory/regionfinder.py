"""Which region a row belongs to: by its own words, by `region_rules:`, by --region. Never by the nearest place.

A province that the file does not have yet is added with its capital's coordinates. Any other unknown name is told: a
region's id is made by hand, since graphs and alerts go by it for ever.
"""

from __future__ import annotations

import fnmatch
import ipaddress
from typing import TYPE_CHECKING

from exporter.inventory.edits import Entry
from exporter.inventory.findings import Refusal
from exporter.inventory.places import province_named
from exporter.inventory.rows import RegionWords, Row, RowProblem
from exporter.inventory.scalars import identifier, parsed_ip

if TYPE_CHECKING:
    from exporter.inventory.model import Inventory
    from exporter.inventory.provinces import Province

_UNKNOWN_SHOWN = 5  # rows that a message about one unknown region names


class RegionFinder:
    """Finds regions for one run; collects the regions to add and the names that nobody knows."""

    def __init__(self, inventory: Inventory) -> None:
        self._ids = {region.id.casefold(): region.id for region in inventory.regions}
        self._names = {_folded(region.name): region.id for region in inventory.regions}
        for region in inventory.regions:
            province = province_named(region.name)
            if province is not None:
                self._names.setdefault(_folded(province.name), region.id)
        self._networks = sorted(
            ((ipaddress.ip_network(rule["cidr"]), rule["region"]) for rule in inventory.region_rules if "cidr" in rule),
            key=lambda pair: -pair[0].prefixlen,
        )
        self._patterns = [
            (rule["name"].casefold(), rule["region"]) for rule in inventory.region_rules if "name" in rule
        ]
        self._created: dict[str, Entry] = {}
        self._unknown: dict[RegionWords, list[str]] = {}
        self._without: list[str] = []
        self._found: dict[RegionWords, str | None] = {}

    def find(self, row: Row, *, default: str | None, present: str | None = None) -> str | None:
        """Return the region's id; None where it cannot be told, which stops the run.

        Args:
            row: the row.
            default: the region of rows of this source that say nothing.
            present: the region of the row's entry, which stays where the row says nothing.
        """
        if row.region != RegionWords():
            if row.region not in self._found:
                self._found[row.region] = self._by_words(row.region)
            found = self._found[row.region]
            if found is None:
                self._unknown.setdefault(row.region, []).append(row.where)
            return found
        found = self._by_rule(row) or present or default
        if found is None:
            self._without.append(row.where)
        return found

    def peek(self, row: Row, *, default: str | None) -> str | None:
        """Return what find would, and note nothing."""
        if row.region != RegionWords():
            if row.region not in self._found:
                self._found[row.region] = self._by_words(row.region)
            return self._found[row.region]
        return self._by_rule(row) or default

    def _by_words(self, words: RegionWords) -> str | None:
        """Look a region up by id, then by name, then among the provinces."""
        for text in (words.id, words.name):
            if text.casefold() in self._ids:
                return self._ids[text.casefold()]
        for text in (words.name, words.id):
            if _folded(text) in self._names:
                return self._names[_folded(text)]
            province = province_named(text)
            if province is not None:
                return self._names.get(_folded(province.name)) or self._create(words, province)
        return None

    def _create(self, words: RegionWords, province: Province) -> str | None:
        """Add a province: with the id that the list gives it, else with the letters of its ISO code."""
        wanted = words.id or province.iso.removeprefix("ID-")
        try:
            identifier(wanted)
        except Refusal:
            return None
        self._created[wanted] = Entry(
            values={
                "id": wanted,
                "name": province.name,
                "latitude": f"{province.latitude:.4f}",
                "longitude": f"{province.longitude:.4f}",
            }
        )
        self._ids[wanted.casefold()] = wanted
        self._names[_folded(province.name)] = wanted
        return wanted

    def _by_rule(self, row: Row) -> str | None:
        address = parsed_ip(row.address)
        if address is not None:
            for network, region in self._networks:  # longest prefix first
                if address in network:
                    return region
        name = row.name.casefold()
        return next((region for pattern, region in self._patterns if fnmatch.fnmatchcase(name, pattern)), None)

    @property
    def created(self) -> tuple[Entry, ...]:
        """Regions to add."""
        return tuple(self._created.values())

    @property
    def notes(self) -> tuple[str, ...]:
        """What is said about added regions."""
        return tuple(
            f"region {entry.id} ({entry.values['name']}) is added, placed at its capital; "
            "change its id now if you want another one, for it stays"
            for entry in self._created.values()
        )

    @property
    def problems(self) -> tuple[RowProblem, ...]:
        """One problem for each unknown region, and one for all rows that name none."""
        problems = [
            RowProblem(
                where=_shown(rows),
                problem=f'"{words.name or words.id}" is no region of the file',
                remedy=f"add it to regions:, e.g. - {{id: {words.id or 'XXX'}, name: {words.name or words.id}, "
                "latitude: ..., longitude: ...}",
            )
            for words, rows in self._unknown.items()
        ]
        if self._without:
            problems.append(
                RowProblem(
                    where=_shown(self._without),
                    problem="names no region",
                    remedy="add a column Wilayah, a rule to region_rules:, or give --region ID",
                )
            )
        return tuple(problems)


def _folded(name: str) -> str:
    return " ".join(name.casefold().split())


def _shown(rows: list[str]) -> str:
    more = len(rows) - _UNKNOWN_SHOWN
    return ", ".join(rows[:_UNKNOWN_SHOWN]) + (f" and {more} more rows" if more > 0 else "")
