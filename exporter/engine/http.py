"""The HTTP(S) probe: a GET to the target's address, answered with an expected status. The body is not read.

The connection goes to `address`; server name (SNI) and Host come from the URL. Certificates are verified against the
system's authorities. Redirects are not followed: a 3xx is an answer.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import time
from functools import cache
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import h11

from exporter.engine.tcp import connect, reason_of
from exporter.outcome import FailureReason

if TYPE_CHECKING:
    from exporter.engine.plan import SlotPlan

_READ_BYTES: Final = 65536
_FIRST_GOOD, _AFTER_GOOD = 200, 400


class _BadAnswerError(Exception):
    """No HTTP answer, or not the expected one."""

    def __init__(self, reason: FailureReason) -> None:
        self.reason = reason
        super().__init__(reason.value)


@cache
def _tls_context() -> ssl.SSLContext:
    """One context for the life of the process: loading the authorities takes tens of milliseconds."""
    return ssl.create_default_context()


def _request(url: str) -> tuple[h11.Request, str, bool]:
    """Return the request, the server name and whether TLS is asked for."""
    parts = urlsplit(url)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    host = parts.netloc.rpartition("@")[2]
    headers = [("Host", host), ("User-Agent", "vpn-exporter"), ("Accept", "*/*"), ("Connection", "close")]
    return h11.Request(method="GET", target=path, headers=headers), parts.hostname or "", parts.scheme == "https"


async def probe(plan: SlotPlan) -> float | FailureReason:
    """Ask once. Returns the monotonic moment of the answer, or why there was none; never longer than the timeout."""
    try:
        async with asyncio.timeout(plan.timeout_seconds):
            status = await _ask(plan)
    except TimeoutError as error:
        return reason_of(error) if error.errno else FailureReason.TIMEOUT
    except _BadAnswerError as error:
        return error.reason
    except (ssl.SSLError, ssl.CertificateError):
        return FailureReason.TLS
    except h11.ProtocolError:
        return FailureReason.PROTOCOL
    except OSError as error:
        return reason_of(error)
    expected = plan.probe.expect_status
    good = status in expected if expected is not None else _FIRST_GOOD <= status < _AFTER_GOOD
    return time.monotonic() if good else FailureReason.STATUS


async def _ask(plan: SlotPlan) -> int:
    """Return the status code of the final response's head."""
    request, name, tls = _request(plan.probe.url or "")
    sock = await connect(plan)
    try:
        context = _tls_context() if tls else None
        reader, writer = await asyncio.open_connection(sock=sock, ssl=context, server_hostname=name if tls else None)
    except BaseException:
        sock.close()
        raise
    try:
        connection = h11.Connection(our_role=h11.CLIENT)
        writer.write(connection.send(request) or b"")
        writer.write(connection.send(h11.EndOfMessage()) or b"")
        await writer.drain()
        return await _read_status(connection, reader)
    finally:
        writer.transport.abort()  # a polite TLS goodbye would wait for the other side
        with contextlib.suppress(OSError, ssl.SSLError):
            await writer.wait_closed()


async def _read_status(connection: h11.Connection, reader: asyncio.StreamReader) -> int:
    """Read until the head of the final (not 1xx) response is there."""
    anything = False
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            data = await reader.read(_READ_BYTES)
            if not data:
                raise _BadAnswerError(FailureReason.PROTOCOL if anything else FailureReason.RESET)
            anything = True
            connection.receive_data(data)
        elif isinstance(event, h11.Response):
            return event.status_code
        elif not isinstance(event, h11.InformationalResponse):
            raise _BadAnswerError(FailureReason.PROTOCOL)
