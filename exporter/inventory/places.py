"""Where a region is and which of Indonesia's three time zones holds there.

The zone of a point is that of the nearest anchor: the 38 provincial capitals and the towns below, which stand where a
capital alone would mislead. (Banyuwangi is nearer to Denpasar than to Surabaya, Muara Teweh nearer to Banjarmasin than
to Palangka Raya; yet both keep WIB.) The nearest capital is no way to find the province: it is wrong for most places.
Zones by province: Presidential Decree 41/1987, and its successors for younger provinces.
"""

from __future__ import annotations

import math
from functools import cache, lru_cache
from typing import Final

from exporter.inventory.provinces import Province, provinces

WIB: Final = "Asia/Jakarta"
WITA: Final = "Asia/Makassar"
WIT: Final = "Asia/Jayapura"

_WITA_PROVINCES: Final = frozenset(
    f"ID-{code}" for code in ("BA", "NB", "NT", "KS", "KI", "KU", "SA", "GO", "ST", "SR", "SN", "SG")
)
_WIT_PROVINCES: Final = frozenset(f"ID-{code}" for code in ("MA", "MU", "PB", "PD", "PA", "PT", "PE", "PS"))

# (latitude, longitude, zone) of towns near a zone's border; two decimals of a degree are enough.
_BORDER_TOWNS: Final = (
    (-8.21, 114.37, WIB),  # Banyuwangi
    (-8.60, 114.45, WIB),  # the peninsula of Blambangan
    (-6.90, 115.35, WIB),  # Kangean
    (-7.15, 115.70, WIB),  # Sapeken
    (-5.55, 114.43, WIB),  # Masalembu
    (-3.01, 114.39, WIB),  # Kuala Kapuas
    (-1.72, 114.84, WIB),  # Buntok
    (-2.11, 115.17, WIB),  # Tamiang Layang
    (-0.95, 114.89, WIB),  # Muara Teweh
    (-0.62, 114.57, WIB),  # Puruk Cahu
    (0.87, 112.93, WIB),  # Putussibau
    (-8.17, 114.44, WITA),  # Gilimanuk
    (-8.36, 114.62, WITA),  # Negara
    (-2.98, 114.77, WITA),  # Marabahan
    (-2.42, 115.25, WITA),  # Amuntai
    (-2.17, 115.40, WITA),  # Tanjung
    (-0.23, 115.70, WITA),  # Sendawar
    (0.30, 115.25, WITA),  # Ujoh Bilang
    (1.20, 114.30, WITA),  # Long Apari
    (3.58, 116.63, WITA),  # Malinau
    (-0.95, 122.79, WITA),  # Luwuk
    (-1.60, 123.50, WITA),  # Banggai
    (-5.47, 122.60, WITA),  # Baubau
    (-8.49, 119.89, WITA),  # Labuan Bajo
    (-8.22, 124.52, WITA),  # Kalabahi
    (-9.11, 124.89, WITA),  # Atambua
    (3.61, 125.50, WITA),  # Tahuna
    (4.00, 126.67, WITA),  # Melonguane
    (-1.95, 124.39, WIT),  # Bobong
    (-2.05, 125.98, WIT),  # Sanana
    (-3.25, 127.10, WIT),  # Namlea
    (-7.93, 126.42, WIT),  # Wetar
    (-8.06, 127.18, WIT),  # Kisar
)

_ABBREVIATIONS: Final = {
    "nad": "ID-AC",
    "sumut": "ID-SU",
    "sumbar": "ID-SB",
    "kepri": "ID-KR",
    "sumsel": "ID-SS",
    "babel": "ID-BB",
    "bangka belitung": "ID-BB",
    "dki": "ID-JK",
    "jakarta": "ID-JK",
    "daerah khusus jakarta": "ID-JK",
    "jabar": "ID-JB",
    "jateng": "ID-JT",
    "diy": "ID-YO",
    "yogyakarta": "ID-YO",
    "daerah istimewa yogyakarta": "ID-YO",
    "jatim": "ID-JI",
    "ntb": "ID-NB",
    "ntt": "ID-NT",
    "kalbar": "ID-KB",
    "kalteng": "ID-KT",
    "kalsel": "ID-KS",
    "kaltim": "ID-KI",
    "kaltara": "ID-KU",
    "sulut": "ID-SA",
    "sulteng": "ID-ST",
    "sulbar": "ID-SR",
    "sulsel": "ID-SN",
    "sultra": "ID-SG",
    "malut": "ID-MU",
}


def zone_of_province(province: Province) -> str:
    """Return the IANA time zone that holds in a province."""
    if province.iso in _WIT_PROVINCES:
        return WIT
    return WITA if province.iso in _WITA_PROVINCES else WIB


@cache
def _anchors() -> tuple[tuple[float, float, str], ...]:
    return tuple((each.latitude, each.longitude, zone_of_province(each)) for each in provinces()) + _BORDER_TOWNS


@lru_cache(maxsize=4096)
def zone_at(latitude: float, longitude: float) -> str:
    """Return the IANA time zone at a point in Indonesia, in degrees; elsewhere that of the nearest Indonesian town."""
    # Near the equator a plain distance in degrees is right to 2 %: cos(11 degrees) = 0.98.
    return min(_anchors(), key=lambda anchor: math.hypot(anchor[0] - latitude, anchor[1] - longitude))[2]


@cache
def _by_name() -> dict[str, Province]:
    known = {each.iso: each for each in provinces()}
    names = {each.name.casefold(): each for each in provinces()}
    return names | {short: known[iso] for short, iso in _ABBREVIATIONS.items()}


def province_named(name: str) -> Province | None:
    """Return the province that a name or a usual abbreviation means (`Jawa Barat`, `Prov. Jabar`), or None."""
    folded = " ".join(name.casefold().replace(".", " ").split())
    for prefix in ("provinsi ", "propinsi ", "prov "):
        folded = folded.removeprefix(prefix)
    return _by_name().get(folded)
