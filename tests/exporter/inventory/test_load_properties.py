"""Whatever text comes in, the answer is an inventory or an InventoryError whose mistakes say where and what to do."""

from __future__ import annotations

from typing import Any

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.errors import InventoryError
from exporter.inventory.fields import REGION_FIELDS, TARGET_FIELDS
from exporter.inventory.load import parse_inventory

GOOD = """\
version: 1
uplinks: [10.0.0.1]
profiles:
  radio: {interval: 2s}
regions:
  - {id: JBR, name: Jawa Barat, latitude: -6.92, longitude: 107.61}   # the first
targets:
  - id: hub
    name: "Bandung hub"
    region: JBR
    address: 10.20.0.1
  - &gate {id: gate, name: 'GT Pasteur', region: JBR, address: 10.20.1.1, gateway: hub, probe: "tcp:22"}
  - {<<: *gate, id: other, address: pk.vpn.internal, profile: radio}
"""

_WORDS = st.sampled_from(
    (
        *TARGET_FIELDS,
        *REGION_FIELDS,
        *("version", "targets", "regions", "uplinks", "profiles", "sources", "region_rules", "maintenance"),
        *("1", "JBR", "10.0.0.1", "tcp:22", "http://x/", "5s", "10%", "", "NO", "0012", "<<", "-6.9"),
    )
)
_VALUES: st.SearchStrategy[Any] = st.recursive(
    _WORDS | st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.dates(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_WORDS, inner, max_size=6),
    max_leaves=20,
)
_SNIPPETS = st.sampled_from(
    (
        *(
            "\t",
            "\n",
            "\r",
            "  ",
            "- ",
            ": ",
            "{",
            "}",
            "[",
            "]",
            "&a ",
            "*a",
            "*gate",
            "<<: ",
            "? ",
            "| ",
            "> ",
            "'",
            '"',
        ),
        *(
            "!!x ",
            "%YAML 1.1\n",
            "---\n",
            "...\n",
            "#",
            ",",
            "\ufeff",
            "\x00",
            "\x85",
            "\u2028",
            "\ud800",
            "<<<<<<< a\n",
        ),
    )
)


def check(text: str) -> None:
    try:
        inventory = parse_inventory(text, "t.yml")
    except InventoryError as error:
        mistakes = error.mistakes
    else:
        mistakes = inventory.warnings
        assert {target.region for target in inventory.targets} <= {region.id for region in inventory.regions}
        assert all(warning.warning for warning in mistakes)
        return
    assert mistakes
    for mistake in mistakes:
        assert mistake.problem
        assert mistake.remedy
        assert 0 <= mistake.line <= len(text.splitlines()) + 1
        assert str(mistake).isprintable()


@given(st.text())
@settings(max_examples=300, deadline=None)
def test_no_text_whatever_raises_anything_else(text: str) -> None:
    """Characters of every kind, surrogates and controls among them."""
    check(text)


@given(st.lists(st.tuples(st.integers(0, len(GOOD)), st.integers(0, 12), _SNIPPETS | st.text(max_size=3)), max_size=4))
@settings(max_examples=500, deadline=None)
def test_no_damage_to_a_good_file_raises_anything_else(damages: list[tuple[int, int, str]]) -> None:
    """Cuts, and snippets that mean something to YAML, anywhere in the text."""
    text = GOOD
    for place, cut, snippet in damages:
        text = text[:place] + snippet + text[place + cut :]
    check(text)


@given(_VALUES, st.sampled_from([True, False, None]))
@settings(max_examples=300, deadline=None)
def test_no_well_formed_yaml_raises_anything_else(value: Any, flow: bool | None) -> None:
    """Known words in every wrong place."""
    check(yaml.safe_dump(value, default_flow_style=flow, allow_unicode=True))


@given(st.dictionaries(st.sampled_from(["version", "targets", "regions", "profiles", "uplinks"]), _VALUES))
@settings(max_examples=300, deadline=None)
def test_no_wrong_section_raises_anything_else(sections: dict[str, Any]) -> None:
    check(yaml.safe_dump({"version": 1, "regions": [], "targets": []} | sections))
