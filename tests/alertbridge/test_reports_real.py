"""The numbers of reports from a real Prometheus that holds the rules' series of some days, and from a real exporter."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from alertbridge.errors import PeerError
from alertbridge.exporter import Exporter
from alertbridge.peers import client
from alertbridge.reports import SPANS, Spans, make
from alertbridge.settings import Peer, Secret
from tests.alertbridge.real_prometheus import openmetrics, running_prometheus
from tests.alertbridge.test_bot_real_exporter import PASSWORD, running_exporter

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from alertbridge.prometheus import Prometheus

MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0
JUDGED = {"JBR": 10.0, 'B"T.N': 30.0}  # targets per region; the second id must be escaped
STEP = 150.0  # of the samples: a rule that is slower than ours


class NoOutages:
    """An exporter whose journal is empty."""

    async def page(self, *_: Any, **__: Any) -> dict[str, Any]:
        """Answer as /api/v1/outages."""
        return {"items": [], "total": 0}


class Silent:
    """A Prometheus that does not answer."""

    async def values(self, *_: Any, **__: Any) -> tuple[float | None, ...]:
        """Fail."""
        raise PeerError("prometheus cannot be reached")

    by_region = values


def past(now: float) -> str:
    """Return 9 days: in JBR one of ten was down for the last 12 h, two of ten three days ago; no data for six hours.

    The other region was always up; before the 9 days there is nothing.
    """

    def samples(region: str, *, judged: bool) -> list[tuple[float, float]]:
        found = []
        for n in range(int(9 * DAY / STEP), 0, -1):
            at = now - n * STEP
            ago = now - at
            if 15 * HOUR <= ago < 21 * HOUR:
                continue
            value = JUDGED[region]
            if region == "JBR" and not judged:
                value -= 1.0 if ago <= 12 * HOUR else 2.0 if 3 * DAY <= ago < 4 * DAY else 0.0
            found.append((at, value))
        return found

    series = {}
    for region in JUDGED:
        label = region.replace('"', '\\"')
        series[f'region:vpn_target_available:avg5m{{region="{label}"}}'] = samples(region, judged=False)
    for region in JUDGED:
        label = region.replace('"', '\\"')
        series[f'region:vpn_target_judged:avg5m{{region="{label}"}}'] = samples(region, judged=True)
    return openmetrics(series)


@pytest_asyncio.fixture
async def prometheus(tmp_path: Path) -> AsyncIterator[tuple[Prometheus, datetime]]:
    """Give our client of a Prometheus with a past, and the moment at which that ends."""
    now = time.time() // HOUR * HOUR - HOUR
    async with running_prometheus(tmp_path, past(now)) as found:
        yield found, datetime.fromtimestamp(now, tz=UTC)


async def test_availability_of_a_day_a_week_and_a_month(prometheus: tuple[Prometheus, datetime]) -> None:
    """Of the time that was judged, of all regions or of some; what was recorded for a part only is said to be so."""
    asked, now = prometheus
    exporter: Any = NoOutages()

    async def found(key: str, *regions: str) -> tuple[float | None, float | None, float | None]:
        report = await make(exporter, asked, Spans.until(now, SPANS[key]), regions)
        assert report.unanswered == ()
        ratios = (report.availability, report.availability_before, report.known_ratio)
        rounded = tuple(None if ratio is None else round(ratio, 2) for ratio in ratios)
        lowest = {region: round(ratio, 2) for region, ratio in report.lowest}
        assert lowest == ({} if len(regions) == 1 else {"JBR": 0.93, 'B"T.N': 1.0})
        return rounded[0], rounded[1], rounded[2]

    def about(*ratios: float) -> Any:
        return pytest.approx(ratios, abs=0.015)  # of known time: a value holds for five minutes

    # 12 of the 18 hours that were recorded one of ten was down: 120 target hours of 180 had 10 % less.
    assert await found("24h", "JBR") == about(0.93, 1.0, 0.75)
    assert await found("24h", 'B"T.N') == about(1.0, 1.0, 0.75)
    assert await found("24h") == await found("24h", *JUDGED)
    assert await found("24h") == about(0.98, 1.0, 0.75)
    # A day of two in ten and half a day of one in ten, of six and three quarters.
    assert await found("7d", "JBR") == about(0.96, 1.0, 0.96)
    assert await found("30d", "JBR") == (0.97, None, 0.29)
    assert await found("24h", "NOWHERE") == (None, None, None)
    long_ago = await make(exporter, asked, Spans.until(now - timedelta(days=8), SPANS["7d"]))
    assert long_ago.availability == 1.0
    assert long_ago.known_ratio is not None
    assert 0.1 < long_ago.known_ratio < 0.2
    assert long_ago.availability_before is None


async def test_outages_of_a_real_exporter(tmp_path: Path) -> None:
    """One that lasts, of all regions, of its own, and none of another; the link's own name and its part of the span."""
    no_prometheus: Any = Silent()
    async with running_exporter(tmp_path) as url, client() as http:
        exporter = Exporter(http, lambda: Peer(url=url, username="bridge", password=Secret(PASSWORD)))
        began, deadline = datetime.now(UTC), asyncio.get_running_loop().time() + 30
        while not (await exporter.page("outages"))["items"]:
            assert asyncio.get_running_loop().time() < deadline, "no outage came"
            await asyncio.sleep(0.1)
        spans = Spans.until(datetime.now(UTC), SPANS["24h"])
        for regions, expected in (((), 1), (("JBR",), 1), (("JBR", "BTN"), 1), (("BTN",), 0), (("BTN", "X"), 0)):
            report = await make(exporter, no_prometheus, spans, regions)
            assert report.unanswered == ("prometheus",)
            assert report.outages is not None
            assert report.outages.count == expected, regions
            assert [trouble.name for trouble in report.outages.worst] == ["Hub"] * expected
            assert report.outages.lost_seconds <= (spans.end - began).total_seconds() + 60
