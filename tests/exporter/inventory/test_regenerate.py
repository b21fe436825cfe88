"""Rows and the present file become a plan, and the plan applied twice is the plan applied once."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.inventory.load import parse_inventory
from exporter.inventory.regenerate import make_plan
from exporter.inventory.rows import Reading, RegionWords, Row, RowProblem
from exporter.inventory.splice import splice

if TYPE_CHECKING:
    from collections.abc import Sequence

    from exporter.inventory.edits import Plan

TODAY = dt.date(2026, 11, 25)
HEAD = "version: 1\nregions:\n  - {id: JBR, name: Jawa Barat}\n  - {id: KTA, name: Kota}\n"
BY_HAND = "  - {id: hand, name: By hand, region: JBR, address: 10.0.0.1}  # mine\n"
FROM_LIST = '  - {id: gt, name: GT, region: JBR, address: 10.0.1.1, source: "csv:sites#k1"}\n'


def row(key: str, address: str, *, name: str = "", region: str = "Jawa Barat", number: int = 2, **values: str) -> Row:
    words = RegionWords(name=region)
    return Row(key=key, where=f"sites.csv row {number}", name=name or key, address=address, region=words, values=values)


def reading(*rows: Row, **changes: object) -> Reading:
    return replace(Reading(source="csv:sites", rows=rows), **changes)  # type: ignore[arg-type]  # each test's own field


def plan_of(text: str, readings: Sequence[Reading], **options: bool) -> Plan:
    return make_plan(parse_inventory(text, "t.yml"), readings, today=TODAY, **options)


def plan(targets: str, *readings: Reading, head: str = HEAD, **options: bool) -> Plan:
    return plan_of(f"{head}targets:\n{targets}", readings, **options)


def test_a_new_row_becomes_an_entry_behind_the_last_of_its_region() -> None:
    made = plan(BY_HAND, reading(row("k9", "10.0.1.9", name="GT Pasteur 1", kind="toll-gate", provider="NO")))
    assert made.problems == ()
    assert [(dict(entry.values), entry.after) for entry in made.inserts] == [
        (
            {
                "id": "jbr-gt-pasteur-1",
                "name": "GT Pasteur 1",
                "region": "JBR",
                "address": "10.0.1.9",
                "kind": "toll-gate",
                "provider": "NO",
                "source": "csv:sites#k9",
            },
            "hand",
        )
    ]


def test_an_id_stays_when_name_address_and_region_change() -> None:
    made = plan(FROM_LIST, reading(row("k1", "10.0.1.77", name="GT Baru", region="Kota")))
    assert [(change.id, dict(change.values)) for change in made.changes] == [
        ("gt", {"name": "GT Baru", "region": "KTA", "address": "10.0.1.77"})
    ]
    assert not made.inserts
    assert not made.missing


def test_an_entry_whose_key_changed_is_found_by_its_address() -> None:
    """The key is made of the name where the list has no codes; a renamed site must not become another one."""
    made = plan(FROM_LIST, reading(row("k2", "10.0.1.1", name="GT Baru")))
    assert [(change.id, dict(change.values)) for change in made.changes] == [
        ("gt", {"name": "GT Baru", "source": "csv:sites#k2"})
    ]
    assert not made.inserts
    assert not made.missing


def test_a_hand_written_entry_is_never_changed_and_its_row_is_left_out() -> None:
    made = plan(BY_HAND, reading(row("k1", "10.0.0.1", name="Other name", kind="router"), row("k2", "10.0.1.2")))
    assert [entry.id for entry in made.inserts] == ["jbr-k2"]
    assert made.changes == ()
    assert made.notes == ("sites.csv row 2 (Other name) is there already by hand as hand",)


def test_what_a_row_does_not_say_stays() -> None:
    """Coordinates or a gateway typed into the file survive a list that has none; -6.90 is -6.9."""
    entry = FROM_LIST.replace("}", ", kind: x, latitude: -6.9, longitude: 107.60}")
    assert plan(entry, reading(row("k1", "10.0.1.1", name="GT", latitude="-6.90", longitude="107.6"))).nothing


def test_a_row_that_is_gone_is_marked_and_comes_back() -> None:
    keep = row("k2", "10.0.1.2")
    made = plan(FROM_LIST, reading(keep))
    assert [(change.id, dict(change.values)) for change in made.missing] == [("gt", {"missing_since": "2026-11-25"})]
    marked = FROM_LIST.replace("}", ", missing_since: 2026-11-20}")
    again = plan(marked, reading(keep))
    assert not again.missing
    assert not again.removals
    assert "gt (GT) has been missing for 5 days" in again.notes
    back = plan(marked, reading(keep, row("k1", "10.0.1.1", name="GT")))
    assert [(change.id, dict(change.values)) for change in back.returned] == [("gt", {"missing_since": None})]


@pytest.mark.parametrize(
    ("since", "removed"), [("2026-10-26", ("gt",)), ("2026-10-27", ())], ids=["30 days", "29 days"]
)
def test_an_entry_that_is_missing_for_thirty_days_is_removed(since: str, removed: tuple[str, ...]) -> None:
    marked = FROM_LIST.replace("}", f", missing_since: {since}}}")
    assert plan(marked, reading(row("k2", "10.0.1.2"))).removals == removed


def test_a_missing_gateway_of_others_is_not_removed() -> None:
    marked = FROM_LIST.replace("}", ", missing_since: 2026-01-01}")
    made = plan(marked + BY_HAND.replace("}", ", gateway: gt}"), reading(row("k2", "10.0.1.2")))
    assert made.removals == ()
    assert "gt (GT) is missing but stays: it is the gateway of others" in made.notes


def test_a_gone_entry_whose_address_another_row_took_is_removed_at_once() -> None:
    """Both cannot stay: one address probed in one way is one device."""
    other = '  - {id: pk, name: PK, region: JBR, address: 10.0.1.2, source: "csv:sites#k2"}\n'
    made = plan(FROM_LIST + other, reading(row("k2", "10.0.1.1", name="PK")))
    assert made.problems == ()
    assert made.removals == ("gt",)
    assert "gt (GT) is removed: its address is now that of PK" in made.notes


def test_entries_of_a_source_that_was_not_read_are_left_alone() -> None:
    other = FROM_LIST.replace("csv:sites#", "csv:other#")
    made = plan(other, reading(row("k2", "10.0.1.2")))
    assert made.missing == made.changes == ()


def test_an_empty_source_stops_the_run() -> None:
    assert [str(problem) for problem in plan(FROM_LIST, reading()).problems] == [
        "csv:sites: has no row that can be used; is it the right file, and whole?"
    ]


def test_damaged_rows_stop_the_run_or_are_left_out_and_mark_nothing() -> None:
    """With half a list nobody can tell what is missing."""
    damaged = RowProblem(where="sites.csv row 3", problem="is damaged", remedy="repair it")
    half = reading(row("k2", "10.0.1.2"), problems=(damaged,))
    assert plan(FROM_LIST, half).problems == (damaged,)
    made = plan(FROM_LIST, half, skip_damaged=True)
    assert not made.problems
    assert not made.missing
    assert [entry.id for entry in made.inserts] == ["jbr-k2"]
    assert made.notes == ("left out: sites.csv row 3: is damaged; repair it",)


def test_a_row_without_an_address_does_not_mark_its_entry_as_missing() -> None:
    made = plan(FROM_LIST, reading(row("k2", "10.0.1.2"), withheld=frozenset({"k1"})))
    assert made.missing == ()


def test_an_unknown_region_is_told_once_with_the_line_to_add() -> None:
    rows = [row(f"k{n}", f"10.0.1.{n}", region="Cirebon", number=n) for n in range(2, 10)]
    (problem,) = plan("", reading(*rows)).problems
    assert problem.where == (
        "sites.csv row 2, sites.csv row 3, sites.csv row 4, sites.csv row 5, sites.csv row 6 and 3 more rows"
    )
    assert problem.problem == '"Cirebon" is no region of the file'
    assert problem.remedy == "add it to regions:, e.g. - {id: XXX, name: Cirebon, latitude: ..., longitude: ...}"


def test_a_province_is_added_and_said() -> None:
    made = plan("", reading(row("k1", "10.0.1.1", region="Prov. NTB"), row("k2", "10.0.1.2", region="NTB")))
    assert [dict(entry.values) for entry in made.regions] == [
        {"id": "NB", "name": "Nusa Tenggara Barat", "latitude": "-8.5833", "longitude": "116.1167"}
    ]
    assert {entry.values["region"] for entry in made.inserts} == {"NB"}
    assert made.problems == ()
    (note,) = made.notes
    assert note.startswith("region NB (Nusa Tenggara Barat) is added, placed at its capital; change its id now")


def test_a_region_is_known_by_id_name_and_abbreviation() -> None:
    regions = ["jbr", "JAWA BARAT", "Jabar"]
    rows = [row(f"k{n}", f"10.0.1.{n}", region=region) for n, region in enumerate(regions, start=1)]
    assert [entry.values["region"] for entry in plan("", reading(*rows)).inserts] == ["JBR"] * 3


def test_rules_give_a_region_where_the_row_has_none() -> None:
    """The longest network wins, then a pattern of the name, then the default."""
    head = HEAD + (
        "region_rules:\n  - {cidr: 10.0.0.0/8, region: JBR}\n  - {cidr: 10.0.5.0/24, region: KTA}\n"
        '  - {name: "gt *", region: KTA}\n'
    )
    rows = [
        row("a", "10.0.1.1", region=""),
        row("b", "10.0.5.1", region=""),
        row("c", "172.16.0.1", name="GT Pasteur", region=""),
        row("d", "172.16.0.2", region=""),
    ]
    made = plan("", reading(*rows, default_region="JBR"), head=head)
    assert [entry.values["region"] for entry in made.inserts] == ["JBR", "KTA", "KTA", "JBR"]
    without = plan("", reading(*rows), head=head)
    assert [str(problem) for problem in without.problems] == [
        "sites.csv row 2: names no region; add a column Wilayah, a rule to region_rules:, or give --region ID"
    ]


@pytest.mark.parametrize(
    ("written", "gateway"),
    [
        pytest.param("hand", "hand", id="an id"),
        pytest.param("BY HAND", "hand", id="a name in the file"),
        pytest.param("Hub", "jbr-hub", id="a name in the list"),
        pytest.param("h1", "jbr-hub", id="a code of the list"),
        pytest.param("Site", None, id="itself: none"),
    ],
)
def test_a_gateway_is_found_by_id_name_and_code(written: str, gateway: str | None) -> None:
    hub = row("h1", "10.0.1.1", name="Hub")
    made = plan(BY_HAND, reading(row("s1", "10.0.1.2", name="Site", gateway=written), hub))
    assert made.problems == ()
    assert made.inserts[0].values.get("gateway") == gateway


@pytest.mark.parametrize(
    ("written", "problem"),
    [
        ("Nobody", 'gateway "Nobody" is neither an id nor a name in the file or list'),
        ("Twin", 'gateway "Twin" is the name of several targets'),
    ],
)
def test_a_gateway_that_cannot_be_told_stops_the_run(written: str, problem: str) -> None:
    rows = [
        row("t1", "10.0.1.1", name="Twin"),
        row("t2", "10.0.1.2", name="Twin"),
        row("s", "10.0.1.3", gateway=written),
    ]
    assert [each.problem for each in plan("", reading(*rows)).problems] == [problem]


def test_equal_slugs_get_a_suffix_of_their_own_key() -> None:
    """Whatever stands in the list before it, a row's id depends on its own key only."""
    first, second = row("k1", "10.0.1.1", name="GT 1"), row("k2", "10.0.1.2", name="GT-1")
    made = [entry.id for entry in plan("", reading(first, second)).inserts]
    assert made[0] == "jbr-gt-1"
    taken = '  - {id: jbr-gt-1, name: Old, region: JBR, address: 10.0.9.9, source: "csv:sites#k0"}\n'
    alone = [entry.id for entry in plan(taken, reading(second, row("k0", "10.0.9.9", name="Old"))).inserts]
    assert alone == [made[1]]


def test_two_rows_of_one_address_are_told() -> None:
    made = plan(FROM_LIST, reading(row("k1", "10.0.1.1", name="GT"), row("k2", "10.0.1.1", number=3)))
    assert [str(problem) for problem in made.problems] == [
        "sites.csv row 3: 10.0.1.1 is also the address of gt; correct one of the two addresses"
    ]


def test_two_entries_may_swap_their_addresses() -> None:
    other = '  - {id: pk, name: PK, region: JBR, address: 10.0.1.2, source: "csv:sites#k2"}\n'
    made = plan(FROM_LIST + other, reading(row("k1", "10.0.1.2", name="GT"), row("k2", "10.0.1.1", name="PK")))
    assert made.problems == ()
    assert {change.id: dict(change.values) for change in made.changes} == {
        "gt": {"address": "10.0.1.2"},
        "pk": {"address": "10.0.1.1"},
    }


_NAMES = st.text(st.sampled_from("GT Pastéur-1:#'\"{}[],&*%@ð雅"), min_size=1, max_size=12).map(
    lambda text: " ".join(text.split()) or "X"
)
_ROWS = st.lists(
    st.builds(
        lambda key, last, name, region, kind, tcp: row(
            f"k{key}", f"10.0.1.{last}", name=name, region=region, kind=kind, probe="tcp:22" if tcp else "icmp"
        ),
        st.integers(1, 40),
        st.integers(1, 254),
        _NAMES,
        st.sampled_from(["JBR", "Kota", "Bali"]),
        _NAMES,
        st.booleans(),
    ),
    min_size=1,
    max_size=12,
    unique_by=(lambda each: each.key, lambda each: each.address),
)


@given(_ROWS, _ROWS, st.booleans(), st.booleans())
@settings(max_examples=150, deadline=None)
def test_a_plan_that_was_written_leaves_nothing_to_do(
    before: list[Row], after: list[Row], windows: bool, block: bool
) -> None:
    """For any two lists in turn: what is written loads, is up to date, and keeps the hand-written line as it is."""
    hand = (
        BY_HAND if not block else "  - id: hand\n    name: By hand   # mine\n    region: JBR\n    address: 10.0.0.1\n"
    )
    text = f"{HEAD}targets:   # alat\n{hand}"
    if windows:
        text = "\ufeff" + text.replace("\n", "\r\n")
    ids: dict[str, str] = {}
    for rows in (before, after):
        made = plan_of(text, [reading(*rows)])
        assert made.problems == ()
        text = splice(text, "t.yml", made)
        inventory = parse_inventory(text, "t.yml")
        assert (hand.replace("\n", "\r\n") if windows else hand) in text
        assert text.count("\r") == (text.count("\n") if windows else 0)
        present = {t.source: t for t in inventory.targets if t.source is not None}
        for each in rows:
            assert present[f"csv:sites#{each.key}"].name == each.name
            assert present[f"csv:sites#{each.key}"].address == each.address
        for source, target in present.items():
            assert ids.get(source, target.id) == target.id or target.id in ids.values()
        ids |= {source: target.id for source, target in present.items()}
        assert plan_of(text, [reading(*rows)]).nothing
