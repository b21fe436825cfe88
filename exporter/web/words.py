"""Numbers and moments as people read them, in the page's language: pure."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

if TYPE_CHECKING:
    from datetime import tzinfo

    from exporter.web.language import Texts

NOTHING: Final = "–"  # noqa: RUF001 - an en dash: what stands where a value is absent
_ZONES: Final = {
    "Asia/Jakarta": "WIB",
    "Asia/Pontianak": "WIB",
    "Asia/Makassar": "WITA",
    "Asia/Jayapura": "WIT",
}
_MINUTE: Final = 60
_HOUR: Final = 3600
_DAY: Final = 86400
_MONTHS: Final = {
    "en": ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
    "id": ("Jan", "Feb", "Mar", "Apr", "Mei", "Jun", "Jul", "Agu", "Sep", "Okt", "Nov", "Des"),
}


def span(seconds: float, texts: Texts) -> str:
    """Return a duration with at most two units, e.g. "45 s", "12 min", "3 h 20 min", "2 d 4 h"."""
    whole = max(0, int(seconds))
    if whole < _MINUTE:
        return f"{whole} {texts.unit_s}"
    if whole < _HOUR:
        return f"{whole // _MINUTE} {texts.unit_min}"
    big, small, rest = (texts.unit_h, texts.unit_min, whole % _HOUR // _MINUTE)
    count = whole // _HOUR
    if whole >= _DAY:
        big, small, rest = (texts.unit_d, texts.unit_h, whole % _DAY // _HOUR)
        count = whole // _DAY
    return f"{count} {big} {rest} {small}" if rest else f"{count} {big}"


def clock(seconds: float, zone: str, texts: Texts, *, now: float) -> str:
    """Return a moment in a place's own time: "14:05:33 WIB", with the date where it was not today."""
    if not known(seconds):
        return NOTHING
    place = _zone(zone)
    moment = datetime.fromtimestamp(seconds, place)
    name = _ZONES.get(zone) or moment.tzname() or "UTC"
    text = f"{moment:%H:%M:%S} {name}"
    if moment.date() == datetime.fromtimestamp(now, place).date():
        return text
    return f"{moment.day} {_MONTHS[texts.language][moment.month - 1]} {text}"


def known(seconds: float | None) -> bool:
    """Return whether a moment is one at all."""
    return seconds is not None and math.isfinite(seconds) and seconds > 0


@lru_cache(maxsize=64)
def _zone(name: str) -> tzinfo:
    """Return a time zone; an unknown one is UTC (the inventory's loader refuses those)."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return UTC


def milliseconds(seconds: float | None) -> str:
    """Return an RTT, e.g. "0.42 ms", "12.3 ms", "612 ms"."""
    if seconds is None or math.isnan(seconds):
        return NOTHING
    value = seconds * 1000
    digits = 2 if value < 1 else 1 if value < 100 else 0  # noqa: PLR2004 - three digits that mean something
    return f"{value:.{digits}f} ms"


def percent(ratio: float) -> str:
    """Return a share, e.g. "0 %", "1.7 %", "15 %"."""
    if math.isnan(ratio):
        return NOTHING
    value = ratio * 100
    return f"{value:.0f} %" if value in {0.0, 100.0} or value >= 10 else f"{value:.1f} %"  # noqa: PLR2004 - one digit below ten


def count(value: int) -> str:
    """Return a number with thin spaces between thousands, which both languages read alike."""
    return f"{value:,}".replace(",", "\u202f")
