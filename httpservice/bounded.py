"""HTTP connections that cannot hold the daemon: a request's head must come within seconds, and there are only so many.

uvicorn waits for ever for the rest of a head, so a few hundred clients that send a byte a minute would use up the open
files: nobody else could connect, the exporter's scrape among them, and asyncio would log each failed accept.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

if sys.platform != "win32":  # which has no such limit
    import resource

if TYPE_CHECKING:
    import asyncio

HEAD_SECONDS: Final = 10.0  # from the first byte, or from the connection, to the end of the head
BACKLOG: Final = 128  # connections that the system keeps until they are accepted, and asyncio accepts in one go
_OWN_FILES: Final = 128  # what the daemon itself opens: database, journal, sockets to others
_FEWEST: Final = 32
_MOST: Final = 2000


def most_connections() -> int:
    """Return how many connections may be open at once, so that files stay free for the daemon itself."""
    if sys.platform == "win32":
        return _MOST
    allowed, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return max(_FEWEST, min(_MOST, allowed - _OWN_FILES - BACKLOG)) if allowed != resource.RLIM_INFINITY else _MOST


class BoundedProtocol(H11Protocol):
    """uvicorn's protocol with both limits."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._head: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn has it
        """Count the connection; one too many is closed at once."""
        super().connection_made(transport)
        if len(self.connections) > most_connections():
            transport.abort()
        else:
            self._await_head()

    def data_received(self, data: bytes) -> None:
        """Take bytes; the clock runs while they are no whole head."""
        super().data_received(data)
        if self.conn.their_state is h11.IDLE:
            self._await_head()
        else:
            self._head_came()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the clock."""
        self._head_came()
        super().connection_lost(exc)

    def _await_head(self) -> None:
        if self._head is None:  # not begun anew with each byte
            self._head = self.loop.call_later(HEAD_SECONDS, self.transport.abort)

    def _head_came(self) -> None:
        if self._head is not None:
            self._head.cancel()
            self._head = None
