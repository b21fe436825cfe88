"""TCP and HTTP probes against real listeners: every way to answer becomes its outcome."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import struct
import subprocess
import time
from typing import TYPE_CHECKING, Any

import pytest

from exporter.engine import http, tcp
from exporter.engine.plan import SlotPlan
from exporter.inventory.model import ProbeKind, ProbeSpec
from exporter.outcome import FailureReason

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path


def _plan(port: int, url: str | None = None, **changes: Any) -> SlotPlan:
    values: dict[str, Any] = {
        "slot": 0,
        "generation": 1,
        "region": 0,
        "address": "127.0.0.1",
        "interval_seconds": 1.0,
        "timeout_seconds": 1.0,
        "phase_key": "x",
        "payload_bytes": 24,
        "dscp": 0,
        "source": None,
        **changes,
    }
    kind = ProbeKind.TCP if url is None else ProbeKind.HTTP
    expect = values.pop("expect_status", None)
    return SlotPlan(**values, probe=ProbeSpec(kind=kind, text="", port=port, url=url, expect_status=expect))


@contextlib.asynccontextmanager
async def _serving(
    answer: bytes | None, *, context: ssl.SSLContext | None = None
) -> AsyncIterator[tuple[int, list[bytes]]]:
    """A server that reads a request and answers these bytes; None: it resets the connection."""
    requests: list[bytes] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            requests.append(await reader.readuntil(b"\r\n\r\n"))
            if answer is None:
                raw = writer.get_extra_info("socket")
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            else:
                writer.write(answer)
                await writer.drain()
        writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0, ssl=context)
    async with server:
        yield server.sockets[0].getsockname()[1], requests


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port that accepts and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def full_port() -> Iterator[int]:
    """A port whose queue is full: connecting to it waits for ever, as through a firewall that drops."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as server, contextlib.ExitStack() as stack:
        for _ in range(4):
            client = stack.enter_context(socket.socket())
            client.setblocking(False)  # noqa: FBT003 - the standard library's signature
            client.connect_ex(server.getsockname())
        yield server.getsockname()[1]


def _closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


async def test_an_open_port_answers(silent_port: int) -> None:
    """The moment of the answer lies between before and after."""
    before = time.monotonic()
    answer = await tcp.probe(_plan(silent_port, source="127.0.0.2", dscp=46))
    assert isinstance(answer, float)
    assert before <= answer <= time.monotonic()


async def test_closed_port_is_refused() -> None:
    """A reset at connect is `refused`."""
    assert await tcp.probe(_plan(_closed_port())) is FailureReason.REFUSED


async def test_no_answer_is_a_timeout(full_port: int) -> None:
    """A connection that is never accepted ends with the probe's own timeout."""
    before = time.monotonic()
    assert await tcp.probe(_plan(full_port, timeout_seconds=0.2)) is FailureReason.TIMEOUT
    assert 0.2 <= time.monotonic() - before < 1.0


async def test_our_own_trouble_says_nothing_of_the_target(silent_port: int) -> None:
    """A source address that is not ours is a failed send, not a failed target."""
    assert await tcp.probe(_plan(silent_port, source="192.0.2.77")) is FailureReason.SEND_ERROR


async def test_ipv6() -> None:
    """The same over IPv6."""
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as server:
        plan = _plan(server.getsockname()[1], address="::1", dscp=46)
        assert isinstance(await tcp.probe(plan), float)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", None, id="200"),
        pytest.param(b"HTTP/1.1 302 Found\r\nLocation: /x\r\n\r\n", None, id="a redirect is an answer"),
        pytest.param(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n", None, id="100, then 204"),
        pytest.param(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", FailureReason.STATUS, id="404"),
        pytest.param(b"HTTP/1.1 503 Busy\r\n\r\n", FailureReason.STATUS, id="503"),
        pytest.param(b"SSH-2.0-OpenSSH_9.2\r\n", FailureReason.PROTOCOL, id="another protocol"),
        pytest.param(b"HTTP/1.1 2", FailureReason.PROTOCOL, id="half a line"),
        pytest.param(b"", FailureReason.RESET, id="closed without a word"),
        pytest.param(None, FailureReason.RESET, id="reset"),
    ],
)
async def test_http_answers(answer: bytes | None, expected: FailureReason | None) -> None:
    """Up is any 2xx or 3xx; everything else has its reason."""
    async with _serving(answer) as (port, requests):
        found = await http.probe(_plan(port, f"http://site.example:{port}/health?x=1"))
    assert found is expected if expected else isinstance(found, float)
    head = requests[0].decode()
    assert head.startswith("GET /health?x=1 HTTP/1.1\r\n")
    assert f"host: site.example:{port}\r\n" in head.lower()


@pytest.mark.parametrize(("status", "good"), [(401, True), (200, False)])
async def test_expected_status(status: int, good: bool) -> None:
    """`expect_status` replaces the rule."""
    async with _serving(f"HTTP/1.1 {status} X\r\nContent-Length: 0\r\n\r\n".encode()) as (port, _):
        found = await http.probe(_plan(port, f"http://x:{port}/", expect_status=frozenset({401})))
    assert isinstance(found, float) if good else found is FailureReason.STATUS


async def test_http_refused_and_silent(silent_port: int) -> None:
    """Connection troubles keep their reasons through HTTP."""
    assert await http.probe(_plan(_closed_port(), "http://x/")) is FailureReason.REFUSED
    assert await http.probe(_plan(silent_port, "http://x/", timeout_seconds=0.2)) is FailureReason.TIMEOUT


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A made-up authority and a certificate of it for site.example."""
    folder = tmp_path_factory.mktemp("ca")
    for command in (
        "req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -days 2 -subj /CN=MadeUp",
        "req -newkey rsa:2048 -nodes -keyout site.key -out site.csr -subj /CN=site.example",
        "x509 -req -in site.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out site.pem -days 2 -extfile names",
    ):
        (folder / "names").write_text("subjectAltName=DNS:site.example\n")
        subprocess.run(["openssl", *command.split()], cwd=folder, check=True, capture_output=True)
    return folder


@pytest.fixture
def trusted(authority: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ssl.SSLContext]:
    """The authority is one of the system's; the value is the server's side."""
    monkeypatch.setenv("SSL_CERT_FILE", str(authority / "ca.pem"))
    http._tls_context.cache_clear()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(authority / "site.pem", authority / "site.key")
    yield context
    http._tls_context.cache_clear()


async def test_tls_with_a_known_authority(trusted: ssl.SSLContext) -> None:
    """The connection goes to the address, the certificate is checked against the URL's name."""
    async with _serving(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", context=trusted) as (port, _):
        good = await http.probe(_plan(port, f"https://site.example:{port}/"))
        wrong_name = await http.probe(_plan(port, f"https://other.example:{port}/"))
    assert isinstance(good, float)
    assert wrong_name is FailureReason.TLS


async def test_tls_with_an_unknown_authority(trusted: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch) -> None:
    """A certificate that nobody we trust has signed is `tls`."""
    monkeypatch.delenv("SSL_CERT_FILE")
    http._tls_context.cache_clear()
    async with _serving(b"HTTP/1.1 200 OK\r\n\r\n", context=trusted) as (port, _):
        assert await http.probe(_plan(port, f"https://site.example:{port}/")) is FailureReason.TLS


async def test_tls_where_none_is_spoken() -> None:
    """A plain HTTP server behind an https URL is `tls`."""

    async def blurt(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(blurt, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        assert await http.probe(_plan(port, f"https://x:{port}/")) is FailureReason.TLS
