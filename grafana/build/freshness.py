"""How old the data is, and what stands where there is none: never "0 down", never an empty map without a word.

The moment of the newest data is the older of two: the newest sample of the states, and the engine's last sign of life.
Beyond `LATE` the page shows the past, and says so in the tile, over the map and in the table of problems; beyond `LOST`
nobody should act on it. When there are no states at all, it says so after `NOTICED`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from grafana.build.palette import DARK, GREEN, ORANGE, RED, mapping, missing, thresholds
from grafana.build.panels import Json, override, stat
from grafana.build.promql import value

if TYPE_CHECKING:
    from grafana.build.language import Language

NOTICED: Final = 3  # seconds without states before words are made of it: one lost scrape is none
LATE: Final = 15  # seconds: two lost scrapes of the engine
LOST: Final = 60  # seconds
CLOCK: Final = "time:HH:mm:ss"  # in the viewer's zone

_SIGN: Final = "vpn_monitor_isolated"  # one series of the states' scrape
_SEEN_BEFORE: Final = "last_over_time(job:vpn_monitor_isolated:timestamp_seconds[1d])"
# What is recorded may be a few seconds older than what is there.
_STATES_SEEN: Final = f"(max(timestamp({_SIGN})) or max({_SEEN_BEFORE}))"
_ENGINE_SEEN: Final = "max(last_over_time(vpn_engine_heartbeat_timestamp_seconds[1d]))"
SEEN: Final = f'min({_STATES_SEEN} or label_replace({_ENGINE_SEEN}, "of", "engine", "", ""))'
AGE: Final = f"round(time() - {SEEN})"
"""Seconds since the newest data; absent after a day without any."""
_NONE_NOW: Final = f"{AGE} unless on () {_SIGN} and on () (time() - {_STATES_SEEN} >= {NOTICED})"
STALE: Final = f"({AGE} > {LATE} or {_NONE_NOW})"
"""The age while it is a reason for words; absent while all is well."""
STALE_SINCE: Final = f"({SEEN} and on () {STALE}) * 1000"
"""The moment of the newest data while its age is a reason for words, in milliseconds since the epoch; else absent."""
NEVER: Final = f"absent({_SEEN_BEFORE})"
"""1 when there has been no data for a day; else absent."""
ISOLATED: Final = "(max(vpn_monitor_isolated) == 1)"
IMPAIRED: Final = "(max(vpn_monitor_impaired) == 1)"
BLIND: Final = f"({ISOLATED} or {IMPAIRED})"
"""1 while the exporter says that no state can be judged; else absent."""

NO_DATA: Final = -1
"""What stands for "no data" where states are numbers: above DOWN, which is 0."""


def no_data_mapping(say: Language) -> list[Json]:
    """Return the mapping from it to its word and colour."""
    return mapping({str(NO_DATA): (say("NO DATA", "TANPA DATA"), DARK)})


def data_age(say: Language) -> Json:
    """Return the tile: the age of the data, and since when it ages."""
    none = missing(say("NO DATA", "TIDAK ADA DATA"), RED)
    return stat(
        say("Age of the data", "Umur data"),
        say(
            "Time since the newest states and the engine's last sign of life. Orange from 15 s: this is the past. "
            "Red from 60 s: do not act on it. After a day without any it says that there is no data.",
            "Waktu sejak status terbaru dan tanda hidup terakhir mesin ping. Oranye mulai 15 detik: ini masa "
            "lalu. Merah mulai 60 detik: jangan dijadikan dasar tindakan. Setelah sehari kosong: tidak ada data.",
        ),
        [
            # NaN, for an absent value would have the colour of the first threshold, which is green.
            value(f"{AGE} or {NEVER} * NaN", say("age", "umur"), "A"),
            value(STALE_SINCE, say("none since", "kosong sejak"), "B"),
        ],
        unit="s",
        decimals=0,
        mappings=[none],
        no_value=say("NO DATA", "TIDAK ADA DATA"),
        orientation="vertical",
        text="value_and_name",
        size={"valueSize": 20, "titleSize": 12},
        thresholds=thresholds(GREEN, (LATE, ORANGE), (LOST, RED)),
        overrides=[override("byFrameRefID", "B", unit=CLOCK, thresholds=thresholds(DARK))],
    )


def labelled(expr: str, **labels: str) -> str:
    """Return an expression that has these labels besides its own."""
    for label, word in labels.items():
        expr = f'label_replace({expr}, "{label}", "{word}", "", "")'
    return expr
