"""Carries answers back to where they were asked: text, pictures, and "typing ..." while they take long."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import telegram
from telegram.error import TelegramError

from alertbridge.delivery import Parcel, Undelivered, deliver
from alertbridge.markup import CAPTION_LIMIT, cut_text, plain
from alertbridge.retry import Step
from alertbridge.sending import Place
from httpservice.logs import get_logger

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from alertbridge.bot.access import Asker
    from alertbridge.bot.kinds import Answer
    from alertbridge.lanes import Lanes
    from alertbridge.telegram_link import Link

log = get_logger(__name__)

_TYPING_AFTER_SECONDS = 0.7
_TYPING_EVERY_SECONDS = 4.5  # Telegram shows it for 5 s


@dataclass(slots=True)
class Replies:
    """Sends answers, in the same lanes as alerts."""

    sender: Link
    lanes: Lanes

    @contextlib.asynccontextmanager
    async def typing(self, asker: Asker) -> AsyncIterator[None]:
        """Show that something is coming while the block takes long."""
        task = asyncio.create_task(self._type(asker), name="typing")
        try:
            yield
        finally:
            task.cancel()

    async def _type(self, asker: Asker) -> None:
        pause = _TYPING_AFTER_SECONDS
        with contextlib.suppress(TelegramError, KeyError, TypeError):
            while True:
                await asyncio.sleep(pause)
                await self.sender.bot.send_chat_action(
                    asker.chat_id, telegram.constants.ChatAction.TYPING, message_thread_id=asker.topic
                )
                pause = _TYPING_EVERY_SECONDS

    async def send(self, asker: Asker, answer: Answer, *, reply_to: int | None = None, edit: int | None = None) -> bool:
        """Send an answer where it was asked, silently, or put it in the place of an older one.

        Returns:
            False: Telegram could not be reached; trying again may help.
        """
        place = Place(chat_id=asker.chat_id, topic=asker.topic)
        if answer.photo is not None:
            await self._send_photo(asker, answer, answer.photo, reply_to)
            return True
        parcel = Parcel(
            place=place, text=answer.text, silent=True, edit=edit, reply_to=reply_to, buttons=answer.buttons
        )
        try:
            await deliver(self.sender, parcel, self.lanes)
        except Undelivered as outcome:
            log.info("answer not delivered", chat=asker.chat_id, reason=outcome.error.failure.value)
            return outcome.action.step is not Step.WAIT
        return True

    async def _send_photo(self, asker: Asker, answer: Answer, photo: bytes, reply_to: int | None) -> None:
        await self.lanes.turn(asker.chat_id)
        reply = None
        if reply_to is not None:
            reply = telegram.ReplyParameters(reply_to, allow_sending_without_reply=True)
        try:
            await self.sender.bot.send_photo(
                asker.chat_id,
                telegram.InputFile(photo, filename="picture.png"),
                caption=cut_text(plain(answer.text), CAPTION_LIMIT),
                message_thread_id=asker.topic,
                disable_notification=True,
                reply_parameters=reply,
            )
        except (TelegramError, KeyError, TypeError) as error:
            failure = self.sender.delivery_error(error)
            self.lanes.failed(asker.chat_id, failure)
            log.info("answer not delivered", chat=asker.chat_id, reason=failure.failure.value)
