"""Telegram HTML: escaping, UTF-16 length as Telegram counts it, cutting between whole lines, plain text (pure).

Only these tags are written here: b, i, a, code. Every line is well-formed on its own, so that cutting between lines
never breaks an entity.
"""

from __future__ import annotations

import html
import re
import unicodedata
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

LIMIT = 4096  # UTF-16 units after entity parsing; TDLib counts code points, which are never more
CAPTION_LIMIT = 1024
FIELD_LIMIT = 200  # UTF-16 units of one name or value
_TAG = re.compile(r"<[^>]*>")
_LINK = re.compile(r'<a href="([^"]*)">(.*?)</a>')
# Overrides that turn the rest of a line around, and other invisible controls; joiners stay, emoji need them.
_KEPT_FORMATS = {"\u200c", "\u200d"}


def utf16(text: str) -> int:
    """Return the length in UTF-16 units."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def plain(markup: str) -> str:
    """Return the text that a reader sees, links written out."""
    linked = _LINK.sub(lambda m: m[2] if m[1] in m[2] else f"{m[2]} ({m[1]})", markup)
    return html.unescape(_TAG.sub("", linked))


def visible(markup: str) -> str:
    """Return the text after entity parsing: what Telegram counts."""
    return html.unescape(_TAG.sub("", markup))


def one_line(text: str, limit: int = FIELD_LIMIT) -> str:
    """Return a foreign text as one harmless line of at most `limit` UTF-16 units, shortened with an ellipsis."""
    kept = "".join(
        " " if char.isspace() else char
        for char in text[: limit * 4]
        if char.isspace() or char in _KEPT_FORMATS or unicodedata.category(char) not in {"Cc", "Cf", "Cs", "Co", "Cn"}
    )
    return cut_text(" ".join(kept.split()), limit)


def cut_text(text: str, limit: int) -> str:
    """Return the text, shortened with an ellipsis to at most `limit` UTF-16 units."""
    if utf16(text) <= limit:
        return text
    room, end = limit - 1, 0
    for char in text:
        room -= 2 if ord(char) > 0xFFFF else 1  # noqa: PLR2004 - beyond the basic plane: a surrogate pair
        if room < 0:
            break
        end += 1
    return f"{text[:end].rstrip()}…"


def escape(text: str, limit: int = FIELD_LIMIT) -> str:
    """Return a foreign text as one line of safe HTML."""
    return html.escape(one_line(text, limit), quote=True)


def link(text: str, url: str) -> str:
    """Return a link; the bare text where Telegram would not make one (a host without a dot silently becomes text)."""
    return f'<a href="{html.escape(url, quote=True)}">{escape(text)}</a>' if is_linkable(url) else escape(text)


def is_linkable(url: str) -> bool:
    """Tell whether Telegram makes a link or a button of this URL. A URL button without it makes the message a 400."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return False
    clean = len(url) <= 2000 and not any(char.isspace() or not char.isprintable() for char in url)  # noqa: PLR2004
    return parts.scheme in {"http", "https"} and "." in host.strip(".") and clean


def fit(
    head: Sequence[str],
    body: Sequence[str],
    foot: Sequence[str],
    *,
    more: Callable[[int], str],
    limit: int = LIMIT,
    hidden: int = 0,
) -> str:
    """Return whole lines that fit: all of head and foot, as much of body as there is room, then `more(left out)`.

    Args:
        head: lines that always stay; together with foot they must be far below the limit.
        body: lines, the most important first.
        foot: last lines.
        more: what to say for so many lines left out.
        limit: UTF-16 units after entity parsing.
        hidden: how many lines were left out of body before.
    """

    def size(lines: Sequence[str]) -> int:
        return sum(utf16(visible(line)) + 1 for line in lines)

    room = limit - size(head) - size(foot)
    if size(body) <= room and not hidden:
        return "\n".join([*head, *body, *foot])
    room -= utf16(visible(more(len(body) + hidden))) + 1
    kept: list[str] = []
    for line in body:
        room -= utf16(visible(line)) + 1
        if room < 0:
            break
        kept.append(line)
    return "\n".join([*head, *kept, more(len(body) - len(kept) + hidden), *foot])
