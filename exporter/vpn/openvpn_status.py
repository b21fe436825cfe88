"""OpenVPN's table of clients, from a status file or the management interface: text -> Reading (pure).

Versions 1 (default), 2 (commas) and 3 (tabs) of all servers from 2.3 on. Columns are found by the HEADER line, never by
position: 2.4 and 2.5 added some in the middle. Names are not escaped, so a common name with commas makes a row longer
(OpenVPN: src/openvpn/multi.c, multi_print_status).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from exporter.vpn.reading import PeerRow, Reading, SourceError, Trouble

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_V1_TITLE: Final = "OpenVPN CLIENT LIST"
_V1_HEADER: Final = "Common Name,Real Address,Bytes Received,Bytes Sent,Connected Since"
_V1_END: Final = "ROUTING TABLE"
_CLIENT_FILE: Final = "OpenVPN STATISTICS"
_UNFINISHED: Final = "UNDEF"  # common name of a client whose handshake is not over
_NAME: Final = "Common Name"
_USER: Final = "Username"
_RECEIVED: Final = "Bytes Received"
_SENT: Final = "Bytes Sent"
_SINCE: Final = "Connected Since (time_t)"
_NUMBERS: Final = (_RECEIVED, _SENT, _SINCE)
# 2.7 puts the protocol before the address: `udp4:198.51.100.7:1194`, `tcp6-server:[2001:db8::7]:1194`.
_PROTOCOL: Final = re.compile(r"^(?:udp|tcp)[46]?(?:-server|-client)?:")


def parse_status(text: str) -> Reading:
    """Read a table of clients of any version.

    Args:
        text: the whole of it, from the title to END; line ends of either kind.

    Returns:
        Rows in the order of the text; `at` is the server's own time (versions 2 and 3), or None (version 1).

    Raises:
        SourceError: it is no such table (FORMAT), or its end is not there (BUSY: it is being written).
    """
    # Not splitlines(): a name may hold U+2028 and others that are line ends to Python and to nobody else.
    lines = text.replace("\r\n", "\n").rstrip("\n").split("\n")
    first = lines[0]
    if first == _CLIENT_FILE:
        raise SourceError(Trouble.FORMAT, "this is the status file of an OpenVPN client, which lists no clients")
    if first == _V1_TITLE:
        table = _Table(_rows_v1(lines))
    elif first.startswith(("TITLE,", "TITLE\t")):
        table = _Table(_rows_by_header(lines, first[len("TITLE")]))
    elif not text:
        raise SourceError(Trouble.BUSY, "the file is empty: the server has not written it yet")
    else:
        raise SourceError(Trouble.FORMAT, "the first line is no title of an OpenVPN status of version 1, 2 or 3")
    if lines[-1] != "END":
        raise SourceError(Trouble.BUSY, "the text does not end with END")
    return table.reading(_server_time(lines))


class _Table:
    """Takes rows as column -> text; a row that is None could not be read."""

    def __init__(self, rows: Iterator[dict[str, str] | None]) -> None:
        self._peers: list[PeerRow] = []
        self._unfinished = 0
        self._damaged = 0
        for row in rows:
            self._take(row)

    def _take(self, row: dict[str, str] | None) -> None:
        if row is None:
            self._damaged += 1
        elif row[_NAME] == _UNFINISHED:
            self._unfinished += 1
        else:
            since = row.get(_SINCE)
            # Client IDs are given out anew by a restarted server, so the session's begin belongs to its name.
            session = f"{row.get('Client ID', '')} {since or row.get('Connected Since', '')}"
            self._peers.append(
                PeerRow(
                    name=row[_NAME],
                    session=session.strip(),
                    received_bytes=int(row[_RECEIVED]),
                    sent_bytes=int(row[_SENT]),
                    endpoint=_PROTOCOL.sub("", row.get("Real Address", "")) or None,
                    handshake_at=float(since) if since else None,
                )
            )

    def reading(self, at: float | None) -> Reading:
        """Return what was taken."""
        return Reading(at=at, rows=tuple(self._peers), unfinished=self._unfinished, damaged=self._damaged)


def _rows_v1(lines: Sequence[str]) -> Iterator[dict[str, str] | None]:
    """Yield the client rows of version 1; only the name can hold commas, so the other columns count from the right."""
    columns = _V1_HEADER.split(",")
    try:
        start = lines.index(_V1_HEADER) + 1
        end = lines.index(_V1_END, start)
    except ValueError:
        raise SourceError(Trouble.FORMAT, "the table of clients has no known header, or no end") from None
    for line in lines[start:end]:
        fields = line.rsplit(",", len(columns) - 1)
        row = dict(zip(columns, fields, strict=False))
        yield row if len(fields) == len(columns) and _is_sound(row) else None


def _rows_by_header(lines: Sequence[str], separator: str) -> Iterator[dict[str, str] | None]:
    """Yield the client rows of versions 2 and 3."""
    header, tag = f"HEADER{separator}CLIENT_LIST{separator}", f"CLIENT_LIST{separator}"
    columns: list[str] = []
    for line in lines:
        if line.startswith(header):
            columns = line[len(header) :].split(separator)
            if not {_NAME, _RECEIVED, _SENT} <= set(columns):
                raise SourceError(Trouble.FORMAT, "the header of the clients lacks the name or the byte counters")
        elif line.startswith(tag):
            if not columns:
                raise SourceError(Trouble.FORMAT, "clients come before their header")
            yield _fitted(line[len(tag) :].split(separator), columns, separator)
    if not columns:
        raise SourceError(Trouble.FORMAT, "there is no header of clients")


def _fitted(fields: Sequence[str], columns: Sequence[str], separator: str) -> dict[str, str] | None:
    """Return a row by column; None where it cannot be.

    What is too much belongs to the name, or to the user name that may repeat it: the right way is the one in which
    every number is one.
    """
    surplus = len(fields) - len(columns)
    if surplus < 0:
        return None
    name = columns.index(_NAME)
    user = columns.index(_USER) if _USER in columns else len(columns)
    # With --username-as-common-name both hold the same commas; else all of them are the name's.
    for extra in (surplus, surplus // 2) if surplus else (0,):
        joined = list(fields)
        joined[name : name + extra + 1] = [separator.join(joined[name : name + extra + 1])]
        rest = surplus - extra
        joined[user : user + rest + 1] = [separator.join(joined[user : user + rest + 1])]
        row = dict(zip(columns, joined, strict=False))
        if _is_sound(row):
            return row
    return None


def _is_sound(row: dict[str, str]) -> bool:
    """Tell whether every number is one."""
    return all(row[column].isascii() and row[column].isdecimal() for column in _NUMBERS if column in row)


def _server_time(lines: Sequence[str]) -> float | None:
    """Return the server's own time of writing; version 1 has local time without a zone, which says nothing safe."""
    for line in lines:
        if line.startswith(("TIME,", "TIME\t")):
            seconds = line.replace("\t", ",").rpartition(",")[2]
            return float(seconds) if seconds.isascii() and seconds.isdecimal() else None
    return None
