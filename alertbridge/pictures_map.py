"""The map: the outline of Indonesia, every target as the shape of its state, the worst in words (pure)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from math import cos, radians
from typing import TYPE_CHECKING

from alertbridge.pictures_canvas import BEST_FIRST, COLOURS, INK, MARGIN, SOFT, WIDTH, WORST_FIRST, Canvas

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_COUNTRY = (94.4, -11.4, 141.6, 6.6)  # west, south, east, north, in degrees
_LEAST_DEGREES = 0.4  # of a region's picture: a single site needs some coast around it
_LAND, _ABROAD, _COAST = "#E4E7EB", "#F3F4F6", "#B9BFC9"
_HIGHEST, _LOWEST = 760, 380
_TITLE, _LEGEND, _LINE, _FOOT = 48, 40, 38, 32
_COLUMN = 160  # of the counts by state
_TALL = 1.7  # a line's height in font sizes


@dataclass(frozen=True, slots=True, kw_only=True)
class Dot:
    """One shape on the map."""

    longitude: float  # degrees east
    latitude: float  # degrees north
    state: str  # up, low, down, unknown
    large: bool = False  # stands for a whole region


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line below the map: who is in trouble."""

    state: str  # empty: a line of words alone
    name: str
    counts: Mapping[str, int] | None = None  # of a region, by state
    note: str = ""  # right of a target: since how long


@dataclass(frozen=True, slots=True, kw_only=True)
class MapView:
    """Everything a map shows."""

    title: str
    dots: Sequence[Dot]
    counts: Mapping[str, int]
    words: Mapping[str, str]  # of each state
    rows: Sequence[Row]
    foot: str  # time, and how old the data is
    warning: str = ""  # why the states cannot be believed now
    zoom: bool = False  # to the dots; False: the whole country


def draw_map(view: MapView) -> bytes:
    """Return the map as PNG, 1280 pixels wide."""
    box = _around(view.dots) if view.zoom and view.dots else _COUNTRY
    stretch = cos(radians((box[1] + box[3]) / 2))  # a degree of longitude is shorter away from the equator
    scale = WIDTH / ((box[2] - box[0]) * stretch)
    map_height = round(min(_HIGHEST, max(_LOWEST, (box[3] - box[1]) * scale)))
    scale = min(scale, map_height / (box[3] - box[1]))
    top = round(MARGIN + _TITLE * _TALL + _LEGEND * _TALL + (_LINE * _TALL if view.warning else 0))
    bottom = top + map_height
    height = round(bottom + MARGIN / 2 + len(view.rows) * _LINE * _TALL + _FOOT * _TALL + MARGIN / 2)
    canvas = Canvas(height)
    middle = ((box[0] + box[2]) / 2, (box[1] + box[3]) / 2)

    def place(longitude: float, latitude: float) -> tuple[float, float]:
        x = WIDTH / 2 + (longitude - middle[0]) * stretch * scale
        return x, top + map_height / 2 - (latitude - middle[1]) * scale

    for name, rings in outline():
        home = name == "Indonesia"
        for ring in rings:
            points = [place(*point) for point in ring]
            xs, ys = [x for x, _ in points], [y for _, y in points]
            if max(xs) < 0 or min(xs) > WIDTH or max(ys) < top or min(ys) > bottom:
                continue
            canvas.polygon(points, fill=_LAND if home else _ABROAD, outline=_COAST if home else None)
    radius = 13.0 if len(view.dots) <= 200 or view.zoom else 9.0 if len(view.dots) <= 2000 else 7.0  # noqa: PLR2004 - by eye
    # Red last: what is down must not hide under what is well.
    for dot in sorted(view.dots, key=lambda d: (not d.large, BEST_FIRST.index(d.state))):
        worse = 1.25 if dot.state == "down" else 1.0
        canvas.mark(place(dot.longitude, dot.latitude), dot.state, radius * worse * (1.5 if dot.large else 1.0))
    canvas.cover((0, 0), (WIDTH, top))
    canvas.cover((0, bottom), (WIDTH, height))
    _head(canvas, view)
    _rows(canvas, view, bottom + MARGIN / 2)
    canvas.text(
        (MARGIN, height - MARGIN / 2), view.foot, size=_FOOT, colour=SOFT, anchor="ls", within=WIDTH - 2 * MARGIN
    )
    return canvas.png()


def _head(canvas: Canvas, view: MapView) -> None:
    canvas.text((MARGIN, MARGIN * 0.8), view.title, size=_TITLE, within=WIDTH - 2 * MARGIN)
    y = MARGIN * 0.8 + _TITLE * _TALL
    counts_line(canvas, (MARGIN, y), view.counts, view.words, size=_LEGEND)
    if view.warning:
        y += _LEGEND * _TALL
        canvas.text((MARGIN, y), view.warning, size=_LINE, colour=COLOURS["down"], within=WIDTH - 2 * MARGIN)


def counts_line(
    canvas: Canvas, at: tuple[float, float], counts: Mapping[str, int], words: Mapping[str, str], *, size: int
) -> None:
    """Write the counts by state, each with its shape: the legend, and what it counts."""
    x, y = at
    for state in WORST_FIRST:
        canvas.mark((x + size * 0.4, y + size * 0.55), state, size * 0.36)
        x += size * 1.1
        text = f"{counts.get(state, 0)} {words[state]}".strip()
        x += canvas.text((x, y), text, size=size, colour=INK if counts.get(state) else SOFT) + size * 0.9


def _rows(canvas: Canvas, view: MapView, top: float) -> None:
    counted = [row.counts for row in view.rows if row.counts is not None]
    columns = [state for state in WORST_FIRST if any(counts.get(state) for counts in counted)]
    for number, row in enumerate(view.rows):
        y = top + number * _LINE * _TALL
        if row.state:
            canvas.mark((MARGIN + _LINE * 0.4, y + _LINE * 0.55), row.state, _LINE * 0.36)
        right = float(WIDTH - MARGIN)
        if row.note:
            right -= canvas.text((right, y), row.note, size=_LINE, colour=SOFT, anchor="ra") + _LINE
        elif row.counts is not None:
            right -= _COLUMN * len(columns)
            for place, state in enumerate(columns):
                if row.counts.get(state):  # below one another, so that the eye compares
                    x = right + _COLUMN * place
                    canvas.mark((x + 20, y + _LINE * 0.55), state, _LINE * 0.36)
                    canvas.text((x + 50, y), str(row.counts[state]), size=_LINE)
        left = MARGIN + _LINE * 1.3
        canvas.text((left, y), row.name, size=_LINE, colour=INK if row.state else SOFT, within=right - left - 12)


def _around(dots: Sequence[Dot]) -> tuple[float, float, float, float]:
    """Return the part of the country that shows all dots, with some space, not narrower than its height bears."""
    longitudes, latitudes = [d.longitude for d in dots], [d.latitude for d in dots]
    west, east, south, north = min(longitudes), max(longitudes), min(latitudes), max(latitudes)
    wide = max((east - west) * 1.25, _LEAST_DEGREES)
    high = max((north - south) * 1.25, wide * _LOWEST / WIDTH)
    x, y = (west + east) / 2, (south + north) / 2
    return x - wide / 2, y - high / 2, x + wide / 2, y + high / 2


@cache
def outline() -> tuple[tuple[str, tuple[tuple[tuple[float, float], ...], ...]], ...]:
    """Return the outer rings of each country: (longitude, latitude) in degrees. Read once."""
    source = files("alertbridge").joinpath("maps", "indonesia-outline.geojson").read_text(encoding="utf-8")
    found = []
    for country in json.loads(source)["features"]:
        geometry = country["geometry"]
        polygons = geometry["coordinates"] if geometry["type"] == "MultiPolygon" else [geometry["coordinates"]]
        rings = tuple(tuple((float(x), float(y)) for x, y in polygon[0]) for polygon in polygons)
        found.append((str(country["properties"].get("name", "")), rings))
    return tuple(sorted(found, key=lambda item: item[0] == "Indonesia"))
