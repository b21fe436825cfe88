"""CSV as Excel writes it: any of its encodings and separators, `sep=` lines, cells of several lines; also xlsx.

Nothing is guessed from an address (never inet_aton, which reads 001.011 as octal): sheet.py tells damage by row.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from typing import TYPE_CHECKING, Final

from exporter.inventory.findings import Refusal
from exporter.inventory.rows import Reading, RowProblem
from exporter.inventory.sources.columns import HEADER_ROWS, known_headings
from exporter.inventory.sources.sheet import read_sheet

if TYPE_CHECKING:
    from pathlib import Path

_SEPARATORS: Final = (";", ",", "\t", "|")
_SEP_LINE: Final = re.compile(r'"?sep=(.)"?\r?\n', re.IGNORECASE)
_MAX_LINES_IN_A_CELL: Final = 20  # more, and a quote was opened and never closed
_ZIP: Final = b"PK\x03\x04"
_OLD_EXCEL: Final = b"\xd0\xcf\x11\xe0"
_ENCODINGS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def read_csv(path: Path, name: str) -> Reading:
    """Read a file.

    Args:
        path: CSV, or a workbook of Excel 2007 and later.
        name: what entries remember their source by.

    Raises:
        OSError: it cannot be opened.
    """
    source = f"csv:{name}"
    try:
        grid, notes = _read_grid(path, path.read_bytes())
    except Refusal as refusal:
        problem = RowProblem(where=path.name, problem=refusal.problem, remedy=refusal.remedy)
        return Reading(source=source, problems=(problem,))
    return read_sheet(grid, source=source, file_name=path.name, notes=notes)


def _read_grid(path: Path, raw: bytes) -> tuple[list[list[str]], list[str]]:
    """Return the cells and what was assumed.

    Raises:
        Refusal: the file is no table.
    """
    if raw.startswith(_ZIP):
        from exporter.inventory.sources.xlsx import read_grid  # noqa: PLC0415 - openpyxl is an extra, and slow to import

        return read_grid(path), []
    if raw.startswith(_OLD_EXCEL):
        raise Refusal("is a workbook of old Excel (.xls)", "save it as CSV (or .xlsx)")
    text, notes = _decode(raw)
    try:
        grid = _grid(text)
    except csv.Error:
        raise Refusal("has a cell without end", "look for a quote that is never closed") from None
    for number, line in enumerate(grid, start=1):
        if any(cell.count("\n") > _MAX_LINES_IN_A_CELL for cell in line):
            raise Refusal(
                f"has a cell of more than {_MAX_LINES_IN_A_CELL} lines in row {number}",
                "look for a quote that is never closed",
            )
    return grid, notes


def _decode(raw: bytes) -> tuple[str, list[str]]:
    """Return the text and what was assumed of its encoding."""
    marked = next((encoding for mark, encoding in _ENCODINGS if raw.startswith(mark)), None)
    try:
        if marked is not None:
            return raw.decode(marked), []
        if b"\0" not in raw:
            try:
                return raw.decode("utf-8"), []
            except UnicodeDecodeError:
                return raw.decode("cp1252"), ["read as Windows-1252, since it is not UTF-8"]
    except UnicodeDecodeError:
        pass
    raise Refusal("is no text", 'save it as "CSV UTF-8"')


def _grid(text: str) -> list[list[str]]:
    """Split into rows and cells, by the separator that the file names or that finds most headings."""
    named = _SEP_LINE.match(text)
    if named is not None:
        return _split(text[named.end() :], named.group(1))
    return _split(text, max(_SEPARATORS, key=lambda separator: _fitness(text, separator)))


def _fitness(text: str, separator: str) -> tuple[int, int]:
    """Return how well a separator fits: known headings of the best of the first rows, then its cells."""
    best = (0, 0)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    try:
        for number, line in enumerate(reader):
            if number >= HEADER_ROWS:
                break
            best = max(best, (known_headings(line), len(line)))
    except csv.Error:
        pass  # the chosen separator's error is told when the whole is read
    return best


def _split(text: str, separator: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline=""), delimiter=separator))
