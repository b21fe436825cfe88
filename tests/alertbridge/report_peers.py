"""What tests of reports share: outages of a day, and peers that answer as a test says."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

from alertbridge.errors import PeerError
from alertbridge.reports import Report, Spans, make
from alertbridge.reports_text import Frame, report_text
from alertbridge.settings import Language
from alertbridge.texts import texts
from tests.botapi.markup import parse

NOW = datetime(2026, 11, 25, 7, 0, tzinfo=UTC)
DAY = timedelta(hours=24)


def outage(target: str, start: float, end: float | None, **more: Any) -> dict[str, Any]:
    """Return an item of /api/v1/outages; hours before NOW."""
    at = (NOW - timedelta(hours=hours) if hours is not None else None for hours in (start, end))
    begun, ended = (moment.isoformat() if moment is not None else None for moment in at)
    return {"target": target, "name": f"Site {target}", "start": begun, "end": ended} | more


ITEMS = [
    outage("a", 1, None),  # lasts: an hour so far
    outage("b", 5, 4.5),
    outage("a", 10, 9),
    outage("c", 30, 20),  # 4 h of it within the day
    outage("c", 40, 39),  # the day before
]


class Peer:
    """The exporter and Prometheus as a test says."""

    def __init__(self, *, items: list[dict[str, Any]] | None = None, total: int | None = None) -> None:
        self.items, self.total = items, total
        self.asked: list[str] = []
        self.queries: list[str] = []
        self.ratios: list[float | None] | None = [0.99991, 0.9]
        self.known: float | None = 288.0  # steps of 5 minutes
        self.regions: dict[str, float] = {}

    async def page(self, what: str, *, offset: int, limit: int, since: str, **params: Any) -> dict[str, Any]:
        """Answer as /api/v1/outages, in pages of three."""
        self.asked.append(f"{what} since {since} {params}")
        assert limit == 10_000
        if self.items is None:
            raise PeerError("exporter cannot be reached: ConnectError")
        return {"items": self.items[offset : offset + 3], "total": self.total or len(self.items)}

    async def by_region(self, query: str, *, at: float) -> dict[str, float]:
        """Answer each region's share."""
        self.queries.append(query)
        assert ("sum by (region)" in query, at) == (True, NOW.timestamp())
        if self.ratios is None:
            raise PeerError("prometheus cannot be reached: ConnectError")
        return self.regions

    async def values(self, query: str, *, start: float, step_seconds: float, count: int) -> tuple[float | None, ...]:
        """Answer one value: the newest span's first."""
        assert (step_seconds > 0, count, "[86400s" in query) == (True, 1, True)
        self.queries.append(query)
        if self.ratios is None:
            raise PeerError("prometheus cannot be reached: ConnectError")
        if query.startswith("count_over_time"):
            return (self.known,)
        return (self.ratios[0 if start == NOW.timestamp() else 1],)


def made(peer: Peer, *regions: str) -> Report:
    """Return a day's report."""
    anything: Any = peer
    return asyncio.run(make(anything, anything, Spans.until(NOW, DAY), regions))


def told(peer: Peer, language: Language = Language.EN, *, kind: str = "24h", **frame: Any) -> list[str]:
    """Return a day's report as a reader sees it, line by line."""
    text = report_text(made(peer), Frame(kind=kind, **frame), texts(language))
    return parse(text)[0].splitlines()
