"""The status page in a real Chromium, over real HTTP on loopback, with a made-up exporter behind it."""

from __future__ import annotations

import shutil
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest_asyncio
from playwright.async_api import async_playwright, expect

from exporter.web.app import create_app
from httpservice.server import running
from httpservice.webconfig import WebConfig
from tests.exporter.web.fakes import FakeActions, FakeView, lively_view

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from playwright.async_api import Browser, Page, Route

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = (
    "--no-sandbox",
    "--headless",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-dev-shm-usage",
)
DESKTOP = {"width": 1366, "height": 768}
PHONE = {"width": 390, "height": 844}
PATHS = ("", "regions", "targets", "target?id=btn-4", "log", "pipeline", "maintenance")
SHOTS = Path(__file__).parent / "shots"  # for the eye; not committed
USERS = WebConfig(users={"ana": "$2b$04$wruvmQ1W4rHbxpHVWW7n4uWDw80I3vDBQkTWLEXN2XSVBEgmfXqie"})  # of "right"


@dataclass(kw_only=True)
class Site:
    """A served status page and what stands behind it."""

    url: str
    view: FakeView
    actions: FakeActions
    users: list[WebConfig] = field(default_factory=list)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    """Start Chromium once per module."""
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield chromium
        await chromium.close()


@asynccontextmanager
async def serving(view: FakeView | None = None, users: WebConfig | None = None) -> AsyncIterator[Site]:
    """Serve the status page of a made-up exporter."""
    view = view or lively_view()
    actions = FakeActions(view=view)
    async with running(
        create_app(view, actions, web_config=lambda: users), listen_address="127.0.0.1:0", web_config=users
    ) as server:
        yield Site(url=server.url, view=view, actions=actions)


@asynccontextmanager
async def opened(browser: Browser, **keys: Any) -> AsyncIterator[Page]:
    """Open a page whose console must stay silent and whose every request stays on loopback."""
    context = await browser.new_context(**{"viewport": DESKTOP, "locale": "en-US", **keys})
    page = await context.new_page()
    said: list[str] = []
    page.on("pageerror", lambda error: said.append(f"error: {error}"))
    page.on("console", lambda message: said.append(f"{message.type}: {message.text}"))
    page.on("request", lambda request: _note_outside(request.url, said))
    try:
        yield page
        assert _complaints(said) == []
    finally:
        await page.unroute_all(behavior="ignoreErrors")  # a poll may be on its way through a route of ours
        await context.close()


def _note_outside(url: str, said: list[str]) -> None:
    if not url.startswith(("http://127.0.0.1:", "https://127.0.0.1:", "data:", "blob:")):
        said.append(f"outside: {url}")


def _complaints(said: list[str]) -> list[str]:
    """Return what the page complained of, without the refusals that a test provokes on purpose."""
    expected = ("net::ERR_CONNECTION_REFUSED", "status of 4", "net::ERR_EMPTY_RESPONSE", "net::ERR_ABORTED")
    return [line for line in said if not any(word in line for word in expected)]


async def map_is_drawn(page: Page) -> None:
    """Wait until the outline and the regions are there."""
    await expect(page.locator("#map .home")).to_have_count(1)
    await expect(page.locator("#map .region").first).to_be_attached()


async def cancel_the_dialog(route: Route) -> None:
    """Show the 401 page as a browser does once its password dialog was cancelled; headless Chromium has none."""
    answer = await route.fetch()
    headers = {name: value for name, value in answer.headers.items() if name != "www-authenticate"}
    await route.fulfill(response=answer, headers=headers)
