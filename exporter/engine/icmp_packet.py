"""Echo requests, replies and ICMP errors as rows of numpy arrays (pure; RFC 792, RFC 4443).

Our payload starts with 24 bytes that only this process can have written; behind them comes filler up to the target's
payload size, the same for every packet. A size below 24 is sent as 24. Our fields are in host byte order (we alone
read them), the ICMP header in network order.

     0      8        16     20           24       28     32
    +------+--------+------+------------+--------+------+-----------
    | ICMP | token  | slot | generation | number | kind | filler ...
    +------+--------+------+------------+--------+------+-----------

The ICMP sequence repeats the low 15 bits of the number and, on top, the kind: an ICMP error that quotes no more than
the 8 bytes of RFC 792 can still be told apart.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from exporter.outcome import FailureReason, failure_status

if TYPE_CHECKING:
    from numpy.typing import NDArray

HEAD_BYTES: Final = 32  # ICMP header and our fields
FIELD_BYTES: Final = 24  # the smallest payload
ROW_BYTES: Final = 192  # received: IP header, ICMP error, quoted IP header, quoted ICMP header and our fields
IPV4_BYTES: Final = 20  # IP header without options
_IPV6_BYTES: Final = 40
_ICMP_BYTES: Final = 8
NUMBER_MASK: Final = 0x7FFF
KIND_BIT: Final = 0x8000

HEAD: Final = np.dtype(
    [
        ("type", "u1"),
        ("code", "u1"),
        ("checksum", "u2"),  # in memory order: the sum of RFC 1071 does not care
        ("identifier", ">u2"),
        ("sequence", ">u2"),
        ("token", "u8"),
        ("slot", "u4"),
        ("generation", "u4"),
        ("number", "u4"),
        ("kind", "u4"),
    ],
)

_NONE: Final = np.empty(0, dtype=np.int64)
_UNREACHABLE: Final = failure_status(FailureReason.UNREACHABLE)
_TTL_EXCEEDED: Final = failure_status(FailureReason.TTL_EXCEEDED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """The numbers in which ICMP for IPv4 and for IPv6 differ."""

    request: int
    reply: int
    errors: tuple[tuple[int, int], ...]  # ICMP type -> ring status
    quoted_ip_bytes: int
    quoted_destination: int  # offset of the destination in the quoted IP header
    address_bytes: int


IPV4: Final = Family(
    request=8,
    reply=0,
    errors=((3, _UNREACHABLE), (11, _TTL_EXCEEDED), (12, _UNREACHABLE)),
    quoted_ip_bytes=IPV4_BYTES,
    quoted_destination=16,
    address_bytes=4,
)
IPV6: Final = Family(
    request=128,
    reply=129,
    errors=((1, _UNREACHABLE), (2, _UNREACHABLE), (3, _TTL_EXCEEDED), (4, _UNREACHABLE)),
    quoted_ip_bytes=_IPV6_BYTES,
    quoted_destination=24,
    address_bytes=16,
)


def error_statuses(family: Family) -> NDArray[np.uint8]:
    """Return a table from ICMP type to the ring status it means; 0: not an error that ends a probe."""
    table = np.zeros(256, dtype=np.uint8)
    for number, status in family.errors:
        table[number] = status
    return table


def filler(length: int) -> NDArray[np.uint8]:
    """Return the bytes behind our fields: a counting pattern, as ping sends, that compression does not swallow."""
    return np.arange(FIELD_BYTES, FIELD_BYTES + length, dtype=np.int64).astype(np.uint8)


def folded(total: NDArray[Any]) -> NDArray[np.uint32]:
    """Fold sums of 16-bit words with their carries (RFC 1071)."""
    total = (total >> 16) + (total & 0xFFFF)
    return ((total >> 16) + (total & 0xFFFF)).astype(np.uint32)


def sum_of(data: NDArray[np.uint8]) -> int:
    """Return the folded sum of a byte string's 16-bit words in memory order, padded with a zero byte."""
    if len(data) % 2:
        data = np.append(data, np.uint8(0))
    total = np.array([int(data.view(np.uint16).sum(dtype=np.uint64))])
    return int(folded(folded(total))[0])


def sequence_of(numbers: NDArray[Any], kind: int) -> NDArray[Any]:
    """Return the ICMP sequence of probes."""
    return (numbers & NUMBER_MASK) | (KIND_BIT if kind else 0)


def fill_requests(
    heads: NDArray[Any],
    *,
    family: Family,
    identifier: int,
    token: int,
    slots: NDArray[Any],
    generations: NDArray[Any],
    numbers: NDArray[Any],
    kind: int,
    filler_sums: NDArray[Any] | None,
) -> None:
    """Write echo requests into rows of HEAD.

    Args:
        heads: the rows, of the length of the other arrays; contiguous.
        family: IPv4 or IPv6.
        identifier: ICMP identifier.
        token: the process's random 64 bits.
        slots: board slots.
        generations: of the slots.
        numbers: probe numbers, below 2**32.
        kind: 0 grid, 1 confirmation.
        filler_sums: `sum_of` the filler per row; None leaves the checksum to the kernel (all but raw IPv4).
    """
    heads["type"] = family.request
    heads["code"] = 0
    heads["checksum"] = 0
    heads["identifier"] = identifier
    heads["sequence"] = sequence_of(numbers, kind)
    heads["token"] = token
    heads["slot"] = slots
    heads["generation"] = generations
    heads["number"] = numbers
    heads["kind"] = kind
    if filler_sums is not None:
        words = heads.view(np.uint16).reshape(len(heads), HEAD_BYTES // 2)
        heads["checksum"] = ~folded(words.sum(axis=1, dtype=np.uint32) + filler_sums).astype(np.uint16)


@dataclass(frozen=True, slots=True)
class Echoes:
    """Requests as they came back: in replies, or quoted by errors. All arrays have one length."""

    rows: NDArray[np.int64]  # which of the rows given
    slots: NDArray[np.int64]
    generations: NDArray[np.uint32]
    numbers: NDArray[np.int64]
    kinds: NDArray[np.uint32]


def _heads_at(buffer: NDArray[np.uint8], offset: int) -> NDArray[Any]:
    """View HEAD at one offset of every row of a two-dimensional buffer."""
    heads: NDArray[Any] = np.ndarray(len(buffer), HEAD, buffer, offset, (buffer.strides[0],))
    return heads


def _drop_ip_options(buffer: NDArray[np.uint8], offset: int, rows: NDArray[Any]) -> None:
    """Move the content behind IP headers longer than 20 bytes to where it would be without options."""
    words = buffer[rows, offset] & 0x0F
    if not (words > 5).any():  # noqa: PLR2004 - RFC 791: five words without options
        return
    for row, length in zip(rows[words > 5].tolist(), words[words > 5].tolist(), strict=True):  # noqa: PLR2004 - as above
        rest = buffer[row, offset + 4 * length :].copy()
        buffer[row, offset + IPV4_BYTES : offset + IPV4_BYTES + len(rest)] = rest


def parse_replies(
    buffer: NDArray[np.uint8],
    lengths: NDArray[Any],
    *,
    family: Family,
    ip_header: bool,
    identifier: int,
    token: int,
) -> tuple[Echoes, NDArray[np.int64], int]:
    """Sort received packets.

    Args:
        buffer: rows of ROW_BYTES; options of an IP header are removed in place.
        lengths: bytes received per row, at most ROW_BYTES.
        family: IPv4 or IPv6.
        ip_header: whether rows start with an IPv4 header (raw sockets).
        identifier: ours.
        token: ours.

    Returns:
        Our replies (source, generation and number are still to be checked), the rows that hold ICMP errors, and the
        number of echo replies under our identifier that are none of ours. What another program on this machine asked
        (another identifier on a raw socket) is its own affair and not counted.
    """
    start = 0
    if ip_header:
        start = IPV4_BYTES
        _drop_ip_options(buffer, 0, np.arange(len(buffer)))
    heads = _heads_at(buffer, start)
    whole = lengths >= start + _ICMP_BYTES
    replies = whole & (heads["type"] == family.reply) & (heads["identifier"] == identifier)
    ours = replies & (lengths >= start + HEAD_BYTES) & (heads["token"] == token) & (heads["kind"] <= 1)
    if ours.all():  # nearly always
        return _echoes(heads, np.arange(len(buffer)), heads), _NONE, 0
    errors = np.flatnonzero(whole & (error_statuses(family)[heads["type"]] > 0))
    return _echoes(heads, np.flatnonzero(ours)), errors, int(replies.sum() - ours.sum())


def _echoes(heads: NDArray[Any], rows: NDArray[np.int64], chosen: NDArray[Any] | None = None) -> Echoes:
    chosen = heads[rows] if chosen is None else chosen
    return Echoes(
        rows,
        chosen["slot"].astype(np.int64),
        chosen["generation"],
        chosen["number"].astype(np.int64),
        chosen["kind"],
    )


@dataclass(frozen=True, slots=True)
class Quotes:
    """What ICMP errors quote."""

    full: Echoes  # our fields were quoted and the token is ours
    full_status: NDArray[np.uint8]  # ring status per entry of `full`
    bare: tuple[tuple[bytes, int, int], ...]  # (destination address, ICMP sequence, ring status): 8 bytes were quoted


def parse_errors(
    buffer: NDArray[np.uint8],
    lengths: NDArray[Any],
    rows: NDArray[np.int64],
    *,
    family: Family,
    ip_header: bool,
    identifier: int,
    token: int,
) -> Quotes:
    """Read what was asked out of ICMP errors that a raw socket received; arguments as of `parse_replies`."""
    start = IPV4_BYTES if ip_header else 0
    types = buffer[rows, start]
    quoted_ip = start + _ICMP_BYTES
    if family is IPV4:
        _drop_ip_options(buffer, quoted_ip, rows)
    at = quoted_ip + family.quoted_ip_bytes
    whole = lengths[rows] >= at + _ICMP_BYTES
    rows, types = rows[whole], types[whole]
    address = quoted_ip + family.quoted_destination
    addresses = [buffer[row, address : address + family.address_bytes].tobytes() for row in rows.tolist()]
    return parse_quoted(
        buffer,
        lengths,
        rows,
        offset=at,
        statuses=error_statuses(family)[types],
        addresses=addresses,
        family=family,
        identifier=identifier,
        token=token,
    )


def parse_quoted(
    buffer: NDArray[np.uint8],
    lengths: NDArray[Any],
    rows: NDArray[np.int64],
    *,
    offset: int,
    statuses: NDArray[np.uint8],
    addresses: list[bytes],
    family: Family,
    identifier: int,
    token: int,
) -> Quotes:
    """Read quoted requests that start at one offset of the given rows (an error queue gives them bare, offset 0).

    Args:
        buffer: rows of ROW_BYTES.
        lengths: bytes received per row.
        rows: which rows, each long enough for a quoted ICMP header.
        offset: where the quoted ICMP header starts.
        statuses: ring status that each error means; 0: ignored.
        addresses: whom the quoted request was sent to.
        family: IPv4 or IPv6.
        identifier: ours.
        token: ours.
    """
    heads = _heads_at(buffer, offset)
    chosen = heads[rows]
    asked = (chosen["type"] == family.request) & (chosen["identifier"] == identifier) & (statuses > 0)
    long = lengths[rows] >= offset + HEAD_BYTES
    full = np.flatnonzero(asked & long & (chosen["token"] == token) & (chosen["kind"] <= 1))
    bare = np.flatnonzero(asked & ~long)
    return Quotes(
        full=_echoes(heads, rows[full]),
        full_status=statuses[full],
        bare=tuple((addresses[place], int(chosen["sequence"][place]), int(statuses[place])) for place in bare.tolist()),
    )
