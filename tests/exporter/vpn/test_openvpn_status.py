"""OpenVPN's tables of every version, hand-written after real ones; hostile names; texts that are no table."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.vpn.openvpn_status import parse_status
from exporter.vpn.reading import PeerRow, Reading, SourceError, Trouble

DATA = Path(__file__).parent / "data"
V3_HEADER = (
    "Common Name\tReal Address\tVirtual Address\tVirtual IPv6 Address\tBytes Received\tBytes Sent\tConnected Since\t"
    "Connected Since (time_t)\tUsername\tClient ID\tPeer ID\tData Channel Cipher"
)


def _read(name: str) -> Reading:
    return parse_status((DATA / f"{name}.txt").read_text(encoding="utf-8"))


def _row(name: str, session: str, received: int, sent: int, endpoint: str, handshake_at: float | None) -> PeerRow:
    return PeerRow(
        name=name,
        session=session,
        received_bytes=received,
        sent_bytes=sent,
        endpoint=endpoint,
        handshake_at=handshake_at,
    )


BANDUNG_V4 = "198.51.100.7:56270"
GOLDEN = {
    "v1-2.3": Reading(
        at=None, rows=(_row("bandung", "Tue Nov 24 23:24:03 2026", 2163, 2180, BANDUNG_V4, None),), unfinished=0
    ),
    "v1-2.6": Reading(
        at=None,
        rows=(
            _row("bandung", "2026-11-25 01:57:47", 2163, 2180, BANDUNG_V4, None),
            _row("GT Pasteur, 2", "2026-11-25 01:50:00", 10, 20, "198.51.100.8:40000", None),
        ),
        unfinished=1,
    ),
    "v2-2.3": Reading(
        at=1795562645.0, rows=(_row("bandung", "1795562643", 2163, 2180, BANDUNG_V4, 1795562643.0),), unfinished=0
    ),
    "v2-2.4": Reading(
        at=1795562645.0, rows=(_row("bandung", "4 1795562643", 2163, 2180, "2001:db8::7", 1795562643.0),), unfinished=0
    ),
    "v2-2.6-commas": Reading(
        at=1795571872.0,
        rows=(
            _row("GT Pasteur, 2", "0 1795571867", 2163, 2220, BANDUNG_V4, 1795571867.0),
            _row("Dago, Bandung", "1 1795571860", 7, 8, "198.51.100.8:40000", 1795571860.0),
            _row('"END"', "3 1795571861", 1, 2, "198.51.100.10:5000", 1795571861.0),
        ),
        unfinished=1,
    ),
    "v3-2.7": Reading(
        at=1795571872.0,
        rows=(
            _row("GT Pasteur, 2", "0 1795571867", 2163, 2220, BANDUNG_V4, 1795571867.0),
            _row("bandung", "7 1795571868", 5, 6, "[2001:db8::7]:1194", 1795571868.0),
        ),
        unfinished=0,
    ),
}


@pytest.mark.parametrize("name", sorted(GOLDEN))
def test_a_table_of_each_version_is_read(name: str) -> None:
    """Columns by header, names with commas whole, clients in their handshake left out and counted."""
    assert _read(name) == GOLDEN[name]


@pytest.mark.parametrize("name", sorted(GOLDEN))
def test_windows_line_ends_change_nothing(name: str) -> None:
    """The management interface ends its lines so."""
    text = (DATA / f"{name}.txt").read_text(encoding="utf-8").replace("\n", "\r\n")
    assert parse_status(text) == GOLDEN[name]


@pytest.mark.parametrize("name", sorted(GOLDEN))
def test_a_table_without_its_end_is_no_table(name: str) -> None:
    """Half a table would show half of the clients as gone; wherever it is cut, it is refused."""
    lines = (DATA / f"{name}.txt").read_text(encoding="utf-8").splitlines()
    for length in range(len(lines)):
        with pytest.raises(SourceError):
            parse_status("\n".join(lines[:length]))


def _v3(*rows: str) -> str:
    return "\n".join(("TITLE\tOpenVPN", "TIME\tnow\t1795571872", f"HEADER\tCLIENT_LIST\t{V3_HEADER}", *rows, "END"))


def _v3_row(name: str, received: str = "1") -> str:
    return f"CLIENT_LIST\t{name}\t198.51.100.7:1\t10.20.0.2\t\t{received}\t2\tsince\t1795571867\tUNDEF\t0\t0\tAES"


@pytest.mark.parametrize("row", ["CLIENT_LIST\tshort", _v3_row("a", received="many"), _v3_row("a", received="-1")])
def test_a_row_that_cannot_be_read_is_counted(row: str) -> None:
    """The others stand, but that a name is not among them proves nothing then."""
    reading = parse_status(_v3(row, _v3_row("bandung")))
    assert [each.name for each in reading.rows] == ["bandung"]
    assert reading.damaged == 1


@pytest.mark.parametrize(
    ("text", "trouble"),
    [
        ("", Trouble.BUSY),
        ("hello\nEND\n", Trouble.FORMAT),
        ((DATA / "client.txt").read_text(encoding="utf-8"), Trouble.FORMAT),
        ("TITLE,OpenVPN\nEND\n", Trouble.FORMAT),
        ("TITLE,OpenVPN\nCLIENT_LIST,a,b\nEND\n", Trouble.FORMAT),
        ("TITLE,OpenVPN\nHEADER,CLIENT_LIST,Name,Bytes\nEND\n", Trouble.FORMAT),
        ("OpenVPN CLIENT LIST\nUpdated,now\nEND\n", Trouble.FORMAT),
    ],
    ids=["empty", "other", "client", "no-header", "rows-first", "other-columns", "v1-no-table"],
)
def test_what_is_no_table_is_refused_by_its_reason(text: str, trouble: Trouble) -> None:
    with pytest.raises(SourceError) as caught:
        parse_status(text)
    assert caught.value.trouble is trouble


# What OpenVPN lets through in a name: it replaces control characters by `_`, and names are no longer than 64.
_NAMES = st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=64).filter(
    lambda name: name != "UNDEF"
)


@settings(deadline=None, max_examples=200)
@given(st.lists(_NAMES, min_size=1, max_size=5))
def test_any_name_survives_version_3(names: list[str]) -> None:
    """Commas, quotes, blanks at the ends, line ends of Unicode: tabs keep them all apart."""
    assert [row.name for row in parse_status(_v3(*map(_v3_row, names))).rows] == names


@settings(deadline=None, max_examples=200)
@given(_NAMES, st.booleans())
def test_any_name_survives_version_2(name: str, as_user: bool) -> None:
    """Also where the user name repeats it, commas and all."""
    text = _v3(_v3_row("NAME").replace("UNDEF", name if as_user else "UNDEF")).replace("\t", ",").replace("NAME", name)
    assert [row.name for row in parse_status(text).rows] == [name]
