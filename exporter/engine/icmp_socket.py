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
from typing import TYPE_CHECKING, Final

import numpy as np

from exporter.engine.icmp_buffers import (
    MESSAGE_BYTES,
    RECEIVE_ROWS,
    SO_TIMESTAMPNS,
    ReceiveBuffers,
    Received,
    SendBuffers,
)
from exporter.engine.icmp_filter import attach_filter
from exporter.engine.icmp_packet import IPV4, IPV4_BYTES, IPV6, Family, error_statuses

if TYPE_CHECKING:
    from numpy.typing import NDArray

SEND_STEP: Final = 32  # packets between two readings of the clock: bounds the error of interpolation
RECEIVE_BUFFER_BYTES: Final = 32 * 1024 * 1024  # a second of replies at 40,000/s, should we be stopped so long
SEND_TRIES: Final = 3
_POINTER_BYTES: Final = 8  # the layouts of icmp_buffers.py are those of 64-bit machines

# Linux constants that CPython 3.11 does not name; the same on every 64-bit architecture that Debian has.
_SO_RCVBUFFORCE: Final = 33
_SO_MEMINFO: Final = 55
_SK_MEMINFO_DROPS: Final = 8
_IP_RECVERR: Final = 11
_IPV6_RECVERR: Final = 25
_MSG_ERRQUEUE: Final = 0x2000
_MSG_DONTWAIT: Final = int(socket.MSG_DONTWAIT)  # an enum is slow to or
_NO_SOCKET: Final = frozenset({errno.EACCES, errno.EPERM})


def supported() -> bool:
    """Return whether this machine has the calls and the memory layout that this file knows."""
    return sys.platform.startswith("linux") and ctypes.sizeof(ctypes.c_void_p) == _POINTER_BYTES


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
        self.sending = SendBuffers(self.family, identifier=self.identifier, token=token)
        self._receiving = ReceiveBuffers(self.family, offset=self.offset)
        libc = ctypes.PyDLL(None, use_errno=True)
        self._sendmmsg, self._recvmmsg = libc.sendmmsg, libc.recvmmsg
        self._sendmmsg.argtypes = (ctypes.c_int, ctypes.c_void_p, ctypes.c_uint, ctypes.c_int)
        self._recvmmsg.argtypes = (*self._sendmmsg.argtypes, ctypes.c_void_p)
        self._fd = self.socket.fileno()
        self.troubled = False  # a call has failed: most likely the error queue can say of whom
        self._middles = np.arange(SEND_STEP) + 0.5
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
        sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        if self.raw:
            attach_filter(sock, self.family, self.identifier)
        elif self.family is IPV4:
            sock.setsockopt(socket.IPPROTO_IP, _IP_RECVERR, 1)
        else:
            sock.setsockopt(socket.IPPROTO_IPV6, _IPV6_RECVERR, 1)

    def send(self, count: int) -> tuple[NDArray[np.float64], NDArray[np.int32] | None]:
        """Send the first `count` rows of `sending`.

        Args:
            count: at most SEND_ROWS.

        Returns:
            Send times (CLOCK_MONOTONIC seconds, spread over each step) and errno per row, 0 where it was sent; None
            where all were.
        """
        sent_at = np.empty(count)
        errors: NDArray[np.int32] | None = None
        place = tries = 0
        while place < count:
            step = min(SEND_STEP, count - place)
            before = time.monotonic()
            done = self._sendmmsg(self._fd, self.sending.address + place * MESSAGE_BYTES, step, 0)
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

    def receive(self) -> Received | None:
        """Read up to RECEIVE_ROWS packets; None when there is nothing more."""
        return self._read(0)

    def receive_errors(self) -> Received | None:
        """Read the error queue; None when there is nothing more, and always on a raw socket."""
        return None if self.raw else self._read(_MSG_ERRQUEUE)

    def _read(self, flags: int) -> Received | None:
        buffers = self._receiving
        buffers.make_ready()
        for _ in range(RECEIVE_ROWS):
            count = self._recvmmsg(self._fd, buffers.address, RECEIVE_ROWS, flags | _MSG_DONTWAIT, None)
            if count > 0:
                return buffers.take(count, errors=flags != 0)
            if ctypes.get_errno() == errno.EAGAIN:
                return None
            # Anything else is an error that another target's answer left on the socket; reading it cleared it.
            self.troubled = True
        return None

    def new_drops(self) -> int:
        """Return how many packets the kernel has dropped for want of room since the last call."""
        counter = self._drop_counter()
        grown = (counter - self._dropped) & 0xFFFFFFFF
        self._dropped = counter
        return grown

    def _drop_counter(self) -> int:
        values = self.socket.getsockopt(socket.SOL_SOCKET, _SO_MEMINFO, 64)
        return int(struct.unpack_from("=I", values, 4 * _SK_MEMINFO_DROPS)[0])

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
