"""The table of WireGuard peers, as `wg show all dump` and `wg show IF dump` print it: text -> Reading (pure).

Tab-separated (wg(8), wireguard-tools: src/show.c, dump_print): an interface line of 5 columns (`all`; else 4), then per
peer 9 (else 8): [interface,] public key, pre-shared key, endpoint, allowed IPs, latest handshake, received, sent,
keepalive. A dump that a timer writes for us should lack the pre-shared keys and the interface lines with the private
key (docs/tunnels.md); that is a peer line of 8 columns which begins with the interface. Keys other than public ones
are passed over and never kept.
"""

from __future__ import annotations

import re
from typing import Final

from exporter.vpn.reading import PeerRow, Reading, SourceError, Trouble

_KEY: Final = re.compile(r"[A-Za-z0-9+/]{43}=")
_INTERFACE_COLUMNS: Final = (4, 5)  # `wg show IF dump`, `wg show all dump`
_PEER_COLUMNS: Final = 8  # with interface or pre-shared key; 9 with both
_NONE: Final = "(none)"
# boringtun prints how long ago the handshake was where the others print when (cloudflare/boringtun#447). No moment
# since WireGuard exists is so small a number.
_OLDEST_EPOCH: Final = 1_000_000_000


def parse_dump(text: str, *, at: float) -> Reading:
    """Read the peers of one or all interfaces.

    Args:
        text: what `wg show ... dump` printed, with or without the columns that hold secrets. Empty: no interface.
        at: UTC seconds when it was printed.

    Returns:
        Rows in the order of the text; two interfaces may have a peer of the same key.

    Raises:
        SourceError: a line is neither of an interface nor of a peer.
    """
    rows: list[PeerRow] = []
    lines = text.rstrip("\n").split("\n") if text.strip() else ()
    for number, line in enumerate(lines, start=1):
        columns = line.split("\t")
        if len(columns) in _INTERFACE_COLUMNS:
            continue
        row = _peer(columns, at)
        if row is None:
            raise SourceError(Trouble.FORMAT, f"line {number} is no line of `wg show ... dump`")
        rows.append(row)
    return Reading(at=at, rows=tuple(rows))


def _peer(columns: list[str], at: float) -> PeerRow | None:
    """Return the row; None where it is none. The last six columns are the same in every form."""
    # A key is 44 characters, the name of an interface at most 15 (IFNAMSIZ), so the two cannot be taken for each other.
    before = columns[:-6]
    if len(columns) not in {_PEER_COLUMNS, _PEER_COLUMNS + 1}:
        return None
    key = before[0] if _KEY.fullmatch(before[0]) else before[1]
    endpoint, _, handshake, received, sent, keepalive = columns[-6:]
    if not (_KEY.fullmatch(key) and all(_is_number(each) for each in (handshake, received, sent))):
        return None
    return PeerRow(
        name=key,
        session="",
        received_bytes=int(received),
        sent_bytes=int(sent),
        endpoint=None if endpoint == _NONE else endpoint,
        handshake_at=_moment(int(handshake), at),
        keepalive_seconds=int(keepalive) if _is_number(keepalive) else None,
    )


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal()


def _moment(seconds: int, at: float) -> float | None:
    """Return the UTC seconds of the latest handshake; None: there never was one."""
    if seconds == 0:
        return None
    return float(seconds) if seconds >= _OLDEST_EPOCH else at - seconds
