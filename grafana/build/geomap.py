"""The map of Indonesia: an outline that needs no internet, and marker layers drawn from the best state to the worst.

Traps that shape this (docs/decisions/0300): a layer draws the first frame only, so each layer has its own query, chosen
by refId; with several queries the value is called `Value #A`; an empty coordinate would be drawn at 0/0, so the query
leaves it out; `fit` would undo the viewer's zoom at each refresh; `minZoom` sets the maximum up to 12.4.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from grafana.build.palette import GREY, TEXT, state_mappings, thresholds
from grafana.build.panels import Json, override, panel

OUTLINE: Final = "public/maps/indonesia-outline.geojson"
CENTRE: Final = {"lat": -2.2, "lon": 118, "zoom": 4.2}


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """One layer of markers, fed by the query of the same refId."""

    name: str
    ref: str
    symbol: str | None  # circle, triangle, square, x-mark; None: words only
    size: int  # pixels, radius
    opacity: float
    label: str | None = None  # field whose text is written instead, in the theme's own foreground
    font_size: int = 11
    below: int = -16  # pixels from the place down to the middle of the text

    def json(self) -> Json:
        """Return the layer as Grafana wants it."""
        style: Json = {
            "color": {"fixed": TEXT} if self.label else {"field": f"Value #{self.ref}", "fixed": TEXT},
            "opacity": self.opacity,
            "size": {"fixed": self.size, "min": 2, "max": 20},
            "rotation": {"fixed": 0, "mode": "mod", "min": -360, "max": 360},
        }
        if self.symbol:
            style["symbol"] = {"mode": "fixed", "fixed": f"img/icons/marker/{self.symbol}.svg"}
            style["symbolAlign"] = {"horizontal": "center", "vertical": "center"}
        if self.label:
            style["text"] = {"mode": "field", "field": self.label, "fixed": ""}
            style["textConfig"] = {
                "fontSize": self.font_size,
                "offsetX": 0,
                "offsetY": self.below,
                "textAlign": "center",
                "textBaseline": "middle",
            }
        return {
            "type": "markers",
            "name": self.name,
            "filterData": {"id": "byRefId", "options": self.ref},
            "location": {"mode": "coords", "latitude": "latitude", "longitude": "longitude"},
            "tooltip": True,
            "config": {"showLegend": False, "style": style},
        }


def outline(name: str) -> Json:
    """Return the outline as base layer, in a grey that fits dark and light."""
    style: dict[str, Any] = {"color": {"fixed": GREY}, "opacity": 0.25, "lineWidth": 1}
    return {
        "type": "geojson",
        "name": name,
        "tooltip": False,
        "config": {"src": OUTLINE, "rules": [], "style": style},
    }


def geomap(title: str, description: str, targets: list[Json], layers: list[Layer], overrides: list[Json]) -> Json:
    """Return the map panel; the last layer lies on top."""
    field = {
        "unit": "none",
        "mappings": state_mappings(),
        "thresholds": thresholds(TEXT),
        "color": {"mode": "thresholds"},
        "custom": {"hideFrom": {"tooltip": False, "viz": False, "legend": False}},
    }
    return panel(
        "geomap",
        title,
        description,
        targets,
        fieldConfig={"defaults": field, "overrides": overrides},
        options={
            "view": {"id": "coords", **CENTRE, "maxZoom": 14, "allLayers": True, "shared": False, "noRepeat": True},
            "basemap": outline("Indonesia"),
            "layers": [layer.json() for layer in layers],
            "controls": {
                "showZoom": True,
                "mouseWheelZoom": False,
                "showAttribution": False,
                "showScale": False,
                "showMeasure": False,
                "showDebug": False,
            },
            "tooltip": {"mode": "details"},
        },
    )


def not_in_popup(field: str) -> Json:
    """Return the override that leaves a field out of the popup."""
    return override("byName", field, custom_hideFrom={"tooltip": True, "viz": False, "legend": False})
