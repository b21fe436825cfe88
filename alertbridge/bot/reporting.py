"""The command that tells how a day, a week or a month went, everywhere or in one region: /report."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from alertbridge.bot.durations import parse_duration
from alertbridge.bot.kinds import WrongUsageError
from alertbridge.bot.lookup import find_region, the_one
from alertbridge.errors import PeerError
from alertbridge.reports import SPANS, Spans, make, names_of
from alertbridge.reports_text import Frame, report_text

if TYPE_CHECKING:
    from alertbridge.bot.kinds import Question

EXAMPLE = "7d jabar"
_DEFAULT = "7d"
_WORDS = {
    "24h": ("daily", "day", "today", "harian", "hari"),
    "7d": ("weekly", "week", "mingguan", "minggu"),
    "30d": ("monthly", "month", "bulanan", "bulan"),
}
_BY_WORD = {word: key for key, words in _WORDS.items() for word in words}
_FILLERS = frozenset({"ini", "lalu", "last", "past", "terakhir", "the", "this"})  # `minggu ini`, `the last 7 days`


async def report(question: Question) -> str:
    """Tell availability, outages and the worst sites of the last 24 hours, 7 or 30 days."""
    span, name = split(question.argument)
    if span not in SPANS:
        usage = question.texts("bot.usage", example=f"/{question.name} {EXAMPLE}")
        raise WrongUsageError(f"{usage} ({', '.join(SPANS)})")
    if question.pictures is None:
        raise PeerError("prometheus is not asked here")
    places: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    names: dict[str, str] = {}
    if name:
        found = await find_region(question.exporter, name)
        region = the_one(found, question, kind="region", text=name, after=span)
        places, regions = (str(region.get("name")),), (str(region["id"]),)
    else:
        with contextlib.suppress(PeerError):  # the report itself says who does not answer
            names = names_of(await question.exporter.regions())
    made = await make(question.exporter, question.pictures.prometheus, Spans.until(question.now, SPANS[span]), regions)
    frame = Frame(
        kind=span,
        places=places,
        names=names,
        zone=question.zone,
        grafana_url=question.settings.grafana_url,
        asked=True,
    )
    return report_text(made, frame, question.texts)


def split(argument: str) -> tuple[str, str]:
    """Split `7d jabar` or `jabar 7 hari` into a key of SPANS and a region's name, either of which may be missing.

    A span that is none of ours comes back as it was written.
    """
    words = [word for word in argument.split() if word.casefold() not in _FILLERS]
    for place in range(len(words)):
        for size in (2, 1):
            written = "".join(words[place : place + size]).casefold()
            span = _BY_WORD.get(written) or _span_of(written)
            if span:
                return span, " ".join([*words[:place], *words[place + size :]])
    return _DEFAULT, " ".join(words)


def _span_of(written: str) -> str:
    length = parse_duration(written)
    return next((key for key, span in SPANS.items() if span == length), written if length else "")
