"""Where `targets regenerate` reads rows from: one file per kind of source, and the table of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeAlias

from exporter.inventory.rows import Reading
from exporter.inventory.sources.csv import read_csv

ReadSource: TypeAlias = Callable[[Path, str], Reading]

SOURCES: Final[dict[str, ReadSource]] = {"csv": read_csv}  # its keys are extras.SOURCE_KINDS
