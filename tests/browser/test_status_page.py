"""The status page as people meet it: live, zoomed, without a connection, behind a login, with thousands of targets."""

from __future__ import annotations

import asyncio
import base64
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from playwright.async_api import expect

from exporter.outcome import State
from tests.browser.conftest import PATHS, SHOTS, USERS, cancel_the_dialog, map_is_drawn, opened, serving
from tests.exporter.web.fakes import bad_reload, lively_view
from tests.exporter.web.sample import big_inventory, neutral_verdict

if TYPE_CHECKING:
    from playwright.async_api import Browser, Page

    from tests.exporter.web.fakes import FakeView

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def _poll(page: Page) -> None:
    """Let the page ask now instead of in a few seconds, and wait until the answer is laid over it."""
    async with page.expect_response(lambda answer: "live=1" in answer.url) as asked:
        await page.evaluate("window.dispatchEvent(new Event('online'))")
    await (await asked.value).finished()
    await page.evaluate("new Promise(done => setTimeout(done, 50))")


async def test_a_target_that_falls_turns_red_without_a_reload(browser: Browser) -> None:
    """The dot, the counts, the list and the region change by themselves within a few seconds."""
    async with serving() as site, opened(browser) as page:
        site.view.verdict = neutral_verdict(site.view.roster, at=time.time())
        await page.goto(site.url)
        await map_is_drawn(page)
        await page.evaluate("window.same = true")
        await expect(page.get_by_text("No problem at this moment.")).to_be_visible()
        await expect(page.locator("#map path.shape.down")).to_have_count(0)
        slot = site.view.roster.slot_of["bal-7"]
        row = site.view.roster.region_index_of["BAL"]
        site.view.set_state("bal-7", State.DOWN, since=time.time())
        region_code = site.view.verdict.region_code.copy()
        region_code[row] = State.DOWN
        site.view.verdict = replace(site.view.verdict, region_code=region_code)
        await expect(page.locator("#map .region[aria-label='Bali: DOWN'] path.shape.down")).to_have_count(1)
        await expect(page.locator(".tile.down b")).to_have_text("1")
        await expect(page.locator(".problems [data-key='bal-7']")).to_contain_text("Uluwatu")
        assert slot >= 0
        assert await page.evaluate("window.same") is True
        site.view.set_state("bal-7", State.UP)
        await expect(page.locator(".tile.down b")).to_have_text("0")
        await expect(page.get_by_text("No problem at this moment.")).to_be_visible()


def _worse(view: FakeView) -> None:
    """Let Uluwatu fall and its region with it, Sentani come near to falling, and the engine be restarted."""
    view.set_state("bal-7", State.DOWN, since=time.time())
    codes, pending = view.verdict.region_code.copy(), view.verdict.pending_state.copy()
    codes[view.roster.region_index_of["BAL"]] = State.DOWN
    pending[view.roster.slot_of["pap-8"]] = State.DOWN
    view.verdict = replace(view.verdict, region_code=codes, pending_state=pending)
    view.restarts = {"requested": 7}
    newest = view.probe_rows[0]
    view.probe_rows.insert(0, replace(newest, slot=view.roster.slot_of["bal-7"], sequence=777))


@pytest.mark.parametrize(
    ("path", "where", "what"),
    [
        ("regions", "tr[data-key='BAL']", "DOWN"),
        ("targets", "tr[data-key='bal-7']", "DOWN"),
        ("target?id=bal-7", "h1", "DOWN"),
        ("log", "tbody tr:first-child", "777"),
        ("pipeline", ".table", "Sentani"),
        ("maintenance", "#main", "7 on request"),
    ],
)
async def test_every_page_keeps_itself_fresh(browser: Browser, path: str, where: str, what: str) -> None:
    """What happens is seen within a few seconds, without a reload."""
    async with serving() as site, opened(browser) as page:
        await page.goto(f"{site.url}/{path}")
        await page.evaluate("window.same = true")
        await expect(page.locator(where).first).not_to_contain_text(what)
        _worse(site.view)
        await expect(page.locator(where).first).to_contain_text(what, timeout=15_000)
        assert await page.evaluate("window.same") is True


async def test_red_is_drawn_last_and_shapes_differ(browser: Browser) -> None:
    """Nobody's green dot covers a fallen one, and no state is told by colour alone."""
    async with serving() as site, opened(browser) as page:
        await page.goto(site.url)
        await map_is_drawn(page)
        classes = await page.eval_on_selector_all(
            "#map .dots path.shape", "paths => paths.map(path => path.classList[1])"
        )
        assert "down" in classes
        assert "up" in classes
        order = ["up", "unknown", "low", "down"]
        assert [order.index(name) for name in classes] == sorted(order.index(name) for name in classes)
        shapes = await page.eval_on_selector_all(
            "#map .region path.shape",
            "all => Object.fromEntries(all.map(p => [p.classList[1], p.getAttribute('d').replace(/[^a-zA-Z]/g, '')]))",
        )
        assert len(set(shapes.values())) == len(shapes) == 3


async def test_no_flicker_where_nothing_changed(browser: Browser) -> None:
    """Polls leave untouched elements alone: the same nodes, an open menu stays open, typed text stays."""
    async with serving() as site, opened(browser) as page:
        await page.goto(f"{site.url}/maintenance")
        await page.get_by_text("Restart engine").click()
        await expect(page.get_by_role("button", name="Yes, restart now")).to_be_visible()
        await page.evaluate("""
            window.seen = [];
            new MutationObserver(list => list.forEach(one => window.seen.push(...one.addedNodes, ...one.removedNodes)))
              .observe(document.getElementById("main"), { childList: true, subtree: true });
        """)
        await _poll(page)
        await _poll(page)
        assert await page.evaluate("window.seen.filter(node => node.nodeType === 1).length") == 0
        await expect(page.get_by_role("button", name="Yes, restart now")).to_be_visible()
        await page.goto(f"{site.url}/targets")
        await page.get_by_label("Id, name or address").fill("half typed")
        await _poll(page)
        await expect(page.get_by_label("Id, name or address")).to_have_value("half typed")


@pytest.mark.parametrize("path", PATHS)
async def test_a_lost_connection_is_said_and_heals(browser: Browser, path: str) -> None:
    """Old data is never shown as present: a banner, no colours, and all is well again by itself; on every page."""
    async with serving() as site, opened(browser) as page:
        await page.goto(f"{site.url}/{path}")
        await _poll(page)
        await page.clock.install()
        await page.context.set_offline(True)
        await page.clock.run_for(30_000)
        await expect(page.locator("#lost")).to_be_visible()
        await expect(page.locator("#lost")).to_contain_text("No answer from the exporter for")
        await expect(page.locator("body")).to_have_class("stale")
        await page.context.set_offline(False)
        await page.clock.resume()
        await expect(page.locator("#lost")).to_be_hidden(timeout=15_000)
        await expect(page.locator("body")).not_to_have_class("stale")


async def test_a_judge_that_stands_still_is_said(browser: Browser) -> None:
    """The server answers, but the states are old: that is not "live"."""
    view = lively_view()
    view.frozen = True
    view.verdict = replace(view.verdict, at=time.time() - 95.0)
    async with serving(view) as site, opened(browser) as page:
        await page.goto(site.url)
        await expect(page.locator("#lost")).to_contain_text("does not judge")
        await expect(page.locator("#age")).to_contain_text("1 min")


async def test_choosing_on_the_map_shows_details(browser: Browser) -> None:
    """A click on a region or a target, or Enter on a region, shows its card; the address can be sent to others."""
    async with serving() as site, opened(browser) as page:
        await page.goto(site.url)
        await map_is_drawn(page)
        await page.locator("#map .region[aria-label='Banten: DOWN']").focus()
        await page.keyboard.press("Enter")
        await expect(page.locator("#card")).to_contain_text("Banten")
        assert page.url.endswith("?region=BTN")
        for _ in range(3):  # the site lies under its region's dot; closer up they come apart
            await page.get_by_label("Zoom in").click()
        spot = await page.evaluate("""() => {
            const map = document.getElementById("map");
            const at = new DOMPoint(106.5, 6.2).matrixTransform(map.getScreenCTM());
            return [at.x, at.y];
        }""")
        await page.mouse.click(*spot)
        await expect(page.locator("#card")).to_contain_text("GT Cikupa")
        await expect(page.locator("#card")).to_contain_text("cut off by Serang hub")
        await page.reload()
        await expect(page.locator("#card")).to_contain_text("GT Cikupa")
        await page.get_by_label("Close").click()
        await expect(page.locator("#card")).to_have_count(0)


async def test_zoom_and_drag(browser: Browser) -> None:
    """Closer with the buttons, moved by dragging, back to the whole country; a poll does not undo it."""
    async with serving() as site, opened(browser) as page:
        await page.goto(site.url)
        await map_is_drawn(page)

        async def width() -> float:
            box = await page.locator("#map").get_attribute("viewBox")
            return float((box or "").split()[2])

        whole = await width()
        await page.get_by_label("Zoom in").click()
        await page.get_by_label("Zoom in").click()
        assert await width() == pytest.approx(whole / 4)
        before = await page.locator("#map").get_attribute("viewBox")
        await page.locator("#map").hover()
        await page.mouse.down()
        await page.mouse.move(300, 300)
        await page.mouse.up()
        moved = await page.locator("#map").get_attribute("viewBox")
        assert moved != before
        await _poll(page)
        await page.wait_for_function("document.querySelector('#map .dots').childElementCount > 0")
        assert await page.locator("#map").get_attribute("viewBox") == moved
        await page.get_by_label("Whole country").click()
        assert await width() == pytest.approx(whole)


async def test_restart_and_reload_buttons(browser: Browser) -> None:
    """A confirmation first, then the result in words; a refused file lists its mistakes."""
    async with serving() as site, opened(browser) as page:
        await page.goto(f"{site.url}/maintenance")
        await page.get_by_text("Restart engine").click()
        assert site.actions.asked == []
        await page.get_by_role("button", name="Yes, restart now").click()
        await expect(page.locator("#restart-result")).to_have_text("The engine is being restarted.")
        await expect(page.get_by_text("1 on request")).to_be_visible()
        assert site.actions.asked == ["restart"]
        site.actions.next_status = bad_reload(time.time())
        await page.get_by_text("Reload targets").click()
        await page.get_by_role("button", name="Yes, reload now").click()
        await expect(page.locator("#reload-result")).to_contain_text("Mistakes: 1")
        await expect(page.get_by_role("cell", name="use icmp, tcp:PORT")).to_be_visible()


async def test_a_restart_shows_that_it_is_under_way(browser: Browser) -> None:
    """While the exporter works the page says so and takes no second order; then comes the result."""
    async with serving() as site, opened(browser) as page:
        site.actions.may_go_on = asyncio.Event()
        await page.goto(f"{site.url}/maintenance")
        await page.get_by_text("Restart engine").click()
        button = page.get_by_role("button", name="Yes, restart now")
        await button.click()
        await expect(page.locator("#restart-result")).to_have_text("Working ...")
        await expect(button).to_be_disabled()
        site.actions.may_go_on.set()
        await expect(page.locator("#restart-result")).to_have_text("The engine is being restarted.")
        assert site.actions.asked == ["restart"]


async def test_login(browser: Browser) -> None:
    """Without or with a wrong password a clear page, with the right one the map; actions work too."""
    async with serving(users=USERS) as site:
        async with opened(browser) as page:
            await page.route("**/*", cancel_the_dialog)
            await page.goto(site.url)
            await expect(page.get_by_role("heading", name="Please sign in")).to_be_visible()
            SHOTS.mkdir(exist_ok=True)
            await page.screenshot(path=SHOTS / "login-desktop-light.png")
        wrong = {"Authorization": "Basic " + base64.b64encode(b"ana:wrong").decode()}
        async with opened(browser, extra_http_headers=wrong, locale="id-ID") as page:
            await page.route("**/*", cancel_the_dialog)
            await page.goto(site.url)
            await expect(page.get_by_role("heading", name="Silakan masuk")).to_be_visible()
        right = {"username": "ana", "password": "right"}
        async with opened(browser, http_credentials=right) as page:
            await page.goto(f"{site.url}/maintenance")
            await expect(page.get_by_text("Signed in as ana")).to_be_visible()
            await page.get_by_text("Restart engine").click()
            await page.get_by_role("button", name="Yes, restart now").click()
            await expect(page.locator("#restart-result")).to_have_text("The engine is being restarted.")
            assert site.actions.asked == ["restart"]


async def test_ten_thousand_targets_stay_smooth(browser: Browser) -> None:
    """A page of fifty, a map of one path per state: few nodes, whatever the number of targets."""
    async with serving(lively_view(big_inventory(10_000))) as site, opened(browser) as page:
        await page.goto(site.url)
        await map_is_drawn(page)
        await expect(page.locator(".tile.up b")).to_have_text("9\u202f777")
        assert await page.evaluate("document.querySelectorAll('*').length") < 600
        painted = await page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
        print(f"first paint of the map at 10,000 targets: {painted:.0f} ms")  # a speed: for the reader of -s
        await page.goto(f"{site.url}/targets")
        await expect(page.locator(".table tbody tr")).to_have_count(50)
        await page.get_by_role("link", name="Next").click()
        await expect(page.locator(".pager")).to_contain_text("51-100")
        assert await page.evaluate("document.querySelectorAll('*').length") < 2000
