"""Long lists in pages with buttons to turn them (pure). A page is asked for anew when it is turned: it is never old."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alertbridge.bot.callbacks import Kind
from alertbridge.bot.kinds import Answer, Question
from alertbridge.markup import LIMIT, fit, utf16, visible
from alertbridge.sending import Button

if TYPE_CHECKING:
    from collections.abc import Sequence

    from alertbridge.sending import Buttons

PER_PAGE = 20  # lines; a phone shows about so many
_ROOM = LIMIT - 600  # UTF-16 units of the lines of a page; head and foot need the rest


def paged(
    question: Question, head: Sequence[str], lines: Sequence[str], foot: Sequence[str], *, hidden: int = 0
) -> Answer:
    """Return one page of a list.

    Args:
        question: its `page` is shown, or the last one there is.
        head: lines above every page.
        lines: all lines of the list.
        foot: lines below every page.
        hidden: how many lines there are besides.
    """
    spans = pages(lines)
    page, last = page_of(question.page, len(spans)), len(spans) - 1
    texts = question.texts
    below = [texts("bot.page", page=page + 1, pages=last + 1), *foot] if last else list(foot)
    text = fit(
        head,
        lines[spans[page]],
        below,
        more=lambda left: texts("digest.more", count=left),
        hidden=hidden if page == last else 0,
    )
    return Answer(text=text, buttons=_turning(question, page, last))


def pages(lines: Sequence[str]) -> list[slice]:
    """Return which lines stand on which page: 20 at most, and never more than a message takes."""
    found, start, room = [], 0, _ROOM
    for number, line in enumerate(lines):
        size = utf16(visible(line)) + 1
        if number > start and (size > room or number - start >= PER_PAGE):
            found.append(slice(start, number))
            start, room = number, _ROOM
        room -= size
    return [*found, slice(start, len(lines))]


def page_of(wanted: int, count: int) -> int:
    """Return the page to show of `count` pages, from 0."""
    return max(0, min(wanted, count - 1))


def _turning(question: Question, page: int, last: int) -> Buttons:
    row = []
    for text, other in (("◀", page - 1), ("▶", page + 1)):
        data = question.signer.pack(Kind.PAGE, question.name, other, question.argument)
        if 0 <= other <= last and data is not None:
            row.append(Button(text=text, data=data))
    return (tuple(row),) if row else ()
