"""Asking OpenVPN's management interface for its table of clients: connect, ask, read, leave.

It serves one client at a time: a second is connected by the kernel and gets no byte until the first has left. So each
look is a connection of its own with one deadline for all of it. Lines that begin with `>` come unasked, also in the
middle of an answer (OpenVPN: doc/management-notes.txt, "real-time messages"). We only read.
"""

from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING, Final

from exporter.vpn.openvpn_status import parse_status
from exporter.vpn.reading import SourceError, Trouble

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from exporter.vpn.reading import Reading

TIMEOUT_SECONDS: Final = 2.0
_MAX_LINE: Final = 1 << 16
_MAX_LINES: Final = 1_000_000
_CHUNK: Final = 1 << 16
_QUESTION: Final = b"status 3\n"  # tabs: commas in names cannot be mistaken
# The socket itself is open to all; OpenVPN looks at the peer's primary user and group (SO_PEERCRED, root's too) and
# hangs up at once where they are not those of management-client-user and management-client-group.
_REFUSED: Final = "it hangs up at once: management-client-group must be the primary group of the exporter"
_PROMPT: Final = b"ENTER PASSWORD:"


def ask_management(place: Path | tuple[str, int], *, timeout_seconds: float = TIMEOUT_SECONDS) -> Reading:
    """Return the present table of clients.

    Args:
        place: a unix socket, or host and port.
        timeout_seconds: for connecting, asking and reading together.

    Raises:
        SourceError: nobody listens, we may not connect, somebody else is connected, or the answer is no table.
    """
    deadline = time.monotonic() + timeout_seconds
    name = f"{place[0]}:{place[1]}" if isinstance(place, tuple) else str(place)
    try:
        with _connect(place, timeout_seconds) as connection:
            connection.sendall(_QUESTION)
            answer = _read_table(connection, deadline)
    except TimeoutError:
        raise SourceError(Trouble.BUSY, f"{name}: no answer; another client may be connected") from None
    except (BrokenPipeError, ConnectionResetError):
        raise SourceError(Trouble.PERMISSION, f"{name}: {_REFUSED}") from None
    except PermissionError as error:
        raise SourceError(Trouble.PERMISSION, f"{name}: {error.strerror}") from None
    except (FileNotFoundError, ConnectionRefusedError) as error:
        raise SourceError(Trouble.MISSING, f"{name}: {error.strerror}") from None
    except OSError as error:
        raise SourceError(Trouble.FAILED, f"{name}: {error.strerror or error}") from None
    return parse_status(answer)


def _connect(place: Path | tuple[str, int], timeout_seconds: float) -> socket.socket:
    if isinstance(place, tuple):
        return socket.create_connection(place, timeout=timeout_seconds)
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.settimeout(timeout_seconds)
        connection.connect(str(place))
    except BaseException:
        connection.close()
        raise
    return connection


def _chunks(connection: socket.socket, deadline: float) -> Iterator[bytes]:
    """Yield what comes until the deadline; the server must not be the one who hangs up."""
    heard = False
    while (left := deadline - time.monotonic()) > 0:
        connection.settimeout(left)
        chunk = connection.recv(_CHUNK)
        if not chunk:
            trouble, detail = (Trouble.BUSY, "the answer breaks off") if heard else (Trouble.PERMISSION, _REFUSED)
            raise SourceError(trouble, detail)
        heard = True
        yield chunk
    raise TimeoutError


def _read_table(connection: socket.socket, deadline: float) -> str:
    """Return the lines of the answer up to END, without what came unasked."""
    received = b""
    lines: list[str] = []
    for chunk in _chunks(connection, deadline):
        received += chunk
        if received.startswith(_PROMPT):
            raise SourceError(Trouble.PASSWORD, "it asks for a password; use a unix socket and its group instead")
        *whole, received = received.split(b"\n")
        for line in whole:
            text = line.rstrip(b"\r").decode("utf-8", errors="replace")
            if text.startswith(">"):
                continue
            if text.startswith("ERROR:"):
                raise SourceError(Trouble.FORMAT, "it answers the question for its status with an error")
            lines.append(text)
            if text == "END":
                return "\n".join(lines)
        if len(received) > _MAX_LINE or len(lines) > _MAX_LINES:
            break
    raise SourceError(Trouble.FORMAT, "the answer has no end")
