"""Takes commands from Telegram and answers them: an own loop around getUpdates, one task per question.

The library's poller dies silently on 401; this one says what is wrong (log, metric) and goes on. Nothing here can hold
up the delivery of alerts. Unknown words in groups are not for us; a stranger gets one answer an hour.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from telegram.error import Conflict, InvalidToken, TelegramError

from alertbridge.bot.access import Asker, Denied, chat_of, denial, role_of
from alertbridge.bot.commands import BY_NAME, COMMANDS, Command, Question, WrongUsageError, whoami
from alertbridge.delivery import Parcel, Undelivered, deliver
from alertbridge.errors import PeerError, StoreError
from alertbridge.sending import Place
from alertbridge.settings import Language
from alertbridge.texts import texts
from alertbridge.wording import utc_now
from httpservice.logs import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    import telegram

    from alertbridge.exporter import Exporter
    from alertbridge.metrics import Metrics
    from alertbridge.outbox import Outbox
    from alertbridge.settings import Role, Settings
    from alertbridge.store import Store
    from alertbridge.telegram import TelegramSender

log = get_logger(__name__)

_POLL_SECONDS = 25
_LONGEST_PAUSE_SECONDS = 60.0
_STRANGER_SECONDS = 3600.0
_STRANGERS = 1000  # remembered at most
_AT_ONCE = 16  # questions that are answered at the same time


@dataclass(slots=True)
class Poller:
    """Polls and answers. `run` is its only task."""

    sender: TelegramSender
    settings: Callable[[], Settings]
    exporter: Exporter
    store: Store
    outbox: Outbox
    metrics: Metrics
    now: Callable[[], datetime] = utc_now
    _strangers: OrderedDict[int, float] = field(default_factory=OrderedDict)
    _name: str = ""

    async def run(self) -> None:
        """Poll until cancelled."""
        offset, pause, trouble = 0, 1.0, ""
        slots = asyncio.Semaphore(_AT_ONCE)
        async with asyncio.TaskGroup() as group:
            while True:
                try:
                    if not self._name:
                        await self._introduce()
                    updates = await self.sender.bot.get_updates(
                        offset=offset, timeout=_POLL_SECONDS, allowed_updates=["message"], read_timeout=10
                    )
                except (TelegramError, KeyError, TypeError) as error:
                    kind = type(error).__name__
                    if kind != trouble:
                        detail = self.sender.delivery_error(error).detail
                        log.warning("commands cannot be fetched", reason=kind, detail=detail)
                    if isinstance(error, InvalidToken):
                        self.metrics.snapshot.telegram_up = False
                    trouble = kind
                    pause = 3.0 if isinstance(error, Conflict) else min(_LONGEST_PAUSE_SECONDS, pause * 2)
                    await asyncio.sleep(pause)
                    continue
                if trouble:
                    log.info("commands are fetched again")
                trouble, pause = "", 1.0
                for update in updates:
                    offset = update.update_id + 1
                    await slots.acquire()
                    task = group.create_task(self._safely(update), name=f"update {update.update_id}")
                    task.add_done_callback(lambda _: slots.release())

    async def _introduce(self) -> None:
        """Learn our own name (for `/status@name` in groups) and register the commands in both languages."""
        me = await self.sender.bot.get_me()
        for language in (None, *Language):
            words = texts(language or Language.EN)
            listed = [(command.name, words(f"command.{command.name}")) for command in COMMANDS]
            await self.sender.bot.set_my_commands(listed, language_code=language.value if language else None)
        self._name = me.username or ""

    async def _safely(self, update: telegram.Update) -> None:
        try:
            await self._answer(update)
        except Exception:
            log.exception("answering failed", update_id=update.update_id)

    async def _answer(self, update: telegram.Update) -> None:
        message = update.message
        if message is None or message.from_user is None or not message.text or not message.text.startswith("/"):
            return
        word, _, argument = message.text.partition(" ")
        name, _, addressee = word[1:].partition("@")
        if addressee and addressee.lower() != self._name.lower():
            return
        asker = Asker(
            user_id=message.from_user.id,
            chat_id=message.chat.id,
            topic=message.message_thread_id if message.is_topic_message else None,
        )
        text = await self._text(name.lower(), " ".join(argument.split()), asker)
        if text is not None:
            await self._send(asker, message.message_id, text)

    async def _text(self, name: str, argument: str, asker: Asker) -> str | None:
        """Return the answer to a command; None: none is due."""
        settings, moved = self.settings(), self.outbox.moved_chats
        chat = chat_of(settings, asker, moved)
        question = Question(
            name=name,
            argument=argument,
            asker=asker,
            role=role_of(settings, asker, moved),
            texts=texts(chat.language if chat is not None else settings.language),
            now=self.now(),
            exporter=self.exporter,
            store=self.store,
            metrics=self.metrics,
        )
        command = BY_NAME.get(name)
        if command is None and (question.role is None or asker.chat_id < 0):
            return None if question.role is not None else await self._refuse(question, Denied.STRANGER, None)
        if command is None:
            return f"{question.texts('bot.unknown')}\n\n{await BY_NAME['help'].answer(question)}"
        if command.role is not None:
            denied = denial(settings, asker, command.role, moved)
            if denied is not None:
                self.metrics.commands_total.labels(command.name, "denied").inc()
                return await self._refuse(question, denied, command.role)
        elif question.role is None and not self._may_tell(asker):
            return None
        return await self._result(command, question)

    async def _result(self, command: Command, question: Question) -> str:
        try:
            text, result = await command.answer(question), "ok"
        except WrongUsageError as error:
            text, result = str(error), "wrong_usage"
        except PeerError as error:
            log.info("command without its peer", command=command.name, reason=str(error))
            text, result = question.texts("bot.unreachable", peer="exporter"), "unavailable"
        except StoreError as error:
            text, result = question.texts("bot.unreachable", peer=str(error)), "failed"
        self.metrics.commands_total.labels(command.name, result).inc()
        return text

    async def _refuse(self, question: Question, denied: Denied, needed: Role | None) -> str | None:
        """Count a refusal; say it politely, to a stranger once an hour and with nothing but their own ids."""
        self.metrics.access_denied.labels(denied.value).inc()
        log.info("access denied", reason=denied.value, user=question.asker.user_id, chat=question.asker.chat_id)
        if denied is Denied.STRANGER:
            if not self._may_tell(question.asker):
                return None
            return f"{question.texts('bot.stranger')}\n{await whoami(question)}"
        role = question.role.value if question.role is not None else question.texts("bot.no_role")
        return question.texts("bot.denied", role=role, needed=needed.value if needed is not None else "")

    def _may_tell(self, asker: Asker) -> bool:
        """Tell whether a stranger gets an answer now."""
        now = asyncio.get_running_loop().time()
        told = self._strangers.get(asker.user_id)
        if told is not None and now - told < _STRANGER_SECONDS:
            return False
        self._strangers[asker.user_id] = now
        while len(self._strangers) > _STRANGERS:
            self._strangers.popitem(last=False)
        return True

    async def _send(self, asker: Asker, message_id: int, text: str) -> None:
        parcel = Parcel(
            place=Place(chat_id=asker.chat_id, topic=asker.topic), text=text, silent=True, reply_to=message_id
        )
        try:
            await deliver(self.sender, parcel, self.outbox)
        except Undelivered as outcome:
            log.info("answer not delivered", chat=asker.chat_id, reason=outcome.error.failure.value)
