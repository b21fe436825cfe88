"""Telegram's HTML mode as the Bot API parses it: allowed tags, nesting, entities; what it refuses is a MarkupError.

Written from the Bot API documentation and TDLib's MessageEntity.cpp, not from our renderer: both must agree.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

_TAGS = {
    "b": "bold",
    "strong": "bold",
    "i": "italic",
    "em": "italic",
    "u": "underline",
    "ins": "underline",
    "s": "strikethrough",
    "strike": "strikethrough",
    "del": "strikethrough",
    "a": "text_link",
    "code": "code",
    "pre": "pre",
    "blockquote": "blockquote",
    "tg-spoiler": "spoiler",
    "span": "spoiler",
    "tg-emoji": "custom_emoji",
    "tg-time": "date_time",
}
_NAMED = {"lt": "<", "gt": ">", "amp": "&", "quot": '"'}
_TOKEN = re.compile(r"<|&(?:#x([0-9A-Fa-f]+)|#([0-9]+)|([A-Za-z]+));")
_TAG = re.compile(r"<(/?)([a-zA-Z0-9-]*)((?:\s+[a-zA-Z-]+(?:=(?:\"[^\"]*\"|'[^']*'|[^\s>\"']+))?)*)\s*>")
_HREF = re.compile(r"href=(?:\"([^\"]*)\"|'([^']*)'|([^\s>\"']+))", re.IGNORECASE)


class MarkupError(ValueError):
    """Telegram would answer 400 `can't parse entities: ...`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entity:
    """A formatted part, in UTF-16 units of the parsed text."""

    kind: str
    offset: int
    length: int
    url: str = ""


def utf16(text: str) -> int:
    """Return the length in UTF-16 units."""
    return sum(2 if ord(char) > 0xFFFF else 1 for char in text)


def parse(source: str) -> tuple[str, tuple[Entity, ...]]:
    """Return the text after entity parsing and its entities.

    Raises:
        MarkupError: Telegram refuses it.
    """
    out: list[str] = []
    length = 0
    stack: list[tuple[str, int, str]] = []
    entities: list[Entity] = []
    at = 0

    def put(text: str) -> None:
        nonlocal length
        out.append(text)
        length += utf16(text)

    while at < len(source):
        match = _TOKEN.search(source, at)
        if match is None:
            put(source[at:])
            break
        put(source[at : match.start()])
        at = match.end()
        if match[0] != "<":
            put(_entity(match))
            continue
        tag = _TAG.match(source, match.start())
        if tag is None or not tag[2]:
            opened = source[match.start() + 1 :][:10]
            raise MarkupError(f'Unsupported start tag "{opened}" at byte offset {match.start()}')
        at = tag.end()
        if tag[1]:
            entity = _close(tag, stack, length)
            if entity is not None:
                entities.append(entity)
        else:
            stack.append(_open(tag, stack, length))
    if stack:
        raise MarkupError(f"Can't find end tag corresponding to start tag {stack[-1][0]}")
    return "".join(out), tuple(sorted(entities, key=lambda e: (e.offset, -e.length)))


def _open(tag: re.Match[str], stack: list[tuple[str, int, str]], length: int) -> tuple[str, int, str]:
    """Return what an opening tag puts on the stack: name, offset, URL."""
    name = tag[2].lower()
    if name not in _TAGS:
        raise MarkupError(f'Unsupported start tag "{name}" at byte offset {tag.start()}')
    if any(opened in {"pre", "code"} for opened, _, _ in stack):
        raise MarkupError(f"Nothing nests in pre and code, at byte offset {tag.start()}")
    href = _HREF.search(tag[3])
    url = next((group for group in href.groups() if group is not None), "") if href else ""
    return name, length, _TOKEN.sub(lambda m: _entity(m) if m[0] != "<" else "<", url)


def _close(tag: re.Match[str], stack: list[tuple[str, int, str]], length: int) -> Entity | None:
    """Return the entity that a closing tag ends; None where Telegram makes none."""
    if not stack or stack[-1][0] != tag[2].lower():
        raise MarkupError(f"Unmatched end tag at byte offset {tag.start()}")
    opened, start, url = stack.pop()
    kind = _TAGS[opened]
    if length == start or (kind == "text_link" and not is_url(url)):
        return None  # empty, or a link to a host without a dot: silently plain text
    return Entity(kind=kind, offset=start, length=length - start, url=url)


def is_url(url: str) -> bool:
    """Tell whether Telegram takes this as a URL: http(s) and a host with a dot."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    host = parts.hostname or ""
    return parts.scheme in {"http", "https", "tg"} and "." in host and not any(char.isspace() for char in url)


def _entity(match: re.Match[str]) -> str:
    """Return what a character entity stands for; unknown ones stay as they are."""
    if match[3] is not None:
        return _NAMED.get(match[3], match[0])
    code = int(match[1], 16) if match[1] is not None else int(match[2])
    if code == 0 or code >= 0x110000 or 0xD800 <= code < 0xE000:
        return match[0]
    return chr(code)
