"""What a reload would do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from exporter.inventory.diff import Difference, compare, removes_too_much
from exporter.inventory.load import parse_inventory

if TYPE_CHECKING:
    from exporter.inventory.model import Inventory

HEAD = "version: 1\nregions:\n  - {id: JBR, name: Jawa Barat}\n"


def inventory(targets: str, head: str = HEAD) -> Inventory:
    return parse_inventory(f"{head}targets:\n{targets}", "t.yml")


def entry(target_id: str, **keys: str) -> str:
    values = {"id": target_id, "name": target_id, "region": "JBR", "address": f"10.0.0.{ord(target_id)}"} | keys
    return f"  - {{{', '.join(f'{key}: {value}' for key, value in values.items())}}}\n"


def count(number: int) -> Inventory:
    return inventory("".join(f"  - {{id: t{n}, name: T, region: JBR, address: 10.1.0.{n}}}\n" for n in range(number)))


def test_what_came_and_went_is_told_by_id() -> None:
    difference = compare(inventory(entry("a") + entry("b")), inventory(entry("b") + entry("c")))
    assert [target.id for target in difference.added] == ["c"]
    assert [target.id for target in difference.removed] == ["a"]
    assert difference.changed == ()


def test_a_new_order_or_line_is_no_difference() -> None:
    assert compare(inventory(entry("a") + entry("b")), inventory("# moved\n" + entry("b") + entry("a"))).nothing


@pytest.mark.parametrize(
    ("keys", "fields", "fresh"),
    [
        pytest.param({"name": "other"}, ("name",), False, id="name"),
        pytest.param({"address": "10.0.0.9"}, ("address",), True, id="address"),
        pytest.param({"probe": '"tcp:22"'}, ("probe", "settings"), True, id="probe"),
        pytest.param({"interval": "5s"}, ("settings",), False, id="interval"),
        pytest.param({"gateway": "b"}, ("gateway",), False, id="gateway"),
    ],
)
def test_evidence_begins_anew_only_with_another_address_or_probe(
    keys: dict[str, str], fields: tuple[str, ...], fresh: bool
) -> None:
    """Exactly what roster.py seats anew."""
    difference = compare(inventory(entry("a") + entry("b")), inventory(entry("a", **keys) + entry("b")))
    change = next(each for each in difference.changed if each.new.id == "a")
    assert (change.fields, change.fresh) == (fields, fresh)


def test_a_profile_reaches_the_targets_that_use_it() -> None:
    changed = HEAD.replace("regions", "profiles: {lte: {interval: 9s}}\nregions", 1)
    targets = entry("a", profile="lte") + entry("b")
    assert [each.new.id for each in compare(inventory(targets), inventory(targets, changed)).changed] == ["a"]


def test_regions_and_uplinks_are_compared_too() -> None:
    head = "version: 1\nuplinks: [10.9.9.9]\nregions:\n  - {id: JBR, name: Jabar}\n  - {id: BTN, name: Banten}\n"
    difference = compare(inventory(entry("a")), inventory(entry("a"), head))
    assert [region.id for region in difference.regions_added] == ["BTN"]
    assert [(old.name, new.name) for old, new in difference.regions_changed] == [("Jawa Barat", "Jabar")]
    assert difference.uplinks_changed
    assert not difference.nothing
    assert compare(inventory(entry("a")), inventory(entry("a"))) == Difference()


@pytest.mark.parametrize(
    ("before", "after", "held"),
    [
        pytest.param(20, 15, True, id="5 of 20: more than a fifth"),
        pytest.param(25, 20, False, id="5 of 25: exactly a fifth"),
        pytest.param(10, 6, False, id="4 of 10: fewer than five"),
        pytest.param(10, 5, True, id="half"),
        pytest.param(5, 0, True, id="all"),
        pytest.param(10, 12, False, id="only more"),
    ],
)
def test_a_mass_removal_is_more_than_a_fifth_and_at_least_five(before: int, after: int, held: bool) -> None:
    assert removes_too_much(count(before), count(after)) is held
