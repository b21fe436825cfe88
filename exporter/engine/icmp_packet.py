"""Echo replies and ICMP errors as rows of numpy arrays, and the layout of our packets (pure; RFC 792, RFC 4443).

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
    heads: NDArray[Any] = buffer[:, offset : offset + HEAD_BYTES].view(HEAD)[:, 0]
    return heads


def views_of(buffer: NDArray[np.uint8], offset: int) -> tuple[NDArray[np.uint64], NDArray[Any]]:
    """Return what starts at one offset of every row, as words of 64 bits and as HEAD. Slow, so done once per buffer."""
    return buffer[:, offset : offset + HEAD_BYTES].view(np.uint64), _heads_at(buffer, offset)


def quick_match(
    words: NDArray[np.uint64],
    heads: NDArray[Any],
    *,
    sources: NDArray[Any],
    fixed: tuple[np.uint64, np.uint64],
    token: int,
    targets: NDArray[np.uint64],
    addresses: NDArray[Any],
) -> tuple[NDArray[np.int64], NDArray[np.int64]] | None:
    """Return slots and numbers if every row is a reply of grid probes from whom it should be; None on any doubt.

    What nearly every read consists of is recognised with a dozen numpy calls. The IP header is not looked at: if it
    has options, our token is not where it should be.

    Args:
        words: `views_of` the rows, none of which is shorter than a reply.
        heads: the other view.
        sources: source address per row, as in `addresses`.
        fixed: `fixed_word` of our replies.
        token: ours.
        targets: `target_words` per slot; all ones where there is none.
        addresses: whom we ask, per slot.
    """
    slots = heads["slot"].astype(np.int64)
    good = (words[:, 0] & fixed[0]) == fixed[1]
    good &= words[:, 1] == token
    good &= words[:, 2] == targets.take(slots, mode="clip")
    same = addresses.take(slots, axis=0, mode="clip") == sources
    good &= same if same.ndim == 1 else np.logical_and.reduce(same, axis=1)
    if not np.logical_and.reduce(good) or np.logical_or.reduce(heads["kind"]):
        return None
    return slots, heads["number"].astype(np.int64)


def fixed_word(family: Family, identifier: int) -> tuple[np.uint64, np.uint64]:
    """Return (mask, value) of a reply's first eight bytes: type and identifier."""
    heads: NDArray[Any] = np.zeros(2, dtype=HEAD)
    heads["type"] = 0xFF, family.reply
    heads["identifier"] = 0xFFFF, identifier
    mask, value = heads.view(np.uint64)[:: HEAD_BYTES // 8]
    return mask, value


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
