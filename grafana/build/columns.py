"""Columns that several tables share, so that a state, a moment or a name looks the same everywhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grafana.build.navigation import region_link, target_link
from grafana.build.palette import (
    BLUE,
    GREEN,
    NO_VALUE,
    RED,
    TEXT,
    YELLOW,
    good_or_bad,
    mapping,
    state_mappings,
    thresholds,
)
from grafana.build.promql import LOW_REASONS
from grafana.build.tables import Column

if TYPE_CHECKING:
    from grafana.build.language import Language
    from grafana.build.panels import Json


def state(
    field: str, say: Language, title: str | None = None, *, width: int = 90, more: list[Json] | None = None
) -> Column:
    """Return the state as its word on its colour; `more` maps what else may stand there."""
    return Column(
        field=field,
        title=title or say("State", "Status"),
        width=width,
        mappings=[*state_mappings(), *(more or [])],
        cell="color-background",
        align="center",
    )


def name(say: Language, min_width: int = 110, *, width: int | None = None, wrap: bool = False) -> Column:
    """Return the target's name, a link to its page: one link is shown as such, two would hide behind a menu."""
    least = None if width else min_width
    return Column(
        field="name", title=say("Name", "Nama"), width=width, min_width=least, links=[target_link(say)], wrap=wrap
    )


def region(say: Language, width: int | None = None) -> Column:
    """Return the region's id, a link to its targets."""
    return Column(field="region", title=say("Region", "Wilayah"), width=width, links=[region_link(say)])


def region_name(say: Language) -> Column:
    """Return the region's name, a link to its targets; on a phone it keeps its room, and the table scrolls."""
    return Column(field="name", title=say("Name", "Nama"), min_width=150, links=[region_link(say)])


def since(field: str, say: Language, width: int | None = 148) -> Column:
    """Return how long ago it began; the value is in milliseconds since the epoch."""
    return Column(field=field, title=say("Since", "Sejak"), width=width, unit="dateTimeFromNow")


def duration(field: str, title: str, width: int | None = 105) -> Column:
    """Return how long it has lasted as a clock, with days before it; the value is in seconds."""
    return Column(field=field, title=title, width=width, unit="dtdhms", align="right")


def clock(field: str, title: str, width: int | None = 62) -> Column:
    """Return the time of day, in hours and minutes; beside a duration, which says when it was another day."""
    return Column(field=field, title=title, width=width, unit="time:HH:mm")


def moment(field: str, title: str, width: int | None = 165) -> Column:
    """Return the time, and the date where it was not today; the value is in milliseconds since the epoch."""
    return Column(field=field, title=title, width=width, unit="dateTimeAsIsoNoDateIfToday")


def count(field: str, title: str, width: int | None = None) -> Column:
    """Return a whole number; empty where there is none."""
    return Column(field=field, title=title, width=width, unit="none", decimals=0)


def plain(
    field: str,
    title: str,
    width: int | None = None,
    links: list[Json] | None = None,
    min_width: int | None = None,
    *,
    wrap: bool = False,
) -> Column:
    """Return a word as it is."""
    return Column(field=field, title=title, width=width, min_width=min_width, links=links or [], wrap=wrap)


def hidden(field: str) -> Column:
    """Return a field that only links read."""
    return Column(field=field, title=field, hidden=True)


def alert(say: Language) -> Column:
    """Return an alert's name; the longest of a target's or region's fits, whatever the screen."""
    return Column(field="alertname", title=say("Alert", "Peringatan"), width=195)


def severity(say: Language) -> Column:
    """Return an alert's severity on its colour."""
    words = {
        "critical": ("critical", RED),
        "warning": ("warning", YELLOW),
        "info": ("info", BLUE),
        "none": ("none", BLUE),
    }
    return Column(
        field="severity",
        title=say("Severity", "Tingkat"),
        width=90,
        mappings=mapping(words),
        cell="color-background",
        align="center",
    )


def cause(say: Language, width: int | None = 90) -> Column:
    """Return what an outage comes from in a word, or each limit that a LOW line breaks."""
    words = {
        "device": say("device", "alat"),
        "tunnel": say("tunnel", "terowongan"),
        "site": say("site", "situs"),
        "hub": say("hub", "hub"),
        "region": say("region", "wilayah"),
        "provider": say("provider", "penyedia"),
        "uplink": say("our uplink", "uplink kita"),
        "engine": say("engine", "mesin ping"),
        "exporter": say("exporter", "exporter"),
        "unknown": NO_VALUE,
        **_low_words(say),
    }
    return Column(
        field="cause",
        title=say("Why", "Sebab"),
        width=width,
        mappings=mapping({word: (text, TEXT) for word, text in words.items()}),
        wrap=True,
    )


def _low_words(say: Language) -> dict[str, str]:
    """Return the words for each sum of LOW_REASONS."""
    names = {"loss": "loss", "rtt": say("slow", "lambat"), "jitter": "jitter"}
    words = {
        str(total): ", ".join(names[reason] for reason, weight in LOW_REASONS.items() if total & weight)
        for total in range(1, 2 * max(LOW_REASONS.values()))
    }
    return words | {"0": say("getting better", "membaik")}


def seconds(field: str, title: str, width: int | None = None, no_value: str = NO_VALUE) -> Column:
    """Return a duration; a dash where there is none."""
    return Column(field=field, title=title, width=width, unit="s", decimals=1, no_value=no_value)


def ratio(field: str, title: str, width: int | None = None) -> Column:
    """Return a share of bad things as percent: green is nothing lost."""
    limits = thresholds(GREEN, (0.05, YELLOW), (0.1, RED))
    return Column(
        field=field,
        title=title,
        width=width,
        unit="percentunit",
        decimals=0,
        thresholds=limits,
        cell="color-text",
        no_value=NO_VALUE,
    )


def availability(field: str, title: str, width: int | None = 115) -> Column:
    """Return an availability as percent with three decimals: 99.9 % is the aim, below 99 % is bad."""
    limits = thresholds(RED, (0.99, YELLOW), (0.999, GREEN))
    return Column(
        field=field,
        title=title,
        width=width,
        unit="percentunit",
        decimals=2,
        thresholds=limits,
        cell="color-text",
        no_value=NO_VALUE,
    )


def yes_or_no(field: str, title: str, *, good: str, bad: str, width: int = 100) -> Column:
    """Return a word for 1 (good) and one for 0 (bad), each on its colour."""
    words = good_or_bad(good, bad)
    return Column(field=field, title=title, width=width, mappings=words, cell="color-background", align="center")


def rate(field: str, title: str, width: int | None = 110) -> Column:
    """Return bytes per second."""
    return Column(field=field, title=title, width=width, unit="Bps", decimals=0, no_value=NO_VALUE)


def hours(field: str, title: str, width: int | None = None) -> Column:
    """Return a number of hours with one decimal."""
    return Column(field=field, title=title, width=width, unit="none", decimals=1, no_value=NO_VALUE)
