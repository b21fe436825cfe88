"""Every query of every panel, run against a real Prometheus on the simulated country, gives what its panel draws."""

from __future__ import annotations

import math
import re
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from demo.country import regions, sites
from tests.grafana import fake_exporter
from tests.grafana.asking import Row, ask, ask_text
from tests.grafana.reading import FOLDER, Query, load, queries
from tests.integration.waiting import until

if TYPE_CHECKING:
    from collections.abc import Callable

# The two languages ask the same (test_dashboards), so one is enough.
QUERIES = [query for path in sorted((FOLDER / "en").glob("*.json")) for query in queries(load(path))]
# Empty while all is well, and the simulated country cannot make them: alerts with a `for` are pending for seconds only.
MAY_BE_EMPTY = {"vpn-pipeline/Alerts about to fire/A"}
# What the panels of one target show depends on the target: each of these has something of its own.
TARGETS = (fake_exporter.FALLEN_HUB, fake_exporter.PENDING, "jbr-hub", "jtm-gerbang", "ntt-tiket")
DEADLINE = 40.0


def _asked(url: str, query: Query) -> list[Row]:
    """Return the rows, of the first of the telling targets that gives any where the panel is about one target."""
    if "$target" not in query.expr:
        return ask(url, query)
    return next((rows for target in TARGETS if (rows := ask(url, query, {"$target": target}))), [])


def _eventually(ask_again: Callable[[], list[Row]], what: str) -> list[Row]:
    """Return the rows once there are any: the first scrapes and rules take a few seconds."""
    return until(ask_again, what, seconds=DEADLINE, every=0.3)


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query.title)
def test_every_query_gives_data_of_the_shape_its_panel_draws(prometheus: str, query: Query) -> None:
    """Not empty, no duplicate rows, no NaN, the labels that columns and legends name; one number where one is drawn."""
    if query.title in MAY_BE_EMPTY:
        _asked(prometheus, query)  # Prometheus accepts it
        return
    rows = _eventually(lambda: _asked(prometheus, query), f"{query.title}: {query.expr}")
    assert all(not math.isnan(row.value) for row in rows if query.instant)
    labels = set().union(*(row.labels for row in rows))
    if query.table:
        assert "instance" not in labels
        assert "__name__" not in labels
        keys = [(row.labels.get("region"), row.labels.get("target"), *sorted(row.labels.items())) for row in rows]
        assert len(set(keys)) == len(keys)
        return
    legend = next(target["legendFormat"] for target in query.panel["targets"] if target["refId"] == query.ref)
    named = set(re.findall(r"\{\{(\w+)\}\}", legend))
    assert named <= labels
    if not named:
        assert len(rows) == 1, "a lone legend for several series"
    else:
        legends = [tuple(row.labels.get(label) for label in sorted(named)) for row in rows]
        assert len(set(legends)) == len(legends), "two series of one name"


def _tables() -> list[tuple[str, list[Query]]]:
    """Return each table's title with its queries."""
    found: dict[str, list[Query]] = {}
    for query in QUERIES:
        if query.panel["type"] == "table":
            found.setdefault(f"{query.page}/{query.panel['title']}", []).append(query)
    return list(found.items())


@pytest.mark.parametrize(("title", "asked"), _tables(), ids=[title for title, _ in _tables()])
def test_every_column_of_a_table_is_fed(prometheus: str, title: str, asked: list[Query]) -> None:
    """A column that names a field which no query brings would silently be absent."""
    panel = asked[0].panel
    columns = {item["matcher"]["options"] for item in panel["fieldConfig"]["overrides"]}
    lone = len(asked) == 1
    fed = {"Time"} | ({"Value"} if lone else {f"Value #{query.ref}" for query in asked})
    for query in asked:
        if query.title in MAY_BE_EMPTY:
            fed |= {"severity", "alertname", "target", "region"}
            continue
        rows = _eventually(lambda query=query: _asked(prometheus, query), query.title)  # type: ignore[misc] # bound now
        fed |= set().union(*(row.labels for row in rows))
        if "$target" in query.expr:  # one target lacks what another has
            fed |= {
                label
                for target in TARGETS
                for row in ask(prometheus, query, {"$target": target})
                for label in row.labels
            }
    assert columns <= fed, title
    order = panel["transformations"][-1]["options"]["indexByName"]
    assert set(order) == columns


def _layers() -> dict[str, Query]:
    """Return the map's queries by refId."""
    return {query.ref: query for query in QUERIES if query.panel["type"] == "geomap"}


def test_the_map_draws_every_region_and_every_target_that_has_a_place_once(prometheus: str) -> None:
    """38 regions, one mark per target in one of the four layers, numbers as coordinates, nothing at 0/0."""
    layers = {ref: _eventually(lambda query=query: ask(prometheus, query), ref) for ref, query in _layers().items()}  # type: ignore[misc] # bound now
    assert {row.labels["region"] for row in layers["A"]} == {region for region, _ in regions()}
    drawn = [row for ref in "BCDE" for row in layers[ref]]
    placed = {site.id for site in sites()} - {fake_exporter.UNPLACED}
    assert Counter(row.labels["target"] for row in drawn) == Counter(placed)
    for row in (*layers["A"], *drawn):
        assert -11.5 < float(row.labels["latitude"]) < 6.5
        assert 94.5 < float(row.labels["longitude"]) < 141.5
        assert row.labels["name"]
    states = {ref: {row.value for row in layers[ref]} for ref in "BCDE"}
    assert states == {"B": {2.0}, "C": {3.0}, "D": {1.0}, "E": {0.0}}
    assert fake_exporter.FALLEN_HUB in {row.labels["target"] for row in layers["E"]}


def _query(title: str) -> Query:
    """Return a query by its title."""
    return next(query for query in QUERIES if query.title == title)


def test_problems_show_the_fallen_hub_and_not_what_it_cuts_off(prometheus: str) -> None:
    """One row for the hub with the number behind it, one for a region that fell as a whole, none for the cut off."""
    title = "vpn-map/Current problems, worst first"
    rows = _eventually(lambda: ask(prometheus, _query(f"{title}/A")), title)
    targets = {row.labels.get("target") for row in rows}
    assert fake_exporter.FALLEN_HUB in targets
    assert not {"jtm-gerbang", "jtm-parkir", "jtm-tiket"} & targets
    names = {row.labels["name"]: row.value for row in rows if "target" not in row.labels}
    assert names == {"Region Gorontalo": 0.0}
    behind = {row.labels["target"]: row.value for row in ask(prometheus, _query(f"{title}/C"))}
    assert behind == {fake_exporter.FALLEN_HUB: 3.0}
    assert all(row.value != 2 for row in rows)


def test_counts_by_state_add_up_to_all_targets(prometheus: str) -> None:
    """The tiles of the map are the whole country; the one without coordinates is counted."""
    title = "vpn-map/Targets by state: colours and shapes of the map"
    _eventually(lambda: ask(prometheus, _query(f"{title}/B")), title)
    counted = sum(ask(prometheus, _query(f"{title}/{ref}"))[0].value for ref in "BCDE")
    assert counted == len(sites())
    assert ask(prometheus, _query("vpn-map/Beside the states/B"))[0].value == 1


def test_no_data_is_not_shown_as_zero(prometheus: str) -> None:
    """In a region that nobody knows every count is absent, not 0: missing data is unknown."""
    for query in QUERIES:
        if query.panel["type"] == "stat" and "$region" in query.expr and "ALERTS" not in query.expr:
            rows = ask(prometheus, query, {"$region": "NOWHERE", "$target": "nobody"})
            if query.title not in {"vpn-map/Beside the states/B", "vpn-pipeline/On the way to a change/A"}:
                assert rows == [], query.title


@pytest.mark.parametrize(
    ("state", "codes"),
    [(">= 0", {0, 1, 2, 3}), ("!= 2", {0, 1, 3}), ("== 0", {0}), ("== 1", {1}), ("== 2", {2}), ("== 3", {3})],
)
def test_the_state_filter_of_the_targets_page_chooses_by_state(prometheus: str, state: str, codes: set[int]) -> None:
    """The variable is a comparison put behind the state code."""
    query = _query("vpn-targets/Targets/A")
    rows = _eventually(lambda: ask(prometheus, query, {"$state": state}), state)
    assert {int(row.value) for row in rows} == codes


def test_the_search_finds_parts_of_names_in_any_case(prometheus: str) -> None:
    """`surabaya` finds the four sites of Surabaya, and a kind narrows them."""
    query = _query("vpn-targets/Targets/A")
    found = _eventually(lambda: ask(prometheus, query, {"$search": "surabaya"}), "the search")
    assert len(found) == 4
    assert len(ask(prometheus, query, {"$search": "surabaya", "$kind": "router"})) == 1


def test_availability_counts_down_time_and_leaves_unknown_out(prometheus: str) -> None:
    """A region that is down as a whole has 0, one with an unknown target among working ones 1."""
    query = _query("vpn-sla/Regions, worst first/A")
    rows = _eventually(lambda: ask(prometheus, query), "availability")
    shares = {row.labels["region"]: row.value for row in rows}
    assert shares[fake_exporter.FALLEN_REGION] == 0
    assert shares["MAL"] == 1
    assert all(0 <= share <= 1 for share in shares.values())


def test_the_variables_list_what_there_is(prometheus: str) -> None:
    """label_values(metric, label): the metric exists and carries the label."""
    for path in sorted((FOLDER / "en").glob("*.json")):
        for item in load(path)["templating"]["list"]:
            if item["type"] == "query":
                found = re.fullmatch(r"label_values\((.+), (\w+)\)", item["query"]["query"])
                assert found
                metric, label = found.groups()
                rows = _eventually(
                    lambda metric=metric: ask_text(prometheus, metric.replace("$region", ".*")),  # type: ignore[misc] # bound now
                    item["name"],
                )
                assert all(row.labels.get(label) for row in rows), item["name"]
