"""What Prometheus gets: parts, content type, gzip for others only, service discovery."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

    from tests.exporter.web.fakes import FakeView

GZIP = {"Accept-Encoding": "gzip"}


async def test_everything_without_a_part(client: httpx.AsyncClient) -> None:
    """The plain /metrics of every exporter."""
    answer = await client.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    for name in ("vpn_target_state_code", "vpn_target_state", "vpn_target_info", "vpn_build_info"):
        assert f"# TYPE {name} gauge" in answer.text


@pytest.mark.parametrize(
    ("query", "there", "absent"),
    [
        ("collect[]=state", ["vpn_target_state_code"], ["vpn_target_info", "vpn_target_probes_total", "vpn_engine_"]),
        ("collect[]=probes&collect[]=info", ["vpn_target_probes_total", "vpn_target_info"], ["vpn_target_state_code"]),
        ("collect%5B%5D=engine", ["vpn_engine_targets"], ["vpn_target_"]),
        ("collect[]=state&collect[]=state", ["vpn_target_state_code"], ["vpn_target_info"]),
    ],
)
async def test_parts(client: httpx.AsyncClient, query: str, there: list[str], absent: list[str]) -> None:
    """Each job scrapes what it needs; a part asked for twice is there once."""
    text = (await client.get(f"/metrics?{query}")).text
    assert [name for name in there if f"\n# TYPE {name}" not in f"\n{text}"] == []
    assert [name for name in absent if name in text and f"# TYPE {name}" in text] == []
    assert text.count("# TYPE vpn_target_state_code") <= 1


async def test_an_unknown_part_is_a_400(client: httpx.AsyncClient) -> None:
    """A mistyped part must not look like an exporter without targets."""
    answer = await client.get("/metrics?collect[]=stat")
    assert answer.status_code == 400
    assert answer.text == "collect[]: 'stat' is no part of the metrics; use state, probes, info, engine\n"


async def test_gzip_for_other_machines_only(connect: Callable[..., httpx.AsyncClient]) -> None:
    """Over loopback compression costs more than it saves."""
    near = await connect("127.0.0.1").get("/metrics", headers=GZIP)
    assert "content-encoding" not in near.headers
    async with connect("10.1.2.3") as client, client.stream("GET", "/metrics", headers=GZIP) as far:
        assert far.headers["content-encoding"] == "gzip"
        raw = b"".join([piece async for piece in far.aiter_raw()])
    assert b"vpn_target_state_code" in gzip.decompress(raw)


async def test_service_discovery(client: httpx.AsyncClient) -> None:
    """http_sd: an address per target, with labels; meta labels vanish after relabelling."""
    found = {entry["labels"]["target"]: entry for entry in (await client.get("/sd")).json()}
    assert len(found) == 10
    assert found["jbr-2"] == {
        "targets": ["10.20.2.11"],
        "labels": {
            "target": "jbr-2",
            "region": "JBR",
            "__meta_vpn_target": "jbr-2",
            "__meta_vpn_region": "JBR",
            "__meta_vpn_name": "GT Pasteur 1",
            "__meta_vpn_kind": "toll-gate",
            "__meta_vpn_probe": "icmp",
            "__meta_vpn_profile": "fiber",
            "__meta_vpn_gateway": "jbr-1",
            "__meta_vpn_role": "site",
            "__meta_vpn_latitude": "-6.889",
            "__meta_vpn_longitude": "107.575",
        },
    }


async def test_health_says_why_it_is_not_ready(client: httpx.AsyncClient, view: FakeView) -> None:
    """Alive while not ready."""
    view.why_not_ready = "no probing process is running"
    assert (await client.get("/-/healthy")).status_code == 200
    answer = await client.get("/-/ready")
    assert (answer.status_code, answer.text) == (503, "not ready: no probing process is running\n")
