"""Opens a dashboard in Chromium and tells what its panels complain of; software rendering, for the map needs WebGL."""

from __future__ import annotations

import re
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from playwright.sync_api import expect, sync_playwright

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

    from tests.integration.namespace import Namespace

FLAGS: Final = (
    "--no-sandbox",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-dev-shm-usage",
)
PANEL: Final = '[data-testid*="Panel header"]'
BUSY: Final = '[aria-label="Panel loading bar"], [data-testid="panel-loading-bar"]'
ERROR: Final = '[data-testid*="Panel status error"], [aria-label*="Panel status error"], [data-testid*="Alert error"]'
WRONG_WORDS: Final = re.compile(
    r"Panel plugin not found|An unexpected error happened|Dashboard not found|Unable to load"
)
ROW_PIXELS: Final = 38  # a row of the grid with its gap
SECONDS: Final = 60_000  # milliseconds that a page may take on a busy machine


@contextmanager
def chromium(space: Namespace | None, folder: Path) -> Iterator[Browser]:
    """Start Chromium, inside the namespace where one is given."""
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
    if space is not None:
        inside = folder / "chromium"
        inside.write_text(f'#!/bin/sh\nexec {" ".join(space.command([program]))} "$@"\n', encoding="utf-8")
        inside.chmod(0o700)
        program = str(inside)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(FLAGS))
        try:
            yield browser
        finally:
            browser.close()


def look(page: Page, url: str, *, panels: int, rows: int, picture: Path) -> list[str]:
    """Open a dashboard, wait until every panel has come to rest, take its picture and return its complaints.

    Args:
        page: a page of a browser that is logged in.
        url: the dashboard's address.
        panels: how many panels it has.
        rows: the height of its grid. The window becomes as tall, for panels out of sight are not drawn.
        picture: where the picture goes.
    """
    said: list[str] = []
    page.on("pageerror", lambda error: said.append(f"script: {error}"))
    page.on("request", lambda request: said.append(f"outside: {request.url}") if _outside(request.url) else None)
    page.set_viewport_size({"width": 1366, "height": rows * ROW_PIXELS + 300})
    page.goto(url, timeout=SECONDS)
    expect(page.locator(PANEL)).to_have_count(panels, timeout=SECONDS)
    expect(page.locator(BUSY)).to_have_count(0, timeout=SECONDS)
    page.screenshot(path=picture)
    errors = page.locator(ERROR)
    said += [f"panel: {errors.nth(number).inner_text()}" for number in range(errors.count())]
    said += WRONG_WORDS.findall(page.inner_text("body"))
    return said


def _outside(url: str) -> bool:
    """Tell whether an address is not of this machine."""
    return not url.startswith(("http://127.0.0.1:", "data:", "blob:"))
