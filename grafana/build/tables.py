"""Tables: columns said one by one; several queries are merged on the columns they share."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from grafana.build.palette import TEXT, thresholds
from grafana.build.panels import Json, override, panel


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column. What Grafana calls the field: a label, `Value` of a lone query, `Value #B` of the second."""

    field: str
    title: str
    width: int | None = None  # pixels; coloured columns need one, else their text is cut
    min_width: int | None = None  # pixels; for columns that share what is left
    unit: str | None = None
    decimals: int | None = None
    mappings: list[Json] = dataclasses.field(default_factory=list)
    thresholds: Json | None = None
    cell: str | None = None  # color-background, color-text; None: plain
    links: list[Json] = dataclasses.field(default_factory=list)
    align: str | None = None
    no_value: str = ""  # shown where the cell is empty
    wrap: bool = False  # long words go on in a second line instead of being cut
    hidden: bool = False  # kept for links, not shown

    def override(self) -> Json:
        """Return the override of this column."""
        # noValue always: else an empty cell shows the sentence that is meant for an empty table
        properties: Json = {"displayName": self.title, "noValue": self.no_value}
        optional: Json = {
            "custom_width": self.width,
            "custom_minWidth": self.min_width,
            "unit": self.unit,
            "decimals": self.decimals,
            "mappings": self.mappings or None,
            "thresholds": self.thresholds,
            "custom_cellOptions": self._cell(),
            "links": self.links or None,
            "custom_align": self.align,
            "custom_hidden": self.hidden or None,
        }
        properties |= {name: value for name, value in optional.items() if value is not None}
        return override("byName", self.field, **properties)

    def _cell(self) -> Json | None:
        """Return how the cell is drawn, where that is not the usual way."""
        if self.wrap:
            return {"type": "auto", "wrapText": True}
        return {"type": self.cell, "mode": "basic"} if self.cell else None


def table_panel(
    title: str,
    description: str,
    targets: list[Json],
    columns: list[Column],
    *,
    empty: str,
    sort: tuple[str, bool] | None = None,
    then: tuple[str, bool] | None = None,
    filters: bool = False,
    paged: bool = True,
    keep: tuple[str, ...] = (),
    dropped: tuple[str, ...] = (),
    transformations: list[Json] | None = None,
) -> Json:
    """Return a table. `sort` is (title of a column, descending), `then` decides between equal rows.

    `dropped` fields are taken away beside Time.

    `empty` is shown instead of the rows when there are none: it must not claim health where data may be missing.
    """
    steps: list[Json] = [{"id": "merge", "options": {}}] if len(targets) > 1 else []
    steps += transformations or []
    excluded = {name: True for name in ("Time", "__name__", *dropped) if name not in keep}
    order = {column.field: index for index, column in enumerate(columns)}
    steps.append({"id": "organize", "options": {"excludeByName": excluded, "indexByName": order, "renameByName": {}}})
    options: dict[str, Any] = {
        "showHeader": True,
        "cellHeight": "sm",
        "enablePagination": paged,
        "footer": {"show": False, "reducer": ["sum"], "fields": "", "enablePagination": paged},
        "sortBy": [{"displayName": title, "desc": descending} for title, descending in filter(None, (sort, then))],
    }
    defaults = {
        "unit": "none",
        "mappings": [],
        "thresholds": thresholds(TEXT),
        "color": {"mode": "thresholds"},
        "noValue": empty,
        "custom": {
            "align": "auto",
            "minWidth": 60,
            "filterable": filters,
            "cellOptions": {"type": "auto"},
            "inspect": False,
        },
    }
    return panel(
        "table",
        title,
        description,
        targets,
        fieldConfig={"defaults": defaults, "overrides": [column.override() for column in columns]},
        options=options,
        transformations=steps,
    )
