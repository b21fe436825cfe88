"""What the page of a target and the JSON API say of tunnels."""

from __future__ import annotations

from dataclasses import replace

import httpx
import pytest

from exporter.vpn.facts import Finding, TunnelFact, TunnelReport
from exporter.web.app import create_app
from exporter.web.texts import TEXTS
from tests.exporter.vpn.rows import NOW
from tests.exporter.web.fakes import FakeActions, FakeView
from tests.exporter.web.sample import INVENTORY

FACT = TunnelFact(
    kind="openvpn",
    peer="<b>bandung</b>",
    up=True,
    finding=Finding.CONNECTED,
    handshake_at=NOW,
    received_bytes=5,
    sent_bytes=None,
    endpoint="198.51.100.7:1194",
)


@pytest.fixture
def view() -> FakeView:
    """A country whose hub jbr-1 has a tunnel; jbr-2 is behind it."""
    view = FakeView()
    targets = tuple(
        replace(target, tunnel="openvpn:<b>bandung</b>") if target.id == "jbr-1" else target
        for target in INVENTORY.targets
    )
    view.use(replace(INVENTORY, targets=targets))
    view.tunnels = TunnelReport(facts={"jbr-1": FACT})
    return view


async def _get(view: FakeView, path: str, language: str = "en") -> httpx.Response:
    app = create_app(view, FakeActions(view=view), web_config=lambda: None)
    transport = httpx.ASGITransport(app=app, client=("127.0.0.1", 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        return await client.get(path, headers={"Accept-Language": language})


async def test_the_api_tells_a_targets_own_tunnel(view: FakeView) -> None:
    """Moments in RFC 3339, what is not known is null; sites behind the hub have none of their own."""
    items = {item["id"]: item for item in (await _get(view, "/api/v1/targets")).json()["items"]}
    assert items["jbr-1"]["tunnel"] == {
        "kind": "openvpn",
        "peer": "<b>bandung</b>",
        "up": True,
        "finding": "connected",
        "handshake_at": "2026-11-25T01:57:52.000Z",
        "endpoint": "198.51.100.7:1194",
        "received_bytes": 5,
        "sent_bytes": None,
    }
    assert items["jbr-2"]["tunnel"] is None


async def test_the_page_of_a_hub_shows_its_tunnel(view: FakeView) -> None:
    """In words, with the region's own time; a hostile common name stays text."""
    text = (await _get(view, "/target?id=jbr-1")).text
    assert "<dt>VPN tunnel</dt><dd>connected <small>handshake 08:57:52 WIB</small>" in text
    assert "openvpn:&lt;b&gt;bandung&lt;/b&gt;" in text
    assert "<b>bandung" not in text


async def test_the_page_of_a_site_shows_the_tunnel_it_is_behind(view: FakeView) -> None:
    """Through which hub; in Indonesian where the browser asks for it."""
    text = (await _get(view, "/target?id=jbr-2", "id")).text
    assert "<dt>Terowongan VPN</dt><dd>tersambung" in text
    assert 'lewat <a href="target?id=jbr-1">jbr-1</a>' in text


async def test_a_target_without_a_tunnel_has_no_such_line(view: FakeView) -> None:
    assert "VPN tunnel</dt>" not in (await _get(view, "/target?id=bal-7")).text


def test_every_finding_has_words_and_no_words_are_left_over() -> None:
    words = {key.removeprefix("tunnel_") for key in TEXTS if key.startswith("tunnel_")}
    assert words == {finding.value for finding in Finding}
