"""The text of targets.yml as a tree that knows its places: libyaml's events become nodes; nothing is typed yet.

Scalars stay the text that was written, so that an id `NO` or `0012` is text (YAML 1.1 would make it False and 10).
Aliases and merge keys (`<<`) are followed; duplicate keys, tags and a second document are mistakes. Lines count from 1.
`start` and `end` are character indexes into the text without its byte order mark; splice.py edits by them.

Events and not PyYAML's own nodes: half the time and a fifth of the memory at 100,000 targets (docs/decisions/0004).
"""

from __future__ import annotations

import gc
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import yaml
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from exporter.inventory.nodes import ListNode, MapNode, ScalarNode
from exporter.inventory.syntax import explain_syntax

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exporter.inventory.findings import Findings
    from exporter.inventory.nodes import Node

_CORE: Final = "tag:yaml.org,2002:"
_CORE_TAGS: Final = frozenset(
    f"{_CORE}{name}" for name in ("str", "int", "float", "bool", "null", "map", "seq", "timestamp")
)
_MERGE: Final = "<<"
_UNUSUAL_KEYS: Final = frozenset({_MERGE, ""})
_QUOTES: Final = frozenset({"'", '"'})


@dataclass(slots=True)
class _Frame:
    """A container that is still open."""

    node: MapNode | ListNode
    key: ScalarNode | None = None  # of a mapping: the key whose value comes next
    at: str = ""  # of a mapping: the last key, for the path of a mistake in its value
    merges: list[Node] = field(default_factory=list)
    junk: bool = False  # stands where a key must: read and thrown away


@contextmanager
def collector_paused() -> Iterator[None]:
    """Keep the garbage collector still: it would walk a million new nodes again and again (12 s instead of 2.5 s)."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def parse_tree(text: str, findings: Findings) -> Node | None:
    """Return the root of the only document, or None for an empty file.

    Raises:
        InventoryError: the text is no YAML (there is no tree then). What can be told beside a tree is in `findings`.
    """
    builder = _Builder(findings)
    try:
        next_event = yaml.CSafeLoader(text).get_event
        event: Any = next_event()
        while type(event) is not StreamEndEvent:
            builder.take(event)
            event = next_event()
    except (yaml.YAMLError, UnicodeError) as error:
        explain_syntax(text, error, findings)
        findings.raise_if_any()
        raise
    return builder.root


class _Builder:
    """Puts events together; iterative, so that no depth of nesting is too much."""

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self._frames: list[_Frame] = []
        self._anchors: dict[str, Node] = {}
        self._documents = 0
        self.root: Node | None = None

    def take(self, event: Any) -> None:
        """Take the next event; types of yaml.events are not declared precisely enough to be more than Any."""
        kind = type(event)
        if kind is ScalarEvent:
            self._take_scalar(event)
        elif kind is MappingStartEvent or kind is SequenceStartEvent:
            self._open(event, MapNode if kind is MappingStartEvent else ListNode)
        elif kind is MappingEndEvent or kind is SequenceEndEvent:
            self._close(event)
        elif kind is AliasEvent:
            self._take_alias(event)
        elif kind is DocumentStartEvent:
            self._documents += 1
            if self._documents == 2:  # noqa: PLR2004 - the second one
                self._findings.mistake(
                    event.start_mark.line + 1,
                    "",
                    "a second document begins here",
                    'remove the line "---" or put this part into a file of its own',
                )

    def _take_scalar(self, event: Any) -> None:
        mark, end = event.start_mark, event.end_mark
        plain = event.implicit[0] and event.tag is None
        special = event.anchor is not None or event.tag is not None
        simple = not special and (plain or event.style in _QUOTES) and mark.line == end.line
        node = ScalarNode(event.value, mark.line + 1, mark.index, end.index, plain, simple)
        if special:
            self._remember(event, node)
        frame = self._frames[-1] if self._frames else None
        if frame is None or frame.key is None or frame.junk or frame.key.text in _UNUSUAL_KEYS:
            self._place(node)
            return
        # The short way of a million usual values; what _place does for them.
        parent, key = frame.node, frame.key
        if type(parent) is MapNode and key.text not in parent.entries:
            parent.entries[key.text] = (key, node)
            parent.end = max(parent.end, node.end)
            frame.at, frame.key = key.text, None
        else:
            self._place(node)

    def _take_alias(self, event: Any) -> None:
        mark = event.start_mark
        line = mark.line + 1
        target = self._anchors.get(event.anchor)
        node = ScalarNode(
            text=f"*{event.anchor}",
            line=line,
            start=mark.index,
            end=event.end_mark.index,
            plain=False,
            simple=target is not None,
        )
        if target is None:
            self._findings.mistake(
                line,
                self._path(),
                "names an anchor that is not defined above it",
                f"define it with &{event.anchor}, or put the text in quotes",
                value=f"*{event.anchor}",
            )
            self._place(node)
        elif isinstance(target, ScalarNode):
            node.text, node.plain = target.text, target.plain
            self._place(node)
        elif any(frame.node is target for frame in self._frames):
            self._findings.mistake(
                line, self._path(), "contains itself", "write the values out instead", value=f"*{event.anchor}"
            )
            self._place(node)
        else:
            self._place(target, end=event.end_mark.index)

    def _open(self, event: Any, kind: type[MapNode | ListNode]) -> None:
        mark = event.start_mark
        node = kind(line=mark.line + 1, start=mark.index, flow=bool(event.flow_style))
        if event.anchor is not None or event.tag is not None:
            self._remember(event, node)
        junk = self._expects_key()
        if junk and not self._frames[-1].junk:
            self._findings.mistake(
                node.line, self._path(), "a list or mapping stands where a key must", "write a word and a colon"
            )
        if not junk:
            self._place(node)
        self._frames.append(_Frame(node=node, junk=junk))

    def _close(self, event: Any) -> None:
        frame = self._frames.pop()
        node = frame.node
        if node.flow:
            node.end = event.end_mark.index
        else:
            node.end = max(node.end, node.start)
        if frame.merges and isinstance(node, MapNode):
            self._merge(node, frame.merges)
        if frame.junk:
            # It stood where a key must: go on as if that key had been a word of no meaning.
            self._frames[-1].key = ScalarNode(
                text="", line=node.line, start=node.start, end=node.end, plain=False, simple=False
            )
        elif self._frames:
            parent = self._frames[-1].node
            parent.end = max(parent.end, node.end)

    def _expects_key(self) -> bool:
        """Tell whether the innermost container is a mapping that waits for its next key, or is junk itself."""
        if not self._frames:
            return False
        frame = self._frames[-1]
        return frame.junk or (isinstance(frame.node, MapNode) and frame.key is None)

    def _remember(self, event: Any, node: Node) -> None:
        """Keep what an anchor names, and refuse tags that say more than YAML's own types."""
        if event.anchor is not None:
            self._anchors[event.anchor] = node
        tag = event.tag
        if tag is not None and tag not in _CORE_TAGS and tag != "!":
            short = f"!!{tag.removeprefix(_CORE)}" if tag.startswith(_CORE) else tag
            self._findings.mistake(
                node.line, self._path(), "is a tag, and tags mean nothing here", "remove it", value=short
            )

    def _place(self, node: Node, end: int = 0) -> None:
        """Put a finished or just opened node where it belongs; `end` is where an alias of it ends."""
        if not self._frames:
            if self._documents <= 1:
                self.root = node
            return
        frame = self._frames[-1]
        if frame.junk:
            return
        parent = frame.node
        if isinstance(parent, ListNode):
            parent.items.append(node)
        elif frame.key is None:
            if isinstance(node, ScalarNode):
                frame.key = node
                return
            # An alias of a list or mapping as a key.
            self._findings.mistake(
                node.line, self._path(), "a list or mapping stands where a key must", "write a word and a colon"
            )
            frame.key = ScalarNode(text="", line=node.line, start=0, end=0, plain=False, simple=False)
            return
        else:
            self._add_entry(frame, parent, frame.key, node)
            frame.at, frame.key = frame.key.text, None
        parent.end = max(parent.end, end or node.end)

    def _add_entry(self, frame: _Frame, parent: MapNode, key: ScalarNode, node: Node) -> None:
        if key.text == _MERGE and key.plain:
            frame.merges.append(node)
            return
        if not key.simple and not key.text:
            return  # already told
        before = parent.entries.get(key.text)
        if before is not None:
            self._findings.mistake(
                key.line,
                self._path(without_key=True),
                f"is here twice; the first is in line {before[0].line}",
                "keep one of them",
                value=key.text,
            )
            return
        parent.entries[key.text] = (key, node)

    def _merge(self, node: MapNode, merges: list[Node]) -> None:
        """Fill in what `<<: *anchor` brings; the mapping's own keys win, then the first of several."""
        inherited = set()
        for merge in merges:
            for source in merge.items if isinstance(merge, ListNode) else [merge]:
                if not isinstance(source, MapNode):
                    self._findings.mistake(
                        merge.line, self._path(), "brings no mapping", "name the anchor of a mapping", value=_MERGE
                    )
                    continue
                for key, entry in source.entries.items():
                    if key not in node.entries:
                        node.entries[key] = entry
                        inherited.add(key)
        node.merged = frozenset(inherited)

    def _path(self, *, without_key: bool = False) -> str:
        """Return where the builder stands, e.g. `targets[3].probe`."""
        parts: list[str] = []
        for frame in self._frames:
            innermost = frame is self._frames[-1]
            if isinstance(frame.node, ListNode):
                parts.append(f"[{len(frame.node.items) - (not innermost)}]")
                continue
            key = frame.at
            if innermost:
                key = "" if frame.key is None or without_key else frame.key.text
            if key:
                parts.append(f".{key}" if parts else key)
        return "".join(parts)
