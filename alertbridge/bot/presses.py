"""Pressed buttons: read, checked by the presser's own role, answered at once, then carried out.

The presser counts, not whoever the message is for. What a button is about may have ended since: then it says that it is
no longer valid. Data that we did not sign is no button of ours.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import telegram
from telegram.error import TelegramError

from alertbridge.bot import acting, hands, silencing
from alertbridge.bot.access import Asker, Denied
from alertbridge.bot.callbacks import Kind
from alertbridge.bot.commands import BY_NAME
from alertbridge.bot.keyboards import ALL
from alertbridge.bot.kinds import Answer, Command, Question, WrongUsageError
from alertbridge.bot.open_incidents import place_of
from alertbridge.bot.prolonging import prolong
from alertbridge.errors import StoreError
from alertbridge.markup import cut_text, plain
from alertbridge.settings import Role
from httpservice.logs import get_logger

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from alertbridge.bot.responder import Responder
    from alertbridge.incidents import Incident
    from alertbridge.store.queries import Queries

log = get_logger(__name__)

_TOAST_LIMIT = 200  # Telegram's
_CONFIRM_SECONDS = 60.0  # a restart is confirmed within this, by whoever asked for it
_COMMANDS = {
    Kind.ACK: "ack",
    Kind.UNACK: "unack",
    Kind.SILENCE: "silence",
    Kind.SILENCE_BACK: "silence",
    Kind.UNSILENCE: "unsilence",
    Kind.SPEAK: "unsilence",
    Kind.PROLONG: "silence",
    Kind.RESTART: "restart",
    Kind.GRAPH: "graph",
}
_OF_INCIDENTS = frozenset({Kind.ACK, Kind.UNACK, Kind.SILENCE, Kind.SILENCE_BACK, Kind.SPEAK, Kind.GRAPH})


@dataclass(frozen=True, slots=True, kw_only=True)
class Press:
    """One press, as far as it is known to be good."""

    kind: Kind
    arguments: tuple[str, ...]
    command: Command
    question: Question
    message_id: int
    incidents: tuple[Incident, ...] = ()  # open ones that it is about


@dataclass(slots=True)
class Presses:
    """Answers pressed buttons."""

    responder: Responder

    async def press(self, update_id: int, query: telegram.CallbackQuery) -> None:
        """Answer one press, then do what it asks for."""
        message = query.message
        if message is None or not query.data:
            return
        topic = (
            message.message_thread_id if isinstance(message, telegram.Message) and message.is_topic_message else None
        )
        asker = Asker(user_id=query.from_user.id, chat_id=message.chat.id, topic=topic)
        question = self.responder.question(asker, query.from_user)
        press = self._read(query.data, question, message.message_id)
        refusal = await self._refusal(press, question)
        if press is None or refusal is not None:
            self.responder.on_noted(update_id)
            await self._toast(query, refusal or question.texts("press.invalid"), alert=True)
            return
        try:
            press, toast = await self._looked_up(press)
        except StoreError as error:
            self.responder.on_noted(update_id)
            await self._toast(query, question.texts("act.failed", reason=str(error)), alert=True)
            return
        if toast:
            self.responder.on_noted(update_id)
            await self._toast(query, toast, alert=True)
            return
        await self._carry_out(press, update_id, query)

    def _read(self, data: str, question: Question, message_id: int) -> Press | None:
        """Return what was pressed; None: nothing of ours, or nothing that still exists."""
        found = question.signer.unpack(data)
        if found is None:
            return None
        kind, arguments = found
        name = arguments[0] if kind in {Kind.PAGE, Kind.ASK} else _COMMANDS[kind]
        command = BY_NAME.get(name)
        if command is None:
            return None
        if kind is Kind.PAGE:
            question = replace(question, page=int(arguments[1]), argument=":".join(arguments[2:]))
        elif kind is Kind.ASK:
            question = replace(question, argument=":".join(arguments[1:]))
        return Press(
            kind=kind,
            arguments=arguments,
            command=command,
            question=replace(question, name=name),
            message_id=message_id,
        )

    async def _refusal(self, press: Press | None, question: Question) -> str | None:
        """Return why the presser may not; None: they may, or there is nothing to press."""
        needed = (press.command.role if press is not None else None) or Role.VIEWER
        denied = self.responder.denial(question, needed)
        if denied is None:
            if press is None:
                self.responder.metrics.access_denied.labels("button").inc()
            return None
        if press is not None:
            self.responder.metrics.commands_total.labels(press.command.name, "denied").inc()
        if denied is Denied.STRANGER:  # no details, and no message: the answer is seen by the presser alone
            self.responder.metrics.access_denied.labels(denied.value).inc()
            return question.texts("press.stranger", user=question.asker.user_id)
        return await self.responder.refuse(question, denied, needed)

    async def _looked_up(self, press: Press) -> tuple[Press, str]:
        """Return the press with what it is about, and why it is not valid any more (empty: it is)."""
        texts, question = press.question.texts, press.question
        if press.kind is Kind.RESTART:
            owner, asked_at = int(press.arguments[0]), float(press.arguments[1])
            fresh = abs(question.now.timestamp() - asked_at) <= _CONFIRM_SECONDS
            good = fresh and owner == question.asker.user_id
            return press, "" if good else texts("press.invalid" if not fresh else "press.not_yours")
        if press.kind not in _OF_INCIDENTS:
            return press, ""
        incidents = await question.store.transact(lambda q: _open_ones(q, press))
        press = replace(press, incidents=incidents)
        if not incidents:
            return press, texts("press.invalid")
        return press, _not_now(press) or ""

    async def _carry_out(self, press: Press, update_id: int, query: telegram.CallbackQuery) -> None:
        responder, question = self.responder, press.question
        asks = press.kind in {Kind.PAGE, Kind.GRAPH} or (press.kind is Kind.ASK and not press.command.acts)
        command = replace(press.command, answer=_DOING[press.kind](press), acts=not asks)

        async def noted() -> None:
            """Say that it is being done: not before it is noted, or a stop of the bridge would make that untrue."""
            await self._toast(query, question.texts.word(f"press.{press.command.name}", default=""))
            if press.kind is Kind.RESTART:
                starting = Answer(text=question.texts("act.restarting"))
                await responder.replies.send(question.asker, starting, edit=press.message_id)

        if asks:
            responder.on_noted(update_id)
            await noted()
            async with responder.replies.typing(question.asker):
                answer: Answer | None = await responder.result(command, question)
        else:
            places = ", ".join(place_of(incident) for incident in press.incidents[:3])
            what = f"button {press.kind.name.lower()} {places or ':'.join(press.arguments)}"
            if press.kind is Kind.ASK:
                what = f"button /{question.name} {question.argument}"
            answer = await responder.act(command, question, update_id, what=what, noted=noted)
        if answer is None:
            return
        if press.kind is Kind.ACK and not answer.result:
            await responder.told(answer)  # the message is edited by the outbox, in every chat that shows it
            return
        edit = press.message_id if press.kind in {Kind.PAGE, Kind.RESTART} else None
        await responder.tell(question.asker, answer, edit=edit, reply_to=None if edit else press.message_id)

    async def _toast(self, query: telegram.CallbackQuery, text: str, *, alert: bool = False) -> None:
        """Answer the press: the button stops waiting, and only the presser reads it."""
        with contextlib.suppress(TelegramError, KeyError, TypeError):  # too old, or Telegram is away: no harm
            await self.responder.sender.bot.answer_callback_query(
                query.id, cut_text(plain(text), _TOAST_LIMIT) or None, show_alert=alert
            )


def _not_now(press: Press) -> str | None:
    """Return why an incident does not change hands by a press; None: it does, or the press is about something else."""
    texts, question = press.question.texts, press.question
    taken = [incident for incident in press.incidents if incident.acknowledged_by]
    if press.kind is Kind.UNACK and not taken:
        return texts("act.nobody_has")
    if press.kind is not Kind.ACK or len(taken) < len(press.incidents):
        return None
    several = len(press.incidents) > 1
    if several or taken[0].acknowledged_by == question.who or hands.just_taken(taken[0], question):
        return texts("act.taken_already", who=taken[0].acknowledged_by, what=place_of(taken[0]))
    return None


def _open_ones(queries: Queries, press: Press) -> tuple[Incident, ...]:
    """Return the open incidents that a press is about."""
    ids: Sequence[int]
    if press.arguments[0] == ALL:
        message = queries.messagesat(press.question.asker.chat_id, press.message_id)
        ids = queries.members(message.id) if message is not None else ()
    else:
        ids = [int(press.arguments[0])]
    return tuple(incident for incident in queries.incidents(ids) if not incident.phase.closed)


# ---- what each kind does: a press -> a function of the question ------------------------------------------------------


def _ack(press: Press) -> Callable[[Question], Awaitable[str | Answer]]:
    return lambda question: hands.take(question, [incident.id for incident in press.incidents], over=True)


def _unack(press: Press) -> Callable[[Question], Awaitable[str | Answer]]:
    return lambda question: hands.release(question, [incident.id for incident in press.incidents])


def _silence(press: Press) -> Callable[[Question], Awaitable[str | Answer]]:
    incident = press.incidents[0]
    matchers = silencing.matchers_of(incident)
    return lambda question: silencing.create(question, place_of(incident), matchers, silencing.BUTTON_SPAN, "")


def _silence_back(press: Press) -> Callable[[Question], Awaitable[str | Answer]]:
    return lambda question: silencing.until_back(question, press.incidents[0], "")


def _speak(press: Press) -> Callable[[Question], Awaitable[str | Answer]]:
    return lambda question: silencing.speak_again(question, press.incidents[0])


def _unsilence(press: Press) -> Callable[[Question], Awaitable[str | Answer]]:
    async def work(question: Question) -> Answer:
        silence = (await question.alertmanager.silences()).get(press.arguments[0])
        if silence is None:
            raise WrongUsageError(question.texts("press.invalid"))
        return await silencing.end(question, [silence])

    return work


def _prolong(press: Press) -> Callable[[Question], Awaitable[str | Answer]]:
    return lambda question: prolong(question, press.arguments[0], int(press.arguments[1]))


def _restart(_: Press) -> Callable[[Question], Awaitable[str | Answer]]:
    return acting.restart


def _graph(press: Press) -> Callable[[Question], Awaitable[str | Answer]]:
    identity = press.incidents[0].subject.partition(":")[2]
    return lambda question: press.command.answer(replace(question, argument=identity))


def _typed(press: Press) -> Callable[[Question], Awaitable[str | Answer]]:
    return press.command.answer


_DOING: dict[Kind, Callable[[Press], Callable[[Question], Awaitable[str | Answer]]]] = {
    Kind.ACK: _ack,
    Kind.UNACK: _unack,
    Kind.SILENCE: _silence,
    Kind.SILENCE_BACK: _silence_back,
    Kind.UNSILENCE: _unsilence,
    Kind.SPEAK: _speak,
    Kind.PROLONG: _prolong,
    Kind.RESTART: _restart,
    Kind.GRAPH: _graph,
    Kind.PAGE: _typed,
    Kind.ASK: _typed,
}
