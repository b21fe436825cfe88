"""VPN map, the words over the map: that there is no data, or that nobody can see; nothing while all is well.

They come as labels and values of queries, not as fixed texts: a layer whose query gave no frame draws the rows of
another one before 12.3.2 (docs/decisions/0300), and those rows lack these fields, so nothing is written then.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from grafana.build.freshness import CLOCK, IMPAIRED, ISOLATED, NEVER, STALE, STALE_SINCE, labelled
from grafana.build.geomap import CENTRE, Layer, not_in_popup
from grafana.build.panels import Json, override
from grafana.build.promql import table

if TYPE_CHECKING:
    from grafana.build.language import Language

_MIDDLE: Final = {"latitude": str(CENTRE["lat"]), "longitude": str(CENTRE["lon"])}
_FIRST_LINE, _SECOND_LINE, _THIRD_LINE = -30, 2, 34  # pixels below the middle
_SOUTH = 140  # below Java, where no region has its word


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """What the map panel is given for them."""

    targets: list[Json]
    layers: list[Layer]
    overrides: list[Json]


def words_on_map(say: Language) -> Words:
    """Return the sentence: "No data since 13:02:10 (4 min)", or why all states are unknown."""
    since = labelled(STALE_SINCE, words=say("No data since", "Tidak ada data sejak"), **_MIDDLE)
    # One sentence at a time: without data nothing is known of our line either.
    whys = [
        labelled(f"{NEVER} unless on () ({STALE})", words=say("No data", "Tidak ada data"), **_MIDDLE),
        labelled(ISOLATED, words=say("Our own line is cut", "Jalur kita sendiri putus"), **_MIDDLE),
        labelled(
            f"{IMPAIRED} unless on () {ISOLATED}",
            words=say("The ping engine is impaired", "Mesin ping terganggu"),
            **_MIDDLE,
        ),
    ]
    return Words(
        targets=[
            table(since, "F"),
            table(labelled(STALE, **_MIDDLE), "G"),
            table(f"({' or '.join(whys)}) unless on () ({STALE})", "H"),
        ],
        layers=[
            _line(say("No data since", "Tidak ada data sejak"), "F", "words", _FIRST_LINE),
            _line(say("Moment of the newest data", "Waktu data terbaru"), "F", "Value #F", _SECOND_LINE),
            _line(say("Age of the data", "Umur data"), "G", "Value #G", _THIRD_LINE),
            _line(say("Nobody can see", "Tidak terlihat"), "H", "words", _SOUTH),
        ],
        overrides=[
            override("byName", "Value #F", unit=CLOCK),
            override("byName", "Value #G", unit="s", decimals=0),
            not_in_popup("words"),
        ],
    )


def _line(name: str, ref: str, field: str, below: int) -> Layer:
    """Return one line of words in the middle of the map."""
    return Layer(name=name, ref=ref, symbol=None, size=5, opacity=1, label=field, font_size=24, below=below)
