"""Sample pictures for docs/telegram.md, drawn by the code that Telegram's are drawn by, from made-up data.

`python -m tests.alertbridge.picture_samples` writes them anew; look at them then.
"""

from __future__ import annotations

import math
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from alertbridge.pictures import Pictures
from alertbridge.pictures_curves import STEPS, Curves
from alertbridge.settings import Language
from alertbridge.texts import texts

if TYPE_CHECKING:
    from alertbridge.exporter import Exporter
    from alertbridge.prometheus import Prometheus

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "pictures"
NAMES = ("telegram-map.png", "telegram-region.png", "telegram-graph.png")
NOW = datetime(2026, 11, 25, 7, 3, 12, tzinfo=UTC)
# id, name, time zone, longitude, latitude, spread east and north in degrees, sites, DOWN, LOW, UNKNOWN
_REGIONS: tuple[tuple[str, str, str, float, float, float, float, int, int, int, int], ...] = (
    ("BTN", "Banten", "Asia/Jakarta", 106.1, -6.3, 0.25, 0.15, 30, 0, 1, 0),
    ("JBR", "Jawa Barat", "Asia/Jakarta", 107.6, -6.9, 0.45, 0.2, 60, 4, 2, 0),
    ("JTG", "Jawa Tengah", "Asia/Jakarta", 110.2, -7.2, 0.6, 0.2, 48, 0, 0, 0),
    ("JTM", "Jawa Timur", "Asia/Jakarta", 112.6, -7.6, 0.6, 0.25, 52, 1, 2, 0),
    ("BAL", "Bali", "Asia/Makassar", 115.15, -8.42, 0.2, 0.1, 24, 22, 1, 0),
    ("SMU", "Sumatera Utara", "Asia/Jakarta", 98.9, 3.0, 0.4, 0.4, 26, 0, 0, 2),
    ("SMS", "Sumatera Selatan", "Asia/Jakarta", 104.4, -3.2, 0.5, 0.4, 22, 0, 0, 0),
    ("KTM", "Kalimantan Timur", "Asia/Makassar", 116.6, -0.9, 0.3, 0.5, 16, 0, 1, 0),
    ("SLS", "Sulawesi Selatan", "Asia/Makassar", 119.9, -4.6, 0.2, 0.5, 18, 0, 0, 0),
    ("PAP", "Papua", "Asia/Jayapura", 139.5, -3.2, 0.6, 0.4, 9, 0, 0, 0),
)


class _Exporter:
    """Answers as the exporter does."""

    def __init__(self) -> None:
        dice = random.Random(7)  # noqa: S311 - a picture that looks the same each time
        self.region_items, self.target_items = [], []
        for ident, name, zone, x, y, wide, high, sites, down, low, unknown in _REGIONS:
            counts = {"down": down, "low": low, "unknown": unknown, "up": sites - down - low - unknown}
            worst = "down" if down > sites / 2 else "low" if down or low else "up"
            self.region_items.append(
                {"id": ident, "name": name, "timezone": zone, "longitude": x, "latitude": y, "state": worst, **counts}
            )
            for number, state in enumerate(state for state, count in counts.items() for _ in range(count)):
                self.target_items.append(
                    {
                        "id": f"{ident.lower()}-{number}",
                        "name": f"{name} {number + 1}",
                        "region": ident,
                        "longitude": x + dice.gauss(0, wide),
                        "latitude": y + dice.gauss(0, high),
                        "state": state,
                        "state_since": (NOW - timedelta(seconds=754 - 20 * number)).isoformat(),
                    }
                )

    async def page(self, what: str, **_: Any) -> dict[str, Any]:
        """Return the regions."""
        assert what == "regions"
        return _page(self.region_items)

    async def targets(self, *, region: str | None = None, **_: Any) -> dict[str, Any]:
        """Return the targets."""
        return _page([item for item in self.target_items if region in {None, item["region"]}])


def _page(items: list[dict[str, Any]]) -> dict[str, Any]:
    made = (NOW - timedelta(seconds=2)).isoformat()
    return {"generated_at": made, "isolated": False, "impaired": [], "total": len(items), "items": items}


def _curves() -> Curves:
    """Return a day with an outage, a weak hour and half an hour without data."""
    dice = random.Random(3)  # noqa: S311 - as above
    states: list[str | None] = []
    for index in range(STEPS):
        bad = {range(120, 133): "down", range(133, 138): "low", range(220, 238): "low", range(326, STEPS): "down"}
        states.append(next((state for span, state in bad.items() if index in span), "up"))
    states[170:177] = [None] * 7
    low: list[float | None] = []
    for index, state in enumerate(states):
        value = 0.021 + 0.006 * math.sin(index / 45) + dice.random() * 0.003 + (0.035 if 218 < index < 240 else 0)
        low.append(None if state in {None, "down"} else value)
    loss = {"down": 1.0, "low": 0.25, "up": 0.0}
    return Curves(
        span="24h",
        is_region=False,
        start=NOW - timedelta(hours=24),
        step_seconds=86400 / STEPS,
        rtt_low=tuple(low),
        rtt_high=tuple(None if value is None else value * (1.2 + dice.random() / 2) for value in low),
        loss=tuple(None if state is None else loss[state] for state in states),
        states=tuple(states),
    )


async def pictures() -> dict[str, bytes]:
    """Return every sample by its file name."""
    source = _Exporter()
    drawing = Pictures(_as_exporter(source), _no_prometheus())
    bali = next(item for item in source.region_items if item["id"] == "BAL")
    item = {
        "id": "jbr-gt-pasteur-1",
        "name": "GT Pasteur 1",
        "region_name": "Jawa Barat",
        "timezone": "Asia/Jakarta",
        "state": "down",
    }

    async def answered(*_: Any, **__: Any) -> Curves:
        return _curves()

    with patch("alertbridge.pictures.curves", answered):
        graph = await drawing.graph(item, texts(Language.EN), now=NOW)
    return {
        NAMES[0]: (await drawing.map(texts(Language.EN), now=NOW)).png,
        NAMES[1]: (await drawing.map(texts(Language.ID), now=NOW, region=bali)).png,
        NAMES[2]: graph.png,
    }


def _as_exporter(source: Any) -> Exporter:
    exporter: Exporter = source
    return exporter


def _no_prometheus() -> Prometheus:
    nobody: Any = None
    prometheus: Prometheus = nobody
    return prometheus


if __name__ == "__main__":
    import asyncio

    for name, png in asyncio.run(pictures()).items():
        (FOLDER / name).write_bytes(png)
        print(f"docs/pictures/{name}: {len(png)} bytes")
