"""The status page below /status of the real Caddy: every link, poll, download and action keeps to the prefix."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
from playwright.async_api import expect

from tests.browser.conftest import USERS, serving
from tests.browser.proxy import caddy

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from playwright.async_api import Browser, Page, Response

    from tests.exporter.web.fakes import FakeActions

pytestmark = pytest.mark.asyncio(loop_scope="module")


@asynccontextmanager
async def _visiting(browser: Browser, folder: Path) -> AsyncIterator[tuple[Page, str, FakeActions, list[Response]]]:
    """Open a page that is logged in behind the proxy; yields it, the prefix, the actions and every answer it got."""
    async with serving(users=USERS) as site:
        running = caddy(folder, site.url.removeprefix("http://"))
        base = await asyncio.to_thread(running.__enter__)
        context = await browser.new_context(
            ignore_https_errors=True, locale="en-US", http_credentials={"username": "ana", "password": "right"}
        )
        page = await context.new_page()
        answers: list[Response] = []
        page.on("response", lambda answer: answers.append(answer))  # noqa: PLW0108 - playwright marks it: no builtin
        try:
            yield page, base, site.actions, answers
        finally:
            await context.close()
            await asyncio.to_thread(running.__exit__, None, None, None)


async def test_every_page_and_file_is_found_below_the_prefix(browser: Browser, tmp_path: Path) -> None:
    """The menu, a target, the log's download, the map's files and the polls: nothing leaves /status/, all are 200."""
    async with _visiting(browser, tmp_path) as (page, base, _, answers):
        await page.goto(base)
        await expect(page.locator("#map .region").first).to_be_attached()
        for name in ("Regions", "Targets", "Ping log", "Pipeline", "Maintenance", "Map"):
            await page.get_by_role("navigation").get_by_role("link", name=name, exact=True).click()
            await expect(page.locator('[aria-current="page"]')).to_have_text(name)
            assert page.url.startswith(base)
        async with page.expect_response(lambda answer: "live=1" in answer.url) as poll:
            await page.evaluate("window.dispatchEvent(new Event('online'))")
        assert (await poll.value).url.startswith(base)
        await page.locator(".problems .list a").first.click()
        await expect(page.locator("h1")).to_be_visible()
        await page.goto(f"{base}log")
        async with page.expect_download() as download:
            await page.get_by_role("link", name="CSV").click()
        assert (await download.value).url.startswith(f"{base}log.csv")
        seen = [(answer.url, answer.status) for answer in answers if answer.status != 401]  # before the login
        assert [one for one in seen if not one[0].startswith(base) or one[1] != 200] == []


async def test_actions_work_and_are_known_by_their_user(
    browser: Browser, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A restart through the proxy is of the same origin, and the log says who asked."""
    caplog.set_level("INFO")
    async with _visiting(browser, tmp_path) as (page, base, actions, _):
        await page.goto(f"{base}maintenance")
        await page.get_by_text("Restart engine").click()
        await page.get_by_role("button", name="Yes, restart now").click()
        await expect(page.locator("#restart-result")).to_have_text("The engine is being restarted.")
        assert actions.asked == ["restart"]
    events = [record.msg for record in caplog.records if isinstance(record.msg, dict)]
    assert [event["user"] for event in events if event["event"] == "action"] == ["ana"]
