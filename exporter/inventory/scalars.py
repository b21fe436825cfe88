"""The words of targets.yml: one reader per kind of value, from the text as written to a typed value.

A reader returns the value or raises `Refusal` with the problem and the remedy. Readers that are asked for the same few
words again and again (durations, kinds) remember their answers.
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
import math
import re
from datetime import date
from functools import lru_cache
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from exporter.inventory.findings import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable

ID_PATTERN: Final = r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}"
MAX_NAME_CHARACTERS: Final = 100
MAX_SECONDS: Final = 86_400.0

_ID: Final = re.compile(ID_PATTERN)
_DURATION_PART: Final = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)(ms|s|m|h)")
_UNITS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_PERCENT: Final = re.compile(r"(\d{1,3}(?:\.\d{1,6})?) ?%")
_INTEGER: Final = re.compile(r"\d{1,9}")
_DECIMAL: Final = re.compile(r"[+-]?\d{1,3}(?:\.\d{1,15})?")
_HOURS: Final = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-4]):([0-5]\d)")
_LABEL: Final = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(?<!-)")
_OCTET: Final = r"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
# Unicast, in its only spelling: needs no second look, which saves a tenth of the time of a large file.
_USUAL_IPV4: Final = re.compile(rf"(?:22[0-3]|2[01]\d|1\d\d|[1-9]\d|[1-9])\.{_OCTET}\.{_OCTET}\.{_OCTET}", re.ASCII)
_LIKE_IPV4: Final = re.compile(r"[\d.,]+")
_MAX_HOST_CHARACTERS: Final = 253
_ZONES: Final = {"WIB": "Asia/Jakarta", "WITA": "Asia/Makassar", "WIT": "Asia/Jayapura"}
_WIREGUARD_KEY_BYTES: Final = 32
_WEST, _EAST = 94.5, 141.5  # longitudes of Indonesia, degrees

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def identifier(text: str) -> str:
    """Read an id: it stands in URLs, metric labels and Telegram commands, so it holds no other characters."""
    if _ID.fullmatch(text):
        return text
    raise Refusal(
        "is no id",
        "use 1 to 63 letters, digits, dots, dashes and underscores, the first of them a letter or digit",
    )


def name(text: str) -> str:
    """Read a name that people see."""
    if text.isprintable() and text.strip() and len(text) <= MAX_NAME_CHARACTERS:
        return text
    if len(text) > MAX_NAME_CHARACTERS:
        raise Refusal(f"is longer than {MAX_NAME_CHARACTERS} characters", "shorten it")
    raise Refusal("is no name", "write visible characters on one line")


@lru_cache(maxsize=4096)
def word(text: str) -> str:
    """Read a free word such as a kind, provider or model."""
    return name(text)


@lru_cache(maxsize=4096)
def duration(text: str) -> float:
    """Read a duration such as `150ms`, `1.5s` or `1m30s`; return seconds, more than 0 and at most a day."""
    position, seconds = 0, 0.0
    while position < len(text):
        part = _DURATION_PART.match(text, position)
        if part is None:
            break
        seconds += float(part.group(1)) * _UNITS[part.group(2)]
        position = part.end()
    if not text or position < len(text):
        if re.fullmatch(r"\d+(\.\d+)?", text):
            raise Refusal("has no unit", f"write {text}s or {text}ms")
        raise Refusal("is no duration", "write a number and ms, s, m or h, e.g. 150ms or 1.5s")
    if seconds <= 0:
        raise Refusal("is no time at all", "write more than 0")
    if seconds > MAX_SECONDS:
        raise Refusal("is longer than a day", "write at most 24h")
    return round(seconds, 9)


def duration_between(least: float, most: float, text_least: str, text_most: str) -> Callable[[str], float]:
    """Return a reader of durations within bounds in seconds; the texts name the bounds in messages."""

    def read(text: str) -> float:
        seconds = duration(text)
        if least <= seconds <= most:
            return seconds
        raise Refusal("is out of range", f"use {text_least} to {text_most}")

    return read


@lru_cache(maxsize=1024)
def percent(text: str) -> float:
    """Read a share such as `10%`; return a ratio above 0, at most 1."""
    match = _PERCENT.fullmatch(text)
    if match is None:
        raise Refusal("is no percentage", "write a number and %, e.g. 10%")
    ratio = float(match.group(1)) / 100
    if not 0 < ratio <= 1:
        raise Refusal("is no usable share", "use more than 0% and at most 100%")
    return ratio


def integer_between(least: int, most: int) -> Callable[[str], int]:
    """Return a reader of whole numbers within bounds."""

    def read(text: str) -> int:
        if not _INTEGER.fullmatch(text) or not text.isascii():
            raise Refusal("is no whole number", f"use {least} to {most}")
        number = int(text)
        if least <= number <= most:
            return number
        raise Refusal("is out of range", f"use {least} to {most}")

    return read


def _degrees(text: str, limit: float, axis: str) -> float:
    if not _DECIMAL.fullmatch(text) or not text.isascii():
        remedy = f"write {text.replace(',', '.')}" if re.fullmatch(r"[+-]?\d+,\d+", text) else "write e.g. -6.9222"
        raise Refusal(f"is no {axis}", remedy)
    value = float(text)
    if math.fabs(value) > limit:
        remedy = f"{axis} is between -{limit:g} and {limit:g}"
        swapped = axis == "latitude" and _WEST <= value <= _EAST
        raise Refusal(f"is no {axis}", f"{remedy}; are the two swapped?" if swapped else remedy)
    return value


def latitude(text: str) -> float:
    """Read degrees north (WGS 84); the south is negative."""
    return _degrees(text, 90, "latitude")


def longitude(text: str) -> float:
    """Read degrees east (WGS 84)."""
    return _degrees(text, 180, "longitude")


@lru_cache(maxsize=1024)
def timezone(text: str) -> str:
    """Read an IANA zone, or WIB, WITA or WIT; return the IANA name."""
    zone = _ZONES.get(text.upper(), text)
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise Refusal(
            "is no time zone", "use Asia/Jakarta (WIB), Asia/Makassar (WITA) or Asia/Jayapura (WIT)"
        ) from None
    return zone


@lru_cache(maxsize=1024)
def hours(text: str) -> str:
    """Read opening hours `HH:MM-HH:MM`; they may pass midnight."""
    match = _HOURS.fullmatch(text)
    if match is None:
        raise Refusal("are no hours", 'write "HH:MM-HH:MM", e.g. "06:00-18:00"')
    begin, end = text.split("-")
    if end > "24:00" or begin == end:
        raise Refusal("are no hours", "leave the key out for around the clock, else let the end differ from the begin")
    return text


def ip_literal(text: str) -> str:
    """Read an IPv4 or IPv6 address without zone."""
    try:
        parsed = ipaddress.ip_address(text)
    except ValueError:
        raise Refusal("is no IP address", "write an IPv4 or IPv6 address of this machine") from None
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.scope_id is not None:
        raise Refusal("names a network interface", "write the address without %")
    return text


def parsed_ip(text: str) -> Address | None:
    """Return the address that a text is, or None for a host name."""
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def address(text: str) -> str:
    """Read what a target is reached by: an IP address or a host name. Never through inet_aton: it reads octal."""
    if _USUAL_IPV4.fullmatch(text):
        return text
    parsed = parsed_ip(text)
    if parsed is not None:
        return _usable(parsed, text)
    if _LIKE_IPV4.fullmatch(text):
        raise Refusal("is no IP address", "write four numbers from 0 to 255 with dots between, without leading zeros")
    if "://" in text:
        raise Refusal("is no address", "write only the host; the URL belongs into probe")
    if "/" in text:
        raise Refusal("is no address", "write one address, without / and what follows")
    if text.startswith("["):
        raise Refusal("is no address", "write IPv6 without brackets")
    if text.count(":") == 1:
        raise Refusal("is no address", 'write only the host; the port belongs into probe: "tcp:PORT"')
    host = text.removesuffix(".")
    labels = host.split(".")
    if len(host) <= _MAX_HOST_CHARACTERS and all(_LABEL.fullmatch(label) for label in labels):
        if labels[-1].isdigit():
            raise Refusal("is no address", "a host name does not end in a number; an IP address has four")
        return text
    raise Refusal("is no address", "write an IP address or a host name")


def _usable(parsed: Address, text: str) -> str:
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.scope_id is not None:
        raise Refusal("names a network interface", "write the address without %")
    if parsed.is_unspecified or parsed.is_multicast or text == "255.255.255.255":
        raise Refusal("is the address of no single device", "write the device's own address")
    return text


def canonical_address(text: str) -> str:
    """Return what two spellings of one address have in common."""
    if _USUAL_IPV4.fullmatch(text):
        return text
    parsed = parsed_ip(text)
    return str(parsed) if parsed is not None else text.casefold().removesuffix(".")


def is_loopback(text: str) -> bool:
    """Tell whether an address is this machine's own; names other than localhost count as not."""
    parsed = parsed_ip(text)
    return parsed.is_loopback if parsed is not None else text.casefold() in {"localhost", "localhost."}


def tunnel(text: str) -> str:
    """Read the tunnel that a target is behind."""
    kind, colon, key = text.partition(":")
    if not colon or kind not in {"openvpn", "wireguard", "mikrotik"} or not key.strip():
        raise Refusal("is no tunnel", "use openvpn:NAME, wireguard:PUBLICKEY or mikrotik:NAME")
    if kind == "wireguard":
        try:
            length = len(base64.b64decode(key, validate=True))
        except (binascii.Error, ValueError):
            length = 0
        if length != _WIREGUARD_KEY_BYTES:
            raise Refusal("is no WireGuard public key", "copy the 44 characters that `wg show` prints after peer:")
    return name(text)


def iso_date(text: str) -> str:
    """Read a date such as 2026-11-25."""
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise Refusal("is no date", "write it as 2026-11-25") from None
