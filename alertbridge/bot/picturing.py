"""The commands that answer with a picture: /map and /graph."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from alertbridge.bot.kinds import Answer, WrongUsageError
from alertbridge.bot.lookup import find_region, find_target, the_one
from alertbridge.errors import PeerError
from alertbridge.pictures import DEFAULT_SPAN
from alertbridge.pictures_curves import SPANS

if TYPE_CHECKING:
    from alertbridge.bot.kinds import Question
    from alertbridge.pictures import Picture, Pictures

GRAPH_EXAMPLE = "jbr-hub 24h"


async def map_picture(question: Question) -> Answer:
    """Draw the country, or one region where one is named."""
    region = None
    if question.argument:
        found = await find_region(question.exporter, question.argument)
        region = the_one(found, question, kind="region", text=question.argument)
    return _answer(await _pictures(question).map(question.texts, now=question.now, region=region))


async def graph_picture(question: Question) -> Answer:
    """Draw RTT, loss and states of a region (by exact id or name) or a target."""
    name, span = _split(question.argument)
    if not name:
        raise WrongUsageError(question.texts("bot.usage", example=f"/{question.name} {GRAPH_EXAMPLE}"))
    wanted = name.casefold()
    regions = await question.exporter.regions()
    exact = [r for r in regions if wanted in {str(r.get("id")).casefold(), str(r.get("name")).casefold()}]
    item: dict[str, Any]
    if len(exact) == 1:
        item, is_region = exact[0], True
    else:
        found = await find_target(question.exporter, name)
        item, is_region = the_one(found, question, kind="target", text=name, after=span), False
    try:
        picture = await _pictures(question).graph(
            item, question.texts, now=question.now, span=span, is_region=is_region
        )
    except PeerError:
        return Answer(text=question.texts("bot.unreachable", peer="Prometheus"), result="unavailable")
    return _answer(picture)


def _split(argument: str) -> tuple[str, str]:
    """Return the name and the span: `jbr-hub 7d`; without a span a day."""
    name, _, last = argument.rpartition(" ")
    if last.casefold() in SPANS:
        return name, last.casefold()
    return argument, DEFAULT_SPAN


def _pictures(question: Question) -> Pictures:
    if question.pictures is None:
        raise PeerError("nobody draws here")
    return question.pictures


def _answer(picture: Picture) -> Answer:
    return Answer(text=picture.caption, photo=picture.png)
