"""Who may do what: a pure ASGI middleware in front of everything a daemon serves.

Rules, in this order:
1. Every request: the Host must be an IP literal, localhost, the host of the external URL, or a name the daemon was told
   to serve; else 403. This stops DNS rebinding. Where users are configured, a name without a dot (`exporter`, a
   container's name) will do too: no public name is like that, and a login stands behind it anyway.
2. Paths in `open_paths` need no login: a health check has none, and these answers say no more than a word.
   Paths in `self_checked` know their caller themselves (a webhook with its own token): rule 3 and who may act are
   theirs, the check of the origin is not: a web page must not post there from the browser of somebody on this machine.
3. Where users are configured: basic auth, else 401.
4. Actions (any method but GET, HEAD and OPTIONS): an `Origin` or `Sec-Fetch-Site` that is not same-origin or none is
   refused with 403. Where no user is configured, only this machine may act, and not through a proxy on it: 403.

Every answer carries the security headers. Refusals are logged and counted through `on_refusal`.
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
import time
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders

from httpservice.credentials import Busy, Credentials
from httpservice.logs import get_logger
from httpservice.refusal import Refusal, RefusalReason, RefusalRenderer, plain_refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from httpservice.webconfig import WebConfig

log = get_logger(__name__)

HEALTH_PATHS: Final = ("/-/healthy", "/-/ready")
_READING: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_LOG_EVERY_SECONDS: Final = 60.0
_LOGGED_PEERS: Final = 1000
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}

SECURITY_HEADERS: Final = {
    # No inline script or style anywhere, nothing from elsewhere, shown in no frame.
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class AccessControl:
    """The middleware. The user's name, where there is one, is in `scope["state"]["user"]` afterwards."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        web_config: Callable[[], WebConfig | None] = lambda: None,
        external_url: str | None = None,
        served_names: Collection[str] = (),
        open_paths: Collection[str] = HEALTH_PATHS,
        self_checked: Collection[str] = (),
        render: RefusalRenderer = plain_refusal,
        on_refusal: Callable[[RefusalReason], None] = lambda _: None,
    ) -> None:
        """Wrap an application.

        Args:
            app: what is protected.
            web_config: gives the present web config; None: no users.
            external_url: what people type where a proxy stands in front.
            served_names: more host names to answer to.
            open_paths: paths without login; one that ends with "/" stands for everything below it.
            self_checked: paths that check their caller themselves.
            render: makes the body of a refusal.
            on_refusal: called with the reason of every refusal, for a counter.
        """
        self._app = app
        self._web_config = web_config
        external = urlsplit(external_url) if external_url else None
        self._external_origin = _origin(external_url) if external_url else None
        external_names = {external.hostname} if external is not None and external.hostname else set()
        self._names = frozenset({"localhost", *external_names, *(name.lower() for name in served_names)})
        self._open_paths = tuple(open_paths)
        self._self_checked = frozenset(self_checked)
        self._render = render
        self._on_refusal = on_refusal
        self._credentials = Credentials()
        self._logged: dict[tuple[str | None, RefusalReason], float] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request through, or answer it with the refusal."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        refusal = await self._check(scope)
        if refusal is None:
            await self._app(scope, receive, _with_security_headers(send))
        else:
            await self._refuse(scope, send, refusal)

    async def _check(self, scope: Scope) -> Refusal | None:  # noqa: PLR0911, C901 - one branch per rule, in their order
        """Return why the request is refused; None: it is not."""
        headers = Headers(scope=scope)
        config = self._web_config()
        users = config.users if config is not None else {}
        if not self._host_is_ours(headers.get("host", ""), logins=bool(users)):
            return Refusal(reason=RefusalReason.HOST)
        path: str = scope["path"]
        if self._is_open(path):
            return None
        if path in self._self_checked:
            foreign = scope["method"] not in _READING and not self._same_origin(scope, headers)
            return Refusal(reason=RefusalReason.ORIGIN) if foreign else None
        if users:
            name, password = _basic(headers.get("authorization", ""))
            if name is None:
                return Refusal(reason=RefusalReason.LOGIN, signed_out=True)
            try:
                if not await self._credentials.verify(users, name, password):
                    return Refusal(reason=RefusalReason.LOGIN)
            except Busy:
                return Refusal(reason=RefusalReason.BUSY)
            scope.setdefault("state", {})["user"] = name
        if scope["method"] in _READING:
            return None
        if not self._same_origin(scope, headers):
            return Refusal(reason=RefusalReason.ORIGIN)
        if not users and not _from_this_machine(scope, headers):
            return Refusal(reason=RefusalReason.ACTION)
        return None

    def _is_open(self, path: str) -> bool:
        """Return whether the path needs no login."""
        return any(path == known or (known.endswith("/") and path.startswith(known)) for known in self._open_paths)

    def _host_is_ours(self, host: str, *, logins: bool) -> bool:
        """Return whether the Host header is one that no other site's name can be made to resolve to."""
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:
            return False
        name = name.rstrip(".")
        return name in self._names or is_ip_literal(name) or (logins and bool(name) and "." not in name)

    def _same_origin(self, scope: Scope, headers: Headers) -> bool:
        """Return whether the request comes from one of our own pages, or from no page at all."""
        if headers.get("sec-fetch-site", "none") not in {"same-origin", "none"}:
            return False
        sent = headers.get("origin")
        if sent is None:
            return True
        origin = _origin(sent)
        if origin is None:
            return False
        host = headers.get("host", "")
        # Plain HTTP here may be HTTPS in the browser: a proxy that speaks TLS stands between.
        schemes = {scope.get("scheme", "http"), "https"}
        return origin == self._external_origin or origin in {_origin(f"{scheme}://{host}") for scheme in schemes}

    async def _refuse(self, scope: Scope, send: Send, refusal: Refusal) -> None:
        """Answer with the refusal, log and count it."""
        self._on_refusal(refusal.reason)
        self._log(scope, refusal)
        body, content_type = self._render(scope, refusal)
        headers = {"Content-Type": content_type, "Content-Length": str(len(body)), "Cache-Control": "no-store"}
        if refusal.reason is RefusalReason.LOGIN:
            headers["WWW-Authenticate"] = 'Basic realm="VPN site monitor", charset="UTF-8"'
        if refusal.reason is RefusalReason.BUSY:
            headers["Retry-After"] = "3"
        raw = [(name.lower().encode(), value.encode()) for name, value in (headers | SECURITY_HEADERS).items()]
        await send({"type": "http.response.start", "status": refusal.status, "headers": raw})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})

    def _log(self, scope: Scope, refusal: Refusal) -> None:
        """Log the first refusal per peer and reason, then one a minute: a page with an old password polls for days."""
        if refusal.signed_out:  # a browser's first request has no credentials: that is no event
            return
        client = scope.get("client")
        peer = client[0] if client else None
        now = time.monotonic()
        if now - self._logged.get((peer, refusal.reason), -_LOG_EVERY_SECONDS) < _LOG_EVERY_SECONDS:
            return
        if len(self._logged) >= _LOGGED_PEERS:
            self._logged.clear()
        self._logged[peer, refusal.reason] = now
        log.warning("request refused", reason=refusal.reason.value, path=scope["path"], peer=peer)


def _with_security_headers(send: Send) -> Send:
    """Return a `send` that adds the security headers an application did not set itself."""

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in SECURITY_HEADERS.items():
                headers.setdefault(name, value)
        await send(message)

    return sending


def is_ip_literal(name: str) -> bool:
    """Return whether a host is written as an IPv4 or IPv6 address."""
    try:
        ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        return False
    return True


def peer_is_loopback(scope: Scope) -> bool:
    """Return whether the connection comes from this machine."""
    client = scope.get("client")
    if not client:
        return False
    try:
        address = ipaddress.ip_address(client[0].partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback


def _from_this_machine(scope: Scope, headers: Headers) -> bool:
    """Return whether a local client asks, and not a local proxy on behalf of somebody."""
    return peer_is_loopback(scope) and not any(name in headers for name in ("forwarded", "x-forwarded-for", "via"))


def _origin(url: str) -> tuple[str, str, int] | None:
    """Return (scheme, host, port) of a URL or Origin header; None: it has none ("null", or nonsense)."""
    try:
        parts = urlsplit(url)
        port = parts.port or _DEFAULT_PORTS.get(parts.scheme)
    except ValueError:
        return None
    if not parts.hostname or port is None:
        return None
    return parts.scheme, parts.hostname, port


def _basic(header: str) -> tuple[str | None, str]:
    """Return user name and password of an Authorization header; (None, "") where it has none."""
    scheme, _, value = header.partition(" ")
    if scheme.lower() != "basic":
        return None, ""
    try:
        name, colon, password = base64.b64decode(value.strip(), validate=True).decode("utf-8").partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None, ""
    return (name, password) if colon else (None, "")
