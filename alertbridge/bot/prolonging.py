"""The button that prolongs a silence by an hour, once per end; whoever saw the offer elsewhere is told."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from alertbridge import intake, wording
from alertbridge.bot import silence_ends
from alertbridge.bot.kinds import Answer, Question, WrongUsageError
from alertbridge.bot.silencing import BUTTON_SPAN, name_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from alertbridge.alertmanager import Silence
    from alertbridge.store.queries import Queries


async def prolong(question: Question, silence_id: str, until: int) -> Answer:
    """Let a silence last an hour longer.

    Args:
        question: who asks.
        silence_id: Alertmanager's.
        until: its end when the button was offered, in seconds since the epoch: a second press does nothing.

    Raises:
        PeerError: Alertmanager did not take it.
        WrongUsageError: it has ended or was prolonged meanwhile.
    """
    silence = (await question.alertmanager.silences()).get(silence_id)
    if silence is None or round(silence.ends_at.timestamp()) != until:
        raise WrongUsageError(question.texts("press.invalid"))
    longer = replace(silence, ends_at=silence.ends_at + BUTTON_SPAN)
    new_id = await question.alertmanager.put(longer)
    note = await question.store.transact(lambda q: _noted(q, replace(longer, id=new_id), silence_id, question))
    question.on_change()
    when = wording.when(longer.ends_at, question.zone, now=question.now)
    return Answer(text=question.texts("act.prolonged", what=name_of(silence, note), when=when, who=question.who))


def _noted(queries: Queries, longer: Silence, old_id: str, question: Question) -> Mapping[str, Any] | None:
    """Return what is noted of a silence, and tell the other chats that its end was announced to."""
    note = _followed(queries, old_id, longer.id)
    if note is None:
        return None
    for name in note.get("told", ()):
        chat = question.settings.chat(name)
        if chat is not None and name != question.chat_name:  # here it is the answer to the press
            what = name_of(longer, note)
            values = silence_ends.prolonged(what, question.who, longer.ends_at, chat, now=question.now)
            intake.notify(queries, [name], "silence_prolonged", values, now=question.now)
    return note


def _followed(queries: Queries, old_id: str, new_id: str) -> Mapping[str, Any] | None:
    """Return what is noted of a silence; where it got another id, because it ended meanwhile, the note follows it."""
    note = queries.watched_silences().get(old_id)
    if note is not None and new_id != old_id:
        queries.forget_silence(old_id)
        queries.watch_silence(new_id, note)
    return note
