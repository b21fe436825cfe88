"""A whole dashboard: its head, variables, annotations, and panels with their ids and places on the grid."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from grafana.build.navigation import menu
from grafana.build.palette import BLUE, RED
from grafana.build.promql import DATASOURCE, IN_TARGET

if TYPE_CHECKING:
    from grafana.build.language import Language
    from grafana.build.navigation import Page
    from grafana.build.panels import Json

SCHEMA_VERSION: Final = 41  # Grafana 11.6's; newer servers migrate it on load
COLUMNS: Final = 24
TAG: Final = "vpn"


class Canvas:
    """Collects panels; ids count up in reading order, so links to a panel stay valid while the order does."""

    def __init__(self) -> None:
        self.panels: list[Json] = []

    def place(self, panel: Json, *, x: int, y: int, w: int, h: int) -> None:
        """Put a panel on the grid of 24 columns; a row is 30 pixels high."""
        identity: Json = {"id": len(self.panels) + 1, "gridPos": {"x": x, "y": y, "w": w, "h": h}}
        self.panels.append(identity | panel)

    def row(self, title: str, *, y: int) -> None:
        """Put a heading over what follows."""
        self.place({"type": "row", "title": title, "collapsed": False, "panels": []}, x=0, y=y, w=COLUMNS, h=1)


def dashboard(
    page: Page,
    say: Language,
    canvas: Canvas,
    *,
    variables: list[Json],
    description: str,
    since: str = "now-1h",
    annotations: list[Json] | None = None,
) -> Json:
    """Return the dashboard as Grafana's classic JSON."""
    return {
        "uid": f"{page.uid}{say.suffix}",
        "title": page.name(say),
        "description": description,
        "tags": [TAG, say.code],
        "schemaVersion": SCHEMA_VERSION,
        "version": 1,
        "editable": False,
        "graphTooltip": 1,
        "refresh": "5s",
        "time": {"from": since, "to": "now"},
        "timezone": "browser",
        "timepicker": {"refresh_intervals": ["5s", "10s", "30s", "1m", "5m"]},
        "weekStart": "",
        "fiscalYearStartMonth": 0,
        "links": menu(say),
        "templating": {"list": [_data_source(say), *variables]},
        "annotations": {"list": annotations or []},
        "panels": canvas.panels,
    }


def _data_source(say: Language) -> Json:
    """Return the variable of the data source: hidden, there for those who import a page elsewhere."""
    return {
        "type": "datasource",
        "name": "datasource",
        "label": say("Data source", "Sumber data"),
        "query": "prometheus",
        "regex": "",
        "current": {"text": "Prometheus", "value": "prometheus"},
        "hide": 2,
        "refresh": 1,
        "includeAll": False,
        "multi": False,
        "options": [],
    }


def choose_region(say: Language) -> Json:
    """Return the variable `region`: any number of regions."""
    label = say("Region", "Wilayah")
    return _from_labels("region", label, "label_values(vpn_target_state_code, region)")


def choose_target(say: Language, *, several: bool = True) -> Json:
    """Return the variable `target`: the targets of the chosen regions."""
    query = 'label_values(vpn_target_state_code{region=~"$region"}, target)'
    return _from_labels("target", say("Target", "Alat"), query, several=several)


def choose_kind(say: Language) -> Json:
    """Return the variable `kind`: the kind of device."""
    return _from_labels("kind", say("Kind", "Jenis"), "label_values(vpn_target_info, kind)")


def choose_state(say: Language) -> Json:
    """Return the variable `state`: a comparison that is put behind the state code."""
    names = {
        say("All", "Semua"): ">= 0",
        say("Problems", "Bermasalah"): "!= 2",
        "DOWN": "== 0",
        "LOW": "== 1",
        "UP": "== 2",
        "UNKNOWN": "== 3",
    }
    first = next(iter(names))
    return {
        "type": "custom",
        "name": "state",
        "label": say("State", "Status"),
        "query": ", ".join(f"{name} : {value}" for name, value in names.items()),
        "options": [{"text": name, "value": value, "selected": name == first} for name, value in names.items()],
        "current": {"text": first, "value": names[first], "selected": True},
        "includeAll": False,
        "multi": False,
        "hide": 0,
        "skipUrlSync": False,
    }


def search_box(say: Language) -> Json:
    """Return the variable `search`: a part of the name, any case."""
    empty: dict[str, Any] = {"text": "", "value": ""}
    return {
        "type": "textbox",
        "name": "search",
        "label": say("Search name", "Cari nama"),
        "query": "",
        "current": empty,
        "options": [empty | {"selected": True}],
        "hide": 0,
        "skipUrlSync": False,
    }


def from_query(name: str, label: str, query: str, *, regex: str) -> Json:
    """Return a hidden variable that stands for all values that a query's answer has; none where it has none."""
    found = _from_labels(name, label, query)
    del found["allValue"]  # the values themselves, not everything
    return found | {"regex": regex, "hide": 2, "skipUrlSync": True}


def _from_labels(name: str, label: str, query: str, *, several: bool = True) -> Json:
    """Return a variable that lists a label's values, looked up again when the time range changes."""
    found: Json = {
        "type": "query",
        "name": name,
        "label": label,
        "datasource": DATASOURCE,
        "definition": query,
        "query": {"query": query, "refId": f"variable-{name}"},
        "refresh": 2,
        "regex": "",
        "sort": 1,
        "includeAll": several,
        "multi": several,
        "hide": 0,
        "skipUrlSync": False,
        "options": [],
        "current": {},
    }
    if several:
        found |= {"allValue": ".*", "current": {"text": "All", "value": "$__all"}}
    return found


def alert_marks(say: Language) -> Json:
    """Return the annotation that marks firing alerts of the chosen targets."""
    return {
        "name": say("Alerts", "Peringatan"),
        "datasource": DATASOURCE,
        "enable": True,
        "hide": False,
        "iconColor": RED,
        "target": {
            "refId": "alerts",
            "expr": f'ALERTS{{alertstate="firing",{IN_TARGET}}}',
            "interval": "30s",
            "datasource": DATASOURCE,
        },
        "titleFormat": "{{alertname}}",
        "textFormat": "{{target}}",
        "tagKeys": "region,severity",
    }


def change_marks(say: Language) -> Json:
    """Return the annotation that marks each change of state where it happened, however coarse the step.

    Off until somebody wants it: on short ranges the bands of states say the same more calmly.
    """
    return {
        "name": say("Changes", "Perubahan"),
        "datasource": DATASOURCE,
        "enable": False,
        "hide": False,
        "iconColor": BLUE,
        "useValueForTime": True,
        "target": {
            "refId": "changes",
            "expr": f"max by (region, target) (vpn_target_state_timestamp_seconds{{{IN_TARGET}}}) * 1000",
            "interval": "5s",
            "datasource": DATASOURCE,
        },
        "titleFormat": say("State changed", "Status berubah"),
        "textFormat": "{{target}}",
        "tagKeys": "region",
    }
