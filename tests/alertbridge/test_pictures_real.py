"""Graphs from a real Prometheus that holds the exporter's series of the last hours."""

from __future__ import annotations

import io
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio
from PIL import Image

from alertbridge.errors import PeerError
from alertbridge.peers import client
from alertbridge.pictures import Pictures
from alertbridge.pictures_curves import STEPS, curves
from alertbridge.prometheus import Prometheus
from alertbridge.settings import Language, Peer
from alertbridge.texts import texts
from tests.alertbridge.peers import target_item
from tests.alertbridge.real_prometheus import openmetrics, running_prometheus
from tests.alertbridge.test_real_alertmanager import free_port

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from alertbridge.exporter import Exporter

TARGET = 'jbr-"quoted"\\hub'  # a label value that must be escaped
MINUTES = 180


def past(now: float) -> dict[str, list[tuple[float, float]]]:
    """Return three hours of a target and a region, a sample per 15 s: an outage of a minute, ten minutes of nothing."""
    label = TARGET.replace("\\", "\\\\").replace('"', '\\"')
    moments = [now - MINUTES * 60 + 15 * n for n in range(MINUTES * 4)]
    seen = [at for at in moments if not 1800 <= now - at < 2400]
    rows: dict[str, list[tuple[float, float]]] = {}
    for at in seen:
        down = 1200 <= now - at < 1260
        values = {
            f'vpn_target_rtt_seconds{{target="{label}",region="JBR"}}': None if down else 0.021,
            f'vpn_target_loss_ratio{{target="{label}",region="JBR"}}': 1.0 if down else 0.0,
            f'vpn_target_state_code{{target="{label}",region="JBR"}}': 0 if down else 2,
            'region:vpn_region_rtt_seconds:p50_rate5m{region="JBR"}': 0.02,
            'region:vpn_region_rtt_seconds:p95_rate5m{region="JBR"}': 0.08,
            'region:vpn_target_probe_failures_per_probes:ratio_rate5m{region="JBR"}': 0.01,
            'region:vpn_region_state:code{region="JBR"}': 1 if down else 2,
        }
        for series, value in values.items():
            if value is not None:
                rows.setdefault(series, []).append((at, value))
    return rows


@pytest_asyncio.fixture
async def prometheus(tmp_path: Path) -> AsyncIterator[Prometheus]:
    """Give our client of a running Prometheus with a past."""
    async with running_prometheus(tmp_path, openmetrics(past(time.time()))) as found:
        yield found


async def test_a_graph_shows_what_prometheus_holds(prometheus: Prometheus) -> None:
    """The outage of a minute in an hour, in a day and in a week; nothing where there was nothing; hostile ids."""
    now = datetime.now(UTC)
    hour = await curves(prometheus, TARGET, span="1h", is_region=False, now=now)
    day = await curves(prometheus, TARGET, span="24h", is_region=False, now=now)
    week = await curves(prometheus, TARGET, span="7d", is_region=False, now=now)
    for found in (hour, day, week):
        assert len(found.states) == len(found.rtt_low) == len(found.loss) == STEPS
        assert found.states.count("down") >= 1
        assert max(value for value in found.loss if value is not None) == 1.0
        assert {value for value in found.rtt_low if value is not None} == {0.021}
    down = [index for index, state in enumerate(hour.states) if state == "down"]
    ago = [3600 - index * hour.step_seconds for index in down]
    assert 1150 < min(ago) < max(ago) < 1300
    silent = [state for index, state in enumerate(hour.states) if 1830 < 3600 - index * hour.step_seconds < 2370]
    assert set(silent) == {None}
    assert day.states.count("up") < STEPS / 6
    nobody = await curves(prometheus, "nobody", span="24h", is_region=False, now=now)
    assert set(nobody.states) == {None}
    assert set(nobody.rtt_low) == {None}


async def test_a_regions_graph_reads_the_recorded_series(prometheus: Prometheus) -> None:
    """Median and 95th percentile, and LOW while a part is down."""
    found = await curves(prometheus, "JBR", span="1h", is_region=True, now=datetime.now(UTC))
    assert {value for value in found.rtt_low if value is not None} == {0.02}
    assert {value for value in found.rtt_high if value is not None} == {0.08}
    assert {state for state in found.states if state} == {"up", "low"}


@pytest.mark.parametrize("language", list(Language))
async def test_the_picture_is_a_photo_with_a_caption(
    prometheus: Prometheus, language: Language, tmp_path: Path
) -> None:
    """From the question to the PNG."""
    pictures = Pictures(_no_exporter(), prometheus)
    item = target_item(TARGET, "down", age_seconds=90)
    picture = await pictures.graph(item, texts(language), now=datetime.now(UTC), span="1h")
    (tmp_path / "graph.png").write_bytes(picture.png)
    assert Image.open(io.BytesIO(picture.png)).format == "PNG"
    assert picture.caption.startswith("🔴 <b>DOWN · Jawa Barat · ")


async def test_no_prometheus_is_an_error_not_an_empty_picture() -> None:
    """Somebody who sees an empty graph would think that nothing happened."""
    async with client() as http:
        away = Prometheus(http, lambda: Peer(url=f"http://127.0.0.1:{free_port()}"))
        with pytest.raises(PeerError, match="prometheus cannot be reached"):
            await Pictures(_no_exporter(), away).graph(target_item("a"), texts(Language.EN), now=datetime.now(UTC))


def _no_exporter() -> Exporter:
    """Graphs of an item that is known ask no exporter."""
    return None  # type: ignore[return-value] # it is never called
