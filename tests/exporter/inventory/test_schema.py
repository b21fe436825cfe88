"""targets.schema.json says to editors what the loader's tables say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from click.testing import CliRunner

from exporter.cli_check import check
from exporter.inventory.extras import SECTION_FIELDS, SOURCE_KINDS, TUNNEL_SOURCE_KINDS
from exporter.inventory.fields import PROFILE_FIELDS, REGION_FIELDS, TARGET_FIELDS
from exporter.inventory.load import load_inventory, parse_inventory
from exporter.inventory.model import Profile
from exporter.inventory.scalars import duration
from exporter.inventory.sources import SOURCES
from exporter.vpn.sources import KINDS
from tests.exporter.inventory.big import big_targets
from tests.exporter.inventory.test_messages import BROKEN

ROOT = Path(__file__).parents[3]
SCHEMA: dict[str, Any] = json.loads((ROOT / "targets.schema.json").read_text(encoding="utf-8"))

# Broken files that a schema can see to be broken; the others need a look at other entries, or at a value's meaning.
VISIBLE = [
    "address-brackets",
    "address-network",
    "address-url",
    "dscp-range",
    "duration-bad",
    "duration-no-unit",
    "expect-status-range",
    "id-bad",
    "id-empty",
    "item-empty",
    "item-no-mapping",
    "key-unknown",
    "key-unknown-far",
    "keys-missing",
    "latitude-alone",
    "latitude-comma",
    "latitude-impossible",
    "list-instead-of-mapping",
    "missing-since",
    "percent-bare",
    "probe-tcp-bare",
    "probe-unknown",
    "probe-url-password",
    "probes-fraction",
    "probes-too-many",
    "profile-no-mapping",
    "profile-unknown-key",
    "region-hours",
    "region-id-blank",
    "section-no-list",
    "section-unknown",
    "sections-missing",
    "size-small",
    "source-kind",
    "source-tunnel",
    "text-instead-of-mapping",
    "tunnel-key",
    "tunnel-kind",
    "value-list",
    "value-mapping",
    "version-missing",
    "version-two",
]


class _Yaml12(yaml.SafeLoader):
    """Types scalars as editors do, by YAML 1.2's core schema: dates and clock times stay text."""


_Yaml12.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith((":timestamp", ":bool"))]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def _validate(text: str) -> None:
    jsonschema.Draft7Validator(SCHEMA).validate(yaml.load(text, Loader=_Yaml12))  # noqa: S506 - a SafeLoader


def _keys(definition: str) -> set[str]:
    return set(SCHEMA["$defs"][definition]["properties"])


def test_the_schema_is_a_schema() -> None:
    jsonschema.Draft7Validator.check_schema(SCHEMA)


def test_the_schema_beside_the_default_file_is_the_one_that_is_installed() -> None:
    """`vpn-exporter check --schema` gives it to those who have no copy of the repository."""
    result = CliRunner().invoke(check, ["--schema"])
    assert result.exit_code == 0
    assert result.stdout == (ROOT / "targets.schema.json").read_text(encoding="utf-8")


def test_every_key_is_documented() -> None:
    text = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    for key in (*TARGET_FIELDS, *REGION_FIELDS, *PROFILE_FIELDS, *SCHEMA["properties"]):
        assert f"`{key}`" in text, key


def test_keys_are_those_of_the_loader() -> None:
    """A key added to one of the two fails here."""
    assert _keys("target") == set(TARGET_FIELDS)
    assert _keys("region") == set(REGION_FIELDS)
    assert _keys("profile") == set(PROFILE_FIELDS)
    assert _keys("region_rule") == set(SECTION_FIELDS["region_rules"])
    assert _keys("maintenance") == set(SECTION_FIELDS["maintenance"])
    source = SCHEMA["$defs"]["source"]["anyOf"][1]["properties"]
    assert set(source) == set(SECTION_FIELDS["sources"])
    assert tuple(source["kind"]["enum"]) == (*SOURCE_KINDS, *TUNNEL_SOURCE_KINDS)
    assert tuple(SOURCES) == SOURCE_KINDS
    assert tuple(KINDS) == TUNNEL_SOURCE_KINDS


def test_defaults_are_those_of_the_built_in_profile() -> None:
    properties = SCHEMA["$defs"]["profile"]["properties"]
    fiber = Profile()
    assert duration(properties["interval"]["default"]) == fiber.interval_seconds
    assert duration(properties["timeout"]["default"]) == fiber.timeout_seconds
    assert duration(properties["low_rtt"]["default"]) == fiber.low_rtt_seconds
    assert duration(properties["low_jitter"]["default"]) == fiber.low_jitter_seconds
    assert properties["low_loss"]["default"] == f"{fiber.low_loss_ratio:.0%}"
    assert duration(properties["down_after"]["default"]) == fiber.down_after_seconds
    assert properties["down_after_probes"]["default"] == fiber.down_after_probes
    assert properties["up_after_probes"]["default"] == fiber.up_after_probes
    assert properties["size"]["default"] == fiber.payload_bytes
    assert properties["dscp"]["default"] == fiber.dscp


def test_the_default_file_and_a_made_one_are_valid() -> None:
    _validate((ROOT / "targets.yml").read_text(encoding="utf-8"))
    _validate(big_targets(100))


@pytest.mark.parametrize("name", VISIBLE)
def test_an_editor_underlines_what_the_loader_refuses(name: str) -> None:
    with pytest.raises(jsonschema.ValidationError):
        _validate((BROKEN / f"{name}.yml").read_text(encoding="utf-8"))


def test_the_default_file_is_fine_and_all_of_it_is_this_machine() -> None:
    """`make run` on any machine: no VPN, no network; no warning either."""
    inventory = load_inventory(ROOT / "targets.yml")
    assert inventory.warnings == ()
    assert 20 <= len(inventory.targets) <= 25
    assert 8 <= len(inventory.regions) <= 10
    assert all(target.address.startswith("127.") for target in inventory.targets)
    assert {target.probe.text for target in inventory.targets} == {
        "icmp",
        "tcp:9090",
        "http://127.0.0.1:9093/-/healthy",
    }


def test_the_example_in_the_default_file_is_good() -> None:
    """What the comment shows must load, once its marks are removed as it says."""
    text = (ROOT / "targets.yml").read_text(encoding="utf-8")
    example = text.partition("# A real VPN looks like this")[2].partition("\n#\n")[2].partition("# Nobody types")[0]
    lines = "\n".join(line.removeprefix("# ").removeprefix("#") for line in example.splitlines())
    inventory = parse_inventory(f"version: 1\nregions:\n  - {{id: JBR, name: Jawa Barat}}\n{lines}", "example")
    assert inventory.targets[0].id == "jbr-hub"
    assert len(inventory.uplinks) == 2
    assert inventory.warnings == ()
