"""Edits are written into the text as a careful person would: nothing else moves."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from exporter.errors import ExporterError
from exporter.inventory.edits import Change, Entry, Plan
from exporter.inventory.quoting import scalar
from exporter.inventory.splice import splice
from exporter.inventory.verify import SpliceError
from tests.exporter.inventory.big import big_targets

HEAD = "version: 1\nregions:\n  - {id: R, name: Region}\n"


def change(target_id: str = "a", **values: str | None) -> Plan:
    return Plan(changes=(Change(id=target_id, values=values),))


def insert(target_id: str = "n", after: str | None = None) -> Plan:
    values = {"id": target_id, "name": "New: one", "region": "R", "address": "10.0.0.9"}
    return Plan(inserts=(Entry(values=values, after=after),))


class Case(NamedTuple):
    before: str
    plan: Plan
    after: str


FLOW_N = '{id: n, name: "New: one", region: R, address: 10.0.0.9}'
CASES = {
    "set a value in flow style": Case(
        "targets:\n  - { id: a,  name:   'A',region: R, address: 10.0.0.1 }   # x\n",
        change(name="B"),
        "targets:\n  - { id: a,  name:   B,region: R, address: 10.0.0.1 }   # x\n",
    ),
    "set a value in block style": Case(
        "targets:\n- id: a\n  name:    A   # the first\n  region: R\n  address: 10.0.0.1\n",
        change(name="it's"),
        'targets:\n- id: a\n  name:    "it\'s"   # the first\n  region: R\n  address: 10.0.0.1\n',
    ),
    "set a key without a value": Case(
        "targets:\n  - id: a\n    name: A\n    region: R\n    kind:\n    address: 10.0.0.1\n",
        change(kind="x"),
        "targets:\n  - id: a\n    name: A\n    region: R\n    kind: x\n    address: 10.0.0.1\n",
    ),
    "add a key in flow style over several lines": Case(
        "targets:\n  - {id: a, name: A,   # its name\n     region: R, address: 10.0.0.1  # where\n    }\n",
        change(kind="x"),
        "targets:\n  - {id: a, name: A,   # its name\n     region: R, address: 10.0.0.1, kind: x  # where\n    }\n",
    ),
    "add a key after a trailing comma": Case(
        "targets:\n  - {id: a, name: A, region: R, address: 10.0.0.1,}\n",
        change(kind="x"),
        "targets:\n  - {id: a, name: A, region: R, address: 10.0.0.1, kind: x,}\n",
    ),
    "add keys in block style before a comment of the next entry": Case(
        "targets:\n  - id: a\n    name: A\n    region: R\n    address: 10.0.0.1   # here\n\n  # the next\n"
        "  - {id: b, name: B, region: R, address: 10.0.0.2}\n",
        change(kind="x", model="-6.90"),
        "targets:\n  - id: a\n    name: A\n    region: R\n    address: 10.0.0.1   # here\n    kind: x\n"
        '    model: "-6.90"\n\n  # the next\n  - {id: b, name: B, region: R, address: 10.0.0.2}\n',
    ),
    "add a key at the end of a file without a last newline": Case(
        "targets:\n  - id: a\n    name: A\n    region: R\n    address: 10.0.0.1",
        change(kind="x"),
        "targets:\n  - id: a\n    name: A\n    region: R\n    address: 10.0.0.1\n    kind: x",
    ),
    "remove a key in flow style": Case(
        "targets:\n  - {id: a, name: A, kind: x, region: R, address: 10.0.0.1}\n",
        change(kind=None),
        "targets:\n  - {id: a, name: A, region: R, address: 10.0.0.1}\n",
    ),
    "remove a key in block style": Case(
        "targets:\n  - id: a\n    name: A\n    kind: x\n    region: R\n    address: 10.0.0.1\n",
        change(kind=None),
        "targets:\n  - id: a\n    name: A\n    region: R\n    address: 10.0.0.1\n",
    ),
    "remove a key and keep its comment": Case(
        "targets:\n  - id: a\n    name: A\n    kind: x   # why\n    region: R\n    address: 10.0.0.1\n",
        change(kind=None),
        "targets:\n  - id: a\n    name: A\n    # why\n    region: R\n    address: 10.0.0.1\n",
    ),
    "set and remove at once": Case(
        "targets:\n  - {id: a, name: A, region: R, address: 10.0.0.1, missing_since: 2026-01-01}\n",
        change(missing_since=None, kind="x"),
        "targets:\n  - {id: a, name: A, region: R, address: 10.0.0.1, kind: x}\n",
    ),
    "insert behind a flow entry": Case(
        "targets:\n    -   {id: a, name: A, region: R, address: 10.0.0.1}   # a\n    # end\n",
        insert(after="a"),
        f"targets:\n    -   {{id: a, name: A, region: R, address: 10.0.0.1}}   # a\n    - {FLOW_N}\n    # end\n",
    ),
    "insert behind a block entry": Case(
        "targets:\n- id: a\n  name: A\n  region: R\n  address: 10.0.0.1\n# end\n",
        insert(),
        'targets:\n- id: a\n  name: A\n  region: R\n  address: 10.0.0.1\n- id: n\n  name: "New: one"\n  region: R\n'
        "  address: 10.0.0.9\n# end\n",
    ),
    "insert in a flow list on one line": Case(
        "targets: [{id: a, name: A, region: R, address: 10.0.0.1}]\n",
        insert(),
        f"targets: [{{id: a, name: A, region: R, address: 10.0.0.1}}, {FLOW_N}]\n",
    ),
    "insert in a flow list a line each": Case(
        "targets: [\n  {id: a, name: A, region: R, address: 10.0.0.1},  # a\n]\n",
        insert(),
        f"targets: [\n  {{id: a, name: A, region: R, address: 10.0.0.1}},\n  {FLOW_N},  # a\n]\n",
    ),
    "insert in an empty flow list": Case("targets: []  # none\n", insert(), f"targets: \n  - {FLOW_N}  # none\n"),
    "insert in a section without a value": Case(
        "targets:   # none yet\n# end\n",
        insert(),
        f"targets:   # none yet\n  - {FLOW_N}\n# end\n",
    ),
    "insert in a section at the end of the file": Case("targets:", insert(), f"targets:\n  - {FLOW_N}"),
    "remove a flow entry": Case(
        "targets:\n  # first\n  - {id: a, name: A, region: R, address: 10.0.0.1}  # a\n"
        "  - {id: b, name: B, region: R, address: 10.0.0.2}\n",
        Plan(removals=("a",)),
        "targets:\n  # first\n  - {id: b, name: B, region: R, address: 10.0.0.2}\n",
    ),
    "remove a block entry": Case(
        "targets:\n  - id: a\n    name: A\n    region: R\n    address: 10.0.0.1\n\n"
        "  - {id: b, name: B, region: R, address: 10.0.0.2}\n",
        Plan(removals=("a",)),
        "targets:\n\n  - {id: b, name: B, region: R, address: 10.0.0.2}\n",
    ),
    "remove the first of a flow list": Case(
        "targets: [{id: a, name: A, region: R, address: 10.0.0.1}, {id: b, name: B, region: R, address: 10.0.0.2}]\n",
        Plan(removals=("a",)),
        "targets: [{id: b, name: B, region: R, address: 10.0.0.2}]\n",
    ),
    "remove the last of a flow list": Case(
        "targets: [{id: a, name: A, region: R, address: 10.0.0.1}, {id: b, name: B, region: R, address: 10.0.0.2}]\n",
        Plan(removals=("b",)),
        "targets: [{id: a, name: A, region: R, address: 10.0.0.1}]\n",
    ),
    "set an alias and leave its anchor": Case(
        "targets:\n  - {id: a, name: &n A, region: R, address: 10.0.0.1}\n"
        "  - {id: b, name: *n, region: R, address: 10.0.0.2}\n",
        change("b", name="B"),
        "targets:\n  - {id: a, name: &n A, region: R, address: 10.0.0.1}\n"
        "  - {id: b, name: B, region: R, address: 10.0.0.2}\n",
    ),
    "set a key that a merge brings": Case(
        "targets:\n  - &x {id: a, name: A, region: R, address: 10.0.0.1, kind: x}\n"
        "  - {<<: *x, id: b, address: 10.0.0.2}\n",
        change("b", kind="y"),
        "targets:\n  - &x {id: a, name: A, region: R, address: 10.0.0.1, kind: x}\n"
        "  - {<<: *x, id: b, address: 10.0.0.2, kind: y}\n",
    ),
}


@pytest.mark.parametrize("name", sorted(CASES))
@pytest.mark.parametrize("newline", ["\n", "\r\n"], ids=["lf", "crlf"])
@pytest.mark.parametrize("mark", ["", "\ufeff"], ids=["no mark", "mark"])
def test_an_edit_leaves_every_other_byte(name: str, newline: str, mark: str) -> None:
    before, plan, after = CASES[name]
    result = splice(mark + (HEAD + before).replace("\n", newline), "t.yml", plan)
    assert result == mark + (HEAD + after).replace("\n", newline)


def test_a_region_is_added_in_the_style_of_the_last_one() -> None:
    plan = Plan(regions=(Entry(values={"id": "B", "name": "Bali", "latitude": "-8.65", "longitude": "115.2167"}),))
    assert splice(f"{HEAD}targets: []\n", "t.yml", plan) == (
        f"{HEAD}  - {{id: B, name: Bali, latitude: -8.65, longitude: 115.2167}}\ntargets: []\n"
    )


@pytest.mark.parametrize(
    ("targets", "plan", "message"),
    [
        pytest.param(
            "targets:\n  - {id: a, name: &n A, region: R, address: 10.0.0.1}\n",
            change(name="B"),
            "line 5: name is written in a way that cannot be edited; set it to B",
            id="an anchor would be lost",
        ),
        pytest.param(
            "targets:\n  - id: a\n    name: >-\n      A\n      B\n    region: R\n    address: 10.0.0.1\n",
            change(name="B"),
            "line 6: name is written in a way that cannot be edited; set it to B",
            id="a text of several lines",
        ),
        pytest.param(
            "targets:\n  - &x {id: a, name: A, region: R, address: 10.0.0.1}\n  - {<<: *x, id: b, address: 10.0.0.2}\n",
            Plan(removals=("a",)),
            "names an anchor that is not defined above it",
            id="others refer to the entry",
        ),
        pytest.param(
            "targets:\n  -\n    id: a\n    name: A\n    region: R\n    address: 10.0.0.1\n",
            Plan(removals=("a",)),
            "line 6: the entry shares its lines with others; remove it by hand",
            id="a dash on its own line",
        ),
        pytest.param(
            "targets:\n  - &x {id: a, name: A, region: R, address: 10.0.0.1, kind: x}\n"
            "  - {<<: *x, id: b, address: 10.0.0.2}\n",
            change(kind="y"),
            "the edits do not fit the way the file is written (targets: b)",
            id="another entry inherits the key",
        ),
        pytest.param(
            "targets:\n  - {id: a, name: A, region: R, address: 10.0.0.1}\n",
            change(region="X"),
            '"X" is no region of this file',
            id="the result would be refused",
        ),
    ],
)
def test_what_cannot_be_edited_safely_is_refused(targets: str, plan: Plan, message: str) -> None:
    """Rather no edit than a wrong one: the result is read again and compared."""
    with pytest.raises(ExporterError) as caught:
        splice(HEAD + targets, "t.yml", plan)
    assert message in str(caught.value)


def test_two_edits_of_one_place_are_refused() -> None:
    plan = Plan(
        removals=("a",),
        inserts=(Entry(values={"id": "n", "name": "N", "region": "R", "address": "10.0.0.9"}, after="a"),),
    )
    text = "targets: [{id: a, name: A, region: R, address: 10.0.0.1}, {id: b, name: B, region: R, address: 10.0.0.2}]\n"
    with pytest.raises(SpliceError, match="two edits touch the same text"):
        splice(HEAD + text, "t.yml", plan)


def test_many_edits_in_a_large_file_change_only_their_lines() -> None:
    text = big_targets(3000)
    changes = tuple(Change(id=f"t-{n}", values={"name": f"Baru {n}"}) for n in range(0, 3000, 10))
    inserts = tuple(
        Entry(values={"id": f"n-{n}", "name": "N", "region": "JB", "address": f"10.9.0.{n}"}, after=f"t-{n}")
        for n in range(1, 25)
    )
    result = splice(text, "t.yml", Plan(changes=changes, inserts=inserts))
    old, new = set(text.splitlines()), result.splitlines()
    assert len(new) == len(text.splitlines()) + 24
    assert sum(line not in old for line in new) == 324


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("GT Pasteur 1", "GT Pasteur 1"),
        ("10.20.1.11", "10.20.1.11"),
        ("router", "router"),
        ("NO", '"NO"'),
        ("on", '"on"'),
        ("0012", '"0012"'),
        ("1e3", '"1e3"'),
        ("0o17", '"0o17"'),
        ("22:30", '"22:30"'),
        ("2026-11-25", '"2026-11-25"'),
        ("12", '"12"'),
        ("1.5", '"1.5"'),
        (".5", '".5"'),
        ("null", '"null"'),
        ("~", '"~"'),
        ("a: b", '"a: b"'),
        ("a #b", '"a #b"'),
        ("- a", '"- a"'),
        ("{a}", '"{a}"'),
        ('say "hi" \\', '"say \\"hi\\" \\\\"'),
        ("2001:db8::1", '"2001:db8::1"'),
        ("雅加达", '"雅加达"'),
        ("end ", '"end "'),
        ("", '""'),
    ],
)
def test_a_text_is_quoted_where_any_yaml_would_see_something_else(text: str, written: str) -> None:
    assert scalar(text) == written


def test_a_number_of_a_number_key_stays_bare() -> None:
    assert scalar("-6.8890", number=True) == "-6.8890"
    assert scalar("6,9", number=True) == '"6,9"'
