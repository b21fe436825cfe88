"""Reads the committed dashboards: their panels, queries, links, and the metrics a query names."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "grafana" / "dashboards"
FILES = sorted(FOLDER.glob("*/*.json"))

Json = dict[str, Any]


def load(path: Path) -> Json:
    """Return one dashboard."""
    found: Json = json.loads(path.read_text(encoding="utf-8"))
    return found


def name(path: Path) -> str:
    """Return the id of a test case: language/file."""
    return f"{path.parent.name}/{path.stem}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """One query of one panel."""

    page: str  # uid
    panel: Json
    ref: str
    expr: str
    instant: bool
    table: bool

    @property
    def title(self) -> str:
        """The id of a test case."""
        return f"{self.page}/{self.panel['title']}/{self.ref}"


def data_panels(dashboard: Json) -> list[Json]:
    """Return the panels that show data."""
    return [panel for panel in dashboard["panels"] if panel["type"] not in {"row", "text"}]


def queries(dashboard: Json) -> list[Query]:
    """Return every query of every panel."""
    return [
        Query(
            page=dashboard["uid"],
            panel=panel,
            ref=target["refId"],
            expr=target["expr"],
            instant=target["instant"],
            table=target["format"] == "table",
        )
        for panel in data_panels(dashboard)
        for target in panel["targets"]
    ]


def expressions(dashboard: Json) -> list[str]:
    """Return every expression: of panels, annotations and variables."""
    found = [query.expr for query in queries(dashboard)]
    found += [mark["target"]["expr"] for mark in dashboard["annotations"]["list"]]
    found += [item["query"]["query"] for item in dashboard["templating"]["list"] if item["type"] == "query"]
    return found


def metrics(expr: str) -> set[str]:
    """Return the names of metrics and recordings that an expression reads."""
    bare = re.sub(r'"[^"]*"', '""', expr)  # label values
    bare = re.sub(r"\{[^}]*\}|\[[^]]*\]", "", bare)  # matchers and windows
    bare = re.sub(r"\b(by|on|group_left|without|ignoring)\s*\([^)]*\)", "", bare)
    return {
        word for word in re.findall(r"[a-zA-Z_:][\w:]*", bare) if "_" in word or word in {"up", "ALERTS"}
    } - FUNCTIONS


FUNCTIONS = {
    "count_values",
    "histogram_quantile",
    "label_replace",
    "label_values",
    "query_result",
    "last_over_time",
    "sort_desc",
    "sum_over_time",
    "__interval",
}


def strings(value: object) -> Iterator[str]:
    """Yield every string of a JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from strings(inner)


def fields(value: object, key: str) -> Iterator[Any]:
    """Yield what stands under a key anywhere in a JSON value."""
    if isinstance(value, dict):
        for name_, inner in value.items():
            if name_ == key:
                yield inner
            yield from fields(inner, key)
    elif isinstance(value, list):
        for inner in value:
            yield from fields(inner, key)
