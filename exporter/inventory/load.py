"""From the text of targets.yml to an Inventory: every mistake is found in one pass and told with line and remedy.

The tree (tree.py) is read by the tables of keys (fields.py); what ties entries together (links.py) comes last. Nothing
here opens a socket or resolves a name.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from exporter.inventory.extras import read_maintenance, read_region_rules, read_sources
from exporter.inventory.fields import PROFILE_FIELDS, PROFILE_KEYS, REGION_FIELDS, read_mapping, require
from exporter.inventory.findings import Findings, Refusal
from exporter.inventory.links import TargetEntry, check_links, mark_hubs
from exporter.inventory.model import BUILT_IN_PROFILES, Inventory, Region, Uplink
from exporter.inventory.nodes import ListNode, MapNode, ScalarNode
from exporter.inventory.places import WIB, province_named, zone_at, zone_of_province
from exporter.inventory.scalars import address, canonical_address, identifier
from exporter.inventory.targets import TargetReader, check_coordinates, check_settings
from exporter.inventory.textfile import read_text
from exporter.inventory.tree import collector_paused, parse_tree

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from exporter.inventory.nodes import Node

_TOP_KEYS: Final = (
    "version",
    "uplinks",
    "profiles",
    "regions",
    "targets",
    "sources",
    "region_rules",
    "maintenance",
)


def load_inventory(path: Path, *, wait_for_pipe: bool = False) -> Inventory:
    """Read and check a file; `wait_for_pipe` also reads a pipe to its end, for which a daemon must never wait.

    Raises:
        InventoryError: the file cannot be read or has mistakes; it carries all of them.
    """
    return parse_inventory(read_text(path, wait_for_pipe=wait_for_pipe), str(path))


def parse_inventory(text: str, file_name: str) -> Inventory:
    """Check a text and return the inventory; `file_name` stands in messages.

    Raises:
        InventoryError: the text has mistakes; it carries all of them, in line order. Nothing else is raised.
    """
    with collector_paused():
        return _Loader(Findings(file_name)).load(text.removeprefix("\ufeff"))


class _Loader:
    """Reads one text; holds what its sections share."""

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self._profiles = {profile.name: profile for profile in BUILT_IN_PROFILES}

    def load(self, text: str) -> Inventory:
        """Read all sections, then what ties them together."""
        findings = self._findings
        root = parse_tree(text, findings)
        sections = self._sections(root)
        self._read_profiles(sections.get("profiles"))
        uplinks = self._read_uplinks(sections.get("uplinks"))
        regions, region_ids = self._read_regions(sections.get("regions"))
        entries = self._read_targets(sections.get("targets"), region_ids)
        sources = read_sources(self._items(sections.get("sources"), "sources"), findings)
        rules = read_region_rules(self._items(sections.get("region_rules"), "region_rules"), region_ids, findings)
        maintenance = read_maintenance(self._items(sections.get("maintenance"), "maintenance"), region_ids, findings)
        check_links(entries, uplinks, findings)
        self._warn_of_hours(regions, entries)
        findings.raise_if_any()
        return Inventory(
            regions=regions,
            targets=mark_hubs(entries),
            uplinks=uplinks,
            profiles=dict(self._profiles),
            sources=sources,
            region_rules=rules,
            maintenance=maintenance,
            warnings=findings.warnings,
        )

    def _warn_of_hours(self, regions: Sequence[Region], targets: Sequence[TargetEntry]) -> None:
        """Tell that opening hours are kept but do not change when a target is judged."""
        lines = [region.line for region in regions if region.hours is not None]
        lines += [entry.target.line for entry in targets if entry.target.hours is not None]
        if lines:
            self._findings.warning(
                lines[0],
                "hours",
                "is checked but not acted on by this version: targets are judged around the clock",
                "silence what may be switched off at night in Alertmanager or by Telegram's /silence",
            )

    def _sections(self, root: Node | None) -> dict[str, Node]:
        """Check the top level; return its sections that hold something."""
        findings = self._findings
        empty = root is None or (isinstance(root, ScalarNode) and root.is_null)
        if empty or not isinstance(root, MapNode):
            problem = "is empty" if empty else "does not begin with a key"
            findings.mistake(
                root.line if root is not None and not empty else 0,
                "",
                problem,
                "begin with `version: 1`, then regions: and targets:",
            )
            findings.raise_if_any()
            return {}
        sections: dict[str, Node] = {}
        for key, (key_node, value) in root.entries.items():
            if key not in _TOP_KEYS:
                near = findings.near(key, _TOP_KEYS)
                remedy = f"did you mean {near}?" if near else f"remove it; the keys are {', '.join(_TOP_KEYS)}"
                findings.mistake(key_node.line, "", "is no key of this file", remedy, value=key or "(empty)")
            elif not (isinstance(value, ScalarNode) and value.is_null):
                sections[key] = value
        self._check_version(root, sections.pop("version", None))
        for key in ("regions", "targets"):
            if key not in root.entries:
                findings.mistake(0, "", f"there is no `{key}:`", f"write `{key}:` and the list below it")
        return sections

    def _check_version(self, root: MapNode, node: Node | None) -> None:
        if node is None:
            self._findings.mistake(root.line, "version", "is missing", "begin the file with `version: 1`")
        elif not isinstance(node, ScalarNode) or node.text != "1":
            self._findings.mistake(
                node.line,
                "version",
                "is no version that this program reads",
                "write 1, or install the program that wrote the file",
                value=node.text if isinstance(node, ScalarNode) else "",
            )

    def _items(self, node: Node | None, key: str) -> list[Node]:
        """Return the items of a section that must be a list."""
        if node is None:
            return []
        if isinstance(node, ListNode):
            return node.items
        self._findings.mistake(node.line, key, "is no list", "begin each item with `- `")
        return []

    def _read_profiles(self, node: Node | None) -> None:
        """Add the file's profiles. One of a built-in name changes it; a new name starts from fiber's values."""
        if node is None:
            return
        findings = self._findings
        if not isinstance(node, MapNode):
            findings.mistake(node.line, "profiles", "is no mapping", "write `NAME: {interval: 5s, ...}` below it")
            return
        built_in = dict(self._profiles)
        for name, (key_node, value) in node.entries.items():
            path = f"profiles.{name}"
            self._try(identifier, key_node, "profiles")
            if isinstance(value, ScalarNode) and value.is_null:
                self._profiles[name] = built_in.get(name, replace(built_in["fiber"], name=name))
                continue
            values = read_mapping(value, path, PROFILE_FIELDS, "profile", findings)
            if values is None or not isinstance(value, MapNode):
                continue
            own = {PROFILE_KEYS[key][0]: each for key, each in values.items()}
            profile = replace(built_in.get(name, built_in["fiber"]), name=name, **own)
            check_settings(profile, value, path, findings)
            self._profiles[name] = profile

    def _read_uplinks(self, node: Node | None) -> tuple[Uplink, ...]:
        uplinks: list[Uplink] = []
        seen: dict[str, int] = {}
        for number, item in enumerate(self._items(node, "uplinks")):
            path = f"uplinks[{number}]"
            if not isinstance(item, ScalarNode):
                self._findings.mistake(item.line, path, "is no address", "write an IP address or a host name")
                continue
            text = self._try(address, item, path)
            if text is None:
                continue
            key = canonical_address(text)
            if key in seen:
                self._findings.mistake(
                    item.line, path, f"is here twice; the first is in line {seen[key]}", "keep one", value=text
                )
            seen.setdefault(key, item.line)
            uplinks.append(Uplink(address=text, line=item.line))
        return tuple(uplinks)

    def _read_regions(self, node: Node | None) -> tuple[tuple[Region, ...], dict[str, int]]:
        """Return the regions, and the line of each id (of refused regions too: targets may name them)."""
        regions: list[Region] = []
        lines: dict[str, int] = {}
        for number, item in enumerate(self._items(node, "regions")):
            path = f"regions[{number}]"
            values = read_mapping(item, path, REGION_FIELDS, "region", self._findings)
            if values is None or not isinstance(item, MapNode):
                continue
            require(item, path, "id", "give it a short id of its own, e.g. id: JBR", self._findings)
            require(item, path, "name", "write the name that people know, e.g. name: Jawa Barat", self._findings)
            check_coordinates(item, path, values, self._findings)
            region_id = values.get("id")
            if region_id is None:
                written = item.entries.get("id")
                if written is not None and isinstance(written[1], ScalarNode):
                    lines.setdefault(written[1].text, item.line)  # told once, not again by each target that names it
                continue
            if region_id in lines:
                self._findings.mistake(
                    item.entries["id"][1].line,
                    f"{path}.id",
                    f"is the id of another region in line {lines[region_id]}",
                    "give each region an id of its own",
                    value=region_id,
                )
                continue
            lines[region_id] = item.line
            if "name" in values:
                regions.append(_region(values, item.line))
        return tuple(regions), lines

    def _read_targets(self, node: Node | None, region_ids: dict[str, int]) -> list[TargetEntry]:
        reader = TargetReader(self._profiles, region_ids, self._findings)
        entries = []
        for number, item in enumerate(self._items(node, "targets")):
            entry = reader.read(item, f"targets[{number}]")
            if entry is not None:
                entries.append(entry)
        return entries

    def _try(self, reader: Callable[[str], Any], node: ScalarNode, path: str) -> Any:
        """Read one scalar; None where it is refused (which is told)."""
        try:
            return reader(node.text)
        except Refusal as refusal:
            self._findings.mistake(node.line, path, refusal.problem, refusal.remedy, value=node.text or "(empty)")
            return None


def _region(values: dict[str, Any], line: int) -> Region:
    """Make a region; one named after a province is placed at its capital unless it says otherwise."""
    province = province_named(values["name"])
    latitude, longitude = values.get("latitude"), values.get("longitude")
    zone = values.get("timezone")
    if latitude is None and longitude is None and province is not None:
        latitude, longitude = province.latitude, province.longitude
        zone = zone or zone_of_province(province)
    if zone is None:
        zone = zone_at(latitude, longitude) if latitude is not None and longitude is not None else WIB
    return Region(
        id=values["id"],
        name=values["name"],
        latitude=latitude,
        longitude=longitude,
        timezone=zone,
        hours=values.get("hours"),
        line=line,
    )
