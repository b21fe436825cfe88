"""Which column of a spreadsheet holds what, found by its heading in Indonesian or English."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from exporter.inventory.sources.cells import clean

if TYPE_CHECKING:
    from collections.abc import Sequence

HEADER_ROWS: Final = 20  # titles and logos stand above a table, not more than so many rows
LEAST_KNOWN: Final = 2  # headings that make a row the header

# What a column is for -> headings, the surest first (of two columns for one purpose the surer is used).
HEADINGS: Final[dict[str, tuple[str, ...]]] = {
    "key": (
        *("kode alat", "id alat", "target id", "id target", "kode perangkat", "id perangkat", "kode site", "id site"),
        *("site id", "device id", "kode gerbang", "kode lokasi", "id lokasi", "nomor aset", "no aset", "asset tag"),
        *("id", "kode", "code"),
    ),
    "region_id": (
        "id wilayah",
        "kode wilayah",
        "region id",
        "id region",
        "kode region",
        "id provinsi",
        "kode provinsi",
    ),
    "region": (
        "wilayah",
        "nama wilayah",
        "region",
        "region name",
        "provinsi",
        "propinsi",
        "province",
        "area",
        "daerah",
    ),
    "name": (
        *("nama alat", "nama perangkat", "nama site", "nama gerbang", "nama lokasi", "nama titik", "nama", "site name"),
        *("device name", "name", "alat", "perangkat", "site", "device", "lokasi", "gardu"),
    ),
    "address": (
        *("ip vpn", "alamat ip vpn", "vpn ip", "alamat ip", "ip address", "ip alat", "ip perangkat", "no ip", "ip"),
        *("hostname", "host name", "host", "address"),
    ),
    "kind": (
        "jenis alat",
        "tipe alat",
        "jenis perangkat",
        "tipe perangkat",
        "jenis",
        "tipe",
        "kind",
        "type",
        "kategori",
    ),
    "gateway": ("gateway", "hub", "gateway id", "id gateway", "gerbang", "induk", "parent"),
    "latitude": ("lintang", "garis lintang", "latitude", "lat"),
    "longitude": ("bujur", "garis bujur", "longitude", "long", "lon", "lng"),
    "place": ("koordinat", "titik koordinat", "coordinates", "coordinate", "lat long", "latlong", "gps"),
    "provider": ("provider", "penyedia", "isp", "operator"),
    "model": ("model", "merk", "merek", "brand"),
    "profile": ("profil", "profile", "jenis koneksi", "koneksi", "jenis link", "link", "media", "akses"),
    "probe": ("probe", "cara cek", "metode"),
    "port": ("port tcp", "tcp port", "port"),
    "active": ("aktif", "active", "status aktif", "enabled", "status"),
    "hours": ("jam operasional", "jam operasi", "jam buka", "hours"),
    "tunnel": ("tunnel",),
}
_BY_HEADING: Final = {heading: (use, rank) for use, words in HEADINGS.items() for rank, heading in enumerate(words)}
# Known, and of no use to us: not worth a word.
_UNUSED: Final = frozenset(
    {"no", "nomor", "keterangan", "catatan", "note", "notes", "remark", "remarks", "description", ""}
)
_PUNCTUATION: Final = re.compile(r"[\s._:/,*#-]+")
_BRACKETS: Final = re.compile(r"\(.*?\)|\[.*?\]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """Where the header is and what each column is for."""

    header_row: int  # index into the grid
    of: dict[str, int]  # use -> column index
    unused: tuple[str, ...]  # headings that mean nothing to us, as written


def find_columns(grid: Sequence[Sequence[str]]) -> Columns | None:
    """Return the columns by that one of the first twenty rows that holds most known headings; None without one."""
    best: Columns | None = None
    for number, cells in enumerate(grid[:HEADER_ROWS]):
        found = _columns_of(number, cells)
        if len(found.of) >= LEAST_KNOWN and (best is None or len(found.of) > len(best.of)):
            best = found
    return best


def known_headings(cells: Sequence[str]) -> int:
    """Count the known headings of a row."""
    return len(_columns_of(0, cells).of)


def _columns_of(number: int, cells: Sequence[str]) -> Columns:
    chosen: dict[str, tuple[int, int]] = {}  # use -> (rank, column)
    unused: list[str] = []
    for column, cell in enumerate(cells):
        known = _meaning(cell)
        if known is None:
            if _folded(cell) not in _UNUSED:
                unused.append(clean(cell))
            continue
        use, rank = known
        before = chosen.get(use)
        if before is not None and before[0] <= rank:
            unused.append(clean(cell))
            continue
        if before is not None:
            unused.append(clean(cells[before[1]]))
        chosen[use] = (rank, column)
    return Columns(header_row=number, of={use: column for use, (_, column) in chosen.items()}, unused=tuple(unused))


def _meaning(cell: str) -> tuple[str, int] | None:
    """Return use and rank of a heading; what stands in brackets counts only where the rest says nothing."""
    return _BY_HEADING.get(_folded(cell)) or _BY_HEADING.get(_folded(_BRACKETS.sub(" ", cell)))


def _folded(cell: str) -> str:
    return _PUNCTUATION.sub(" ", clean(cell).casefold()).strip()
