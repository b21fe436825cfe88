"""Which open incidents a person means: by reply, by id, by name, or the only one there is."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from alertbridge import wording
from alertbridge.bot.kinds import Question, WrongUsageError
from alertbridge.bot.offering import Choice, choice_buttons
from alertbridge.markup import escape, one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from alertbridge.incidents import Incident
    from alertbridge.store.queries import Queries

EVERYTHING = frozenset({"all", "semua"})
_NEAR = 8


async def meant(question: Question, *, name: str | None = None, unacknowledged: bool = False) -> tuple[Incident, ...]:
    """Return the incidents that a command is about.

    Args:
        question: as it was asked.
        name: what was typed; None: the question's whole argument.
        unacknowledged: without a name, only incidents that nobody has taken come into question.

    Raises:
        WrongUsageError: none or several fit; the text says which are open.
    """
    text = question.argument if name is None else name
    here, reply = question.asker.chat_id, question.reply_to

    def work(queries: Queries) -> tuple[tuple[Incident, ...], tuple[int, ...] | None]:
        message = queries.messagesat(here, reply) if reply is not None else None
        return queries.open_incidents(), queries.members(message.id) if message is not None else None

    incidents, replied = await question.store.transact(work)
    if not text and replied is not None:
        return _some([i for i in incidents if i.id in replied], question)
    if text.casefold() in EVERYTHING:
        return _some(incidents, question)
    if text:
        return _named(incidents, text, question)
    free = [i for i in incidents if not (unacknowledged and i.acknowledged_by)]
    if len(free) > 1:
        raise _choice(question, question.texts("act.which", command=question.name), free)
    return _some(free or incidents, question)


def place_of(incident: Incident) -> str:
    """Return where it is, in one short line."""
    return one_line(wording.place(incident), 120)


def _some(incidents: Sequence[Incident], question: Question) -> tuple[Incident, ...]:
    if not incidents:
        raise WrongUsageError(question.texts("act.nothing_open"))
    return tuple(incidents)


def _named(incidents: Sequence[Incident], text: str, question: Question) -> tuple[Incident, ...]:
    wanted = text.casefold()
    exact = [i for i in incidents if wanted in _names(i)]
    if exact:
        return tuple(exact)
    part = [i for i in incidents if any(wanted in name for name in _names(i))]
    if len(part) == 1:
        return tuple(part)
    names = {name: i for i in incidents for name in _names(i)}
    close = difflib.get_close_matches(wanted, list(names), n=_NEAR, cutoff=0.6)
    near = part or list({names[name].id: names[name] for name in close}.values())
    if not near:
        raise WrongUsageError(question.texts("act.none_open_named", text=text))
    key = "bot.several" if part else "act.none_open_near"
    raise _choice(question, question.texts(key, text=text), near, typed=text)


def _names(incident: Incident) -> tuple[str, ...]:
    """Return what a person may call it: the id, the name; the alert's name where it is about no target."""
    kind, _, identity = incident.subject.partition(":")
    found = (incident.label("alertname"),) if kind == "alert" else (identity, incident.facts.name)
    return tuple(name.casefold() for name in found if name)


def _choice(question: Question, head: str, incidents: Sequence[Incident], *, typed: str = "") -> WrongUsageError:
    """Return the answer that asks which incident was meant; what followed the name in the command is kept.

    Args:
        question: as it was asked.
        head: the first line.
        incidents: what may have been meant.
        typed: the name in the command, with which its argument begins.
    """
    lines, choices = [], []
    for incident in incidents[:_NEAR]:
        kind, _, identity = incident.subject.partition(":")
        name = incident.label("alertname") if kind == "alert" else identity
        lines.append(f"<code>{escape(name)}</code> {escape(place_of(incident))}")
        choices.append(Choice(id=name, name=place_of(incident)))
    buttons = choice_buttons(question, choices, after=question.argument.removeprefix(typed).strip())
    return WrongUsageError("\n".join([head, *lines]), buttons=buttons)
