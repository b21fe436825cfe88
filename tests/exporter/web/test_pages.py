"""The pages as HTML: complete, in two languages, harmless with hostile names, the same with and without the frame."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from exporter.inventory.model import Inventory
from exporter.outcome import State
from exporter.web.language import pick_texts
from exporter.web.texts import PARTS, TEXTS
from httpservice.webconfig import WebConfig
from tests.exporter.web.fakes import FakeActions, FakeView, bad_reload
from tests.exporter.web.sample import INVENTORY, isolated, neutral_verdict

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

ROOT = Path(__file__).parents[3]
WEB = ROOT / "exporter" / "web"
PAGES = ("", "regions", "targets", "target?id=btn-4", "log", "pipeline", "maintenance")
USERS = WebConfig(users={"ana": "$2b$04$wruvmQ1W4rHbxpHVWW7n4uWDw80I3vDBQkTWLEXN2XSVBEgmfXqie"})  # of "right"


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("language", ["en", "id"])
async def test_every_page_is_whole_and_keeps_to_its_policy(client: httpx.AsyncClient, path: str, language: str) -> None:
    """No inline script or style, nothing from elsewhere, the menu everywhere, relative links only."""
    answer = await client.get(f"/{path}", headers={"Accept-Language": language})
    assert answer.status_code == 200
    html = answer.text
    assert html.startswith("<!doctype html>")
    assert f'<html lang="{language}">' in html
    assert not re.search(r"\sstyle=|\son[a-z]+=|<style|javascript:", html)
    assert re.findall(r"<script(?! src=\"static/status.js\" type=\"module\">)", html) == []
    assert re.findall(r"(?:href|src|action)=\"(?:https?:)?//[^\"]*", html) == []
    assert re.findall(r"(?:href|src|action)=\"/[^\"]*", html) == [], "absolute paths break below a proxy's path"
    assert html.count('aria-current="page"') == 1
    words = ("Map", "Regions", "Targets", "Ping log", "Pipeline", "Maintenance")
    if language == "id":
        words = ("Peta", "Wilayah", "Alat", "Log Ping", "Pool Update", "Maintenance")
    assert re.findall(r"<li><a href=\"[^\"]*\"[^>]*>([^<]*)</a></li>", html)[:6] == list(words)


@pytest.mark.parametrize("path", PAGES)
async def test_the_live_part_is_the_same_part(client: httpx.AsyncClient, path: str) -> None:
    """What the script lays over the page is what the page holds."""
    whole = (await client.get(f"/{path}")).text
    part = (await client.get(f"/{path}{'&' if '?' in path else '?'}live=1")).text
    assert "<html" not in part

    def main(text: str) -> str:
        return re.sub(r"live=[^&\"]*&?(amp;)?", "", text[text.index("<main") : text.index("</main>")])

    assert main(part) == main(whole)


async def test_the_map_page_tells_states_in_both_languages(client: httpx.AsyncClient) -> None:
    """The four words everywhere; Indonesian glosses them as the original did."""
    english = (await client.get("/")).text
    indonesian = (await client.get("/", headers={"Accept-Language": "id-ID,id;q=0.9,en;q=0.5"})).text
    for word, gloss in (("UP", "baik"), ("LOW", "lemah"), ("DOWN", "terputus"), ("UNKNOWN", "tidak diketahui")):
        assert f"{word} <small>{gloss}</small>" in indonesian
        assert word in english
        assert gloss not in english


async def test_problems_are_worst_first_and_cut_off_sites_are_folded(client: httpx.AsyncClient) -> None:
    """The fallen region, the fallen hub with its number, then low, then unknown; not each site behind the hub."""
    html = (await client.get("/")).text
    block = html[html.index('class="panel problems"') : html.index("</section>", html.index('class="panel problems"'))]
    names = re.findall(r"<b>([^<]+)</b>", block)
    assert names == ["Kalimantan Timur", "Serang hub", "GT Pasteur 1", "Medan name"]
    assert "2 cut off behind it" in block
    assert "its name has never resolved" in block


@pytest.mark.parametrize("path", ["", "regions"])
async def test_regions_are_worst_first_then_by_name(client: httpx.AsyncClient, view: FakeView, path: str) -> None:
    """What needs a look stands above; equally bad ones stay where they are while time goes on."""

    async def order() -> list[str]:
        html = (await client.get(f"/{path}")).text
        return re.findall(r'<(?:tr|li) data-key="([A-Z]{3})"', html)

    assert await order() == ["KAL", "BTN", "JBR", "SUM", "BAL", "PAP"]
    region_code = view.verdict.region_code.copy()
    region_code[view.roster.region_index_of["PAP"]] = State.LOW
    view.verdict = replace(view.verdict, region_code=region_code, region_since=view.verdict.region_since - 9.0)
    assert await order() == ["KAL", "BTN", "JBR", "PAP", "SUM", "BAL"]


async def test_map_digits_are_in_the_order_of_the_layout(client: httpx.AsyncClient) -> None:
    """Places come once, states as one digit each; who has no coordinates is counted, not drawn."""
    html = (await client.get("/")).text
    layout = (await client.get("/map.json")).json()
    targets = re.search(r'data-targets="(\d*)"', html)
    regions = re.search(r'data-regions="(\d*)"', html)
    assert targets is not None
    assert regions is not None
    states = dict(zip([place[0] for place in layout["targets"]], targets[1], strict=True))
    assert states == {"jbr-2": "1", "jbr-3": "2", "btn-4": "0", "btn-5": "0", "btn-6": "0", "bal-7": "2", "pap-8": "2"}
    assert dict(zip([place[0] for place in layout["regions"]], regions[1], strict=True))["BTN"] == "0"
    assert layout["targets"][0] == ["jbr-2", "GT Pasteur 1", 107.575, -6.889]
    assert "targets without coordinates: 3" in html
    assert "regions without coordinates: 1" in html


async def test_a_new_roster_has_a_new_layout(client: httpx.AsyncClient, view: FakeView) -> None:
    """The page's version tells the script when to fetch the places again."""
    before = re.search(r'data-layout="(\w+)"', (await client.get("/")).text)
    moved = replace(INVENTORY.targets[1], latitude=-7.0)
    view.use(replace(INVENTORY, targets=(INVENTORY.targets[0], moved, *INVENTORY.targets[2:])))
    after = re.search(r'data-layout="(\w+)"', (await client.get("/")).text)
    assert before is not None
    assert after is not None
    assert before[1] != after[1]


HOSTILE = '<img src=x onerror="alert(1)">\'&{{7*7}}'


@pytest.mark.parametrize("path", ["", "regions", "targets", "target?id=x", "log", "pipeline", "maintenance"])
async def test_hostile_names_are_only_text(client: httpx.AsyncClient, view: FakeView, path: str) -> None:
    """Whatever stands in targets.yml, no page runs it."""
    region = replace(INVENTORY.regions[0], name=HOSTILE)
    target = replace(
        INVENTORY.targets[0], id="x", name=HOSTILE, kind=HOSTILE, provider=HOSTILE, model=HOSTILE, address=HOSTILE
    )
    inventory = Inventory(regions=(region,), targets=(target,))
    view.use(inventory, None)
    mistake = replace(bad_reload().mistakes[0], value=HOSTILE, problem=HOSTILE, path=HOSTILE)
    view.reload_status = replace(bad_reload(), mistakes=(mistake,))
    html = (await client.get(f"/{path}")).text
    assert "<img" not in html
    assert "49" not in re.findall(r"&amp;(\d\d)", html)


@pytest.mark.parametrize(
    "query", ["q=%3Cscript%3E", "q=%22%3E%3Cx", "id=%3Cscript%3E", "target=%22onx=", "result=%3Cscript%3E"]
)
async def test_hostile_queries_are_only_text(client: httpx.AsyncClient, query: str) -> None:
    """What is typed into an address comes back escaped."""
    for path in ("targets", "log", "target", ""):
        html = (await client.get(f"/{path}?{query}")).text
        assert "<script>" not in html
        assert '"><x' not in html


async def test_a_bad_filter_is_a_page_that_says_so(client: httpx.AsyncClient) -> None:
    """400 with the reason and a way back."""
    answer = await client.get("/targets?state=red")
    assert answer.status_code == 400
    assert "is no state" in answer.text
    assert (await client.get("/target?id=nobody")).status_code == 404


async def test_targets_are_paged_with_their_filter(client: httpx.AsyncClient) -> None:
    """A page of three of ten; the links keep the filter."""
    html = (await client.get("/targets?limit=3&sort=name&offset=3")).text
    assert "4-6" in html
    assert html.count('<tr data-key="') == 3
    assert 'rel="next" href="targets?limit=3&amp;sort=name&amp;offset=6"' in html
    assert 'rel="prev" href="targets?limit=3&amp;sort=name"' in html


async def test_down_targets_show_no_old_rtt(client: httpx.AsyncClient) -> None:
    """The median of the last replies is not the present RTT of a target that is silent."""
    html = (await client.get("/targets?q=btn-4")).text
    row = html[html.index('<tr data-key="btn-4"') :]
    assert re.findall(r'data-label="RTT" class="num">([^<]*)<', row)[0] == "–"  # noqa: RUF001 - the dash of an absent value


async def test_banners(client: httpx.AsyncClient, view: FakeView) -> None:
    """Blindness, a bad file and a held removal are said on every page."""
    view.verdict = isolated(view.verdict)
    view.reload_status = replace(bad_reload(), removal_held=12)
    for path in PAGES:
        html = (await client.get(f"/{path}")).text
        assert "We cannot see" in html
        assert "probes are sent late" in html
        assert "The targets file has mistakes" in html
        assert "would remove 12 targets" in html


async def test_maintenance_shows_mistakes_with_their_lines(client: httpx.AsyncClient, view: FakeView) -> None:
    """Line, place, what is wrong and what to do."""
    view.reload_status = bad_reload()
    html = (await client.get("/maintenance")).text
    assert 'class="num">14</td>' in html
    assert "targets[0].probe" in html
    assert "use icmp, tcp:PORT or an http(s) URL" in html


async def test_a_missing_permission_shows_the_remedy(client: httpx.AsyncClient, view: FakeView) -> None:
    """The one line to run."""
    assert "ping_group_range" not in (await client.get("/maintenance")).text
    view.board.process["permission_missing"][0] = 1
    assert "net.ipv4.ping_group_range=" in (await client.get("/maintenance")).text


async def test_an_empty_inventory_says_what_to_do(client: httpx.AsyncClient, view: FakeView) -> None:
    """The very first start."""
    view.use(Inventory(), None)
    for path in ("", "regions", "targets", "log", "pipeline", "maintenance"):
        answer = await client.get(f"/{path}")
        assert answer.status_code == 200, path
    assert "No targets yet" in (await client.get("/")).text
    assert "No targets yet" in (await client.get("/targets")).text


async def test_all_is_well(client: httpx.AsyncClient, view: FakeView) -> None:
    """Calm is said too."""
    view.verdict = neutral_verdict(view.roster)
    html = (await client.get("/")).text
    assert "No problem at this moment." in html
    view.set_state("jbr-1", State.DOWN)
    assert "No problem at this moment." not in (await client.get("/")).text


async def test_the_log_can_be_downloaded(client: httpx.AsyncClient) -> None:
    """CSV with a header, for spreadsheets."""
    answer = await client.get("/log.csv?region=JBR")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert "ping-log.csv" in answer.headers["content-disposition"]
    assert answer.content.startswith(b"\xef\xbb\xbftime,target,region,sequence,kind,result,rtt_seconds\r\n")


async def test_the_login_page_speaks_the_readers_language(connect: Callable[..., httpx.AsyncClient]) -> None:
    """A wrong user gets a clear page; the style sheet loads without a login, pages and API do not."""
    client = connect("10.1.2.3", USERS)
    page = await client.get("/", headers={"Accept": "text/html", "Accept-Language": "id"})
    assert page.status_code == 401
    assert "Silakan masuk" in page.text
    assert (await client.get("/static/status.css")).status_code == 200
    assert (await client.get("/api/v1/targets")).status_code == 401
    assert (await client.get("/metrics")).status_code == 401
    assert (await client.get("/maintenance", auth=("ana", "right"))).status_code == 200
    assert "Signed in as ana" in (await client.get("/maintenance", auth=("ana", "right"))).text


async def test_static_files(client: httpx.AsyncClient) -> None:
    """From memory, with ETag, compressed once."""
    answer = await client.get("/static/indonesia-outline.geojson", headers={"Accept-Encoding": "gzip"})
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.content == (WEB / "static" / "indonesia-outline.geojson").read_bytes()
    again = await client.get(
        "/static/status.js", headers={"If-None-Match": (await client.get("/static/status.js")).headers["etag"]}
    )
    assert again.status_code == 304
    for path in ("/static/", "/static/../app.py", "/static/%2e%2e/app.py", "/static/nothing.js"):
        assert (await client.get(path)).status_code == 404


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "en"),
        ("id", "id"),
        ("in-ID", "id"),
        ("fr, de", "en"),
        ("en;q=0.3, id;q=0.8", "id"),
        ("id;q=0, en", "en"),
        ("id;q=x", "en"),
        ("*", "en"),
    ],
)
def test_the_language_is_the_browsers(header: str, language: str) -> None:
    """English where neither is asked for."""
    assert pick_texts(header).language == language


def test_both_languages_have_the_same_blanks() -> None:
    """A translation that lost a blank would lose a number."""
    for key, (english, indonesian) in TEXTS.items():
        assert sorted(re.findall(r"{\w+}", english)) == sorted(re.findall(r"{\w+}", indonesian)), key
        assert english, key
        assert indonesian, key


def test_no_key_is_said_twice() -> None:
    """The parts are joined into one table: a key in two of them would be one text too few."""
    assert sum(len(part) for part in PARTS) == len(TEXTS)


def test_no_text_is_an_orphan() -> None:
    """Every text is used by a template or by code."""
    used = "\n".join(path.read_text(encoding="utf-8") for path in [*WEB.glob("templates/*"), *WEB.glob("*.py")])
    made = ("why_", "cause_", "reason_", "impaired_", "sort_", "replaced_", "tunnel_")
    orphans = [
        key for key in TEXTS if not key.startswith(made) and not re.search(rf"texts\.{key}\b|[\"']{key}[\"']", used)
    ]
    assert orphans == []


async def test_reload_by_button_shows_on_the_page(client: httpx.AsyncClient, actions: FakeActions) -> None:
    """After a refused reload the page lists the mistakes."""
    actions.next_status = bad_reload()
    await client.post("/-/reload")
    assert "is no probe" in (await client.get("/maintenance?live=1")).text
