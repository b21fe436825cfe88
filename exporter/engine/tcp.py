"""The TCP probe: does the port accept a connection? The connection is closed again at once."""

from __future__ import annotations

import asyncio
import errno
import socket
import time
from typing import TYPE_CHECKING, Final

from exporter.outcome import FailureReason

if TYPE_CHECKING:
    from exporter.engine.plan import SlotPlan

_IPV6_TCLASS: Final = 67
_REASONS: Final = {
    errno.ECONNREFUSED: FailureReason.REFUSED,
    errno.ECONNRESET: FailureReason.RESET,
    errno.ECONNABORTED: FailureReason.RESET,
    errno.EPIPE: FailureReason.RESET,
    errno.ETIMEDOUT: FailureReason.TIMEOUT,
    errno.EHOSTUNREACH: FailureReason.UNREACHABLE,
    errno.ENETUNREACH: FailureReason.UNREACHABLE,
    errno.EHOSTDOWN: FailureReason.UNREACHABLE,
}


def reason_of(error: OSError) -> FailureReason:
    """Return why a connection failed; what the kernel refused for its own reasons is `send_error`."""
    return _REASONS.get(error.errno or 0, FailureReason.SEND_ERROR)


async def connect(plan: SlotPlan) -> socket.socket:
    """Return a connected socket to the plan's address and port; raises OSError. The caller sets the time limit."""
    if plan.address is None or plan.probe.port is None:
        raise OSError(errno.EDESTADDRREQ, "no address or port")
    domain = socket.AF_INET6 if ":" in plan.address else socket.AF_INET
    sock = socket.socket(domain, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)  # noqa: FBT003 - the standard library's signature
        if plan.dscp and domain == socket.AF_INET:
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, plan.dscp << 2)
        elif plan.dscp:
            sock.setsockopt(socket.IPPROTO_IPV6, getattr(socket, "IPV6_TCLASS", _IPV6_TCLASS), plan.dscp << 2)
        if plan.source is not None and (":" in plan.source) == (domain == socket.AF_INET6):
            sock.bind((plan.source, 0))
        await asyncio.get_running_loop().sock_connect(sock, (plan.address, plan.probe.port))
    except BaseException:
        sock.close()
        raise
    return sock


async def probe(plan: SlotPlan) -> float | FailureReason:
    """Ask once. Returns the monotonic moment of the answer, or why there was none; never longer than the timeout."""
    try:
        async with asyncio.timeout(plan.timeout_seconds):
            sock = await connect(plan)
    except TimeoutError as error:
        return reason_of(error) if error.errno else FailureReason.TIMEOUT
    except OSError as error:
        return reason_of(error)
    answered_at = time.monotonic()
    sock.close()
    return answered_at
