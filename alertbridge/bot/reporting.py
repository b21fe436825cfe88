"""The command that tells how a day or a week went: /report."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alertbridge.bot.kinds import WrongUsageError
from alertbridge.errors import PeerError
from alertbridge.reports import SPANS, make, report_text

if TYPE_CHECKING:
    from alertbridge.bot.kinds import Question

EXAMPLE = "7d"


async def report(question: Question) -> str:
    """Tell availability, outages and the worst sites of the last 24 h or 7 days."""
    span = question.argument.casefold() or EXAMPLE
    if span not in SPANS:
        raise WrongUsageError(question.texts("bot.usage", example=f"/{question.name} {EXAMPLE}"))
    if question.pictures is None:
        raise PeerError("prometheus is not asked here")
    found = await make(question.exporter, question.pictures.prometheus, span=span, now=question.now)
    return report_text(found, question.texts, now=question.now)
