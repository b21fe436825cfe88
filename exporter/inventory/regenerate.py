"""Rows and the present file to a plan of edits. Pure; splice.py writes it.

- An entry remembers its row by `source: KIND:NAME#KEY`. Its id, once given, stays. Entries without such a source are
  hand-written and never changed; a row that names what a hand-written entry has is left out, and that is said.
- A row whose key is new but whose address is that of an entry whose own row is gone, is that entry renamed.
- Only what a row says is set; an empty cell says nothing, so keys added by hand stay.
- An entry whose row is gone is marked `missing_since`, goes on being probed, and is removed after 30 days of absence.
- Anything that cannot be used stops the whole run: half a list would mark the other half as missing.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Final

from exporter.inventory.edits import Change, Entry, Plan
from exporter.inventory.findings import Refusal
from exporter.inventory.present import Place, place_of, present_values, says_the_same
from exporter.inventory.regionfinder import RegionFinder
from exporter.inventory.rows import ROW_KEYS, Reading, Row, RowProblem
from exporter.inventory.scalars import canonical_address, identifier
from exporter.inventory.slug import slug, suffix

if TYPE_CHECKING:
    from collections.abc import Sequence

    from exporter.inventory.model import Inventory, Target

REMOVE_AFTER_DAYS: Final = 30
_ID_CHARACTERS: Final = 58  # of an id that gets a suffix; an id has 63


def make_plan(
    inventory: Inventory,
    readings: Sequence[Reading],
    *,
    today: date,
    skip_damaged: bool = False,
) -> Plan:
    """Return what has to be done so that the file says what the sources say.

    Args:
        inventory: the present file.
        readings: the sources, each read whole.
        today: for `missing_since`, and for what has been missing long enough.
        skip_damaged: leave rows with problems out instead of stopping; nothing is then marked as missing.
    """
    return _Planner(inventory, today, skip_damaged=skip_damaged).plan(readings)


class _Planner:
    """Works through the sources in order; holds the file as it will be."""

    def __init__(self, inventory: Inventory, today: date, *, skip_damaged: bool) -> None:
        self._inventory = inventory
        self._today = today
        self._skip_damaged = skip_damaged
        self._regions = RegionFinder(inventory)
        self._by_source = {target.source: target for target in inventory.targets if target.source is not None}
        self._by_hand = {place_of(target): target for target in inventory.targets if target.source is None}
        self._ids = {target.id: target.name for target in inventory.targets}
        self._default_of: dict[str, str | None] = {}  # source -> region of rows that say nothing
        self._by_name: dict[str, list[str]] = {}
        self._problems: list[RowProblem] = []
        self._notes: list[str] = []
        self._matched: list[tuple[str, Row, Target]] = []  # source, row, its entry
        self._new: list[tuple[str, Row]] = []
        self._missing: list[Change] = []
        self._returned: list[Change] = []
        self._removals: list[str] = []
        self._ids_of_rows: dict[str, str] = {}  # source#key -> id
        self._gone: list[Target] = []

    def plan(self, readings: Sequence[Reading]) -> Plan:
        """Match all rows first: gateways may name rows of any source."""
        for reading in readings:
            self._take(reading)
        self._name_all()
        inserts = self._inserts()
        changes = [change for source, row, entry in self._matched if (change := self._change(source, row, entry))]
        self._mark_gone()
        self._check_places(inserts, changes)
        return Plan(
            regions=self._regions.created,
            inserts=tuple(inserts),
            changes=tuple(changes),
            missing=tuple(self._missing),
            returned=tuple(self._returned),
            removals=tuple(self._removals),
            problems=(*self._problems, *self._regions.problems),
            notes=(*self._notes, *self._regions.notes),
        )

    def _take(self, reading: Reading) -> None:
        """Match the rows of one source with its entries."""
        self._notes.extend(f"{reading.source}: {note}" for note in reading.notes)
        damaged = bool(reading.problems)
        if self._skip_damaged and reading.rows:
            self._notes.extend(f"left out: {problem}" for problem in reading.problems)
        else:
            self._problems.extend(reading.problems)
        if not reading.rows and not damaged:
            self._problems.append(
                RowProblem(
                    where=reading.source,
                    problem="has no row that can be used",
                    remedy="is it the right file, and whole?",
                )
            )
        self._default_of[reading.source] = reading.default_region
        prefix = f"{reading.source}#"
        rows = {f"{prefix}{row.key}": row for row in reading.rows}
        entries = {source: entry for source, entry in self._by_source.items() if source.startswith(prefix)}
        gone = {source: entry for source, entry in entries.items() if source not in rows}
        by_place = {place_of(entry): source for source, entry in gone.items()}
        for source, row in rows.items():
            entry = entries.get(source)
            if entry is None:
                place = (canonical_address(row.address), row.values.get("probe", "icmp"))
                renamed = by_place.pop(place, None)
                entry = gone.pop(renamed) if renamed is not None else None
                by_hand = self._by_hand.get(place)
                if by_hand is not None:
                    self._ids_of_rows[source] = by_hand.id
                    self._notes.append(f"{row.where} ({row.name}) is there already by hand as {by_hand.id}")
                    continue
            if entry is None:
                self._new.append((source, row))
            else:
                self._matched.append((source, row, entry))
        if rows and not damaged:
            withheld = {f"{prefix}{key}" for key in reading.withheld}
            self._gone.extend(entry for source, entry in gone.items() if source not in withheld)

    def _name_all(self) -> None:
        """Give every new row an id that stays; then names may be looked up as gateways."""
        for source, _, entry in self._matched:
            self._ids_of_rows[source] = entry.id
        for source, row in self._new:
            made = self._new_id(source, row)
            self._ids_of_rows[source] = made
            self._ids[made] = row.name
        for target_id, name in self._ids.items():
            self._by_name.setdefault(name.casefold(), []).append(target_id)

    def _new_id(self, source: str, row: Row) -> str:
        """Return the row's own id, else one of region and name; where it is taken, with a suffix of the row's key."""
        wanted = row.wanted_id
        try:
            identifier(wanted)
        except Refusal:
            region = self._regions.peek(row, default=self._default(source))
            wanted = slug(wanted) if wanted else slug(f"{region} {row.name}" if region else row.name)
        while wanted in self._ids:
            wanted = f"{wanted[:_ID_CHARACTERS]}-{suffix(source)}"
        return wanted

    def _default(self, source: str) -> str | None:
        return self._default_of[source.partition("#")[0]]

    def _inserts(self) -> list[Entry]:
        """Return the new entries, each behind the last one of its region."""
        last_of_region = {target.region: target.id for target in self._inventory.targets}
        inserts = []
        for source, row in self._new:
            region = self._regions.find(row, default=self._default(source))
            if region is None:
                continue
            values = {"id": self._ids_of_rows[source], **self._wanted(source, row, region), "source": source}
            inserts.append(Entry(values=values, after=last_of_region.get(region)))
        return inserts

    def _wanted(self, source: str, row: Row, region: str) -> dict[str, str]:
        """Return all that the row says, in the order of the keys."""
        said = {"name": row.name, "region": region, "address": row.address, **row.values}
        if "gateway" in said:
            gateway = self._gateway(source, row, said.pop("gateway"))
            if gateway is not None:
                said["gateway"] = gateway
        if "profile" in said and said["profile"] not in self._inventory.profiles:
            self._notes.append(f"{row.where}: {said.pop('profile')} is no profile of the file, so none is set")
        return {key: said[key] for key in ROW_KEYS if key in said}

    def _gateway(self, source: str, row: Row, written: str) -> str | None:
        """Return the id that a gateway cell means: an id, or the name or key of another row or entry."""
        own = self._ids_of_rows[source]
        prefix = source.partition("#")[0]
        by_key = self._ids_of_rows.get(f"{prefix}#{written}")
        named = [each for each in self._by_name.get(written.casefold(), ()) if each != own]
        if written in self._ids and written != own:
            return written
        if by_key is not None and by_key != own:
            return by_key
        if len(named) == 1:
            return named[0]
        problem = "is the name of several targets" if named else "is neither an id nor a name in the file or list"
        if own in {written, by_key} or self._ids[own].casefold() == written.casefold():
            return None  # a hub that names itself stands for "none"
        self._problems.append(
            RowProblem(
                where=row.where, problem=f'gateway "{written}" {problem}', remedy="write the id or name of the hub"
            )
        )
        return None

    def _change(self, source: str, row: Row, entry: Target) -> Change | None:
        """Return what differs between a row and its entry."""
        region = self._regions.find(row, default=None, present=entry.region)
        if region is None:
            return None
        before = present_values(entry)
        wanted = self._wanted(source, row, region) | {"source": source}
        values: dict[str, str | None] = {
            key: value for key, value in wanted.items() if not says_the_same(key, value, before.get(key))
        }
        if entry.missing_since is not None:
            self._returned.append(
                Change(id=entry.id, values={"missing_since": None}, before={"missing_since": entry.missing_since})
            )
        return Change(id=entry.id, values=values, before=before) if values else None

    def _mark_gone(self) -> None:
        """Mark entries whose row is gone; remove those that have been marked for long and lead to nobody."""
        gateways = {target.gateway for target in self._inventory.targets}
        wanted = {
            (canonical_address(row.address), row.values.get("probe") or entry.probe.text): row
            for _, row, entry in self._matched
        }
        for entry in self._gone:
            heir = wanted.get(place_of(entry))
            if heir is not None and entry.id not in gateways:
                self._removals.append(entry.id)
                self._notes.append(f"{entry.id} ({entry.name}) is removed: its address is now that of {heir.name}")
                continue
            if entry.missing_since is None:
                self._missing.append(Change(id=entry.id, values={"missing_since": self._today.isoformat()}))
                continue
            days = (self._today - date.fromisoformat(entry.missing_since)).days
            if days < REMOVE_AFTER_DAYS:
                self._notes.append(f"{entry.id} ({entry.name}) has been missing for {days} days")
            elif entry.id in gateways:
                self._notes.append(f"{entry.id} ({entry.name}) is missing but stays: it is the gateway of others")
            else:
                self._removals.append(entry.id)

    def _check_places(self, inserts: list[Entry], changes: list[Change]) -> None:
        """Tell rows that name what another entry is at, or will be at."""
        changed = {change.id: change.values for change in changes}
        rows = {self._ids_of_rows[source]: row for source, row in self._new}
        rows |= {entry.id: row for _, row, entry in self._matched}
        places: list[tuple[Place, str]] = []
        for target in self._inventory.targets:
            if target.id not in self._removals:
                values = changed.get(target.id, {})
                address = canonical_address(values.get("address") or target.address)
                places.append(((address, values.get("probe") or target.probe.text), target.id))
        for entry in inserts:
            address = canonical_address(entry.values["address"])
            places.append(((address, entry.values.get("probe", "icmp")), entry.id))
        taken: dict[Place, str] = {}
        for place, target_id in places:
            other = taken.setdefault(place, target_id)
            row = rows.get(target_id) or rows.get(other)
            if other != target_id and row is not None:
                self._tell_twice(row, other if target_id in rows else target_id)

    def _tell_twice(self, row: Row, other: str) -> None:
        self._problems.append(
            RowProblem(
                where=row.where,
                problem=f"{row.address} is also the address of {other}",
                remedy="correct one of the two addresses",
            )
        )
