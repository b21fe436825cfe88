"""A grid of cells, from CSV or xlsx, to rows: header found, merged cells filled down, damage told with row numbers."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from exporter.inventory import probes, scalars
from exporter.inventory.findings import Refusal
from exporter.inventory.rows import Reading, RegionWords, Row, RowProblem
from exporter.inventory.slug import slug
from exporter.inventory.sources import cells
from exporter.inventory.sources.columns import HEADER_ROWS, find_columns

if TYPE_CHECKING:
    from collections.abc import Sequence

    from exporter.inventory.sources.columns import Columns

_LISTED = 8  # row numbers that a note names
_PROFILES: Final = {
    "fiber": ("fiber", "fiber optic", "fiber optik", "fo", "ftth", "metro", "metro e", "astinet", "kabel"),
    "lte": ("lte", "4g", "5g", "gsm", "3g", "seluler", "selular", "modem"),
    "vsat": ("vsat", "satelit", "satellite"),
}
_PROFILE_OF: Final = {word: profile for profile, words in _PROFILES.items() for word in words}
_WORDS: Final = ("kind", "provider", "model")


def read_sheet(grid: Sequence[Sequence[str]], *, source: str, file_name: str, notes: Sequence[str] = ()) -> Reading:
    """Return the rows of a table.

    Args:
        grid: cells as the file holds them, row by row; row 1 of the sheet is grid[0].
        source: KIND:NAME.
        file_name: for messages.
        notes: what reading the file assumed already.
    """
    columns = find_columns(grid)
    if columns is None:
        problem = RowProblem(
            where=file_name,
            problem=f"none of the first {HEADER_ROWS} rows holds headings that are known",
            remedy="name the columns e.g. Wilayah, Nama, IP, Lintang, Bujur",
        )
        return Reading(source=source, problems=(problem,), notes=tuple(notes))
    missing = [use for use in ("name", "address") if use not in columns.of]
    if missing:
        problem = RowProblem(
            where=f"{file_name} row {columns.header_row + 1}",
            problem=f"no column holds the {' or the '.join(missing)}",
            remedy="name the columns Nama and IP",
        )
        return Reading(source=source, problems=(problem,), notes=tuple(notes))
    reader = _SheetReader(columns, source, file_name)
    for number, line in enumerate(grid[columns.header_row + 1 :], start=columns.header_row + 2):
        reader.take(number, [cells.clean(cell) for cell in line])
    return reader.finish(notes)


class _SheetReader:
    """Takes the rows below the header one by one."""

    def __init__(self, columns: Columns, source: str, file_name: str) -> None:
        self._columns = columns
        self._source = source
        self._file_name = file_name
        self._rows: list[tuple[Row, bool]] = []  # with: the key is the source's own
        self._problems: list[RowProblem] = []
        self._withheld: set[str] = set()
        self._region = RegionWords()
        self._filled = 0
        self._inactive: list[int] = []
        self._no_address: list[int] = []
        self._odd_words: dict[str, Counter[str]] = {"active": Counter(), "profile": Counter()}

    def take(self, number: int, line: list[str]) -> None:
        """Take one row of the sheet; `number` is the row that Excel shows."""
        row = {use: line[column] if column < len(line) else "" for use, column in self._columns.of.items()}
        filled_in = {use for use, text in row.items() if text}
        if not filled_in:
            return
        filled_down = self._fill_down(row)
        if filled_in <= {"region", "region_id", "key"}:
            return  # a region as a heading of its own, or a numbered row that nobody filled in
        if not row["name"] and row["address"]:
            self._problem(number, "has an address and no name", "write the name that people know")
            self._withheld.update({row["key"]} if row.get("key") else ())
            return
        if row.get("active"):
            active = cells.is_active(row["active"])
            if active is None:
                self._odd_words["active"][row["active"]] += 1
            elif not active:
                self._inactive.append(number)
                return
        if not row["address"]:
            self._no_address.append(number)
            self._withheld.update(self._keys(row))
            return
        try:
            self._rows.append((self._read(number, row), bool(row.get("key"))))
        except Refusal as refusal:
            self._problem(number, refusal.problem, refusal.remedy)
            self._withheld.update(self._keys(row))
        else:
            self._filled += filled_down

    def _fill_down(self, row: dict[str, str]) -> bool:
        """Give a row without a region that of the row above: merged cells are written as one text and blanks."""
        words = RegionWords(id=row.get("region_id", ""), name=row.get("region", ""))
        if words == RegionWords():
            return self._region != RegionWords()
        self._region = words
        return False

    def _keys(self, row: dict[str, str]) -> set[str]:
        own = row.get("key", "")
        return {own} if own else {self._made_key(row["name"])}

    def _made_key(self, name: str) -> str:
        return slug(f"{self._region.id or self._region.name} {name}")

    def _read(self, number: int, row: dict[str, str]) -> Row:
        """Return the typed row.

        Raises:
            Refusal: a cell is damaged or cannot be what its column says.
        """
        for use in ("key", "name", "region", "region_id"):
            damage = cells.looks_damaged(row.get(use, ""))
            if damage is not None:
                raise Refusal(f'"{row[use]}" {damage}', "format the column as text, then type it again")
        values: dict[str, str] = {}
        scalars.name(row["name"])
        for use in _WORDS:
            if row.get(use):
                values[use] = scalars.word(row[use])
        if row.get("probe"):
            values["probe"] = probes.probe(row["probe"]).text
        elif row.get("port"):
            values["probe"] = cells.port(row["port"])
        if row.get("hours"):
            values["hours"] = scalars.hours(row["hours"].replace(".", ":").replace(" ", ""))
        if row.get("tunnel"):
            values["tunnel"] = scalars.tunnel(row["tunnel"])
        if row.get("gateway"):
            values["gateway"] = row["gateway"]
        self._read_profile(row, values)
        _read_place(row, values)
        own_key = row.get("key", "")
        return Row(
            key=own_key or self._made_key(row["name"]),
            where=f"{self._file_name} row {number}",
            name=row["name"],
            address=cells.address(row["address"]),
            region=self._region,
            wanted_id="" if own_key.isdecimal() else own_key,
            values=values,
        )

    def _read_profile(self, row: dict[str, str], values: dict[str, str]) -> None:
        word = row.get("profile", "")
        folded = word.casefold().replace("-", " ")
        if folded in _PROFILE_OF:
            values["profile"] = _PROFILE_OF[folded]
        elif word:
            values["profile"] = word  # may be one of the file's own; regenerate.py looks

    def _problem(self, number: int, problem: str, remedy: str) -> None:
        self._problems.append(RowProblem(where=f"{self._file_name} row {number}", problem=problem, remedy=remedy))

    def finish(self, notes: Sequence[str]) -> Reading:
        """Tell keys that are given twice, and what was assumed."""
        told = list(notes)
        if self._columns.unused:
            told.append(f"columns of no use here: {', '.join(self._columns.unused)}")
        if self._filled:
            told.append(f"{self._filled} rows take their region from the row above (merged cells)")
        if self._no_address:
            told.append(f"rows without an address are left out: {_listed(self._no_address)}")
        if self._inactive:
            told.append(f"rows marked as not active are left out: {_listed(self._inactive)}")
        for use, words in self._odd_words.items():
            if words:
                told.append(
                    f"words in the column for {use} that are neither yes nor no count as yes: {', '.join(words)}"
                )
        rows = self._told_apart()
        return Reading(
            source=self._source,
            rows=rows,
            problems=tuple(self._problems),
            withheld=frozenset(self._withheld - {row.key for row in rows}),
            notes=tuple(told),
        )

    def _told_apart(self) -> tuple[Row, ...]:
        """Make keys unique: a made key that fits several rows gets the address added, a given one is a mistake."""
        count = Counter(row.key for row, _ in self._rows)
        first: dict[str, Row] = {}
        rows = []
        for row, own in self._rows:
            unique = row if own or count[row.key] == 1 else replace(row, key=f"{row.key}@{row.address}")
            known = first.setdefault(unique.key, unique)
            if known is not unique:
                self._problems.append(
                    RowProblem(
                        where=row.where,
                        problem=f"has the same {'code' if own else 'name and address'} as {known.where.split()[-2]} "
                        f"{known.where.split()[-1]} ({known.name})",
                        remedy="correct or remove one of the two",
                    )
                )
                continue
            rows.append(unique)
        return tuple(rows)


def _read_place(row: dict[str, str], values: dict[str, str]) -> None:
    """Read the coordinates from their two columns or from the one that holds both."""
    latitude, longitude = row.get("latitude", ""), row.get("longitude", "")
    if latitude and longitude:
        values["latitude"] = cells.degrees(latitude, north=True)
        values["longitude"] = cells.degrees(longitude, north=False)
    elif latitude or longitude:
        raise Refusal("has only one of the two coordinates", "add the other one or leave both empty")
    elif row.get("place"):
        values["latitude"], values["longitude"] = cells.place(row["place"])


def _listed(numbers: Sequence[int]) -> str:
    shown = ", ".join(str(number) for number in numbers[:_LISTED])
    return f"{shown} and {len(numbers) - _LISTED} more" if len(numbers) > _LISTED else shown
