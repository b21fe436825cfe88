"""Control messages that give single packets of a shared socket their DSCP and their source address (pure).

cmsg(3) layout on 64-bit Linux: length (8 bytes, header included), level, type, data, padding to 8 bytes.
"""

from __future__ import annotations

import struct
from typing import Final

CONTROL_BYTES: Final = 64  # room for both messages of IPv6: 24 + 40

_IPPROTO_IP: Final = 0
_IP_TOS: Final = 1
_IP_PKTINFO: Final = 8
_IPPROTO_IPV6: Final = 41
_IPV6_PKTINFO: Final = 50
_IPV6_TCLASS: Final = 67


def control_message(version: int, dscp: int, source: bytes | None) -> bytes:
    """Return the control data of a packet, empty where nothing is asked.

    Args:
        version: 4 or 6.
        dscp: 0-63; 0 leaves the default.
        source: packed local address of the same version; None leaves it to the kernel.
    """
    data = b""
    six = version == 6  # noqa: PLR2004 - IP versions
    if dscp:
        level, kind = (_IPPROTO_IPV6, _IPV6_TCLASS) if six else (_IPPROTO_IP, _IP_TOS)
        data += _message(level, kind, struct.pack("=i", dscp << 2))
    if source is not None and six:
        data += _message(_IPPROTO_IPV6, _IPV6_PKTINFO, source[:16] + struct.pack("=i", 0))
    elif source is not None:
        data += _message(_IPPROTO_IP, _IP_PKTINFO, struct.pack("=i", 0) + source[:4] + bytes(4))
    return data


def _message(level: int, kind: int, data: bytes) -> bytes:
    return struct.pack("=Qii", 16 + len(data), level, kind) + data + bytes(-len(data) % 8)
