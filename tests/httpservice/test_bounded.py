"""Clients that send half a request, or come by the hundred, do not keep others away."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import httpx
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from httpservice.server import running

if TYPE_CHECKING:
    import pytest
    from starlette.requests import Request
    from starlette.responses import Response

HALF = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: "


async def _hello(_: Request) -> Response:
    return PlainTextResponse("hello")


async def _rest(reader: asyncio.StreamReader) -> bytes:
    """Return what comes until the connection ends, be it cut or closed."""
    try:
        return await reader.read()
    except ConnectionError:
        return b""


APP = Starlette(routes=[Route("/", _hello)])


async def test_half_a_head_is_closed_however_it_trickles(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each byte starts no new time."""
    monkeypatch.setattr("httpservice.bounded.HEAD_SECONDS", 0.5)
    async with running(APP, listen_address="127.0.0.1:0") as server:
        reader, writer = await asyncio.open_connection(server.host, server.port)
        writer.write(HALF)

        async def trickle() -> None:
            while True:
                writer.write(b"a")
                await asyncio.sleep(0.05)

        sending = asyncio.create_task(trickle())
        try:
            async with asyncio.timeout(15):
                assert await _rest(reader) == b""
        finally:
            sending.cancel()
            writer.close()


async def test_a_connection_that_is_kept_may_be_quiet_for_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    """A scraper that comes every 15 s keeps its connection: only heads that have begun are in a hurry."""
    monkeypatch.setattr("httpservice.bounded.HEAD_SECONDS", 0.2)
    async with running(APP, listen_address="127.0.0.1:0") as server:
        reader, writer = await asyncio.open_connection(server.host, server.port)
        async with asyncio.timeout(15):
            for pause in (1.0, 0.0):
                writer.write(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
                assert (await reader.readuntil(b"hello")).startswith(b"HTTP/1.1 200")
                await asyncio.sleep(pause)  # what is tested is that nothing happens meanwhile
        writer.close()


async def test_so_many_connections_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """The next one is closed at once; those that are open are served on, and room that is given up is used again."""
    monkeypatch.setattr("httpservice.bounded.most_connections", lambda: 2)
    async with running(APP, listen_address="127.0.0.1:0") as server, httpx.AsyncClient() as kept:
        assert (await kept.get(server.url)).text == "hello"
        _, second = await asyncio.open_connection(server.host, server.port)
        third_reader, third = await asyncio.open_connection(server.host, server.port)
        async with asyncio.timeout(15):
            assert await _rest(third_reader) == b""
            assert (await kept.get(server.url)).text == "hello"
            second.close()
            third.close()
            async with httpx.AsyncClient() as late:
                while True:
                    try:
                        assert (await late.get(server.url)).text == "hello"
                    except httpx.TransportError:  # the server has not seen yet that the second is gone
                        await asyncio.sleep(0.02)
                    else:
                        break
