"""`python -m demo`: opens a listener per site and plays the country until it is stopped."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from typing import TYPE_CHECKING, Final

from demo.country import SLOW_SECONDS, UNRESOLVED, Behaviour, Site, behaviour_at, sites

if TYPE_CHECKING:
    from asyncio import Server, StreamReader, StreamWriter

_TICK_SECONDS: Final = 0.25
_OK: Final = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nok\n"
_BUSY: Final = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 5\r\nConnection: close\r\n\r\nbusy\n"
_LOSSY_EVERY: Final = 4


class Player:
    """One site's listener, opened and closed as the play says."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.behaviour = Behaviour.OPEN
        self._server: Server | None = None
        self._answered = 0

    async def follow(self, behaviour: Behaviour) -> bool:
        """Behave so from now on; return whether that is a change."""
        changed = behaviour is not self.behaviour
        self.behaviour = behaviour
        if behaviour is Behaviour.CLOSED and self._server is not None:
            self._server.close()
            self._server = None
        elif behaviour is not Behaviour.CLOSED and self._server is None:
            self._server = await asyncio.start_server(self._answer, self.site.address, self.site.port)
        return changed

    async def _answer(self, reader: StreamReader, writer: StreamWriter) -> None:
        """Answer one connection as the site behaves now."""
        try:
            if self.site.http:
                async with asyncio.timeout(10):
                    await reader.readuntil(b"\r\n\r\n")
                    await self._answer_http(writer)
            else:
                async with asyncio.timeout(10):
                    await reader.read(1)  # until the prober closes
        except (TimeoutError, OSError, asyncio.IncompleteReadError):
            pass  # the prober gave up: nothing to answer
        finally:
            writer.close()

    async def _answer_http(self, writer: StreamWriter) -> None:
        """Write the answer, late or not at all where the play says so."""
        if self.behaviour is Behaviour.SILENT:
            await asyncio.sleep(10)
            return
        if self.behaviour is Behaviour.SLOW:
            await asyncio.sleep(SLOW_SECONDS)
        self._answered += 1
        busy = self.behaviour is Behaviour.LOSSY and self._answered % _LOSSY_EVERY == 0
        writer.write(_BUSY if busy else _OK)
        await writer.drain()

    def close(self) -> None:
        """Stop listening."""
        if self._server is not None:
            self._server.close()


async def play() -> None:
    """Play until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    players = [Player(site) for site in sites() if site.address != UNRESOLVED]
    started = time.monotonic()
    while not stop.is_set():
        seconds = time.monotonic() - started
        for player in players:
            behaviour = behaviour_at(player.site.id, seconds)
            if await player.follow(behaviour) and seconds > 1:
                print(f"{player.site.name} is {behaviour.name.lower()} now", flush=True)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), _TICK_SECONDS)
    for player in players:
        player.close()


if __name__ == "__main__":
    asyncio.run(play())
