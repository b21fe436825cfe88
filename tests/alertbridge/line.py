"""The line to Telegram: a TCP relay before the Bot API stand-in that a test breaks, as real networks break.

HTTP faults (a status, a page) are the stand-in's; here is what happens below HTTP: refused, reset, no answer.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

_CHUNK = 65536


class Break(StrEnum):
    """What happens to the next request that is to be broken."""

    REFUSED = "refused"  # nobody listens
    RESET_BEFORE = "reset before"  # the request does not reach Telegram
    RESET_AFTER = "reset after"  # Telegram has it; its answer is cut off
    SILENT_BEFORE = "silent before"  # the request does not reach Telegram, and nothing comes back
    SILENT_AFTER = "silent after"  # Telegram has it, and nothing comes back


@dataclass(slots=True)
class Line:
    """The relay. `break_next` breaks the next request of a method, once."""

    target: str
    url: str = ""
    _break: Break | None = None
    _method: bytes = b""
    _server: asyncio.Server | None = None
    _port: int = 0
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)

    @contextlib.asynccontextmanager
    async def up(self) -> AsyncIterator[Line]:
        """Relay while the block runs."""
        await self._listen()
        self.url = f"http://127.0.0.1:{self._port}"
        try:
            yield self
        finally:
            await self._close()

    async def break_next(self, how: Break, method: str = "sendMessage") -> None:
        """Break the next request of a method; REFUSED: every request, until `mend`."""
        self._break, self._method = how, f"/{method} ".encode()
        if how is Break.REFUSED:
            await self._close()

    async def mend(self) -> None:
        """Let everything pass again."""
        self._break = None
        if self._server is None:
            await self._listen()

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._relay, "127.0.0.1", self._port)
        self._port = self._server.sockets[0].getsockname()[1]

    async def _close(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        for writer in tuple(self._writers):
            writer.transport.abort()

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        parts = urlsplit(self.target)
        there, back = await asyncio.open_connection(parts.hostname, parts.port)
        self._writers |= {writer, back}
        answers: dict[str, Break | None] = {"how": None}
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._forth(reader, writer, back, answers))
                group.create_task(self._back(there, writer, answers))
        except* (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self._writers -= {writer, back}
            writer.close()
            back.close()

    async def _forth(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        back: asyncio.StreamWriter,
        answers: dict[str, Break | None],
    ) -> None:
        while data := await reader.read(_CHUNK):
            if self._break is not None and self._method in data.partition(b"\r\n")[0]:
                answers["how"], self._break = self._break, None
            if answers["how"] is Break.RESET_BEFORE:
                writer.transport.abort()
            if answers["how"] in {Break.RESET_BEFORE, Break.SILENT_BEFORE}:
                continue
            back.write(data)
            await back.drain()
        back.close()

    async def _back(
        self, there: asyncio.StreamReader, writer: asyncio.StreamWriter, answers: dict[str, Break | None]
    ) -> None:
        while data := await there.read(_CHUNK):
            if answers["how"] is Break.RESET_AFTER:
                writer.transport.abort()
            if answers["how"] in {Break.RESET_AFTER, Break.SILENT_AFTER}:
                continue
            writer.write(data)
            await writer.drain()
        writer.close()
