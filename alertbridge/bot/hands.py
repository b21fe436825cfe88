"""Whose hands an incident is in: taken, taken over from somebody, let go.

One transaction changes the incident, lets its messages say so, and ends the action's record: after a crash it is done
with its record or not done at all.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from alertbridge import intake
from alertbridge.bot.kinds import Answer, Question
from alertbridge.bot.open_incidents import EVERYTHING, meant, place_of
from alertbridge.incidents import Tell

if TYPE_CHECKING:
    from collections.abc import Sequence

    from alertbridge.incidents import Incident
    from alertbridge.store.queries import Queries

# Two people who reach for the same alarm: the second press was meant for a free one.
AT_THE_SAME_TIME = timedelta(seconds=10)
_NAMED = 5  # places named in one answer; the rest is counted


async def acknowledge(question: Question) -> Answer:
    """Take incidents: their repeats make no sound any more, and their messages say who has them."""
    incidents = await meant(question, unacknowledged=True)
    named = question.argument.casefold() not in {"", *EVERYTHING} or question.reply_to is not None
    return await take(question, [incident.id for incident in incidents], over=named)


async def take(question: Question, ids: Sequence[int], *, over: bool) -> Answer:
    """Take incidents by id.

    Args:
        question: who asks.
        ids: of the incidents; those that are over are passed over.
        over: one that is in somebody else's hands is taken over; of several only the free ones are taken.
    """
    texts, who = question.texts, question.who

    def work(queries: Queries) -> Answer:
        found = _open_ones(queries, ids)
        free = [incident for incident in found if not incident.acknowledged_by]
        theirs = [incident for incident in found if incident.acknowledged_by]
        if free:
            _hand(queries, free, question, acknowledged_by=who)
            answer = Answer(text=texts("act.taken", who=who, what=_named(free, question)))
        elif not theirs:
            answer = Answer(text=texts("act.over_already"), result="already over")
        elif len(theirs) == 1 and over and _may_take_over(theirs[0], question):
            before = theirs[0].acknowledged_by
            _hand(queries, theirs, question, acknowledged_by=who, taken_from=before)
            text = texts("act.taken_over", who=who, before=before, what=_named(theirs, question))
            answer = Answer(text=text, result=f"taken over from {before}")
        else:
            text = texts("act.taken_already", who=theirs[0].acknowledged_by, what=_named(theirs, question))
            answer = Answer(text=text, result="already taken")
        queries.end_action(question.update_id, answer.result or "ok", answer=answer.text)
        return answer

    answer = await question.store.transact(work)
    question.on_change()
    return answer


async def unacknowledge(question: Question) -> Answer:
    """Let incidents go: by name or reply, else all that the asker has."""
    if not question.argument and question.reply_to is None:
        every = await question.store.transact(lambda q: q.open_incidents())
        mine = [incident.id for incident in every if incident.acknowledged_by == question.who]
        return await release(question, mine)
    return await release(question, [incident.id for incident in await meant(question)])


async def release(question: Question, ids: Sequence[int]) -> Answer:
    """Let incidents go by id: nobody has them, so they are repeated and escalated again."""
    texts, who = question.texts, question.who

    def work(queries: Queries) -> Answer:
        taken = [incident for incident in _open_ones(queries, ids) if incident.acknowledged_by]
        if taken:
            _hand(queries, taken, question, acknowledged_by="", released_by=who)
            answer = Answer(text=texts("act.released", who=who, what=_named(taken, question)))
        else:
            answer = Answer(text=texts("act.nobody_has"), result="nobody has it")
        queries.end_action(question.update_id, answer.result or "ok", answer=answer.text)
        return answer

    answer = await question.store.transact(work)
    question.on_change()
    return answer


def just_taken(incident: Incident, question: Question) -> bool:
    """Tell whether somebody else has taken an incident in the very moment that the asker reached for it."""
    at = incident.acknowledged_at
    return at is not None and question.now - at < AT_THE_SAME_TIME


def _may_take_over(incident: Incident, question: Question) -> bool:
    return incident.acknowledged_by != question.who and not just_taken(incident, question)


def _open_ones(queries: Queries, ids: Sequence[int]) -> list[Incident]:
    return [incident for incident in queries.incidents(ids) if not incident.phase.closed]


def _hand(
    queries: Queries,
    incidents: Sequence[Incident],
    question: Question,
    *,
    acknowledged_by: str,
    taken_from: str = "",
    released_by: str = "",
) -> None:
    queries.update_incidents(
        [incident.id for incident in incidents],
        acknowledged_by=acknowledged_by,
        acknowledged_at=question.now,
        taken_from=taken_from,
        released_by=released_by,
    )
    for incident in incidents:
        intake.tell(queries, incident, Tell.UPDATE, question.settings, now=question.now)


def _named(incidents: Sequence[Incident], question: Question) -> str:
    places = [place_of(incident) for incident in incidents[:_NAMED]]
    if len(incidents) > _NAMED:
        places.append(question.texts("digest.more", count=len(incidents) - _NAMED))
    return ", ".join(places)
