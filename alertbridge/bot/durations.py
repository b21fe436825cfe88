"""A person's words for a span of time (`4h`, `1h30m`, `2 hari`) -> timedelta (pure)."""

from __future__ import annotations

import re
from datetime import timedelta

SHORTEST = timedelta(minutes=1)
LONGEST = timedelta(days=30)  # a silence that outlives its reason hides the next fault
# English and Indonesian. No months: `m` is minutes, as in Prometheus.
_UNITS = {
    "m": 60, "min": 60, "mins": 60, "minute": 60, "minutes": 60, "mnt": 60, "menit": 60,
    "h": 3600, "hour": 3600, "hours": 3600, "j": 3600, "jam": 3600,
    "d": 86400, "day": 86400, "days": 86400, "hr": 86400, "hari": 86400,
    "w": 604800, "week": 604800, "weeks": 604800, "minggu": 604800,
}  # fmt: skip
_PART = re.compile(r"(\d{1,5})([a-z]+)")
_WHOLE = re.compile(r"(?:\d{1,5}[a-z]+)+")
UNTIL_BACK = frozenset({"back", "pulih"})


def parse_duration(word: str) -> timedelta | None:
    """Return the span that one word says; None: it says none, or an unknown unit."""
    text = word.casefold()
    if not _WHOLE.fullmatch(text):
        return None
    parts = _PART.findall(text)
    if any(unit not in _UNITS for _, unit in parts):
        return None
    return timedelta(seconds=sum(int(count) * _UNITS[unit] for count, unit in parts))


def split_request(argument: str) -> tuple[str, timedelta | None, str] | None:
    """Split `ID DURATION reason`; the id may be a name of several words.

    Returns:
        Name, span (None: until it is back) and reason; None where no duration stands behind a name.
    """
    words = argument.split()
    for place in range(1, len(words)):
        pair = words[place : place + 2]
        joined = "".join(pair) if pair[0].isdecimal() and pair[-1].isalpha() else ""  # `2 hari`, not `Pasteur 1 4h`
        if words[place].casefold() in UNTIL_BACK:
            return " ".join(words[:place]), None, " ".join(words[place + 1 :])
        for span, used in ((parse_duration(words[place]), 1), (parse_duration(joined), 2)):
            if span is not None:
                return " ".join(words[:place]), span, " ".join(words[place + used :])
    return None
