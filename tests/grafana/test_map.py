"""The map's panel as JSON: it keeps the viewer's view, draws the worst last, and avoids the traps of decision 300."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.grafana.reading import FILES, ROOT, Json, load, name, queries, strings

if TYPE_CHECKING:
    from pathlib import Path


def _map(path: Path) -> Json:
    """Return the map panel."""
    found: Json = next(panel for panel in load(path)["panels"] if panel["type"] == "geomap")
    return found


each_map = pytest.mark.parametrize("path", [path for path in FILES if path.stem == "vpn-map"], ids=name)


@each_map
def test_the_map_keeps_the_viewers_view_and_avoids_the_known_traps(path: Path) -> None:
    """`fit` undoes the zoom at each refresh, `minZoom` sets the maximum up to 12.4, a variable restarts the map."""
    options = _map(path)["options"]
    assert options["view"]["id"] == "coords"
    assert "minZoom" not in options["view"]
    assert "$" not in "".join(strings(options))
    assert options["controls"]["mouseWheelZoom"] is False
    assert options["tooltip"]["mode"] == "details"


@each_map
def test_the_base_of_the_map_is_our_own_outline(path: Path) -> None:
    """No tiles from the internet; the file is where grafana/maps says and is GeoJSON."""
    base = _map(path)["options"]["basemap"]
    assert base["type"] == "geojson"
    assert base["config"]["src"] == "public/maps/indonesia-outline.geojson"
    assert (ROOT / "grafana" / "maps" / "indonesia-outline.geojson").exists()


@each_map
def test_each_layer_of_the_map_reads_one_query_by_its_plain_ref_id(path: Path) -> None:
    """A layer draws the first frame it gets; with several queries the value is called `Value #A`."""
    panel = _map(path)
    refs = {target["refId"] for target in panel["targets"]}
    layers = panel["options"]["layers"]
    assert len({layer["name"] for layer in layers}) == len(layers)
    for layer in layers:
        ref = layer["filterData"]["options"]
        assert ref in refs
        assert layer["config"]["showLegend"] is False
        assert layer["location"] == {"mode": "coords", "latitude": "latitude", "longitude": "longitude"}
        if "symbol" in layer["config"]["style"]:
            assert layer["config"]["style"]["color"]["field"] == f"Value #{ref}"


@each_map
def test_down_is_drawn_last_and_every_state_has_a_shape_of_its_own(path: Path) -> None:
    """A red mark must never lie under a green one, nor be known by its colour alone."""
    panel = _map(path)
    exprs = {target["refId"]: target["expr"] for target in panel["targets"]}
    marks = [
        layer
        for layer in panel["options"]["layers"]
        if "vpn_target_state_code" in exprs[layer["filterData"]["options"]]
    ]
    order = [re.search(r"== (\d)", exprs[layer["filterData"]["options"]])[1] for layer in marks]  # type: ignore[index] # every one has it
    assert order == ["2", "3", "1", "0"]
    assert len({layer["config"]["style"]["symbol"]["fixed"] for layer in marks}) == 4


@each_map
def test_what_has_no_place_is_counted_and_not_drawn_in_the_atlantic(path: Path) -> None:
    """An empty coordinate would become 0; the queries leave such targets out, and a number says how many."""
    for target in _map(path)["targets"]:
        of_sites = target["refId"] in "ABCDEI"  # the others are words in the middle
        assert ('latitude!="",longitude!=""' if of_sites else '"latitude", "-2.2"') in target["expr"]
    assert any('latitude=""' in query.expr for query in queries(load(path)))


@each_map
def test_links_of_the_map_stand_on_one_field_per_layer(path: Path) -> None:
    """Links in the defaults would be repeated by every field of the popup."""
    config = _map(path)["fieldConfig"]
    assert "links" not in config["defaults"]
    linked = [
        item["matcher"]["options"]
        for item in config["overrides"]
        if any(p["id"] == "links" for p in item["properties"])
    ]
    assert linked == [f"Value #{ref}" for ref in "ABCDE"]


@each_map
def test_words_over_the_map_are_read_from_fields_that_only_their_query_has(path: Path) -> None:
    """Before 12.3.2 a layer without a frame draws the first query's rows: a fixed text would stand on every region."""
    panel = _map(path)
    regions = {target["refId"]: target["expr"] for target in panel["targets"]}["A"]
    written = [layer for layer in panel["options"]["layers"] if layer["filterData"]["options"] in "FGH"]
    assert len(written) == 4
    for layer in written:
        text = layer["config"]["style"]["text"]
        assert text["mode"] == "field"
        assert text["field"] in {"words", f"Value #{layer['filterData']['options']}"}
        assert "words" not in regions
