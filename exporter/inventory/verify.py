"""Holds a spliced text against its plan: the new tree says what the old one said, plus the edits, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from exporter.errors import ExporterError
from exporter.inventory.nodes import ListNode, MapNode, ScalarNode

if TYPE_CHECKING:
    from exporter.inventory.edits import Plan
    from exporter.inventory.nodes import Node

_LISTS = ("regions", "targets")


class SpliceError(ExporterError):
    """The file cannot be edited as planned; nothing was written. The text says why and what to do by hand."""


def check_result(before: MapNode, after: MapNode, plan: Plan) -> None:
    """Compare two trees with a plan.

    Raises:
        SpliceError: the new tree says something that the plan does not.
    """
    old: dict[str, Any] = _plain(before)
    new: dict[str, Any] = _plain(after)
    expected = dict(old)
    for section in _LISTS:
        expected[section] = _by_id(old.get(section))
        new[section] = _by_id(new.get(section))
    kept_order = [each for each in expected["targets"] if each not in plan.removals]
    for change in plan.all_changes:
        entry: dict[str, Any] = dict(expected["targets"][change.id])
        entry.update({key: value for key, value in change.values.items() if value is not None})
        for key in [key for key, value in change.values.items() if value is None]:
            entry.pop(key, None)
        expected["targets"][change.id] = entry
    for each in plan.removals:
        del expected["targets"][each]
    for section, entries in (("regions", plan.regions), ("targets", plan.inserts)):
        for new_entry in entries:
            expected[section][new_entry.id] = dict(new_entry.values)
    if expected != new or [each for each in new["targets"] if each in kept_order] != kept_order:
        raise SpliceError(f"the edits do not fit the way the file is written ({_first_difference(expected, new)})")


def _plain(node: Node) -> Any:
    """Return a tree as plain values; keys without a value are absent, as they are to the loader."""
    if isinstance(node, ScalarNode):
        return None if node.is_null else node.text
    if isinstance(node, ListNode):
        return [_plain(item) for item in node.items]
    values = {key: _plain(value) for key, (_, value) in node.entries.items()}
    return {key: value for key, value in values.items() if value is not None}


def _by_id(items: Any) -> dict[str, Any]:
    return {item["id"]: item for item in items or []}


def _first_difference(expected: dict[str, Any], new: dict[str, Any]) -> str:
    """Name the first thing that is not as planned."""
    for section in _LISTS:
        for each in expected[section].keys() | new[section].keys():
            if expected[section].get(each) != new[section].get(each):
                return f"{section}: {each}"
    return "another section, or the order"
