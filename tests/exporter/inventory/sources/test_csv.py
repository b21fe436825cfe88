"""CSV and workbooks as people have them."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import Workbook

from exporter.inventory.sources.cells import clean
from exporter.inventory.sources.csv import read_csv

if TYPE_CHECKING:
    from pathlib import Path

    from exporter.inventory.rows import Reading

LIST = """\
Wilayah;Nama Alat;IP VPN;Lintang;Bujur
Jawa Barat;GT Pasteur 1;10.20.1.11;-6,8890;107,5750
;Parkir Dago;10.20.1.12;;
Bali;Tiket Tanah Lot;10.20.6.21;-8,6210;115,0870
"""


def read(folder: Path, content: str | bytes, name: str = "sites.csv") -> Reading:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_csv(path, "sites")


def rows(reading: Reading) -> list[tuple[str, str, str]]:
    return [(row.region.name, row.name, row.address) for row in reading.rows]


EXPECTED = [
    ("Jawa Barat", "GT Pasteur 1", "10.20.1.11"),
    ("Jawa Barat", "Parkir Dago", "10.20.1.12"),
    ("Bali", "Tiket Tanah Lot", "10.20.6.21"),
]


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"], ids=["utf-8", "with mark", "utf-16", "windows"]
)
@pytest.mark.parametrize("separator", [";", "\t", ",", "|"], ids=["semicolon", "tab", "comma", "bar"])
@pytest.mark.parametrize("newline", ["\r\n", "\n"], ids=["crlf", "lf"])
def test_every_encoding_and_separator_of_excel_gives_the_same_rows(
    tmp_path: Path, encoding: str, separator: str, newline: str
) -> None:
    """The first heading must not keep a byte order mark, nor a decimal comma split a cell."""
    text = LIST.replace(",", "." if separator == "," else ",").replace(";", separator).replace("\n", newline)
    reading = read(tmp_path, text.encode(encoding))
    assert reading.problems == ()
    assert rows(reading) == EXPECTED
    assert reading.rows[0].values == {"latitude": "-6.8890", "longitude": "107.5750"}
    assert reading.notes == ("1 rows take their region from the row above (merged cells)",)


def test_a_sep_line_decides_and_is_no_row_of_excels(tmp_path: Path) -> None:
    reading = read(tmp_path, "sep=;\r\n" + LIST.replace("\n", "\r\n").replace("10.20.1.12", "10.2"))
    assert rows(reading) == [EXPECTED[0], EXPECTED[2]]
    assert [problem.where for problem in reading.problems] == ["sites.csv row 3"]


def test_windows_1252_is_read_and_said(tmp_path: Path) -> None:
    reading = read(tmp_path, "Wilayah;Nama;IP\nBali;Café;10.0.0.1\n".encode("cp1252"))
    assert reading.rows[0].name == "Café"
    assert reading.notes == ("read as Windows-1252, since it is not UTF-8",)


def test_titles_above_the_header_and_unknown_columns_are_told(tmp_path: Path) -> None:
    reading = read(tmp_path, "DAFTAR ALAT;;;\n;;;\nNo.;Nama Alat;Alamat IP;Teknisi\n1;A;10.0.0.1;Budi\n")
    assert [(row.name, row.address, row.where) for row in reading.rows] == [("A", "10.0.0.1", "sites.csv row 4")]
    assert reading.notes == ("columns of no use here: Teknisi",)


def test_every_known_column_is_read(tmp_path: Path) -> None:
    header = (
        "Kode Alat;Kode Wilayah;Wilayah;Nama;Jenis Alat;IP;Koordinat;Provider;Merk;Koneksi;Gateway;Port;Jam Operasi"
    )
    line = "GT-0012;JBR;Jawa Barat;GT Pasteur;gerbang;10.0.0.1;-6.9, 107.6;Telkom;Mikrotik;FO;hub;22;06.00-18.00"
    row = read(tmp_path, f"{header}\n{line}\n").rows[0]
    assert (row.key, row.wanted_id, row.region.id, row.region.name) == ("GT-0012", "GT-0012", "JBR", "Jawa Barat")
    assert row.values == {
        "kind": "gerbang",
        "provider": "Telkom",
        "model": "Mikrotik",
        "profile": "fiber",
        "gateway": "hub",
        "probe": "tcp:22",
        "hours": "06:00-18:00",
        "latitude": "-6.9",
        "longitude": "107.6",
    }


def test_a_plain_number_is_a_key_but_no_id(tmp_path: Path) -> None:
    row = read(tmp_path, "ID;Nama;IP\n17;GT Pasteur;10.0.0.1\n").rows[0]
    assert (row.key, row.wanted_id) == ("17", "")


@pytest.mark.parametrize(
    ("cells", "problem"),
    [
        ("A;10.2;;", '"10.2" is a number: Excel has dropped dots or zeros of the address'),
        ("A;10,2;;", '"10,2" is a number: Excel has dropped dots or zeros of the address'),
        ("A;1,2E+11;;", '"1,2E+11" is a number: Excel has dropped dots or zeros of the address'),
        ("A;1-2;;", '"1-2" is a date: Excel has changed the address'),
        ("A;01-Feb;;", '"01-Feb" is a date: Excel has changed the address'),
        ("A;10.20.001.011;;", '"10.20.001.011" has leading zeros, which some programs read as octal numbers'),
        ("A;10.20.1;;", '"10.20.1" is no IP address'),
        ("A;10.20.1.300;;", '"10.20.1.300" is no IP address'),
        ("A;10.20.1.1/24;;", '"10.20.1.1/24" is no address'),
        ("A;10.20.1.1:80;;", '"10.20.1.1:80" is no address'),
        ("A;#N/A;;", '"#N/A" is an error of a formula'),
        ("A;10.0.0.1;107,6;-6,9", '"107,6" is no latitude in Indonesia (-11.5 to 6.5)'),
        ("A;10.0.0.1;-68943;107,6", '"-68943" has lost its decimal point'),
        ("A;10.0.0.1;-6.893.400;107,6", '"-6.893.400" is no latitude'),
        ("A;10.0.0.1;-6,9;", "has only one of the two coordinates"),
        ("01-Feb;10.0.0.1;;", '"01-Feb" is a date: Excel has changed the text'),
        ("1,2E+11;10.0.0.1;;", '"1,2E+11" is a number in E notation: Excel has dropped digits'),
        (";10.0.0.1;;", "has an address and no name"),
    ],
)
def test_what_excel_damages_is_told_with_its_row(tmp_path: Path, cells: str, problem: str) -> None:
    """Nothing is guessed: 001.011 may be octal to some and decimal to others."""
    reading = read(tmp_path, f"Nama;IP;Lintang;Bujur\nB;10.0.0.9;;\n{cells}\n")
    assert [(each.where, each.problem) for each in reading.problems] == [("sites.csv row 3", problem)]
    assert all(each.remedy for each in reading.problems)
    assert [row.name for row in reading.rows] == ["B"]


@pytest.mark.parametrize(
    ("latitude", "longitude", "expected"),
    [
        ("-6,889", "107,575", ("-6.889", "107.575")),
        ("6.889° LS", "107.575° BT", ("-6.889", "107.575")),
        ("3,59 LU", "98,67 E", ("3.59", "98.67")),
        ("\N{MINUS SIGN}6.9", "107.6", ("-6.9", "107.6")),
    ],
)
def test_coordinates_are_read_as_they_are_written_in_indonesia(
    tmp_path: Path, latitude: str, longitude: str, expected: tuple[str, str]
) -> None:
    values = read(tmp_path, f"Nama;IP;Lintang;Bujur\nA;10.0.0.1;{latitude};{longitude}\n").rows[0].values
    assert (values["latitude"], values["longitude"]) == expected


def test_rows_that_are_off_or_have_no_address_are_left_out_and_said(tmp_path: Path) -> None:
    text = "Nama;IP;Aktif\nA;10.0.0.1;Ya\nB;10.0.0.2;Tidak\nC;;ya\nD;10.0.0.4;\nE;10.0.0.5;mungkin\n"
    reading = read(tmp_path, text)
    assert [row.name for row in reading.rows] == ["A", "D", "E"]
    assert reading.problems == ()
    assert reading.withheld == {"c"}
    assert reading.notes == (
        "rows without an address are left out: 4",
        "rows marked as not active are left out: 3",
        "words in the column for active that are neither yes nor no count as yes: mungkin",
    )


def test_a_region_on_a_row_of_its_own_holds_for_the_rows_below(tmp_path: Path) -> None:
    reading = read(tmp_path, "Wilayah,Nama,IP\nBali,,\n,A,10.0.0.1\n,,\n,B,10.0.0.2\nBanten,C,10.0.0.3\n")
    assert [(row.region.name, row.name) for row in reading.rows] == [("Bali", "A"), ("Bali", "B"), ("Banten", "C")]


def test_equal_names_are_told_apart_by_their_address_whatever_their_order(tmp_path: Path) -> None:
    """A key made of the order would give every later row another id when one is put in."""
    lines = ["Bali,GT,10.0.0.1", "Bali,GT,10.0.0.2", "Bali,PK,10.0.0.3"]
    keys = {row.address: row.key for row in read(tmp_path, "\n".join(["Wilayah,Nama,IP", *lines])).rows}
    turned = {row.address: row.key for row in read(tmp_path, "\n".join(["Wilayah,Nama,IP", *reversed(lines)])).rows}
    assert keys == turned
    assert keys == {"10.0.0.1": "bali-gt@10.0.0.1", "10.0.0.2": "bali-gt@10.0.0.2", "10.0.0.3": "bali-pk"}


def test_a_code_that_is_given_twice_is_told(tmp_path: Path) -> None:
    reading = read(tmp_path, "Kode,Nama,IP\nX1,A,10.0.0.1\nX1,B,10.0.0.2\n")
    assert [str(problem) for problem in reading.problems] == [
        "sites.csv row 3: has the same code as row 2 (A); correct or remove one of the two"
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "none of the first 20 rows holds headings that are known"),
        (b"A,B,C\n1,2,3\n", "none of the first 20 rows holds headings that are known"),
        (b"Wilayah,Nama\nBali,A\n", "no column holds the address"),
        (b"\xd0\xcf\x11\xe0rest", "is a workbook of old Excel (.xls)"),
        (b"PK\x03\x04rest", "is no workbook that can be read"),
        (b"Nama,IP\0\nA,10.0.0.1\n", "is no text"),
        (b'Nama,IP\n"A,10.0.0.1\n' + b"B,10.0.0.2\n" * 30, "has a cell of more than 20 lines in row 2"),
        (b'Nama,IP\n"' + b"x" * 200_000, "has a cell without end"),
    ],
    ids=["empty", "no headings", "no address", "xls", "zip", "binary", "open quote", "endless cell"],
)
def test_a_file_that_is_no_table_is_told(tmp_path: Path, content: bytes, message: str) -> None:
    reading = read(tmp_path, content)
    assert reading.rows == ()
    assert [problem.problem for problem in reading.problems] == [message]


def test_a_workbook_gives_what_its_cells_show(tmp_path: Path) -> None:
    """Numbers, dates and empty cells come typed; a date in the address column is damage here too."""
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    for line in (
        ("Wilayah", "Nama", "IP", "Lintang", "Bujur", "Port"),
        ("Bali", "A", "10.0.0.1", -8.65, 115.2167, 22),
        (None, "B", dt.datetime(2026, 2, 1, tzinfo=None), None, None, None),  # noqa: DTZ001 - Excel's dates have no zone
        (None, "C", 10.2, None, None, None),
    ):
        sheet.append(line)
    path = tmp_path / "sites.xlsx"
    book.save(path)
    reading = read_csv(path, "sites")
    assert [(row.name, row.address, dict(row.values)) for row in reading.rows] == [
        ("A", "10.0.0.1", {"probe": "tcp:22", "latitude": "-8.65", "longitude": "115.2167"})
    ]
    assert [problem.where for problem in reading.problems] == ["sites.xlsx row 3", "sites.xlsx row 4"]


@pytest.mark.parametrize(
    ("cell", "cleaned"),
    [
        ("\ufeff GT\u200bPasteur  1 ", "GTPasteur 1"),
        ("A\u00a0B\nC", "A B C"),
        ("\uff27\uff34 \uff11", "GT 1"),
        ('="0012"', "0012"),
        ("'0012", "0012"),
        ("soft\u00adhyphen", "softhyphen"),
    ],
)
def test_cells_are_cleaned_of_what_nobody_sees(cell: str, cleaned: str) -> None:
    assert clean(cell) == cleaned


@given(st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
@settings(max_examples=300, deadline=None)
def test_no_content_whatever_raises(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    reading = read(tmp_path_factory.getbasetemp(), b"Nama;IP\n" + content)
    assert all(row.name and row.address and row.key for row in reading.rows)


@given(st.binary(max_size=300))
@settings(max_examples=200, deadline=None)
def test_no_bytes_whatever_raise(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    assert read(tmp_path_factory.getbasetemp(), content).source == "csv:sites"
