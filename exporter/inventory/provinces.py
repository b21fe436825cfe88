"""The 38 provinces with their capitals' coordinates: default places of regions, and the demo's country.

The data file is GeoNames' (CC BY 4.0, see NOTICE); names are Indonesian.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path

PROVINCES_FILE = Path(__file__).with_name("provinces.csv")


@dataclass(frozen=True, slots=True, kw_only=True)
class Province:
    """One province."""

    iso: str  # ISO 3166-2, e.g. ID-JB
    name: str
    capital: str
    latitude: float  # of the capital, degrees, WGS 84
    longitude: float


@cache
def provinces() -> tuple[Province, ...]:
    """Return all provinces in the file's order."""
    with PROVINCES_FILE.open(encoding="utf-8", newline="") as file:
        return tuple(
            Province(
                iso=row["iso"],
                name=row["name"],
                capital=row["capital"],
                latitude=float(row["lat"]),
                longitude=float(row["lon"]),
            )
            for row in csv.DictReader(file)
        )
