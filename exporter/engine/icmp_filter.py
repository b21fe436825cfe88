"""The kernel-side filter of a raw ICMP socket: only replies to us, and ICMP errors, get into its buffer.

A raw socket is given every ICMP packet of the machine; another program's pings must not fill our buffer.
"""

from __future__ import annotations

import ctypes
import socket
import struct
from typing import TYPE_CHECKING, Final

from exporter.engine.icmp_packet import IPV4

if TYPE_CHECKING:
    from exporter.engine.icmp_packet import Family

_SO_ATTACH_FILTER: Final = 26
_SOL_RAW: Final = 255
_ICMP_FILTER: Final = 1
_BPF_LOAD_IP_LENGTH: Final = (0xB1, 0)  # X = 4 * (first byte & 15)
_BPF_X_ZERO: Final = (0x01, 0)
_BPF_BYTE: Final = 0x50  # A = byte at X + k
_BPF_HALF: Final = 0x48  # A = 16 bits at X + k
_BPF_EQUAL: Final = 0x15
_BPF_RETURN: Final = 0x06


def attach_filter(sock: socket.socket, family: Family, identifier: int) -> None:
    """Attach the filter to a raw socket."""
    if family is IPV4:  # by type alone, before a packet is copied for us
        wanted = (family.reply, *(number for number, _ in family.errors))
        mask = ~sum(1 << number for number in wanted) & 0xFFFFFFFF
        sock.setsockopt(_SOL_RAW, _ICMP_FILTER, struct.pack("=I", mask))
    program = filter_program(family, identifier)
    code = ctypes.create_string_buffer(program)
    fprog = struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(code))
    sock.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, fprog)


def filter_program(family: Family, identifier: int) -> bytes:
    """Classic BPF: echo replies with our identifier, and ICMP errors, pass; all else is dropped."""
    errors = [number for number, _ in family.errors]
    passes = 5 + len(errors) + 1  # index of "pass", the last instruction; "drop" stands before it
    # An IPv4 packet starts at its IP header here, an IPv6 one at its ICMPv6 header.
    start = _BPF_LOAD_IP_LENGTH if family is IPV4 else _BPF_X_ZERO
    program = [
        (start[0], 0, 0, start[1]),
        (_BPF_BYTE, 0, 0, 0),  # the ICMP type
        (_BPF_EQUAL, 0, 2, family.reply),
        (_BPF_HALF, 0, 0, 4),  # the identifier
        (_BPF_EQUAL, passes - 5, passes - 6, identifier),
    ]
    for place, number in enumerate(errors, start=5):
        program.append((_BPF_EQUAL, passes - place - 1, 0, number))
    program += [(_BPF_RETURN, 0, 0, 0), (_BPF_RETURN, 0, 0, 0xFFFFFFFF)]
    return b"".join(struct.pack("=HBBI", *instruction) for instruction in program)
