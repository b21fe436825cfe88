"""An ASGI application served inside a running event loop: listen address, TLS, start and stop.

uvicorn does the work, without its signal handlers (the daemon owns signals), its access log and its proxy headers
(the peer's address decides who may act, so nobody may make it up).
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import ipaddress
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import uvicorn

from httpservice.bounded import BACKLOG, BoundedProtocol
from httpservice.errors import ListenError, WebConfigError
from httpservice.logs import get_logger

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Generator

    from starlette.types import ASGIApp

    from httpservice.certificate import ServedCertificate
    from httpservice.webconfig import TlsConfig, WebConfig

log = get_logger(__name__)

_PORTS: Final = range(65536)
_KEEP_ALIVE_SECONDS: Final = 75  # longer than any scrape interval: no connection closes under a scraper's next request
_STOP_SECONDS: Final = 3
_CERTIFICATE_LOOK_SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ListenAddress:
    """Where to listen. `host` is an IP literal or a name; "" stands for every interface."""

    host: str
    port: int  # 0: the system chooses

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can connect."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host.partition("%")[0]).is_loopback
        except ValueError:
            return False

    def __str__(self) -> str:
        """Return host:port as it is written in a flag."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_listen_address(text: str) -> ListenAddress:
    """Read "127.0.0.1:9921", "[::1]:9921", "localhost:9921" or ":9921" (every interface).

    Raises:
        ListenError: it is none of these.
    """
    host, colon, port = text.strip().rpartition(":")
    bracketed = host.startswith("[") and host.endswith("]")
    bare = host[1:-1] if bracketed else host
    if not colon or not port.isascii() or not port.isdigit() or int(port) not in _PORTS or (":" in bare) != bracketed:
        raise ListenError(f'"{text}" is no listen address; write HOST:PORT, e.g. 127.0.0.1:9921, [::1]:9921 or :9921')
    return ListenAddress(host=bare.lower(), port=int(port))


def refuse_open_door(address: ListenAddress, web_config: WebConfig | None) -> None:
    """Refuse to listen where others can connect while nothing says who may.

    Raises:
        ListenError: the address is not loopback and there is no web config.
    """
    if web_config is None and not address.is_loopback:
        raise ListenError(
            f"refusing to listen on {address} without --web.config.file: anybody who reaches this port could read and "
            "act. Give a web config file with basic_auth_users and tls_server_config, or listen on 127.0.0.1"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningServer:
    """A server that answers."""

    host: str  # the address it is bound to
    port: int  # the real one, also where 0 was asked for
    scheme: str  # http or https

    @property
    def url(self) -> str:
        """Its base URL, as this machine reaches it."""
        host = {"0.0.0.0": "127.0.0.1", "::": "127.0.0.1"}.get(self.host, self.host)  # noqa: S104 - compared, not bound
        return f"{self.scheme}://{f'[{host}]' if ':' in host else host}:{self.port}"


class _Server(uvicorn.Server):
    """uvicorn without signal handlers: SIGTERM and SIGINT stay the daemon's."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


@contextlib.asynccontextmanager
async def running(
    app: ASGIApp,
    *,
    listen_address: ListenAddress | str,
    web_config: WebConfig | Callable[[], WebConfig] | None = None,
    certificate: ServedCertificate | None = None,
) -> AsyncIterator[RunningServer]:
    """Serve an application while the block runs; connections get 3 s to finish afterwards.

    Args:
        app: what is served; wrap it in `AccessControl` first.
        listen_address: where; a text is parsed.
        web_config: TLS comes from it. A callable (`WebConfigFile.current`) lets a renewed certificate be picked up
            within 10 s, without a restart.
        certificate: told of each certificate that is taken into use.

    Raises:
        ListenError: the address is wrong, refused or taken.
        WebConfigError: the certificate or key cannot be used.
    """
    address = parse_listen_address(listen_address) if isinstance(listen_address, str) else listen_address
    present = web_config() if callable(web_config) else web_config
    refuse_open_door(address, present)
    tls = present.tls if present is not None else None
    config = uvicorn.Config(
        app,
        http=BoundedProtocol,
        backlog=BACKLOG,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=_STOP_SECONDS,
        ssl_certfile=str(tls.cert_file) if tls is not None else None,
        ssl_keyfile=str(tls.key_file) if tls is not None else None,
    )
    _load(config, tls)
    if certificate is not None and tls is not None:
        certificate.loaded(tls.cert_file)
    listener = _bind(address)
    host, port = listener.getsockname()[:2]
    server = _Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listener]), name="http server")
    renewing = asyncio.create_task(_renew_certificate(config, web_config, certificate), name="http certificate")
    try:
        while not server.started:
            if serving.done():
                serving.result()
                raise ListenError(f"the server on {address} ended before it answered; its log says why")
            await asyncio.sleep(0.005)
        yield RunningServer(host=host, port=port, scheme="https" if tls is not None else "http")
    finally:
        renewing.cancel()
        server.should_exit = True
        await asyncio.gather(serving, renewing, return_exceptions=True)
        listener.close()


def _load(config: uvicorn.Config, tls: TlsConfig | None) -> None:
    """Load certificate and key.

    Raises:
        WebConfigError: they cannot be used.
    """
    try:
        config.load()
    except OSError as error:  # ssl.SSLError is one
        files = f"{tls.cert_file} and {tls.key_file}" if tls is not None else "the certificate"
        raise WebConfigError(
            (f"{files}: cannot be used for TLS: {error}; both must be PEM and belong together",)
        ) from error
    if config.ssl is not None and tls is not None:
        config.ssl.minimum_version = tls.min_version


def _bind(address: ListenAddress) -> socket.socket:
    """Return a bound socket.

    Raises:
        ListenError: the address is taken, forbidden, unknown or not this machine's.
    """
    host = address.host or ("::" if socket.has_dualstack_ipv6() else "0.0.0.0")  # noqa: S104 - asked for by ":PORT"
    try:
        # An IP literal or localhost in all but odd set-ups: this look-up waits for no network.
        family, kind, protocol, _, where = socket.getaddrinfo(
            host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except socket.gaierror as error:
        raise ListenError(f"cannot listen on {address}: the host is unknown; use an IP address") from error
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0 if not address.host else 1)
        listener.bind(where)
        listener.listen(BACKLOG)
        listener.setblocking(False)  # noqa: FBT003 - the flag is the method's own
    except OSError as error:
        listener.close()
        remedies = {
            errno.EADDRINUSE: f"the port is in use. See by what with: ss -ltnp 'sport = :{address.port}'; stop that "
            "program, or choose another port with --web.listen-address",
            errno.EACCES: "not permitted; ports below 1024 need a privilege, choose a higher one",
            errno.EADDRNOTAVAIL: "no interface of this machine has that address",
        }
        text = remedies.get(error.errno or 0, error.strerror or str(error))
        raise ListenError(f"cannot listen on {address}: {text}") from error
    return listener


async def _renew_certificate(
    config: uvicorn.Config,
    web_config: WebConfig | Callable[[], WebConfig] | None,
    certificate: ServedCertificate | None,
) -> None:
    """Load the certificate again whenever its files change; new connections get the new one."""
    if config.ssl is None or not callable(web_config):
        return
    stamp = _certificate_stamp(web_config().tls)
    while True:
        await asyncio.sleep(_CERTIFICATE_LOOK_SECONDS)
        tls = web_config().tls
        latest = _certificate_stamp(tls)
        if tls is None or latest == stamp:
            continue
        stamp = latest
        try:
            config.ssl.load_cert_chain(tls.cert_file, tls.key_file)
        except OSError as error:
            log.error(  # noqa: TRY400 - the file is wrong, not the code: no traceback
                "certificate refused, the last good one stays", file=str(tls.cert_file), error=str(error)
            )
        else:
            log.info("certificate loaded", file=str(tls.cert_file))
            if certificate is not None:
                certificate.loaded(tls.cert_file)


def _certificate_stamp(tls: TlsConfig | None) -> tuple[int, ...]:
    """Return what changes when certificate or key do."""
    if tls is None:
        return ()
    try:
        return tuple(path.stat().st_mtime_ns for path in (tls.cert_file, tls.key_file))
    except OSError:
        return ()
