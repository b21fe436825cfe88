"""Every dashboard in Grafana itself: provisioned by our files, opened in Chromium, on the demo's sites.

Collected only where there is a Grafana (conftest.py); `GRAFANA_HOME=/path pytest tests/grafana/test_in_grafana.py`.
The pictures are left in the folder that GRAFANA_PICTURES names, else in pytest's own.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import requests

from tests.grafana.browsing import chromium, look
from tests.grafana.reading import FILES, load, name
from tests.integration.waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, BrowserContext

    from tests.grafana.world import World

pytestmark = [pytest.mark.privileged, pytest.mark.timeout(300)]

GRAFANA = "http://127.0.0.1:3000"


@pytest.fixture(scope="module")
def password(world: World) -> str:
    """Grafana runs in the namespace, with its first password."""
    data = world.folder / "grafana"
    world.run("grafana", sys.executable, "-m", "grafana.serve", "--data", str(data))

    def healthy() -> bool:
        try:
            return world.space.call(requests.get, f"{GRAFANA}/api/health", timeout=2).ok
        except requests.ConnectionError:
            return False

    until(healthy, "Grafana answers", seconds=120)
    return (data / "admin_password").read_text(encoding="utf-8").strip()


@pytest.fixture(scope="module")
def browser(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Chromium in the namespace."""
    with chromium(world.space, tmp_path_factory.mktemp("chromium")) as found:
        yield found


@pytest.fixture(params=["dark", "light"])
def visitor(browser: Browser, password: str, request: pytest.FixtureRequest) -> Iterator[BrowserContext]:
    """A browser that is logged in; the theme follows its scheme."""
    context = browser.new_context(color_scheme=request.param, timezone_id="Asia/Jakarta")
    answer = context.request.post(f"{GRAFANA}/login", data={"user": "admin", "password": password})
    assert answer.ok
    yield context
    context.close()


@pytest.mark.parametrize("path", FILES, ids=name)
def test_every_panel_is_drawn_without_an_error(visitor: BrowserContext, path: Path, tmp_path: Path) -> None:
    """The page is there, every panel comes to rest, none complains, nothing is asked of the internet."""
    dashboard = load(path)
    folder = Path(os.environ.get("GRAFANA_PICTURES", tmp_path))
    complaints = look(
        visitor.new_page(),
        f"{GRAFANA}/d/{dashboard['uid']}",
        panels=sum(panel["type"] != "row" for panel in dashboard["panels"]),
        rows=max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in dashboard["panels"]),
        picture=folder / f"{path.parent.name}-{path.stem}.png",
    )
    assert complaints == []


def test_who_is_not_logged_in_sees_no_dashboard(world: World, password: str) -> None:
    """No anonymous access: the API refuses, the home page is the login."""
    assert password
    answer = world.space.call(requests.get, f"{GRAFANA}/api/dashboards/uid/vpn-map", timeout=5)
    assert answer.status_code == requests.codes.unauthorized
    assert "/login" in world.space.call(requests.get, f"{GRAFANA}/", timeout=5).url
