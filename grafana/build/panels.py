"""Panels of the simple kinds: numbers, curves, words. Tables and the map have files of their own.

Every function returns a panel without id and place; `page.Canvas` gives both. Each takes a title and a description.
"""

from __future__ import annotations

from typing import Any

from grafana.build.palette import BLUE, GREY, NO_VALUE, TEXT, thresholds
from grafana.build.promql import DATASOURCE

Json = dict[str, Any]


def panel(kind: str, title: str, description: str, targets: list[Json], **more: Any) -> Json:
    """Return what every panel with data has."""
    return {
        "type": kind,
        "title": title,
        "description": description,
        "datasource": DATASOURCE,
        "targets": targets,
        **more,
    }


def override(matcher: str, what: str, **properties: Any) -> Json:
    """Return a field override; underscores in property names stand for dots (custom_width -> custom.width)."""
    return {
        "matcher": {"id": matcher, "options": what},
        "properties": [{"id": name.replace("_", "."), "value": value} for name, value in properties.items()],
    }


def defaults(unit: str, no_value: str | None = None, **more: Any) -> Json:
    """Return the field defaults of a panel."""
    found: Json = {
        "unit": unit,
        "mappings": [],
        "thresholds": thresholds(TEXT),
        "color": {"mode": "thresholds"},
        **more,
    }
    if no_value is not None:
        found["noValue"] = no_value
    return found


def stat(
    title: str,
    description: str,
    targets: list[Json],
    *,
    unit: str = "none",
    no_value: str = NO_VALUE,
    background: bool = True,
    overrides: list[Json] | None = None,
    orientation: str = "auto",
    text: str = "auto",
    fields: str = "",
    columns: bool = False,
    size: Json | None = None,
    **field: Any,
) -> Json:
    """Return big numbers, one tile per series. Thresholds, mappings, links and colour come by keyword."""
    options: Json = {
        "reduceOptions": {"values": columns, "calcs": ["lastNotNull"], "fields": fields},
        "orientation": orientation,
        "textMode": text,
        "colorMode": "background_solid" if background else "value",
        "graphMode": "none",
        "justifyMode": "center",
        "wideLayout": True,
        "showPercentChange": False,
    }
    if size:
        options["text"] = size
    return panel(
        "stat",
        title,
        description,
        targets,
        fieldConfig={"defaults": defaults(unit, no_value, **field), "overrides": overrides or []},
        options=options,
    )


def curves(
    title: str,
    description: str,
    targets: list[Json],
    *,
    unit: str,
    overrides: list[Json] | None = None,
    bars: bool = False,
    stacked: bool = False,
    steps: bool = False,
    legend: bool = True,
    fill: int = 8,
    colour: Json | None = None,
    calcs: list[str] | None = None,
    at_least: float | None = None,
    no_value: str | None = None,
    **field: Any,
) -> Json:
    """Return a time series. Gaps stay gaps: a missing sample is never drawn as a line or a zero."""
    custom: Json = {
        "drawStyle": "bars" if bars else "line",
        "lineInterpolation": "stepAfter" if steps else "linear",
        "lineWidth": 1,
        "fillOpacity": 70 if bars else fill,
        "gradientMode": "none",
        "showPoints": "never",
        "spanNulls": False,
        "insertNulls": False,
        "stacking": {"mode": "normal" if stacked else "none", "group": "A"},
        "axisSoftMin": 0,
        "axisBorderShow": False,
        "thresholdsStyle": {"mode": "off"},
    }
    if at_least is not None:  # the axis reaches so far at least: a lone zero needs no scale to 100
        custom["axisSoftMax"] = at_least
    found = defaults(unit, no_value, **field)
    found |= {"custom": custom, "color": colour or {"mode": "palette-classic"}}
    return panel(
        "timeseries",
        title,
        description,
        targets,
        fieldConfig={"defaults": found, "overrides": overrides or []},
        options={
            "legend": {
                "showLegend": legend,
                "displayMode": "table" if calcs else "list",
                "placement": "bottom",
                "calcs": calcs or [],
            },
            "tooltip": {"mode": "multi", "sort": "desc"},
        },
    )


def one_colour(colour: str = BLUE) -> Json:
    """Return the colour mode of a curve that needs no comparison."""
    return {"mode": "fixed", "fixedColor": colour}


def shades(colour: str) -> Json:
    """Return the colour mode of several curves of one kind."""
    return {"mode": "shades", "fixedColor": colour}


def state_timeline(
    title: str, description: str, targets: list[Json], mappings: list[Json], *, per_page: int | None = None
) -> Json:
    """Return bands of states over time. The legend is off: it would list numbers, not words."""
    options: Json = {
        "mergeValues": True,
        "showValue": "auto",
        "alignValue": "left",
        "rowHeight": 0.85,
        "legend": {"showLegend": False, "displayMode": "list", "placement": "bottom"},
        "tooltip": {"mode": "single", "sort": "none"},
    }
    if per_page:
        options["perPage"] = per_page
    field = {
        "mappings": mappings,
        # no colour by thresholds: bands would then be merged by threshold and lose their words
        "color": one_colour(GREY),
        "custom": {"fillOpacity": 85, "lineWidth": 0, "spanNulls": False, "insertNulls": False},
    }
    return panel(
        "state-timeline",
        title,
        description,
        targets,
        fieldConfig={"defaults": field, "overrides": []},
        options=options,
    )


def status_history(
    title: str, description: str, targets: list[Json], *, step: str, per_page: int = 20, **field: Any
) -> Json:
    """Return one cell per series and step, coloured by thresholds. A fine step draws nothing: too many cells."""
    custom = {"fillOpacity": 85, "lineWidth": 1}
    return panel(
        "status-history",
        title,
        description,
        targets,
        fieldConfig={"defaults": defaults(**field) | {"custom": custom}, "overrides": []},
        interval=step,
        options={
            "showValue": "auto",
            "rowHeight": 0.85,
            "colWidth": 0.9,
            "perPage": per_page,
            "legend": {"showLegend": False, "displayMode": "list", "placement": "bottom"},
            "tooltip": {"mode": "single", "sort": "none"},
        },
    )


def words(title: str, markdown: str) -> Json:
    """Return a text panel."""
    return {
        "type": "text",
        "title": title,
        "description": "",
        "options": {"mode": "markdown", "content": markdown},
        "targets": [],
    }
