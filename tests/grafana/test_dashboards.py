"""The committed dashboards as JSON: built by the generator, whole, consistent, linked, in one palette, offline."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from click.testing import CliRunner

from alertbridge.metrics import Metrics
from exporter.metrics import EngineMetrics
from grafana.build import __main__ as command
from grafana.build.language import LANGUAGES
from grafana.build.navigation import MENU, menu
from grafana.build.palette import COLOURS
from tests.exporter.web.fakes import FakeView
from tests.grafana.fake_exporter import Country, bridge
from tests.grafana.reading import (
    FILES,
    FOLDER,
    ROOT,
    data_panels,
    expressions,
    fields,
    load,
    metrics,
    name,
    queries,
    strings,
)

if TYPE_CHECKING:
    from pathlib import Path

each_file = pytest.mark.parametrize("path", FILES, ids=name)
FOREIGN_METRICS = {  # exposed by Prometheus and Alertmanager themselves
    "ALERTS",
    "ALERTS_FOR_STATE",
    "up",
    "scrape_duration_seconds",
    "prometheus_rule_group_last_duration_seconds",
    "prometheus_build_info",
    "alertmanager_build_info",
    "prometheus_config_last_reload_successful",
    "prometheus_config_last_reload_success_timestamp_seconds",
    "alertmanager_config_last_reload_successful",
    "alertmanager_config_last_reload_success_timestamp_seconds",
}


def exposed() -> set[str]:
    """Return the metrics that exporter and bridge expose (test_queries holds the stand-in equal to them)."""
    country = Country(started=0.0)
    text = country.render(now=600.0) + bridge(now=600.0)
    bridges = Metrics()
    bridges.snapshot.certificate_expires_at = lambda: 600.0  # where the bridge speaks TLS; the stand-in does not
    text += bridges.text().decode()
    return {line.split("{")[0].split(" ")[0] for line in text.splitlines() if not line.startswith("#")}


def test_the_stand_ins_certificate_is_called_as_the_real_one() -> None:
    """The world of test_queries speaks plain HTTP, so it cannot hold this name."""
    real = EngineMetrics(FakeView(), certificate_expires_at=lambda: 600.0).render().decode()
    assert "\nvpn_web_certificate_expiry_timestamp_seconds 600.0" in real


def recorded() -> set[str]:
    """Return the series that Prometheus records."""
    return {
        rule["record"]
        for path in (ROOT / "prometheus" / "rules").glob("*.yml")
        for group in yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]
        for rule in group["rules"]
        if "record" in rule
    }


def test_regenerating_gives_no_difference() -> None:
    """What is committed is what the generator builds; nobody edits the JSON by hand."""
    assert command.differences(FOLDER) == []


def test_the_check_names_a_file_that_was_edited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`--check` fails with the file's name and the remedy, and building again repairs it."""
    monkeypatch.setattr(command, "DASHBOARDS", tmp_path)
    assert CliRunner().invoke(command.main, []).exit_code == 0
    edited = tmp_path / "en" / "targets.json"
    edited.write_text("{}", encoding="utf-8")
    (tmp_path / "en" / "forgotten.json").write_text("{}", encoding="utf-8")
    result = CliRunner().invoke(command.main, ["--check"])
    assert result.exit_code == 1
    assert "en/targets.json is out of date: run python -m grafana.build" in result.output
    assert "en/forgotten.json" in result.output
    CliRunner().invoke(command.main, [])
    assert command.differences(tmp_path) == []


def test_every_page_of_the_menu_is_there_in_every_language() -> None:
    """One file per page and language, and nothing else."""
    wanted = {f"{say.code}/{page.file}" for say in LANGUAGES for page in MENU}
    assert {name(path) for path in FILES} == wanted


def test_uids_and_titles_are_unique() -> None:
    """Two files with one uid, or one title in a folder, stop Grafana's provisioning."""
    pages = [(path.parent.name, load(path)) for path in FILES]
    uids = [page["uid"] for _, page in pages]
    assert len(set(uids)) == len(uids)
    assert all(re.fullmatch(r"[a-z0-9-]{1,40}", uid) for uid in uids)
    titles = [(folder, page["title"]) for folder, page in pages]
    assert len(set(titles)) == len(titles)


@each_file
def test_the_head_is_what_provisioning_and_old_servers_want(path: Path) -> None:
    """Classic JSON, a schema that 11.6 reads, not editable, refreshing as often as the server allows."""
    page = load(path)
    assert "id" not in page
    assert "__inputs" not in page
    assert "apiVersion" not in page
    assert page["schemaVersion"] == 41
    assert page["editable"] is False
    assert page["refresh"] == "5s"
    assert page["timezone"] == "browser"
    assert page["description"]


@each_file
def test_panels_have_ids_of_their_own_and_do_not_overlap(path: Path) -> None:
    """Every cell of the 24 columns belongs to one panel, and no panel leaves the grid."""
    panels = load(path)["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken: dict[tuple[int, int], str] = {}
    for panel in panels:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        for x in range(place["x"], place["x"] + place["w"]):
            for y in range(place["y"], place["y"] + place["h"]):
                assert (x, y) not in taken, f"{panel['title']} lies on {taken[x, y]}"
                taken[x, y] = panel["title"]


@each_file
def test_the_rows_of_panels_leave_no_hole(path: Path) -> None:
    """Each row of the grid is filled from edge to edge, so the page looks the same in every browser."""
    cells: dict[int, int] = {}
    for panel in load(path)["panels"]:
        place = panel["gridPos"]
        for y in range(place["y"], place["y"] + place["h"]):
            cells[y] = cells.get(y, 0) + place["w"]
    assert set(cells.values()) == {24}
    assert sorted(cells) == list(range(len(cells)))


@each_file
def test_every_panel_says_what_it_shows(path: Path) -> None:
    """A title and a description on each, a unit on each field that shows numbers, and words for no data."""
    for panel in data_panels(load(path)):
        assert panel["title"]
        assert len(panel["description"]) > 20, panel["title"]
        assert panel["description"].endswith("."), panel["title"]
        defaults = panel["fieldConfig"]["defaults"]
        assert defaults.get("unit") or defaults["mappings"], panel["title"]
        if panel["type"] in {"table", "stat"}:
            assert defaults["noValue"], panel["title"]


@each_file
def test_the_menu_is_the_same_everywhere_and_leads_to_pages(path: Path) -> None:
    """Fixed order, time range and variables kept, every uid there is."""
    page = load(path)
    say = next(language for language in LANGUAGES if language.code == path.parent.name)
    assert page["links"] == menu(say)
    assert all(link["keepTime"] and link["includeVars"] for link in page["links"])


@each_file
def test_every_link_leads_to_a_page_of_the_same_language(path: Path) -> None:
    """A link to a uid that is gone, or into the other language, is broken."""
    uids = {load(other)["uid"] for other in FILES if other.parent == path.parent}
    linked = {uid for text in strings(load(path)) for uid in re.findall(r"\bd/([\w-]+)", text)}
    assert linked
    assert linked <= uids


@each_file
def test_links_set_only_variables_that_their_page_has(path: Path) -> None:
    """`var-x` for a variable that the page does not have would be lost without a word."""
    variables = {load(other)["uid"]: {item["name"] for item in load(other)["templating"]["list"]} for other in FILES}
    for link in fields(load(path)["panels"], "url"):
        found = re.match(r"/d/([\w-]+)\?(.*)", link)
        assert found, link
        assert set(re.findall(r"var-(\w+)", found[2])) <= variables[found[1]], link


@each_file
def test_nothing_leads_out_of_the_house(path: Path) -> None:
    """No tile server, font, picture or page on the internet: the pages work in a closed network."""
    assert [text for text in strings(load(path)) if re.search(r"(https?:)?//\w", text)] == []


@each_file
def test_colours_come_from_the_one_palette(path: Path) -> None:
    """Green, yellow, red and grey mean one thing each, on every page."""
    page = load(path)
    used: set[Any] = {colour for colour in fields(page, "fixedColor") if isinstance(colour, str)}
    used |= {colour for colour in fields(page, "color") if isinstance(colour, str)}
    used |= set(fields(page, "iconColor"))
    used |= {
        colour["fixed"] for colour in fields(page["panels"], "color") if isinstance(colour, dict) and "fixed" in colour
    }
    assert used <= COLOURS


@each_file
def test_every_metric_is_exposed_or_recorded(path: Path) -> None:
    """A dashboard that asks for a name nobody writes shows nothing and says nothing."""
    known = exposed() | recorded() | FOREIGN_METRICS
    for expr in expressions(load(path)):
        assert metrics(expr), expr
        assert metrics(expr) <= known, expr


@each_file
def test_queries_use_the_data_source_variable_and_variables_that_exist(path: Path) -> None:
    """dashboard-linter's rules: the variable `datasource`, and no variable that the page does not define."""
    page = load(path)
    variables = {item["name"]: item for item in page["templating"]["list"]}
    assert variables["datasource"]["query"] == "prometheus"
    sources = [source for source in fields(page, "datasource") if isinstance(source, dict)]
    assert sources
    assert all(source == {"type": "prometheus", "uid": "${datasource}"} for source in sources)
    for expr in expressions(page):
        used = set(re.findall(r"\$\{?([a-z_]\w*)", expr)) - {"__rate_interval", "__interval", "__range"}
        assert used <= variables.keys(), expr
    for item in variables.values():
        if item["type"] == "query":
            assert item["refresh"] == 2, "looked up again when the time range changes"


@each_file
def test_rates_follow_the_resolution_of_the_panel(path: Path) -> None:
    """dashboard-linter: a rate over a fixed window is for instant tables; curves use $__rate_interval."""
    for query in queries(load(path)):
        if not query.instant:
            assert not re.search(r"\brate\([^)]*\[\d", query.expr), query.title


def _wordless(expr: str) -> str:
    """Return an expression without the words that it puts into labels."""
    return re.sub(r'"(name|words|flapping|culprit)", "[^"]*"', "", expr)


def test_both_languages_ask_the_same_questions() -> None:
    """The Indonesian pages differ in words only: same panels, places and queries."""
    for page in MENU:
        english, indonesian = (load(FOLDER / say.code / f"{page.file}.json") for say in LANGUAGES)
        for one, other in zip(english["panels"], indonesian["panels"], strict=True):
            assert one["type"] == other["type"]
            assert one["gridPos"] == other["gridPos"]
            for left, right in zip(one.get("targets", []), other.get("targets", []), strict=True):
                words = (left.get("legendFormat"), right.get("legendFormat"))
                assert left["refId"] == right["refId"]
                assert _wordless(left["expr"]) == _wordless(right["expr"]), words


@each_file
def test_no_text_is_left_in_the_other_language(path: Path) -> None:
    """Titles and descriptions differ between the languages, but for words that both use."""
    shared = {"RTT", "Jitter", "Loss"}
    other = "id" if path.parent.name == "en" else "en"
    twin = load(FOLDER / other / path.name)
    for here, there in zip(load(path)["panels"], twin["panels"], strict=True):
        if here["title"] not in shared:
            assert (here["title"] or here["options"]["content"]) != (there["title"] or there["options"]["content"])
        assert not here.get("description") or here["description"] != there["description"]
