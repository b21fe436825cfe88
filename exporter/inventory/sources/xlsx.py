"""Workbooks of Excel 2007 and later, by openpyxl (the extra `excel`): the first sheet that is not empty, as text."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING, Any

from exporter.inventory.findings import Refusal

if TYPE_CHECKING:
    from pathlib import Path


def read_grid(path: Path) -> list[list[str]]:
    """Return the cells as Excel shows them.

    Raises:
        Refusal: openpyxl is not installed, or the file is no workbook.
    """
    try:
        from openpyxl import load_workbook  # noqa: PLC0415 - an extra
        from openpyxl.utils.exceptions import InvalidFileException  # noqa: PLC0415 - an extra
    except ImportError:
        raise Refusal(
            "is a workbook of Excel, and openpyxl is not installed",
            "save it as CSV, or install the extra: pip install 'vpn-site-monitor[excel]'",
        ) from None
    try:
        # Opened by us: openpyxl goes by the name's suffix, and people rename files.
        with path.open("rb") as file:
            book = load_workbook(file, read_only=True, data_only=True)
            for sheet in book.worksheets:
                grid = [[_text(cell) for cell in line] for line in sheet.iter_rows(values_only=True)]
                if any(any(line) for line in grid):
                    return grid
    except (InvalidFileException, zipfile.BadZipFile, KeyError) as error:
        raise Refusal("is no workbook that can be read", "save it as CSV") from error
    return []


def _text(value: Any) -> str:
    """Return a cell's value as text; a whole number keeps no `.0`, and a date stays recognisable as one."""
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)
