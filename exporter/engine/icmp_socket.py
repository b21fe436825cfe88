"""The ICMP socket of one address family: opening, privileges, sendmmsg, recvmmsg, kernel time stamps, drops.

Hundreds of packets go through one system call each way, over headers that are built once. The calls go through
ctypes.PyDLL, which keeps the interpreter lock: the clock read after a call is as true as the one before it.

Facts about Linux that shaped this file (measured; ping(7) is silent on most):
- An unprivileged ICMP socket needs the group in net.ipv4.ping_group_range, which is per network namespace and starts
  closed even for root; a raw socket needs CAP_NET_RAW. The kernel writes identifier and checksum of the former.
- IP_RECVERR on the former tells why a target is silent, but the next call, about another target, then fails with the
  first one's errno. So a failed send is tried again, and only what fails repeatedly is the target's own.
- A raw socket sees every ICMP packet of the machine. A small filter keeps other programs' away from our buffer.
- SO_MEMINFO carries the same drop counter as SO_RXQ_OVFL does, and can be read when no packet follows the lost ones.
"""

from __future__ import annotations

import ctypes
import errno
import secrets
import socket
import struct
import sys
import time
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from exporter.engine.icmp_filter import attach_filter
from exporter.engine.icmp_packet import HEAD_BYTES, IPV4, IPV4_BYTES, IPV6, ROW_BYTES, Family, error_statuses, views_of
from exporter.engine.icmp_request import Requests, filler, sum_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

SEND_ROWS: Final = 256  # packets of one batch; UIO_MAXIOV (1024) is the most that one call takes
SEND_STEP: Final = 32  # packets between two readings of the clock: bounds the error of interpolation
RECEIVE_ROWS: Final = 512
RECEIVE_BUFFER_BYTES: Final = 32 * 1024 * 1024  # a second of replies at 40,000/s, should we be stopped so long
CONTROL_BYTES: Final = 128
SEND_TRIES: Final = 3
_POINTER_BYTES: Final = 8  # the layouts below are those of 64-bit machines
LARGEST_PAYLOAD: Final = 65507 - 8

# Linux constants that CPython 3.11 does not name; the same on every 64-bit architecture that Debian has.
_SO_RCVBUFFORCE: Final = 33
_SO_TIMESTAMPNS: Final = 35
_SO_MEMINFO: Final = 55
_SK_MEMINFO_DROPS: Final = 8
_IP_RECVERR: Final = 11
_IPV6_RECVERR: Final = 25
_MSG_ERRQUEUE: Final = 0x2000
_MSG_DONTWAIT: Final = int(socket.MSG_DONTWAIT)  # an enum is slow to or
_NO_SOCKET: Final = frozenset({errno.EACCES, errno.EPERM})

_MESSAGE: Final = np.dtype(  # struct mmsghdr, 64-bit
    {
        "names": ["name", "name_bytes", "parts", "part_count", "control", "control_bytes", "flags", "bytes"],
        "formats": ["u8", "u4", "u8", "u8", "u8", "u8", "i4", "u4"],
        "offsets": [0, 8, 16, 24, 32, 40, 48, 56],
        "itemsize": 64,
    },
)
_MESSAGE_BYTES: Final = 64
_PART: Final = np.dtype([("base", "u8"), ("bytes", "u8")])  # struct iovec
NAME4: Final = np.dtype([("family", "u2"), ("port", "u2"), ("address", "u4"), ("zero", "u8")])
NAME6: Final = np.dtype([("family", "u2"), ("port", "u2"), ("flow", "u4"), ("address", "u4", (4,)), ("scope", "u4")])
# struct cmsghdr and timespec, the first control message that the kernel writes: length, level and type, s, ns.
_STAMP_WORDS: Final = 4
_STAMPED: Final = int(np.array([socket.SOL_SOCKET, _SO_TIMESTAMPNS], dtype=np.int32).view(np.int64)[0])
_EXTENDED: Final = np.dtype(  # a second control message: sock_extended_err, linux/errqueue.h
    {
        "names": ["level", "type", "origin", "icmp_type", "icmp_code"],
        "formats": ["i4", "i4", "u1", "u1", "u1"],
        "offsets": [8, 12, 20, 21, 22],
        "itemsize": 40,
    },
)
_ORIGIN_ICMP: Final = (2, 3)  # SO_EE_ORIGIN_ICMP, SO_EE_ORIGIN_ICMP6


def supported() -> bool:
    """Return whether this machine has the calls and the memory layout that this file knows."""
    return sys.platform.startswith("linux") and ctypes.sizeof(ctypes.c_void_p) == _POINTER_BYTES


class Received(NamedTuple):
    """One read of the socket: the first rows of its buffers, good until the next read. A tuple: built at every turn."""

    buffer: NDArray[np.uint8]  # (n, ROW_BYTES)
    lengths: NDArray[Any]
    addresses: NDArray[Any]  # source; of an error queue: whom the request was sent to
    stamps_ns: NDArray[np.int64]  # CLOCK_REALTIME at which the kernel received it; 0: not told
    icmp_types: NDArray[np.uint8] | None  # error queue only: 0 where the error is no ICMP one
    words: NDArray[np.uint64]  # `views_of` the rows at `IcmpSocket.offset`
    heads: NDArray[Any]


class IcmpSocket:
    """One open socket. Raises OSError where none may be opened; `permission_missing(error)` tells that kind."""

    def __init__(self, version: int, token: int, *, raw: bool | None = None) -> None:
        """Open a socket.

        Args:
            version: 4 or 6.
            token: the process's random 64 bits, for the requests.
            raw: True or False insists on the type; None tries the unprivileged one first.
        """
        self.family: Family = IPV4 if version == 4 else IPV6  # noqa: PLR2004 - IP versions
        self._name_type = NAME4 if self.family is IPV4 else NAME6
        self.domain = socket.AF_INET if self.family is IPV4 else socket.AF_INET6
        self.socket, self.raw = _open(self.domain, raw)
        try:
            self.identifier = self._choose_identifier()
            self._configure()
        except OSError:
            self.socket.close()
            raise
        self.error_table = error_statuses(self.family)
        self.ip_header = self.raw and self.family is IPV4
        self.offset = IPV4_BYTES if self.ip_header else 0  # where the ICMP header starts in what is received
        libc = ctypes.PyDLL(None, use_errno=True)
        self._sendmmsg, self._recvmmsg = libc.sendmmsg, libc.recvmmsg
        self._sendmmsg.argtypes = (ctypes.c_int, ctypes.c_void_p, ctypes.c_uint, ctypes.c_int)
        self._recvmmsg.argtypes = (*self._sendmmsg.argtypes, ctypes.c_void_p)
        self._fd = self.socket.fileno()
        self.troubled = False  # a call has failed: most likely the error queue can say of whom
        self._lay_out_sending(token)
        self._lay_out_receiving()
        self._dropped = self._drop_counter()

    def _choose_identifier(self) -> int:
        """Return a random ICMP identifier; routers and NAT keep one flow per identifier, so it is new at each start."""
        if self.raw:
            return secrets.randbelow(0xFFFF) + 1
        for attempt in range(20):
            wanted = secrets.randbelow(0xFFFF) + 1 if attempt < 19 else 0  # noqa: PLR2004 - the last: kernel's choice
            try:
                self.socket.bind(("", wanted))
                break
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    raise
        return int(self.socket.getsockname()[1])

    def _configure(self) -> None:
        sock = self.socket
        sock.setblocking(False)  # noqa: FBT003 - the standard library's signature
        try:
            sock.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, RECEIVE_BUFFER_BYTES)
        except PermissionError:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
        self.buffer_bytes = sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)  # what we got
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, RECEIVE_BUFFER_BYTES)
        sock.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        if self.raw:
            attach_filter(sock, self.family, self.identifier)
        elif self.family is IPV4:
            sock.setsockopt(socket.IPPROTO_IP, _IP_RECVERR, 1)
        else:
            sock.setsockopt(socket.IPPROTO_IPV6, _IPV6_RECVERR, 1)

    def _lay_out_sending(self, token: int) -> None:
        self.requests = Requests(SEND_ROWS, family=self.family, identifier=self.identifier, token=token)
        heads = self.requests.heads
        self.names: NDArray[Any] = np.zeros(SEND_ROWS, dtype=self._name_type)
        self.name_words = self.names.view(np.uint32).reshape(SEND_ROWS, -1)
        self._filler = filler(LARGEST_PAYLOAD)
        self._parts = np.zeros((SEND_ROWS, 2), dtype=_PART)
        self._parts["base"][:, 0] = heads.ctypes.data + np.arange(SEND_ROWS) * HEAD_BYTES
        self._parts["bytes"][:, 0] = HEAD_BYTES
        self._parts["base"][:, 1] = self._filler.ctypes.data
        self._messages = np.zeros(SEND_ROWS, dtype=_MESSAGE)
        self._messages["name"] = self.names.ctypes.data + np.arange(SEND_ROWS) * self._name_type.itemsize
        self._messages["name_bytes"] = self._name_type.itemsize
        self._messages["parts"] = self._parts.ctypes.data + np.arange(SEND_ROWS) * 2 * _PART.itemsize
        self._messages["part_count"] = 1
        self._messages_at = self._messages.ctypes.data
        self._middles = np.arange(SEND_STEP) + 0.5
        self._dressed = False  # whether messages carry filler or control messages

    def _lay_out_receiving(self) -> None:
        # Behind a 20-byte IP header, our 64-bit fields are to lie at multiples of 8.
        lead = -self.offset % 8
        stride = ROW_BYTES + 8
        store = np.zeros((RECEIVE_ROWS, stride), dtype=np.uint8)
        self._buffer = store[:, lead : lead + ROW_BYTES]
        self._words, self._heads = views_of(self._buffer, self.offset)
        self._sources: NDArray[Any] = np.zeros(RECEIVE_ROWS, dtype=self._name_type)
        self._addresses = self._sources["address"]
        controls = np.zeros((RECEIVE_ROWS, CONTROL_BYTES), dtype=np.uint8)
        self._stamps = controls.view(np.int64)[:, :_STAMP_WORDS]
        self._extended: NDArray[Any] = np.ndarray(RECEIVE_ROWS, _EXTENDED, controls, 32, (CONTROL_BYTES,))
        parts = np.zeros(RECEIVE_ROWS, dtype=_PART)
        parts["base"] = store.ctypes.data + lead + np.arange(RECEIVE_ROWS) * stride
        parts["bytes"] = ROW_BYTES
        self._receive_parts = parts
        messages = np.zeros(RECEIVE_ROWS, dtype=_MESSAGE)
        messages["name"] = self._sources.ctypes.data + np.arange(RECEIVE_ROWS) * self._name_type.itemsize
        messages["parts"] = parts.ctypes.data + np.arange(RECEIVE_ROWS) * _PART.itemsize
        messages["part_count"] = 1
        messages["control"] = controls.ctypes.data + np.arange(RECEIVE_ROWS) * CONTROL_BYTES
        messages["control_bytes"] = CONTROL_BYTES
        messages["name_bytes"] = self._name_type.itemsize
        self._received, self._received_at = messages, messages.ctypes.data
        self._control_room, self._name_room = messages["control_bytes"], messages["name_bytes"]
        self._lengths = messages["bytes"]
        self._used = 0  # rows of the last read, whose lengths the kernel has overwritten

    def send(
        self,
        count: int,
        filler_bytes: NDArray[Any] | None,
        controls: tuple[NDArray[Any], NDArray[Any]] | None,
    ) -> tuple[NDArray[np.float64], NDArray[np.int32] | None]:
        """Send the first `count` rows of `requests` to the same rows of `names`.

        Args:
            count: at most SEND_ROWS.
            filler_bytes: payload beyond our fields, per row; None: nowhere any.
            controls: addresses and lengths of control messages per row; None: nowhere any.

        Returns:
            Send times (CLOCK_MONOTONIC seconds, spread over each step) and errno per row, 0 where it was sent; None
            where all were.
        """
        if self._dressed or filler_bytes is not None or controls is not None:
            self._dress(count, filler_bytes, controls)
        sent_at = np.empty(count)
        errors: NDArray[np.int32] | None = None
        place = tries = 0
        while place < count:
            step = min(SEND_STEP, count - place)
            before = time.monotonic()
            done = self._sendmmsg(self._fd, self._messages_at + place * _MESSAGE_BYTES, step, 0)
            after = time.monotonic()
            if done > 0:
                part = sent_at[place : place + done]
                np.multiply(self._middles[:done], (after - before) / done, out=part)
                part += before
                place, tries = place + done, 0
                continue
            tries += 1
            self.troubled = True
            number = ctypes.get_errno()
            if number == errno.EINTR or tries < SEND_TRIES:
                continue  # most likely another target's error, or a full queue for a moment
            errors = np.zeros(count, dtype=np.int32) if errors is None else errors
            sent_at[place], errors[place] = before, number
            place, tries = place + 1, 0
        return sent_at, errors

    def _dress(
        self, count: int, filler_bytes: NDArray[Any] | None, controls: tuple[NDArray[Any], NDArray[Any]] | None
    ) -> None:
        """Attach filler and control messages to the first rows, or take them off."""
        messages = self._messages
        if filler_bytes is None:
            messages["part_count"][:count] = 1
        else:
            self._parts["bytes"][:count, 1] = filler_bytes
            messages["part_count"][:count] = 1 + (filler_bytes > 0)
        messages["control"][:count], messages["control_bytes"][:count] = controls if controls is not None else (0, 0)
        self._dressed = True

    def receive(self) -> Received | None:
        """Read up to RECEIVE_ROWS packets; None when there is nothing more."""
        return self._read(0)

    def receive_errors(self) -> Received | None:
        """Read the error queue; None when there is nothing more, and always on a raw socket."""
        return None if self.raw else self._read(_MSG_ERRQUEUE)

    def _read(self, flags: int) -> Received | None:
        self._control_room[: self._used] = CONTROL_BYTES
        self._name_room[: self._used] = self._name_type.itemsize
        self._used = 0
        for _ in range(RECEIVE_ROWS):
            count = self._recvmmsg(self._fd, self._received_at, RECEIVE_ROWS, flags | _MSG_DONTWAIT, None)
            if count > 0:
                break
            if ctypes.get_errno() == errno.EAGAIN:
                return None
            # Anything else is an error that another target's answer left on the socket; reading it cleared it.
            self.troubled = True
        else:
            return None
        self._used = count
        stamps = self._stamps[:count]
        told = stamps[:, 2] * 1_000_000_000
        told += stamps[:, 3]
        stamped = stamps[:, 1] == _STAMPED
        if not np.logical_and.reduce(stamped):
            told = np.where(stamped, told, 0)
        types = None
        if flags & _MSG_ERRQUEUE:
            extended = self._extended[:count]
            types = np.where(np.isin(extended["origin"], _ORIGIN_ICMP), extended["icmp_type"], 0).astype(np.uint8)
        return Received(
            self._buffer[:count],
            self._lengths[:count],
            self._addresses[:count],
            told,
            types,
            self._words[:count],
            self._heads[:count],
        )

    def new_drops(self) -> int:
        """Return how many packets the kernel has dropped for want of room since the last call."""
        counter = self._drop_counter()
        grown = (counter - self._dropped) & 0xFFFFFFFF
        self._dropped = counter
        return grown

    def _drop_counter(self) -> int:
        values = self.socket.getsockopt(socket.SOL_SOCKET, _SO_MEMINFO, 64)
        return int(struct.unpack_from("=I", values, 4 * _SK_MEMINFO_DROPS)[0])

    def filler_sum(self, length: int) -> int:
        """Return the checksum's share of a filler of that length."""
        return sum_of(self._filler[:length])

    def close(self) -> None:
        """Close the socket."""
        self.socket.close()


def permission_missing(error: OSError) -> bool:
    """Return whether no socket could be opened for want of permission."""
    return error.errno in _NO_SOCKET


def _open(domain: int, raw: bool | None) -> tuple[socket.socket, bool]:  # noqa: FBT001 - as in the public function
    protocol = socket.IPPROTO_ICMP if domain == socket.AF_INET else socket.IPPROTO_ICMPV6
    if raw is not True:
        try:
            return socket.socket(domain, socket.SOCK_DGRAM, protocol), False
        except PermissionError:
            if raw is False:
                raise
    return socket.socket(domain, socket.SOCK_RAW, protocol), True
