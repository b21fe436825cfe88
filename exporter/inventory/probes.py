"""The `probe` value: icmp, tcp:PORT or an http(s) URL, from text to ProbeSpec."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final
from urllib.parse import SplitResult, urlsplit

from exporter.inventory.findings import Refusal
from exporter.inventory.model import ProbeKind, ProbeSpec
from exporter.inventory.scalars import address

_TCP: Final = re.compile(r"tcp:(\d{1,9})", re.ASCII)
_MAX_PORT: Final = 65_535
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}


@lru_cache(maxsize=4096)
def probe(text: str) -> ProbeSpec:
    """Read a probe; `expect_status` is laid over it by the caller."""
    if text == "icmp":
        return ProbeSpec(kind=ProbeKind.ICMP, text=text)
    tcp = _TCP.fullmatch(text)
    if tcp is not None:
        return ProbeSpec(kind=ProbeKind.TCP, text=text, port=_port(int(tcp.group(1))))
    if text.startswith("tcp"):
        raise Refusal("is no probe", 'write "tcp:PORT" with a port from 1 to 65535')
    if not text.startswith(("http://", "https://")):
        raise Refusal("is no probe", "use icmp, tcp:PORT or an http(s) URL")
    return _http(text)


def _port(number: int) -> int:
    if not 1 <= number <= _MAX_PORT:
        raise Refusal("names no port", "use a port from 1 to 65535")
    return number


def _http(text: str) -> ProbeSpec:
    """Read a URL. It becomes a metric label, so it may hold no user name and no password."""
    if not text.isascii() or not text.isprintable() or " " in text:
        raise Refusal("is no URL", "write it without blanks, other characters as %XX")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise Refusal("is no URL", "write http://HOST[:PORT]/PATH with a port from 1 to 65535") from None
    if "@" in parts.netloc:
        raise Refusal("holds a user name or password", "remove it: everybody who sees the metrics would see it")
    if parts.fragment or not parts.hostname:
        raise Refusal("is no URL", "write http://HOST[:PORT]/PATH without #")
    _check_host(parts, parts.hostname)
    return ProbeSpec(
        kind=ProbeKind.HTTP,
        text=text,
        port=_port(port) if port is not None else _DEFAULT_PORTS[parts.scheme],
        url=text,
    )


def _check_host(parts: SplitResult, host: str) -> None:
    try:
        address(host)
    except Refusal:
        raise Refusal("names no host", f"write a host name or IP address after {parts.scheme}://") from None
