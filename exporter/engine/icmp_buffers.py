"""The memory that sendmmsg and recvmmsg work on: headers laid out once, numpy views of every field (64-bit Linux).

recvmmsg(2), cmsg(3), struct layouts of asm-generic. Nothing here calls the kernel.
"""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from exporter.engine.icmp_packet import HEAD_BYTES, IPV4, ROW_BYTES, Family, views_of
from exporter.engine.icmp_request import Requests, filler

if TYPE_CHECKING:
    from numpy.typing import NDArray

SEND_ROWS: Final = 256  # packets of one batch; UIO_MAXIOV (1024) is the most that one call takes
RECEIVE_ROWS: Final = 512
LARGEST_PAYLOAD: Final = 65507 - 8
MESSAGE_BYTES: Final = 64
SO_TIMESTAMPNS: Final = 35  # CPython 3.11 does not name it; the same on every 64-bit architecture that Debian has
_CONTROL_BYTES: Final = 128

_MESSAGE: Final = np.dtype(  # struct mmsghdr, 64-bit
    {
        "names": ["name", "name_bytes", "parts", "part_count", "control", "control_bytes", "flags", "bytes"],
        "formats": ["u8", "u4", "u8", "u8", "u8", "u8", "i4", "u4"],
        "offsets": [0, 8, 16, 24, 32, 40, 48, 56],
        "itemsize": 64,
    },
)
_PART: Final = np.dtype([("base", "u8"), ("bytes", "u8")])  # struct iovec
NAME4: Final = np.dtype([("family", "u2"), ("port", "u2"), ("address", "u4"), ("zero", "u8")])
NAME6: Final = np.dtype([("family", "u2"), ("port", "u2"), ("flow", "u4"), ("address", "u4", (4,)), ("scope", "u4")])
# struct cmsghdr and timespec, the first control message that the kernel writes: length, level and type, s, ns.
_STAMP_WORDS: Final = 4
_STAMPED: Final = int(np.array([socket.SOL_SOCKET, SO_TIMESTAMPNS], dtype=np.int32).view(np.int64)[0])
_EXTENDED: Final = np.dtype(  # a second control message: sock_extended_err, linux/errqueue.h
    {
        "names": ["level", "type", "origin", "icmp_type", "icmp_code"],
        "formats": ["i4", "i4", "u1", "u1", "u1"],
        "offsets": [8, 12, 20, 21, 22],
        "itemsize": 40,
    },
)
_ORIGIN_ICMP: Final = (2, 3)  # SO_EE_ORIGIN_ICMP, SO_EE_ORIGIN_ICMP6


class Received(NamedTuple):
    """One read of the socket: the first rows of its buffers, good until the next read. A tuple: built at every turn."""

    buffer: NDArray[np.uint8]  # (n, ROW_BYTES)
    lengths: NDArray[Any]
    addresses: NDArray[Any]  # source; of an error queue: whom the request was sent to
    stamps_ns: NDArray[np.int64]  # CLOCK_REALTIME at which the kernel received it; 0: not told
    icmp_types: NDArray[np.uint8] | None  # error queue only: 0 where the error is no ICMP one
    words: NDArray[np.uint64]  # `views_of` the rows at `ReceiveBuffers.offset`
    heads: NDArray[Any]


def name_type(family: Family) -> np.dtype[Any]:
    """Return the layout of a socket address: sockaddr_in or sockaddr_in6."""
    return NAME4 if family is IPV4 else NAME6


class SendBuffers:
    """SEND_ROWS messages: requests, the addresses they go to, filler and control messages."""

    def __init__(self, family: Family, *, identifier: int, token: int) -> None:
        self.requests = Requests(SEND_ROWS, family=family, identifier=identifier, token=token)
        heads, names = self.requests.heads, np.zeros(SEND_ROWS, dtype=name_type(family))
        self._names: NDArray[Any] = names
        self.name_words = names.view(np.uint32).reshape(SEND_ROWS, -1)
        self._filler = filler(LARGEST_PAYLOAD)
        self._parts = np.zeros((SEND_ROWS, 2), dtype=_PART)
        self._parts["base"][:, 0] = heads.ctypes.data + np.arange(SEND_ROWS) * HEAD_BYTES
        self._parts["bytes"][:, 0] = HEAD_BYTES
        self._parts["base"][:, 1] = self._filler.ctypes.data
        self._messages = np.zeros(SEND_ROWS, dtype=_MESSAGE)
        self._messages["name"] = names.ctypes.data + np.arange(SEND_ROWS) * names.itemsize
        self._messages["name_bytes"] = names.itemsize
        self._messages["parts"] = self._parts.ctypes.data + np.arange(SEND_ROWS) * 2 * _PART.itemsize
        self._messages["part_count"] = 1
        self.address: int = self._messages.ctypes.data
        self._dressed = False  # whether messages carry filler or control messages

    def dress(
        self, count: int, filler_bytes: NDArray[Any] | None, controls: tuple[NDArray[Any], NDArray[Any]] | None
    ) -> None:
        """Attach filler and control messages to the first rows, or take them off.

        Args:
            count: how many rows.
            filler_bytes: payload beyond our fields, per row; None: nowhere any.
            controls: addresses and lengths of control messages per row; None: nowhere any.
        """
        plain = filler_bytes is None and controls is None
        if plain and not self._dressed:
            return
        messages, rows = self._messages, SEND_ROWS if plain else count
        if filler_bytes is None:
            messages["part_count"][:rows] = 1
        else:
            self._parts["bytes"][:rows, 1] = filler_bytes
            messages["part_count"][:rows] = 1 + (filler_bytes > 0)
        messages["control"][:rows], messages["control_bytes"][:rows] = controls if controls is not None else (0, 0)
        self._dressed = not plain


class ReceiveBuffers:
    """RECEIVE_ROWS messages to be filled."""

    def __init__(self, family: Family, *, offset: int) -> None:
        """Lay out the buffers.

        Args:
            family: IPv4 or IPv6.
            offset: where the ICMP header starts in what is received.
        """
        self.offset = offset
        lead = -offset % 8  # so that our 64-bit fields lie at multiples of 8 behind a 20-byte IP header as well
        stride = ROW_BYTES + 8
        store = np.zeros((RECEIVE_ROWS, stride), dtype=np.uint8)
        self._rows = store[:, lead : lead + ROW_BYTES]
        self._words, self._heads = views_of(self._rows, offset)
        sources: NDArray[Any] = np.zeros(RECEIVE_ROWS, dtype=name_type(family))
        self._name_bytes = sources.itemsize
        self._addresses = sources["address"]
        controls = np.zeros((RECEIVE_ROWS, _CONTROL_BYTES), dtype=np.uint8)
        self._stamps = controls.view(np.int64)[:, :_STAMP_WORDS]
        self._extended: NDArray[Any] = np.ndarray(RECEIVE_ROWS, _EXTENDED, controls, 32, (_CONTROL_BYTES,))
        self._parts = np.zeros(RECEIVE_ROWS, dtype=_PART)
        self._parts["base"] = store.ctypes.data + lead + np.arange(RECEIVE_ROWS) * stride
        self._parts["bytes"] = ROW_BYTES
        messages = np.zeros(RECEIVE_ROWS, dtype=_MESSAGE)
        messages["name"] = sources.ctypes.data + np.arange(RECEIVE_ROWS) * sources.itemsize
        messages["parts"] = self._parts.ctypes.data + np.arange(RECEIVE_ROWS) * _PART.itemsize
        messages["part_count"] = 1
        messages["control"] = controls.ctypes.data + np.arange(RECEIVE_ROWS) * _CONTROL_BYTES
        self._control_room, self._name_room = messages["control_bytes"], messages["name_bytes"]
        self._lengths = messages["bytes"]
        self.address: int = messages.ctypes.data
        self._used = RECEIVE_ROWS  # rows whose room the kernel has overwritten with lengths

    def make_ready(self) -> None:
        """Give the rows of the last read their room again."""
        self._control_room[: self._used] = _CONTROL_BYTES
        self._name_room[: self._used] = self._name_bytes
        self._used = 0

    def take(self, count: int, *, errors: bool) -> Received:
        """Return the first `count` rows, which the kernel has filled; `errors`: from the error queue."""
        self._used = count
        stamps = self._stamps[:count]
        told = stamps[:, 2] * 1_000_000_000
        told += stamps[:, 3]
        stamped = stamps[:, 1] == _STAMPED
        if not np.logical_and.reduce(stamped):
            told = np.where(stamped, told, 0)
        types = None
        if errors:
            extended = self._extended[:count]
            types = np.where(np.isin(extended["origin"], _ORIGIN_ICMP), extended["icmp_type"], 0).astype(np.uint8)
        return Received(
            self._rows[:count],
            self._lengths[:count],
            self._addresses[:count],
            told,
            types,
            self._words[:count],
            self._heads[:count],
        )
