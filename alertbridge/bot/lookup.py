"""A person's words -> one target or region of the exporter, or what comes near (pure but for the asking)."""

from __future__ import annotations

import asyncio
import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from alertbridge.bot.kinds import WrongUsageError
from alertbridge.bot.offering import Choice, choice_buttons
from alertbridge.markup import escape

if TYPE_CHECKING:
    from collections.abc import Sequence

    from alertbridge.bot.kinds import Question
    from alertbridge.exporter import Exporter

_NEAR = 5
# Short names that follow no rule; all others are made of the beginnings of a name's words (jabar, sumut, ntb).
_SHORT_NAMES = {
    "kaltara": "kalimantan utara",
    "sultra": "sulawesi tenggara",
    "jogja": "yogyakarta",
    "yogya": "yogyakarta",
    "jkt": "jakarta",
}
_ASKED = 50
_EVERY = 5000  # the exporter's largest page


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What fits. Exactly one of both is filled, or neither."""

    item: dict[str, Any] | None = None
    near: tuple[Choice, ...] = ()  # best first
    fits: bool = True  # what was typed is part of their names; else they are only written alike


def the_one(found: Found, question: Question, *, kind: str, text: str, after: str = "") -> dict[str, Any]:
    """Return the item that was meant.

    Args:
        found: what fits.
        question: as it was asked.
        kind: `target` or `region`.
        text: what was typed for it.
        after: what followed it in the command; it is kept when a choice is pressed.

    Raises:
        WrongUsageError: there is none, or several fit; says which.
    """
    if found.item is not None:
        return found.item
    if not found.near:
        texts = question.texts
        raise WrongUsageError(texts("bot.not_found", kind=texts(f"kind.{kind}"), text=text))
    raise several(question, found, text=text, after=after)


def several(question: Question, found: Found, *, text: str, after: str = "") -> WrongUsageError:
    """Return the answer that asks which of some was meant."""
    head = question.texts("bot.several" if found.fits else "bot.alike", text=text)
    lines = [f"<code>{escape(str(one))}</code>" for one in found.near]
    buttons = choice_buttons(question, found.near, after=after)
    return WrongUsageError("\n".join([head, *lines]), buttons=buttons)


def both(first: Found, second: Found) -> Found:
    """Return what comes near of two searches; what fits goes before what is only written alike."""
    if not first.fits and second.fits and second.near:
        first, second = second, first
    fitting = first.fits and bool(first.near)
    near = (*first.near, *(second.near if second.fits or not fitting else ()))
    return Found(item=first.item or second.item, near=near, fits=fitting)


async def find_target(exporter: Exporter, text: str) -> Found:
    """Find a target by id or name.

    Raises:
        PeerError: the exporter gave no usable answer.
    """
    page = await exporter.targets(q=text, limit=_ASKED)
    if page["items"]:
        return choose(page["items"], text)
    every = (await exporter.targets(limit=_EVERY))["items"]
    return Found(near=await asyncio.to_thread(_close, every, text), fits=False)  # of thousands: not on the event loop


async def find_region(exporter: Exporter, text: str) -> Found:
    """Find a region by id or name.

    Raises:
        PeerError: the exporter gave no usable answer.
    """
    items = await exporter.regions()
    wanted = _SHORT_NAMES.get(text.casefold(), text.casefold())
    fitting = [item for item in items if wanted in f"{item.get('id')} {item.get('name')}".casefold()]
    if fitting:
        return choose(fitting, wanted)
    short = [item for item in items if is_short_for(wanted, str(item.get("name")))]
    if short:
        return choose(short, wanted)
    return Found(near=_close(items, wanted), fits=False)


def _close(items: Sequence[dict[str, Any]], text: str) -> tuple[Choice, ...]:
    """Return what is written nearly like a text, the nearest first."""
    names = {str(item.get(key)).casefold(): item for item in items for key in ("id", "name")}
    found = difflib.get_close_matches(text.casefold(), list(names), n=_NEAR, cutoff=0.6)
    return _names([names[name] for name in found])


def is_short_for(text: str, name: str) -> bool:
    """Tell whether a text is made of the beginnings of a name's words: `jabar` of Jawa Barat, `ntb`.

    Leading words may be left out: `babel` of Kepulauan Bangka Belitung.
    """
    words = name.casefold().split()
    return any(_begins(text, words[start:]) for start in range(len(words) - 1))


def _begins(text: str, words: Sequence[str]) -> bool:
    if not words:
        return not text
    first = words[0]
    return any(text[:size] == first[:size] and _begins(text[size:], words[1:]) for size in range(1, len(first) + 1))


def choose(items: Sequence[dict[str, Any]], text: str) -> Found:
    """Return the item that is meant: the one of exactly this id or name, or the only one."""
    wanted = text.casefold()
    for key in ("id", "name"):
        exact = [item for item in items if str(item.get(key)).casefold() == wanted]
        if len(exact) == 1:
            return Found(item=exact[0])
    if len(items) == 1:
        return Found(item=items[0])
    return Found(near=_names(items[:_NEAR]))


def _names(items: Sequence[dict[str, Any]]) -> tuple[Choice, ...]:
    return tuple(dict.fromkeys(Choice(id=str(item.get("id")), name=str(item.get("name"))) for item in items))
