"""Asks Prometheus a panel's query as Grafana does: variables and intervals filled in, instant or over a range."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from typing import Any

import requests

# Grafana's values in a test that lives for seconds: short windows, so that they are filled.
INTERVALS = {"$__rate_interval": "4s", "$__interval": "1s", "$__range": "1m"}
VARIABLES = {"$region": ".*", "$target": ".*", "$state": ">= 0", "$kind": ".*", "$search": "", "$worst": ".*"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One series of an answer."""

    labels: dict[str, str]
    value: float  # the newest


def fill(expr: str, variables: dict[str, str]) -> str:
    """Return an expression with variables and intervals filled in as Grafana does."""
    for name, value in (INTERVALS | VARIABLES | variables).items():
        expr = expr.replace(name, value)
    return re.sub(r"\[\w+:\w+\]", "[1m:1s]", expr)


def ask_text(url: str, expr: str, *, instant: bool = True, at: float | None = None) -> list[Row]:
    """Return the rows of an expression; `at` is the moment (UTC seconds), for answers that must fit each other.

    Raises:
        AssertionError: Prometheus refuses the expression; the text is its reason.
    """
    now = at or time.time()
    parameters: dict[str, Any] = {"query": expr}
    if instant:
        parameters["time"] = now
    else:
        parameters |= {"start": now - 10, "end": now, "step": 1}
    kind = "query" if instant else "query_range"
    answer = requests.post(f"{url}/api/v1/{kind}", data=parameters, timeout=10).json()
    assert answer["status"] == "success", f"{answer.get('error')}: {expr}"
    data = answer["data"]
    if data["resultType"] == "scalar":
        return [Row(labels={}, value=float(data["result"][1]))]
    return [
        Row(labels=series["metric"], value=float((series["value"] if instant else series["values"][-1])[1]))
        for series in data["result"]
    ]
