"""Every query of every panel, run as the panel does against the real product on the demo's sites, gives what is drawn.

Real exporter, bridge, Alertmanager, Prometheus with the project's rules (tests/grafana/world.py). With `-s` the last
test prints the table of panels, queries and frames; docs/dashboards.md shows one.
"""

from __future__ import annotations

import math
import re
import time
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from demo.country import regions, sites
from grafana.build.promql import LOW_REASONS
from tests.grafana import fake_exporter, play
from tests.grafana.asking import fill
from tests.grafana.reading import FOLDER, Query, load, queries
from tests.integration.stack import BRIDGE, EXPORTER
from tests.integration.waiting import until

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.grafana.asking import Row
    from tests.grafana.world import World

pytestmark = pytest.mark.privileged

# The two languages ask the same (test_dashboards), so one is enough.
QUERIES = [query for path in sorted((FOLDER / "en").glob("*.json")) for query in queries(load(path))]
# Empty while all is well: alerts with a `for` are pending for seconds only; test_no_data sees the others.
MAY_BE_EMPTY = {
    "vpn-maintenance/To and from Telegram/C",  # there is a token, and it was asked
    "vpn-maintenance/Uplinks, tunnel facts/C",  # both are configured
    *(f"vpn-{page}/Age of the data/B" for page in ("map", "regions", "targets", "maintenance")),
    *(f"vpn-map/Regions and targets/{ref}" for ref in "FGH"),
    "vpn-pipeline/Alerts about to fire/A",
    "vpn-maintenance/Certificates: days left/A",  # the world speaks plain HTTP; B says so
}
# What the panels of one target show depends on the target: each of these has something of its own.
TARGETS = (play.FALLEN_HUB, play.PENDING, play.TUNNEL, "jtm-gerbang", play.SLOW, play.FLAPPING)
# The world speaks plain HTTP, where this one is absent; test_dashboards holds its name.
OF_TLS = "vpn_web_certificate_expiry_timestamp_seconds"
DEADLINE = 30.0


def _asked(world: World, query: Query) -> list[Row]:
    """Return the rows, of the first of the telling targets that gives any where the panel is about one target."""
    if "$target" not in query.expr:
        return world.ask(query)
    return next((rows for target in TARGETS if (rows := world.ask(query, {"$target": target}))), [])


def _eventually(ask_again: Callable[[], list[Row]], what: str) -> list[Row]:
    """Return the rows once there are any: the first scrapes and rules take a few seconds."""
    return until(ask_again, what, seconds=DEADLINE, every=0.3)


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query.title)
def test_every_query_gives_data_of_the_shape_its_panel_draws(world: World, query: Query) -> None:
    """Not empty, no duplicate rows, no NaN, the labels that columns and legends name; one number where one is drawn."""
    if query.title in MAY_BE_EMPTY:
        _asked(world, query)  # Prometheus accepts it
        return
    rows = _eventually(lambda: _asked(world, query), f"{query.title}: {query.expr}")
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
def test_every_column_of_a_table_is_fed(world: World, title: str, asked: list[Query]) -> None:
    """A column that names a field which no query brings would silently be absent."""
    panel = asked[0].panel
    columns = {item["matcher"]["options"] for item in panel["fieldConfig"]["overrides"]}
    lone = len(asked) == 1
    fed = {"Time"} | ({"Value"} if lone else {f"Value #{query.ref}" for query in asked})
    for query in asked:
        if query.title in MAY_BE_EMPTY:
            fed |= {"severity", "alertname", "target", "region"}
            continue
        rows = _eventually(lambda query=query: _asked(world, query), query.title)  # type: ignore[misc] # bound now
        fed |= set().union(*(row.labels for row in rows))
        if "$target" in query.expr:  # one target lacks what another has
            fed |= {
                label for target in TARGETS for row in world.ask(query, {"$target": target}) for label in row.labels
            }
    assert columns <= fed, title
    order = panel["transformations"][-1]["options"]["indexByName"]
    assert set(order) == columns


@pytest.mark.parametrize(("title", "asked"), _tables(), ids=[title for title, _ in _tables()])
def test_the_queries_of_a_table_merge_into_one_row_per_thing(world: World, title: str, asked: list[Query]) -> None:
    """Grafana's `merge` joins on the words that all frames share: there must be some, and no query may repeat them."""
    answers = [rows for query in asked if (rows := _asked(world, query))]
    if len(asked) == 1 or len(answers) < 2:
        return
    shared = set.intersection(*(set.intersection(*(set(row.labels) for row in rows)) for rows in answers))
    assert shared, title
    for rows in answers:
        keys = Counter(tuple(row.labels[label] for label in sorted(shared)) for row in rows)
        assert max(keys.values()) == 1, f"{title}: {keys.most_common(1)}"


def _layers() -> dict[str, Query]:
    """Return the map's queries by refId."""
    return {query.ref: query for query in QUERIES if query.panel["type"] == "geomap"}


def test_the_map_draws_every_region_and_every_target_that_has_a_place_once(world: World) -> None:
    """38 regions, one mark per target in one of the four layers, numbers as coordinates, nothing at 0/0."""
    now = time.time()
    layers = {ref: world.ask(query, at=now) for ref, query in _layers().items()}
    assert {row.labels["region"] for row in layers["A"]} == {region for region, _ in regions()}
    drawn = [row for ref in "BCDE" for row in layers[ref]]
    placed = {site.id for site in sites()} - {play.UNPLACED}
    assert Counter(row.labels["target"] for row in drawn) == Counter(placed)
    for row in (*layers["A"], *drawn):
        assert -11.5 < float(row.labels["latitude"]) < 6.5
        assert 94.5 < float(row.labels["longitude"]) < 141.5
        assert row.labels["name"]
    states = {ref: {row.value for row in layers[ref]} for ref in "BCDE"}
    assert states == {"B": {2.0}, "C": {3.0}, "D": {1.0}, "E": {0.0}}
    assert play.FALLEN_HUB in {row.labels["target"] for row in layers["E"]}
    assert play.SLOW in {row.labels["target"] for row in layers["D"]}
    assert play.UNKNOWN in {row.labels["target"] for row in layers["C"]}


def _query(title: str) -> Query:
    """Return a query by its title."""
    return next(query for query in QUERIES if query.title == title)


def test_problems_show_the_fallen_hub_and_not_what_it_cuts_off(world: World) -> None:
    """One row for the hub with the number behind it, one for a region that fell as a whole, none for the cut off."""
    title = "vpn-map/Current problems, worst first"
    rows = _eventually(lambda: world.ask(_query(f"{title}/A")), title)
    targets = {row.labels.get("target") for row in rows}
    assert play.FALLEN_HUB in targets
    assert not {"jtm-gerbang", "jtm-parkir", "jtm-tiket"} & targets
    names = {row.labels["name"]: row.value for row in rows if "target" not in row.labels}
    assert names == {"Region Gorontalo": 0.0}
    ages = {row.labels.get("target", row.labels["region"]): row.value for row in world.ask(_query(f"{title}/B"))}
    assert targets - {None} | {play.FALLEN_REGION} <= set(ages)
    assert all(value >= 0 for value in ages.values())
    behind = {row.labels["target"]: row.value for row in world.ask(_query(f"{title}/C"))}
    assert behind == {play.FALLEN_HUB: 3.0}
    assert all(row.value != 2 for row in rows)


def test_problems_say_why(world: World) -> None:
    """The judge's cause for what fell, "region" for one that fell as a whole, what is bad about a LOW line."""
    query = _query("vpn-map/Current problems, worst first/D")

    def why() -> dict[str, str]:
        rows = world.ask(query)
        return {row.labels.get("target", row.labels["region"]): row.labels["cause"] for row in rows}

    until(lambda: {play.FALLEN_HUB, play.FALLEN_REGION, play.SLOW} <= set(why()), "the causes", seconds=DEADLINE)
    found = why()
    assert found[play.FALLEN_REGION] == "region"
    low = world.ask_text(f'vpn_target_low_reason{{target="{play.SLOW}"}}')
    assert "rtt" in {row.labels["reason"] for row in low}
    assert int(found[play.SLOW]) & LOW_REASONS["rtt"], "what the exporter itself says"
    assert found[play.FALLEN_HUB] in {"device", "hub", "site"}
    assert not {"jtm-gerbang", "jtm-parkir", "jtm-tiket"} & set(found), "what is cut off has no cause of its own"


def test_counts_by_state_add_up_to_all_targets(world: World) -> None:
    """The tiles of the map are the whole country; the one without coordinates is counted."""
    title = "vpn-map/Targets by state: colours and shapes of the map"
    now = time.time()
    counted = sum(world.ask(_query(f"{title}/{ref}"), at=now)[0].value for ref in "BCDE")
    assert counted == len(sites())
    assert world.ask(_query("vpn-map/Beside the states/B"))[0].value == 1


def test_no_data_is_not_shown_as_zero(world: World) -> None:
    """In a region that nobody knows every count is absent, not 0: missing data is unknown."""
    for query in QUERIES:
        if query.panel["type"] == "stat" and "$region" in query.expr and "ALERTS" not in query.expr:
            rows = world.ask(query, {"$region": "NOWHERE", "$target": "nobody"})
            if query.title not in {"vpn-map/Beside the states/B", "vpn-pipeline/On the way to a change/A"}:
                assert rows == [], query.title


@pytest.mark.parametrize(
    ("state", "codes"),
    [(">= 0", {0, 1, 2, 3}), ("!= 2", {0, 1, 3}), ("== 0", {0}), ("== 1", {1}), ("== 2", {2}), ("== 3", {3})],
)
def test_the_state_filter_of_the_targets_page_chooses_by_state(world: World, state: str, codes: set[int]) -> None:
    """The variable is a comparison put behind the state code."""
    query = _query("vpn-targets/Targets/A")
    rows = _eventually(lambda: world.ask(query, {"$state": state}), state)
    assert {int(row.value) for row in rows} == codes


def test_the_search_finds_parts_of_names_in_any_case(world: World) -> None:
    """`surabaya` finds the four sites of Surabaya, and a kind narrows them."""
    query = _query("vpn-targets/Targets/A")
    found = _eventually(lambda: world.ask(query, {"$search": "surabaya"}), "the search")
    assert len(found) == 4
    assert len(world.ask(query, {"$search": "surabaya", "$kind": "router"})) == 1


def test_availability_counts_down_time_and_leaves_unknown_out(world: World) -> None:
    """A region that is down as a whole has 0, one with an unknown target among working ones 1."""
    rows = _eventually(lambda: world.ask(_query("vpn-sla/Regions, worst first/A")), "availability")
    shares = {row.labels["region"]: row.value for row in rows}
    assert shares[play.FALLEN_REGION] == 0
    assert shares["MAL"] == 1
    assert all(0 <= share <= 1 for share in shares.values())


def _names(text: str) -> dict[str, frozenset[str]]:
    """Return the label names of each metric of an exposition."""
    found: dict[str, set[str]] = {}
    for line in text.splitlines():
        if not line.startswith("#"):
            found.setdefault(re.split(r"[{ ]", line, maxsplit=1)[0], set()).update(re.findall(r'[{,](\w+)="', line))
    return {name: frozenset(labels) for name, labels in found.items()}


@pytest.mark.parametrize("url", [EXPORTER, BRIDGE])
def test_the_stand_in_for_looking_at_pages_says_nothing_that_the_real_one_does_not(world: World, url: str) -> None:
    """Each metric of tests/grafana/fake_exporter.py is exposed by exporter or bridge, with the same label names."""
    now = time.time()
    text = fake_exporter.bridge(now) if url == BRIDGE else fake_exporter.Country(started=now).render(now=now)
    wanted = _names(text)
    seen: dict[str, frozenset[str]] = {}

    def strangers() -> dict[str, frozenset[str]]:
        # A change of state is near at most moments, not at all: `vpn_target_pending` comes and goes.
        seen.update(_names(world.text(f"{url}/metrics")))
        return {name: labels for name, labels in wanted.items() if name != OF_TLS and seen.get(name) != labels}

    until(lambda: not strangers(), f"no stranger ({strangers()})", seconds=DEADLINE)


def test_the_variables_list_what_there_is(world: World) -> None:
    """label_values(metric, label): the metric exists and carries the label."""
    for path in sorted((FOLDER / "en").glob("*.json")):
        for item in load(path)["templating"]["list"]:
            if item["type"] == "query" and item["name"] != "worst":
                found = re.fullmatch(r"label_values\((.+), (\w+)\)", item["query"]["query"])
                assert found
                metric, label = found.groups()
                rows = _eventually(
                    lambda metric=metric: world.ask_text(metric.replace("$region", ".*")),  # type: ignore[misc] # bound now
                    item["name"],
                )
                assert all(row.labels.get(label) for row in rows), item["name"]


def test_the_worst_targets_are_those_that_lost_most(world: World) -> None:
    """The hidden variable of the SLA report holds ids of targets that were down, and its table has a row for each."""
    page = load(FOLDER / "en" / "sla-report.json")
    variable = next(item for item in page["templating"]["list"] if item["name"] == "worst")
    assert variable["hide"] == 2
    assert "allValue" not in variable, "all that it holds, not everything there is"
    found = re.fullmatch(r"query_result\((.+)\)", variable["query"]["query"])
    assert found
    expr = fill(found[1], {})
    # As Grafana does it: a line per row, `{labels} value time`.
    lines = [
        "{" + ",".join(f'{label}="{word}"' for label, word in row.labels.items()) + f"}} {row.value}"
        for row in _eventually(lambda: world.ask_text(expr), "the worst")
    ]
    ids = {match[1] for line in lines if (match := re.search(variable["regex"].strip("/"), line))}
    assert play.FALLEN_HUB in ids
    rows = world.ask(_query("vpn-sla/Worst targets/A"), {"$worst": "|".join(sorted(ids))})
    assert {row.labels["target"] for row in rows} == ids


def test_the_table_of_panels_and_queries(world: World) -> None:
    """For `pytest -s`: page, panel, its queries, and for each the frames and rows that Grafana would be given."""
    lines = []
    for query in QUERIES:
        rows = _asked(world, query)
        frames = 1 if query.table else len(rows)
        kind = "table" if query.table else ("number" if query.instant else "series")
        words = ", ".join(sorted(set().union(*(row.labels for row in rows)))) or "-"
        lines.append(f"{query.title:<75} {kind:<7} {frames:>4} frames {len(rows):>5} rows  {words}")
    print("\n" + "\n".join(lines))
    assert len(lines) == len(QUERIES) > 100
