"""The status page for everybody: small screens, both schemes, screen readers, the keyboard alone, no JavaScript."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import expect

from tests.browser.conftest import DESKTOP, PATHS, PHONE, SHOTS, USERS, cancel_the_dialog, map_is_drawn, opened, serving
from tests.exporter.web.fakes import bad_reload, lively_view
from tests.exporter.web.sample import big_inventory, isolated

if TYPE_CHECKING:
    from playwright.async_api import Browser, Page

pytestmark = pytest.mark.asyncio(loop_scope="module")

# What can be focused and is shown, in the order of the document; the map's regions are links too.
_STOPS = """() => [...document.querySelectorAll("a[href], button, input, select, summary, [tabindex='0']")]
    .filter(one => !one.disabled && one.tabIndex >= 0 && one.checkVisibility({ visibilityProperty: true }))
    .map((one, place) => (one.dataset.stop = place))"""
_FOCUSED = """() => {
    const one = document.activeElement, style = getComputedStyle(one), box = one.getBoundingClientRect();
    const drawn = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0;
    const ringed = one.closest("#map") && getComputedStyle(one.querySelector(".shape")).strokeWidth !== "0px";
    return {
        stop: one.dataset.stop ?? null,
        seen: drawn || Boolean(ringed),
        inside: box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth,
        what: one.outerHTML.slice(0, 120),
    };
}"""


# Two of the four cover both sizes and both schemes; axe takes a second or two per page.
@pytest.mark.parametrize(
    ("size", "scheme", "paths", "axe"),
    [
        pytest.param(DESKTOP, "dark", PATHS, True, id="desktop-dark"),
        pytest.param(PHONE, "light", PATHS, True, id="phone-light"),
        pytest.param(DESKTOP, "light", PATHS, False, id="desktop-light"),
        pytest.param(PHONE, "dark", PATHS, False, id="phone-dark"),
    ],
)
async def test_every_page_fits_and_is_accessible(
    browser: Browser, size: dict[str, int], scheme: str, paths: tuple[str, ...], axe: bool
) -> None:
    """No sideways scrolling, no axe-core violation, contrast included; a screenshot of each for the eye."""
    SHOTS.mkdir(exist_ok=True)
    view = lively_view()
    async with (
        serving(view) as site,
        opened(browser, viewport=size, color_scheme=scheme, has_touch=size is PHONE) as page,
    ):
        for path in paths:
            await page.goto(f"{site.url}/{path}")
            if not path:
                await map_is_drawn(page)
            overflow = await page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
            assert overflow <= 0, path
            if axe:
                results = await Axe().run(page)
                assert results.violations_count == 0, f"{path}: {results.generate_report()}"
            name = path.partition("?")[0] or "map"
            await page.screenshot(path=SHOTS / f"{name}-{'phone' if size is PHONE else 'desktop'}-{scheme}.png")


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_what_is_not_there_every_day_is_accessible_too(browser: Browser, scheme: str) -> None:
    """The refusal, a question before an action, banners, mistakes of the file, and a filter that finds nothing."""
    async with serving(users=USERS) as site, opened(browser, color_scheme=scheme) as page:
        await page.route("**/*", cancel_the_dialog)
        await page.goto(site.url)
        await expect(page.get_by_role("heading", name="Please sign in")).to_be_visible()
        await _no_complaint(page)
    view = lively_view()
    view.verdict = isolated(view.verdict)
    view.reload_status = bad_reload()
    async with serving(view) as site, opened(browser, color_scheme=scheme) as page:
        await page.goto(f"{site.url}/maintenance")
        await page.get_by_text("Restart engine").click()
        await expect(page.get_by_role("button", name="Yes, restart now")).to_be_visible()
        await _no_complaint(page)
        for path in ("targets?q=nobody", "?region=BTN", "target?id=nobody"):
            await page.goto(f"{site.url}/{path}")
            await _no_complaint(page)


async def _no_complaint(page: Page) -> None:
    results = await Axe().run(page)
    assert results.violations_count == 0, f"{page.url}: {results.generate_report()}"


_NO_POLLS = """{
    const later = window.setTimeout;
    window.setTimeout = (work, wait, ...rest) => wait >= 1000 ? 0 : later(work, wait, ...rest);
}"""


@pytest.mark.parametrize("path", PATHS)
async def test_every_page_can_be_used_with_the_keyboard_alone(browser: Browser, path: str) -> None:
    """Tab reaches everything that a mouse can press, in order, in view and visibly; the first stop skips the menu."""
    async with serving() as site, opened(browser) as page:
        await page.add_init_script(_NO_POLLS)  # a list drawn anew while we walk would have lost our marks
        await page.goto(f"{site.url}/{path}")
        if not path:
            await map_is_drawn(page)
        stops = await page.evaluate(_STOPS)
        assert len(stops) > 8
        reached = []
        for _ in stops:
            await page.keyboard.press("Tab")
            found = await page.evaluate(_FOCUSED)
            assert found["seen"], found["what"]
            assert found["inside"], found["what"]
            reached.append(found["stop"])
        assert reached == [str(stop) for stop in stops]
        await page.evaluate("document.activeElement.blur()")
        await page.locator(".skip").focus()
        await page.keyboard.press("Enter")
        await page.keyboard.press("Tab")
        assert await page.evaluate("document.activeElement.closest('main, footer') !== null")


@pytest.mark.parametrize("locale", ["en-US", "id-ID"])
async def test_a_narrow_phone_shows_large_numbers_and_the_whole_menu(browser: Browser, locale: str) -> None:
    """At 360 pixels nothing of a count or of the menu is cut off, whatever the number of targets."""
    view = lively_view(big_inventory(10_000))
    narrow = {"width": 360, "height": 740}
    async with serving(view) as site, opened(browser, viewport=narrow, locale=locale, has_touch=True) as page:
        await page.goto(site.url)
        cut = await page.evaluate("""[...document.querySelectorAll(".tile b, .menu ul")]
            .filter(one => one.scrollWidth > one.clientWidth + 1
                || one.getBoundingClientRect().right > one.parentElement.getBoundingClientRect().right)
            .map(one => one.textContent)""")
        assert cut == []


async def test_blindness_is_said_on_the_phone_in_indonesian(browser: Browser) -> None:
    """The banners fit, and the words are the reader's."""
    view = lively_view()
    view.verdict = isolated(view.verdict)
    async with serving(view) as site, opened(browser, viewport=PHONE, locale="id-ID") as page:
        await page.goto(site.url)
        await expect(page.get_by_text("Kita tidak bisa melihat")).to_be_visible()
        await expect(page.get_by_role("link", name="Pool Update")).to_be_attached()
        assert await page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0


async def test_without_script_everything_can_be_read(browser: Browser) -> None:
    """The server's HTML is whole: lists, counts and filters work with JavaScript off."""
    async with serving() as site, opened(browser, java_script_enabled=False) as page:
        await page.goto(site.url)
        await expect(page.locator(".problems")).to_contain_text("Serang hub")
        await page.goto(f"{site.url}/targets")
        await page.get_by_label("State").select_option("down")
        await page.get_by_role("button", name="Filter").click()
        await expect(page.locator(".table tbody tr")).to_have_count(4)
