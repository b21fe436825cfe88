"""One message from Telegram -> one answer: who may, how fresh, once per update, recorded.

presses.py has the buttons, replying.py the way back. Unknown words in groups are not for us; a stranger gets one answer
an hour. Actions go before questions: only questions wait for a free slot, so that no slow answer holds up an
acknowledgement.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from alertbridge.bot.access import ANONYMOUS_ID, Asker, Denied, chat_of, denial, role_of
from alertbridge.bot.commands import BY_NAME
from alertbridge.bot.grammar import understand
from alertbridge.bot.introducing import Strangers, joined, whoami
from alertbridge.bot.keyboards import signer_of
from alertbridge.bot.kinds import Answer, Command, Question, WrongUsageError
from alertbridge.bot.replying import Replies
from alertbridge.errors import PeerError, StoreError
from alertbridge.finishing import finish_first
from alertbridge.markup import one_line
from alertbridge.settings import Role
from alertbridge.texts import texts
from alertbridge.wording import utc_now
from httpservice.logs import get_logger

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import datetime

    import telegram

    from alertbridge.alertmanager import Alertmanager
    from alertbridge.exporter import Exporter
    from alertbridge.metrics import Metrics
    from alertbridge.outbox import Outbox
    from alertbridge.pictures import Pictures
    from alertbridge.settings import Settings
    from alertbridge.store import Transactions
    from alertbridge.telegram_link import Link

log = get_logger(__name__)

STALE_AFTER = timedelta(minutes=5)  # an action that waited longer, through an outage, may no longer be meant
_FINISH_SECONDS = 3.0  # how long a stop waits for an answer that is on its way
_AT_ONCE = 16  # questions that are answered at the same time


@dataclass(slots=True)
class Responder:
    """Answers messages."""

    sender: Link
    settings: Callable[[], Settings]
    exporter: Exporter
    alertmanager: Alertmanager
    store: Transactions
    outbox: Outbox
    metrics: Metrics
    pictures: Pictures
    now: Callable[[], datetime] = utc_now
    bot_name: str = ""  # for `/status@name` in groups
    on_noted: Callable[[int], None] = lambda _: None  # nothing of this update can be lost any more
    replies: Replies = field(init=False)
    _strangers: Strangers = field(default_factory=Strangers)
    _slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_AT_ONCE))

    def __post_init__(self) -> None:
        """Make what carries answers back."""
        self.replies = Replies(sender=self.sender, lanes=self.outbox.lanes)

    async def message(self, update_id: int, message: telegram.Message) -> None:
        """Answer a message, if an answer is due."""
        arrived = joined(message, self.bot_name)
        text = "/whoami" if arrived else message.text or ""
        if message.from_user is None or not text:
            return
        asker = asker_of(message.from_user.id, message)
        if text.startswith("/"):
            word, _, argument = text.partition(" ")
            name, _, addressee = word[1:].partition("@")
            if addressee and addressee.lower() != self.bot_name.lower():
                return
            name = name.lower()
        elif message.chat.id > 0:  # a plain question, in private
            name, argument = understand(text) or ("", "")
        else:
            return
        reply = message.reply_to_message
        question = replace(
            self.question(asker, message.from_user),
            name=name,
            argument=" ".join(argument.split()),
            reply_to=reply.message_id if reply is not None else None,
        )
        if arrived and question.chat_name:
            return  # back in a chat that is known
        answer = await self._answer(question, update_id, message.date)
        if answer is not None:
            await self.tell(asker, answer, reply_to=message.message_id)

    def question(self, asker: Asker, user: telegram.User) -> Question:
        """Return an empty question of somebody, with all that is needed to answer one."""
        settings, moved = self.settings(), self.outbox.lanes.moved_chats
        chat = chat_of(settings, asker, moved)
        return Question(
            name="",
            argument="",
            asker=asker,
            role=role_of(settings, asker, moved),
            texts=texts(chat.language if chat is not None else settings.language),
            now=self.now(),
            exporter=self.exporter,
            store=self.store,
            metrics=self.metrics,
            pictures=self.pictures,
            alertmanager=self.alertmanager,
            settings=settings,
            signer=signer_of(settings),
            chat_name=chat.name if chat is not None else "",
            who=_name(asker.user_id, user, settings),
            on_change=self.outbox.wake,
        )

    async def _answer(self, question: Question, update_id: int, sent_at: datetime) -> Answer | None:
        """Return the answer to a question; None: none is due."""
        command = BY_NAME.get(question.name)
        refused, refusal = await self._refused(command, question, sent_at) if command is not None else (False, None)
        if command is not None and command.acts and not refused:
            return await self.act(command, question, update_id)
        self.on_noted(update_id)
        if command is None:
            return await self._unknown(question)
        if refused:
            return _said(refusal)
        async with self._slots, self.replies.typing(question.asker):
            return await self.result(command, question)

    async def _unknown(self, question: Question) -> Answer | None:
        """Answer what is no command: a stranger is refused, a group is left alone, in private the help follows."""
        if question.role is None:
            return _said(await self.refuse(question, Denied.STRANGER, None))
        if question.asker.chat_id < 0:
            return None
        key = "bot.unknown" if question.name else "bot.not_understood"
        if question.name == "start":  # what Telegram's own button sends when a person first opens the bot
            key = "bot.start"
        return Answer(text=f"{question.texts(key)}\n\n{await BY_NAME['help'].answer(question)}")

    async def _refused(self, command: Command, question: Question, sent_at: datetime) -> tuple[bool, str | None]:
        """Tell whether a command is refused, and what is said of it (None: nothing)."""
        if command.role is None:
            return question.role is None and not self._may_tell(question), None
        denied = self.denial(question, command.role)
        if denied is not None:
            self.metrics.commands_total.labels(command.name, "denied").inc()
            return True, await self.refuse(question, denied, command.role)
        if command.role is not Role.VIEWER and question.now - sent_at > STALE_AFTER:
            self.metrics.access_denied.labels("stale").inc()
            log.info("stale action", command=command.name, user=question.asker.user_id, chat=question.asker.chat_id)
            return True, question.texts("act.stale")
        return False, None

    def denial(self, question: Question, needed: Role) -> Denied | None:
        """Return why the asker may not do what needs a role; None: they may."""
        return denial(question.settings, question.asker, needed, self.outbox.lanes.moved_chats)

    async def act(
        self,
        command: Command,
        question: Question,
        update_id: int,
        *,
        what: str = "",
        noted: Callable[[], Awaitable[None]] | None = None,
    ) -> Answer | None:
        """Do something once per update, and record who did what with which result; None: it was done before.

        Args:
            command: what is done.
            question: by whom, where, with which argument.
            update_id: Telegram's.
            what: how the record calls it; empty: as it was typed.
            noted: called once it is noted and before it is done: from then on a stop of the bridge does not lose it.
        """
        asker, what = question.asker, what or f"/{question.name} {question.argument}".strip()
        try:
            begun = await self.store.transact(
                lambda q: q.begin_action(
                    update_id=update_id,
                    at=question.now,
                    user_id=asker.user_id,
                    who=question.who,
                    chat_id=asker.chat_id,
                    what=one_line(what),
                    topic=asker.topic,
                )
            )
        except StoreError as error:
            self.metrics.commands_total.labels(command.name, "failed").inc()
            return Answer(text=question.texts("act.failed", reason=str(error)), result="failed")
        self.on_noted(update_id)
        if not begun:
            return None
        if noted is not None:
            await noted()
        async with self.replies.typing(asker):
            answer = await self.result(command, replace(question, update_id=update_id))
        log.info("action", what=what, user=asker.user_id, who=question.who, chat=asker.chat_id, result=answer.result)
        result = one_line(answer.result or "ok")
        with contextlib.suppress(StoreError):  # done is done; the record then says that its end is not known
            await self.store.transact(lambda q: q.end_action(update_id, result, answer=answer.text))
        return replace(answer, owed=update_id)

    async def tell(self, asker: Asker, answer: Answer, *, reply_to: int | None = None, edit: int | None = None) -> None:
        """Give an answer; that of an action is kept until then (unfinished.py)."""

        async def give() -> None:
            if await self.replies.send(asker, answer, reply_to=reply_to, edit=edit):
                await self.told(answer)

        # Else a bridge that is stopped between Telegram's word and our note of it would give the answer again, late.
        await (give() if answer.owed is None else finish_first(give(), seconds=_FINISH_SECONDS))

    async def told(self, answer: Answer) -> None:
        """Note that nobody waits for an answer any more."""
        owed = answer.owed
        if owed is not None:
            with contextlib.suppress(StoreError):  # then it is given twice at worst
                await self.store.transact(lambda q: q.answered(owed))

    async def result(self, command: Command, question: Question) -> Answer:
        """Ask a command for its answer; what goes wrong is an answer too."""
        words = question.texts
        try:
            found, result = await command.answer(question), "ok"
            answer = Answer(text=found) if isinstance(found, str) else found
        except WrongUsageError as error:
            answer, result = Answer(text=str(error), buttons=error.buttons, result="wrong usage"), "wrong_usage"
        except PeerError as error:
            log.info("command without its peer", command=command.name, reason=str(error))
            peer, result = str(error).partition(" ")[0], "unavailable"
            text = words("act.failed", reason=str(error)) if command.acts else words("bot.unreachable", peer=peer)
            answer = Answer(text=text, result=str(error))
        except StoreError as error:
            answer = Answer(text=words("bot.unreachable", peer=str(error)), result="failed")
            result = "failed"
        self.metrics.commands_total.labels(command.name, result).inc()
        return answer

    async def refuse(self, question: Question, denied: Denied, needed: Role | None) -> str | None:
        """Count a refusal; say it politely, to a stranger once an hour and with nothing but their own ids."""
        self.metrics.access_denied.labels(denied.value).inc()
        log.info("access denied", reason=denied.value, user=question.asker.user_id, chat=question.asker.chat_id)
        if denied is Denied.STRANGER:
            if not self._may_tell(question):
                return None
            return f"{question.texts('bot.stranger')}\n{await whoami(question)}"
        if denied is Denied.ANONYMOUS:
            return question.texts("act.anonymous")
        role = question.role.value if question.role is not None else question.texts("bot.no_role")
        return question.texts("bot.denied", role=role, needed=needed.value if needed is not None else "")

    def _may_tell(self, question: Question) -> bool:
        """Tell whether a stranger gets an answer now."""
        now = asyncio.get_running_loop().time()
        return self._strangers.may_tell(question.asker, now, setting_up=not question.settings.chats)


def asker_of(user_id: int, message: telegram.Message) -> Asker:
    """Return who writes where; what is written in the name of a chat is nobody's."""
    return Asker(
        user_id=ANONYMOUS_ID if message.sender_chat is not None else user_id,
        chat_id=message.chat.id,
        topic=message.message_thread_id if message.is_topic_message else None,
    )


def _name(user_id: int, user: telegram.User, settings: Settings) -> str:
    """Return how somebody is called: as configured, else as on Telegram, and never as somebody else is configured."""
    known = next((one.name for one in settings.users if one.id == user_id), "")
    name = known or one_line(user.full_name, 60)
    taken = not known and any(one.name.casefold() == name.casefold() for one in settings.users)
    return f"{name} ({user_id})" if taken or not name else name


def _said(text: str | None) -> Answer | None:
    return None if text is None else Answer(text=text)
