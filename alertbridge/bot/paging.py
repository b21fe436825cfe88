"""Long lists in pages with buttons to turn them (pure). A page is asked for anew when it is turned: it is never old."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alertbridge.bot.callbacks import Kind
from alertbridge.bot.kinds import Answer, Question
from alertbridge.markup import fit
from alertbridge.sending import Button

if TYPE_CHECKING:
    from collections.abc import Sequence

    from alertbridge.sending import Buttons

PER_PAGE = 20  # lines; a phone shows about so many


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
    page = page_of(question.page, len(lines))
    last = page_of(len(lines), len(lines))
    texts = question.texts
    below = [texts("bot.page", page=page + 1, pages=last + 1), *foot] if last else list(foot)
    text = fit(
        head,
        lines[page * PER_PAGE : (page + 1) * PER_PAGE],
        below,
        more=lambda left: texts("digest.more", count=left),
        hidden=hidden if page == last else 0,
    )
    return Answer(text=text, buttons=_turning(question, page, last))


def page_of(wanted: int, count: int) -> int:
    """Return the page to show of a list of `count` lines, from 0."""
    return max(0, min(wanted, (count - 1) // PER_PAGE))


def _turning(question: Question, page: int, last: int) -> Buttons:
    row = []
    for text, other in (("◀", page - 1), ("▶", page + 1)):
        data = question.signer.pack(Kind.PAGE, question.name, other, question.argument)
        if 0 <= other <= last and data is not None:
            row.append(Button(text=text, data=data))
    return (tuple(row),) if row else ()
