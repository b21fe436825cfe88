"""Packets go out well-formed, come back whole, and no bytes that anybody sends can harm the process."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.engine.icmp_packet import (
    FIELD_BYTES,
    HEAD_BYTES,
    IPV4,
    IPV6,
    KIND_BIT,
    NUMBER_MASK,
    ROW_BYTES,
    Family,
    fixed_word,
    parse_errors,
    parse_replies,
    quick_match,
    views_of,
)
from exporter.engine.icmp_request import Requests, filler, sum_of, target_words
from exporter.outcome import FailureReason, failure_status

TOKEN = 0x1122334455667788
IDENTIFIER = 4711

families = st.sampled_from([IPV4, IPV6])


def _checksum(data: bytes) -> int:
    """RFC 1071, the plain way."""
    data += b"\0" * (len(data) % 2)
    total = 0
    for (word,) in struct.iter_unpack("!H", data):
        total += word
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def _request(family: Family, slot: int, generation: int, number: int, kind: int, extra: int = 0) -> bytes:
    requests = Requests(1, family=family, identifier=IDENTIFIER, token=TOKEN)
    fill = filler(extra)
    requests.fill(
        1,
        targets=target_words(np.array([slot]), np.array([generation], dtype=np.uint32)),
        numbers=np.array([number]),
        kind=kind,
        filler_sums=np.array([sum_of(fill)], dtype=np.uint32),
    )
    return requests.heads.tobytes() + fill.tobytes()


def _rows(
    *packets: bytes,
) -> tuple[np.ndarray[tuple[int, int], np.dtype[np.uint8]], np.ndarray[tuple[int], np.dtype[np.int64]]]:
    buffer = np.zeros((len(packets), ROW_BYTES), dtype=np.uint8)
    for row, packet in enumerate(packets):
        part = packet[:ROW_BYTES]
        buffer[row, : len(part)] = np.frombuffer(part, dtype=np.uint8)
    return buffer, np.array([min(len(packet), ROW_BYTES) for packet in packets])


def _ipv4(payload: bytes, options: bytes = b"") -> bytes:
    length = 5 + len(options) // 4
    head = struct.pack("!BBHHHBBH", 0x40 | length, 0, 4 * length + len(payload), 0, 0, 64, 1, 0)
    return head + bytes([10, 0, 0, 1, 10, 0, 0, 2]) + options + payload


def _ipv6(payload: bytes) -> bytes:
    return struct.pack("!IHBB", 0x60000000, len(payload), 58, 64) + bytes(15) + b"\1" + bytes(15) + b"\2" + payload


@settings(deadline=None)  # a busy machine is slow now and then
@given(
    slot=st.integers(0, 2**32 - 1),
    generation=st.integers(1, 2**32 - 1),
    number=st.integers(0, 2**32 - 1),
    kind=st.sampled_from([0, 1]),
    extra=st.integers(0, 1500),
)
def test_the_checksum_is_right_for_every_size(slot: int, generation: int, number: int, kind: int, extra: int) -> None:
    """A request's checksum verifies to zero, odd sizes included."""
    packet = _request(IPV4, slot, generation, number, kind, extra)
    assert len(packet) == 8 + FIELD_BYTES + extra
    assert _checksum(packet) == 0
    assert struct.unpack("!BBxxHH", packet[:8]) == (8, 0, IDENTIFIER, (number & NUMBER_MASK) | KIND_BIT * kind)


@settings(deadline=None)  # a busy machine is slow now and then
@given(
    family=families,
    number=st.integers(0, 2**32 - 1),
    kind=st.sampled_from([0, 1]),
    options=st.integers(0, 10),
    header=st.booleans(),
)
def test_a_reply_says_which_probe_it_answers(
    family: Family, number: int, kind: int, options: int, header: bool
) -> None:
    """Round trip, with and without an IP header, with and without IP options."""
    header = header and family is IPV4
    reply = bytes([family.reply]) + _request(family, 7, 9, number, kind)[1:]
    packet = _ipv4(reply, bytes(4 * options)) if header else reply
    buffer, lengths = _rows(packet)
    echoes, errors, foreign = parse_replies(
        buffer, lengths, family=family, ip_header=header, identifier=IDENTIFIER, token=TOKEN
    )
    found = (echoes.slots.tolist(), echoes.generations.tolist(), echoes.numbers.tolist(), echoes.kinds.tolist())
    assert found == ([7], [9], [number], [kind])
    assert (len(errors), foreign) == (0, 0)


@settings(deadline=None)
@given(
    family=families,
    header=st.booleans(),
    place=st.integers(-4, HEAD_BYTES + 19),
    value=st.integers(0, 255),
    short=st.integers(0, 4),
)
def test_the_quick_way_is_as_strict_as_the_thorough_one(
    family: Family, header: bool, place: int, value: int, short: int
) -> None:
    """One byte changed anywhere, or the source, or a few bytes missing: what is quickly accepted is thoroughly so."""
    header = header and family is IPV4
    replies = [bytes([family.reply]) + _request(family, slot, slot + 5, 70_000, 0)[1:] for slot in (1, 3)]
    buffer, lengths = _rows(*(_ipv4(reply) if header else reply for reply in replies))
    offset = 20 if header else 0
    addresses = np.arange(16, dtype=np.uint32) if family is IPV4 else np.arange(64, dtype=np.uint32).reshape(16, 4)
    sources = addresses[[1, 3]].copy()
    if place < 0:
        sources.view(np.uint8).reshape(2, -1)[1, place] = value
    else:
        buffer[1, max(place, int(header))] = value  # the kernel has seen to the first byte, the IP header's length
    lengths[1] -= short
    targets = np.full(16, 2**64 - 1, dtype=np.uint64)
    targets[[1, 3]] = target_words(np.array([1, 3]), np.array([6, 8]))
    quick = None
    if lengths.min() >= offset + HEAD_BYTES:
        quick = quick_match(
            *views_of(buffer, offset),
            sources=sources,
            fixed=fixed_word(family, IDENTIFIER),
            token=TOKEN,
            targets=targets,
            addresses=addresses,
        )
    echoes, _, _ = parse_replies(buffer, lengths, family=family, ip_header=header, identifier=IDENTIFIER, token=TOKEN)
    whole = len(echoes.rows) == 2 and echoes.slots.tolist() == [1, 3] and echoes.generations.tolist() == [6, 8]
    whole = whole and not echoes.kinds.any() and bool((sources == addresses[[1, 3]]).all())
    if quick is None:
        assert not whole, "what is whole is recognised quickly"
    else:
        assert [part.tolist() for part in quick] == [[1, 3], echoes.numbers.tolist()]
        assert whole


@pytest.mark.parametrize(
    ("change", "foreign"),
    [
        pytest.param((8, 0xFF), 1, id="another token"),
        pytest.param((5, 0xFF), 0, id="another program's identifier"),
        pytest.param((0, 8), 0, id="a request"),
        pytest.param((28, 2), 1, id="no such kind"),
    ],
)
def test_what_is_not_ours_is_no_reply(change: tuple[int, int], foreign: int) -> None:
    """A wrong token under our identifier is foreign; another identifier is another program's affair."""
    reply = bytearray(bytes([IPV4.reply]) + _request(IPV4, 1, 1, 1, 0)[1:])
    reply[change[0]] = change[1]
    buffer, lengths = _rows(bytes(reply))
    echoes, errors, count = parse_replies(
        buffer, lengths, family=IPV4, ip_header=False, identifier=IDENTIFIER, token=TOKEN
    )
    assert (len(echoes.rows), len(errors), count) == (0, 0, foreign)


@pytest.mark.parametrize(
    ("family", "kind", "reason"),
    [
        (IPV4, 3, FailureReason.UNREACHABLE),
        (IPV4, 11, FailureReason.TTL_EXCEEDED),
        (IPV4, 12, FailureReason.UNREACHABLE),
        (IPV6, 1, FailureReason.UNREACHABLE),
        (IPV6, 3, FailureReason.TTL_EXCEEDED),
    ],
)
@pytest.mark.parametrize("quoted", [8, 32, 56])
def test_an_error_says_which_probe_it_is_about(family: Family, kind: int, reason: FailureReason, quoted: int) -> None:
    """With our fields quoted the probe is certain; with RFC 792's 8 bytes it is found by destination and sequence."""
    request = _request(family, 5, 6, 70_000, 1, extra=40)[:quoted]
    if family is IPV4:
        packet = _ipv4(struct.pack("!BBHI", kind, 1, 0, 0) + _ipv4(request))
        destination = bytes([10, 0, 0, 2])
    else:
        packet = struct.pack("!BBHI", kind, 1, 0, 0) + _ipv6(request)
        destination = bytes(15) + b"\2"
    buffer, lengths = _rows(packet)
    arguments: dict[str, Any] = {
        "family": family,
        "ip_header": family is IPV4,
        "identifier": IDENTIFIER,
        "token": TOKEN,
    }
    _, errors, _ = parse_replies(buffer, lengths, **arguments)
    assert errors.tolist() == [0]
    quotes = parse_errors(buffer, lengths, errors, **arguments)
    status = failure_status(reason)
    if quoted == 8:
        assert quotes.bare == ((destination, KIND_BIT | (70_000 & NUMBER_MASK), status),)
    else:
        full = quotes.full
        assert (full.slots.tolist(), full.numbers.tolist(), full.kinds.tolist()) == ([5], [70_000], [1])
        assert quotes.full_status.tolist() == [status]


@settings(deadline=None)  # a busy machine is slow now and then
@given(
    packets=st.lists(st.binary(max_size=ROW_BYTES), min_size=1, max_size=8),
    family=families,
    header=st.booleans(),
    prefix=st.sampled_from(
        [b"", b"\x45", b"\x4f", b"\x03", b"\x0b", b"\x45" + bytes(19) + b"\x03" + bytes(7) + b"\x4f"]
    ),
)
def test_no_bytes_do_harm(packets: list[bytes], family: Family, header: bool, prefix: bytes) -> None:
    """Whatever comes in, parsing returns, and what it returns points into the rows."""
    buffer, lengths = _rows(*(prefix + packet for packet in packets))
    arguments: dict[str, Any] = {
        "family": family,
        "ip_header": header and family is IPV4,
        "identifier": IDENTIFIER,
        "token": TOKEN,
    }
    echoes, errors, foreign = parse_replies(buffer, lengths, **arguments)
    quotes = parse_errors(buffer, lengths, errors, **arguments)
    assert len(echoes.rows) == 0
    assert 0 <= foreign <= len(packets)
    assert len(quotes.full.rows) == 0
    assert len(quotes.bare) <= len(errors) <= len(packets)
