"""A dead exporter and a blind one, as the pages' own queries see them on a real Prometheus: words, never "0 down"."""

from __future__ import annotations

import signal
import time
from typing import TYPE_CHECKING

import pytest

from tests.grafana.reading import FOLDER, load, queries
from tests.grafana.world import World
from tests.integration.namespace import Namespace
from tests.integration.waiting import until

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator

    from tests.grafana.asking import Row

pytestmark = pytest.mark.privileged

QUERIES = {query.title: query for path in sorted((FOLDER / "en").glob("*.json")) for query in queries(load(path))}
PROBLEMS = "vpn-map/Current problems, worst first"
COUNTS = "vpn-map/Targets by state: colours and shapes of the map"
WORDS = "vpn-map/Regions and targets"
AGE = "vpn-map/Age of the data"
UPLINK = "198.51.100.1"
NO_DATA, UNKNOWN = -1, 3
DEADLINE = 60.0


class Watched(World):
    """Exporter and Prometheus only: whom they watch does not matter here."""

    exporter: subprocess.Popen[bytes]

    def start(self) -> None:
        """Start both and wait until there are states."""
        self.space.run("ip", "addr", "add", f"{UPLINK}/32", "dev", "lo")
        self.start_prometheus()
        self.exporter = self.start_exporter()
        until(lambda: self.rows(f"{COUNTS}/B"), "the first states", seconds=DEADLINE)

    def targets(self) -> str:
        """Return the demo's targets.yml with an uplink that can be cut."""
        return super().targets().replace("uplinks: [127.0.0.1]", f"uplinks: [{UPLINK}]")

    def rows(self, title: str, *, at: float | None = None) -> list[Row]:
        """Return the rows of a panel's query."""
        return self.ask(QUERIES[title], at=at)

    def state_of_all(self) -> list[float]:
        """Return the states in the table of problems that speak for all targets."""
        return [row.value for row in self.rows(f"{PROBLEMS}/A") if row.labels.get("target") == "\N{EN DASH}"]


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    """A Prometheus whose exporter may be killed."""
    with Namespace("nodata") as space, Watched(space, tmp_path_factory.mktemp("nodata")) as watched:
        yield watched


@pytest.fixture
def dead(watched: Watched) -> Iterator[Watched]:
    """The exporter is killed, as a machine dies; started again afterwards."""
    watched.exporter.send_signal(signal.SIGKILL)
    watched.exporter.wait(timeout=10)
    until(lambda: not watched.rows(f"{COUNTS}/B"), "Prometheus has noticed", seconds=DEADLINE)
    yield watched
    watched.exporter = watched.start_exporter()
    until(lambda: not watched.state_of_all(), "data again", seconds=DEADLINE)


def test_while_data_comes_nothing_is_said_of_it(watched: Watched) -> None:
    """The age is small, no row speaks for all targets, and no word stands over the map."""

    def said() -> list[Row]:
        asked = (f"{AGE}/B", *(f"{WORDS}/{ref}" for ref in "FGH"))
        return [row for title in asked for row in watched.rows(title)]

    # In the end: a busy machine may lose some scrapes in a row.
    until(lambda: not said() and not watched.state_of_all(), "silence", seconds=DEADLINE)
    until(lambda: watched.rows(f"{AGE}/A")[0].value < 15, "a small age", seconds=DEADLINE)


def test_a_dead_exporter_is_told_in_the_table_of_problems_with_since_when_and_why(dead: Watched) -> None:
    """One row above all: NO DATA, the exporter, the moment of the newest data and how long that is ago."""
    row = until(lambda: dead.rows(f"{PROBLEMS}/A"), "the row", seconds=DEADLINE)
    assert [(line.value, line.labels["name"]) for line in row] == [(NO_DATA, "No data since")]
    now = time.time()
    ago, since, why = (dead.rows(f"{PROBLEMS}/{ref}", at=now) for ref in "BED")
    assert [line.labels["cause"] for line in why] == ["exporter"]
    assert since[0].value / 1000 == pytest.approx(now - ago[0].value, abs=1.0)
    assert {frozenset(line.labels) >= {"region", "target"} for line in (*ago, *since, *why)} == {True}


def test_a_dead_exporter_is_told_over_the_map_and_in_the_tile(dead: Watched) -> None:
    """The sentence, the moment and the age, at a place on the map; the tile says the same."""
    sentence, age = (until(lambda ref=ref: dead.rows(f"{WORDS}/{ref}"), ref, seconds=DEADLINE) for ref in "FG")  # type: ignore[misc] # bound now
    assert sentence[0].labels["words"] == "No data since"
    assert {"latitude", "longitude"} <= set(sentence[0].labels) & set(age[0].labels)
    assert dead.rows(f"{WORDS}/H") == []
    assert dead.rows(f"{AGE}/B")[0].value == pytest.approx(sentence[0].value, abs=1.0)


def test_a_dead_exporter_leaves_no_count_of_targets(dead: Watched) -> None:
    """Neither "0 down" nor "0 up": without data no page has a number of targets or regions in a state."""
    counts = [
        query
        for query in QUERIES.values()
        if "by state" in query.panel["title"] and query.page in {"vpn-map", "vpn-regions", "vpn-targets"}
    ]
    assert len(counts) == 12
    for query in counts:
        assert dead.ask(query) == [], query.title


def test_a_dead_exporter_leaves_no_half_rows_and_no_claims(dead: Watched) -> None:
    """No region has a row of recorded numbers alone; Maintenance does not call unknown uplinks "none configured"."""
    asked = [query for query in QUERIES.values() if query.page == "vpn-regions" and query.panel["type"] == "table"]
    assert len(asked) > 10
    asked.append(QUERIES["vpn-maintenance/Uplinks, tunnel facts/C"])
    for query in asked:
        until(lambda query=query: not dead.ask(query), query.title, seconds=DEADLINE)  # type: ignore[misc] # bound now


def test_the_past_is_told_as_such_even_while_prometheus_still_shows_it(watched: Watched) -> None:
    """A Prometheus that did not see the exporter die goes on showing its last states: from 15 s on that is told."""

    def told() -> bool:
        later = time.time() + 40
        if not watched.rows(f"{COUNTS}/B", at=later):  # the newest scrape was lost, so nothing is shown any more
            return False
        states = [row.value for row in watched.rows(f"{PROBLEMS}/A", at=later)]
        age = watched.rows(f"{AGE}/A", at=later)[0].value
        return NO_DATA in states and age > 15 and bool(watched.rows(f"{WORDS}/F", at=later))

    until(told, "the past is told", seconds=DEADLINE)


def test_our_own_cut_line_is_one_row_instead_of_every_target(watched: Watched) -> None:
    """The uplink no longer answers: all are UNKNOWN, which is said once, with its cause, and over the map."""

    def names() -> list[str]:
        return [row.labels["name"] for row in watched.rows(f"{PROBLEMS}/A")]

    def causes() -> set[str]:
        return {row.labels["cause"] for row in watched.rows(f"{PROBLEMS}/D")}

    def words() -> list[str]:
        return [row.labels["words"] for row in watched.rows(f"{WORDS}/H")]

    watched.space.run("ip", "addr", "del", f"{UPLINK}/32", "dev", "lo")
    try:
        until(lambda: watched.state_of_all() == [UNKNOWN], "the row", seconds=DEADLINE)
        until(lambda: [row for row in watched.rows(f"{COUNTS}/C") if row.value > 100], "all unknown", seconds=DEADLINE)
        until(lambda: names() == ["Our own line is cut"], "no other row", seconds=DEADLINE)
        until(lambda: "uplink" in causes(), "its cause", seconds=DEADLINE)
        until(lambda: words() == ["Our own line is cut"], "the words over the map", seconds=DEADLINE)
    finally:
        watched.space.run("ip", "addr", "add", f"{UPLINK}/32", "dev", "lo")
        until(lambda: not watched.state_of_all(), "we see again", seconds=DEADLINE)
