"""Writes the targets.yml of the simulated country."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import yaml

from demo.country import regions, sites

if TYPE_CHECKING:
    from pathlib import Path

_HEAD = """\
# The simulated country of `make demo`, written anew at each start: changes made here are lost.
# Coordinates derive from GeoNames, geonames.org, CC BY 4.0.
version: 1
profiles:
  demo: {interval: 2s, timeout: 1s, low_rtt: 300ms, low_jitter: 200ms, down_after_probes: 3}
"""


def targets_text() -> str:
    """Return the file's text; every entry is one flow mapping on one line."""
    lines = [_HEAD + "regions:"]
    lines += [
        _item(id=region, name=province.name, latitude=province.latitude, longitude=province.longitude)
        for region, province in regions()
    ]
    lines.append("targets:")
    for site in sites():
        values: dict[str, object] = {
            "id": site.id,
            "name": site.name,
            "region": site.region,
            "address": site.address,
            "probe": site.probe,
            "kind": site.kind,
            "profile": "demo",
            "provider": site.provider,
            "latitude": site.latitude,
            "longitude": site.longitude,
        }
        if site.gateway:
            values["gateway"] = site.gateway
        lines.append(_item(**values))
    return "\n".join(lines) + "\n"


def write_targets(path: Path) -> None:
    """Write the file atomically."""
    temporary = path.with_suffix(".tmp")
    temporary.write_text(targets_text(), encoding="utf-8")
    os.replace(temporary, path)  # noqa: PTH105 - the same as Path.replace, and says what it is


def _item(**values: object) -> str:
    """Return one list item in flow style."""
    text = yaml.safe_dump(values, default_flow_style=True, sort_keys=False, allow_unicode=True, width=10_000)
    return f"  - {text.strip()}"
