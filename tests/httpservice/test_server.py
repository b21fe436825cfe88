"""Serving: listen addresses, the open door, ports in use, TLS and its renewal, health, a clean stop."""

from __future__ import annotations

import asyncio
import datetime as dt
import signal
import ssl
import subprocess
from typing import TYPE_CHECKING

import httpx
import pytest
from starlette.applications import Starlette
from structlog.testing import capture_logs

from httpservice import server as server_module
from httpservice.certificate import ServedCertificate
from httpservice.errors import ListenError, WebConfigError
from httpservice.health import health_routes
from httpservice.server import parse_listen_address, refuse_open_door, running
from httpservice.webconfig import TlsConfig, WebConfig

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def _app(why: str | None = None) -> Starlette:
    return Starlette(routes=health_routes(lambda: why))


@pytest.mark.parametrize(
    ("text", "host", "port", "loopback"),
    [
        ("127.0.0.1:9921", "127.0.0.1", 9921, True),
        ("127.8.9.1:1", "127.8.9.1", 1, True),
        ("[::1]:9921", "::1", 9921, True),
        ("localhost:0", "localhost", 0, True),
        (":9921", "", 9921, False),
        ("0.0.0.0:9921", "0.0.0.0", 9921, False),
        ("[::]:9921", "::", 9921, False),
        ("monitor.example:80", "monitor.example", 80, False),
    ],
)
def test_listen_addresses(text: str, host: str, port: int, loopback: bool) -> None:
    """What Prometheus' exporters take, we take."""
    address = parse_listen_address(text)
    assert (address.host, address.port, address.is_loopback) == (host, port, loopback)
    assert parse_listen_address(str(address)) == address


@pytest.mark.parametrize(
    "text", ["", "9921", "127.0.0.1", "::1:9921", "127.0.0.1:70000", "a:b", "[::1]", "h:-1", "h:٣"]
)
def test_nonsense_is_no_listen_address(text: str) -> None:
    """A typing mistake says what is right."""
    with pytest.raises(ListenError, match=r"write HOST:PORT"):
        parse_listen_address(text)


def test_others_can_connect_only_with_a_web_config() -> None:
    """Without a login nobody but this machine gets in; the remedy is said."""
    with pytest.raises(ListenError, match=r"refusing to listen on 0\.0\.0\.0:9921 without --web\.config\.file"):
        refuse_open_door(parse_listen_address("0.0.0.0:9921"), None)
    refuse_open_door(parse_listen_address("0.0.0.0:9921"), WebConfig())
    refuse_open_door(parse_listen_address("127.0.0.1:9921"), None)


async def test_health_and_readiness() -> None:
    """Alive and ready are different questions."""
    async with running(_app("starting"), listen_address="127.0.0.1:0") as server, httpx.AsyncClient() as client:
        healthy = await client.get(f"{server.url}/-/healthy")
        ready = await client.get(f"{server.url}/-/ready")
    assert (healthy.status_code, healthy.text) == (200, "healthy\n")
    assert (ready.status_code, ready.text) == (503, "not ready: starting\n")


async def test_a_port_in_use_names_the_remedy() -> None:
    """The command that finds the other program is in the message."""
    async with running(_app(), listen_address="127.0.0.1:0") as server:
        with pytest.raises(ListenError, match=rf"the port is in use.*ss -ltnp 'sport = :{server.port}'"):
            async with running(_app(), listen_address=f"127.0.0.1:{server.port}"):
                raise AssertionError("must not be reached")


async def test_an_address_of_another_machine_is_refused() -> None:
    """The reason is said in words."""
    with pytest.raises(ListenError, match="no interface of this machine"):
        async with running(_app(), listen_address="192.0.2.1:0", web_config=WebConfig()):
            raise AssertionError("must not be reached")


async def test_signals_stay_the_daemons() -> None:
    """Uvicorn takes no signal handler from us."""
    before = signal.getsignal(signal.SIGTERM)
    async with running(_app(), listen_address="127.0.0.1:0"):
        assert signal.getsignal(signal.SIGTERM) is before


async def test_after_the_block_nothing_listens() -> None:
    """The port is free again at once."""
    async with running(_app(), listen_address="127.0.0.1:0") as first:
        pass
    async with running(_app(), listen_address=f"127.0.0.1:{first.port}") as second:
        assert second.port == first.port


def _certificate(folder: Path, name: str, *, days: int = 2) -> TlsConfig:
    """Make a self-signed certificate for 127.0.0.1."""
    certificate, key = folder / "cert.pem", folder / "key.pem"
    command = [
        *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
        *("-days", str(days), "-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1"),
        *("-keyout", str(key), "-out", str(certificate)),
    ]
    subprocess.run(command, check=True, capture_output=True)
    return TlsConfig(cert_file=certificate, key_file=key)


async def _subject(port: int) -> str:
    """Return the common name that a new connection is shown."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
    raw = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    writer.close()
    await writer.wait_closed()
    text = ssl.DER_cert_to_PEM_cert(raw)
    shown = subprocess.run(  # noqa: ASYNC221 - a few milliseconds in a test
        ["openssl", "x509", "-noout", "-subject"], input=text, capture_output=True, text=True, check=True
    )
    return shown.stdout.strip().rpartition("CN = ")[2].rpartition("CN=")[2]


async def test_a_renewed_certificate_is_used_without_a_restart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """ACME clients replace the files; new connections get the new certificate."""
    monkeypatch.setattr(server_module, "_CERTIFICATE_LOOK_SECONDS", 0.02)
    config = WebConfig(tls=_certificate(tmp_path, "old"))
    async with running(_app(), listen_address="127.0.0.1:0", web_config=lambda: config) as server:
        assert server.url.startswith("https://")
        assert await _subject(server.port) == "old"
        _certificate(tmp_path, "new")
        deadline = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=10)
        while await _subject(server.port) != "new":
            assert dt.datetime.now(dt.UTC) < deadline
            await asyncio.sleep(0.02)


async def test_the_end_of_the_certificate_is_that_of_the_one_in_use(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A renewed one counts from the moment it is taken; one that TLS refuses never does, since nobody is shown it."""
    monkeypatch.setattr(server_module, "_CERTIFICATE_LOOK_SECONDS", 0.02)
    config = WebConfig(tls=_certificate(tmp_path, "old"))
    served = ServedCertificate()
    async with running(_app(), listen_address="127.0.0.1:0", web_config=lambda: config, certificate=served):
        first = served.expires_at()
        assert first is not None
        with capture_logs() as logs:
            (tmp_path / "cert.pem").write_text("no certificate", encoding="utf-8")
            await _until(lambda: any(entry["event"].startswith("certificate refused") for entry in logs))
        assert served.expires_at() == first
        _certificate(tmp_path, "new", days=9)
        await _until(lambda: served.expires_at() != first)
        assert served.expires_at() == pytest.approx(first + 7 * 86400, abs=3600)


async def test_without_tls_there_is_no_end_of_a_certificate() -> None:
    """Plain HTTP shows none."""
    served = ServedCertificate()
    async with running(_app(), listen_address="127.0.0.1:0", certificate=served):
        assert served.expires_at() is None


async def _until(true: Callable[[], bool]) -> None:
    """Wait until it is true; at most ten seconds."""
    deadline = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=10)
    while not true():
        assert dt.datetime.now(dt.UTC) < deadline
        await asyncio.sleep(0.02)


async def test_a_broken_certificate_is_told(tmp_path: Path) -> None:
    """The files are named, and what they must be."""
    (tmp_path / "x.pem").write_text("no certificate", encoding="utf-8")
    tls = TlsConfig(cert_file=tmp_path / "x.pem", key_file=tmp_path / "x.pem")
    with pytest.raises(WebConfigError, match="both must be PEM and belong together"):
        async with running(_app(), listen_address="127.0.0.1:0", web_config=WebConfig(tls=tls)):
            raise AssertionError("must not be reached")
