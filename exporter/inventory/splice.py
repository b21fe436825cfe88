"""A plan of edits written into the text of targets.yml: every byte that no edit is about stays.

The text is parsed for places and pieces are put in between; no YAML library writes here, since each of them reformats
(ruamel.yaml changed 1,203 of 4,932 lines of a 3,000-target file). The result is read again and compared with what the
plan asks for; if it says anything else, nothing is returned.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from exporter.errors import InventoryError
from exporter.inventory.findings import Findings
from exporter.inventory.load import parse_inventory
from exporter.inventory.nodes import ListNode, MapNode, ScalarNode
from exporter.inventory.quoting import scalar
from exporter.inventory.tree import collector_paused, parse_tree
from exporter.inventory.verify import SpliceError, check_result

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exporter.inventory.edits import Entry, Plan
    from exporter.inventory.nodes import Node

_NUMBER_KEYS: Final = frozenset({"latitude", "longitude"})
_BOM: Final = "\ufeff"
_DEFAULT_INDENT: Final = "  "


def splice(text: str, file_name: str, plan: Plan) -> str:
    """Return the text with the plan's edits.

    Raises:
        SpliceError: an entry is written in a way that cannot be edited, or the result would not be what the plan says.
        InventoryError: the text or the result has mistakes.
    """
    mark = _BOM if text.startswith(_BOM) else ""
    body = text.removeprefix(_BOM)
    with collector_paused():
        before = _root(body, file_name)
        result = _Splicer(body, before).apply(plan)
        check_result(before, _root(result, file_name), plan)
    try:
        parse_inventory(result, file_name)
    except InventoryError as error:
        raise SpliceError(f"the file would have mistakes then:\n{error}") from error
    return mark + result


def _root(text: str, file_name: str) -> MapNode:
    findings = Findings(file_name)
    root = parse_tree(text, findings)
    findings.raise_if_any()
    if not isinstance(root, MapNode):
        raise SpliceError("the file does not begin with a key")
    return root


class _Splicer:
    """Collects replacements by place, then puts the text together in one pass."""

    def __init__(self, text: str, root: MapNode) -> None:
        self._text = text
        self._root = root
        self._newline = "\r\n" if "\r\n" in text[: text.find("\n") + 1] else "\n"
        self._pieces: list[tuple[int, int, str]] = []  # start, end, what stands there instead

    def apply(self, plan: Plan) -> str:
        """Return the new text."""
        items = self._items("targets")
        changes: dict[str, dict[str, str | None]] = {}
        for change in plan.all_changes:
            changes.setdefault(change.id, {}).update(change.values)
        for target_id, values in changes.items():
            self._change(items[target_id], values)
        for target_id in plan.removals:
            self._remove(items[target_id])
        self._insert("regions", plan.regions)
        self._insert("targets", plan.inserts)
        return self._assemble()

    def _assemble(self) -> str:
        parts, position = [], 0
        # Stable: pieces for one place keep the order in which they were made.
        for start, end, replacement in sorted(self._pieces, key=lambda piece: piece[:2]):
            if start < position:
                raise SpliceError("two edits touch the same text")
            parts += [self._text[position:start], replacement]
            position = end
        return "".join([*parts, self._text[position:]])

    def _items(self, section: str) -> dict[str, MapNode]:
        """Return the items of a section by id."""
        node = self._section(section)
        items = node.items if isinstance(node, ListNode) else []
        return {
            item.entries["id"][1].text: item
            for item in items
            if isinstance(item, MapNode) and "id" in item.entries and isinstance(item.entries["id"][1], ScalarNode)
        }

    def _section(self, section: str) -> Node:
        entry = self._root.entries.get(section)
        if entry is None:
            raise SpliceError(f"there is no `{section}:` in the file; add it")
        return entry[1]

    # Keys of an entry that stays

    def _change(self, item: MapNode, values: Mapping[str, str | None]) -> None:
        added = {}
        for key, value in values.items():
            own = key in item.entries and key not in item.merged
            if value is None:
                if own:
                    self._remove_key(item, key)
            elif own:
                self._set(item, key, value)
            else:
                added[key] = value
        if added:
            self._add_keys(item, added)

    def _set(self, item: MapNode, key: str, value: str) -> None:
        node = item.entries[key][1]
        if not isinstance(node, ScalarNode) or not (node.simple or node.is_null):
            raise SpliceError(f"line {node.line}: {key} is written in a way that cannot be edited; set it to {value}")
        written = _written(key, value)
        blank = " " if node.start == node.end else ""  # `key:` without a value
        self._pieces.append((node.start, node.end, blank + written))

    def _add_keys(self, item: MapNode, values: Mapping[str, str]) -> None:
        pairs = [f"{key}: {_written(key, value)}" for key, value in values.items()]
        end = self._own_end(item)
        if item.flow:
            self._pieces.append((end, end, "".join(f", {pair}" for pair in pairs)))
        else:
            self._add_lines(end, [f"{self._key_indent(item)}{pair}" for pair in pairs])

    def _own_end(self, item: MapNode) -> int:
        """Return where the last value ends that is written in the item itself."""
        ends = [
            value.end
            for key, (_, value) in item.entries.items()
            if key not in item.merged and value.start >= item.start
        ]
        return max(ends)

    def _key_indent(self, item: MapNode) -> str:
        key = next(key for name, (key, _) in item.entries.items() if name not in item.merged)
        return " " * (key.start - self._line_start(key.start))

    def _remove_key(self, item: MapNode, key: str) -> None:
        key_node, value = item.entries[key]
        line_start, line_end = self._line_start(key_node.start), self._line_end(value.end)
        before, after = self._text[line_start : key_node.start], self._text[value.end : line_end]
        if item.flow:
            comma = self._text.rfind(",", item.start, key_node.start)
            if comma >= 0 and not self._text[comma + 1 : key_node.start].strip():
                self._pieces.append((comma, value.end, ""))
                return
        elif not before.strip():
            if not after.strip():
                self._pieces.append((line_start, self._after_line(value.end), ""))
                return
            self._pieces.append((key_node.start, value.end + len(after) - len(after.lstrip()), ""))  # its comment stays
            return
        self._pieces.append((value.start, value.end, "~" if value.start < value.end else " ~"))

    # Whole entries

    def _remove(self, item: MapNode) -> None:
        section = self._section("targets")
        assert isinstance(section, ListNode)  # noqa: S101 - the item was found in it
        if section.flow:
            self._remove_flow(section, item)
            return
        start, end = self._line_start(item.start), self._after_line(item.end)
        prefix, rest = self._text[start : item.start], self._text[item.end : end].strip()
        if prefix.strip() != "-" or (rest and not rest.startswith("#")):
            raise SpliceError(f"line {item.line}: the entry shares its lines with others; remove it by hand")
        self._pieces.append((start, end, ""))

    def _remove_flow(self, section: ListNode, item: MapNode) -> None:
        place = next(number for number, each in enumerate(section.items) if each is item)
        if place:
            start, end = section.items[place - 1].end, item.end
        else:
            start = item.start
            end = section.items[1].start if len(section.items) > 1 else item.end
        if "#" in self._text[start : item.start] + self._text[item.end : end]:
            raise SpliceError(f"line {item.line}: comments stand around the entry; remove it by hand")
        self._pieces.append((start, end, ""))

    def _insert(self, section: str, entries: tuple[Entry, ...]) -> None:
        if not entries:
            return
        node = self._section(section)
        if isinstance(node, ListNode) and node.items:
            items = self._items(section)
            for entry in entries:
                neighbour = items.get(entry.after or "") or node.items[-1]
                self._insert_after(node, neighbour, entry)
            return
        lines = [f"{_DEFAULT_INDENT}- {_flow(entry)}" for entry in entries]
        if isinstance(node, ScalarNode) and node.start == node.end:
            self._add_lines(node.end, lines)
        else:  # [] or ~
            self._pieces.append((node.start, node.end, "".join(f"{self._newline}{line}" for line in lines)))

    def _insert_after(self, section: ListNode, neighbour: Node, entry: Entry) -> None:
        """Write an entry in the style of its neighbour."""
        if section.flow:
            own_line = neighbour.line != section.line
            indent = " " * (neighbour.start - self._line_start(neighbour.start))
            gap = f",{self._newline}{indent}" if own_line else ", "
            self._pieces.append((neighbour.end, neighbour.end, gap + _flow(entry)))
            return
        prefix = self._text[self._line_start(neighbour.start) : neighbour.start]
        dash = prefix.find("-")
        if dash < 0 or prefix[:dash].strip():
            raise SpliceError(f"line {neighbour.line}: the list is written in a way that cannot be added to")
        bullet = f"{prefix[:dash]}- "
        if isinstance(neighbour, MapNode) and not neighbour.flow:
            keys = [f"{key}: {_written(key, value)}" for key, value in entry.values.items()]
            lines = [bullet + keys[0], *(" " * len(bullet) + key for key in keys[1:])]
        else:
            lines = [bullet + _flow(entry)]
        self._add_lines(neighbour.end, lines)

    # Lines

    def _add_lines(self, end: int, lines: list[str]) -> None:
        """Put lines behind the line in which something ends."""
        place = self._after_line(end)
        joined = self._newline.join(lines)
        at_line_start = place == 0 or self._text[place - 1] == "\n"
        self._pieces.append((place, place, joined + self._newline if at_line_start else self._newline + joined))

    def _line_start(self, place: int) -> int:
        return self._text.rfind("\n", 0, place) + 1

    def _line_end(self, place: int) -> int:
        """Return where the line's text ends, before its line end."""
        end = self._text.find("\n", place)
        if end < 0:
            return len(self._text)
        return end - 1 if end > place and self._text[end - 1] == "\r" else end

    def _after_line(self, place: int) -> int:
        """Return where the next line begins. A block of lines (`|`) ends there already."""
        if place and self._text[place - 1] == "\n":
            return place
        end = self._text.find("\n", place)
        return len(self._text) if end < 0 else end + 1


def _written(key: str, value: str) -> str:
    return scalar(value, number=key in _NUMBER_KEYS)


def _flow(entry: Entry) -> str:
    return "{" + ", ".join(f"{key}: {_written(key, value)}" for key, value in entry.values.items()) + "}"
