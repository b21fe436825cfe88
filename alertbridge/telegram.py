"""The Telegram client behind our Sender protocol: python-telegram-bot's Bot, its errors turned into ours.

No Application, no poller, no rate limiter of the library: its limiter holds all chats when one is flooded, its poller
dies silently on 401 (docs/decisions/0200). One Bot, one event loop.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

# Before the first RetryAfter: the library then speaks of spans as timedelta and warns of no deprecation.
os.environ.setdefault("PTB_TIMEDELTA", "1")

import httpx
import telegram
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Forbidden,
    InvalidToken,
    NetworkError,
    RetryAfter,
    TelegramError,
    TimedOut,
)
from telegram.request import HTTPXRequest

from alertbridge.errors import DeliveryError, Failure

if TYPE_CHECKING:
    from alertbridge.sending import Buttons, Place
    from alertbridge.settings import Secret

# A long read time-out makes unknown outcomes rare: Telegram's own overload answer comes after 3 s.
_READ_SECONDS = 20.0
_CONNECT_SECONDS = 5.0

# Words of Telegram's 400 answers, lower-cased as the library does; the first that is found decides.
_BAD_REQUESTS = (
    ("message is not modified", Failure.NOT_MODIFIED),
    ("can't parse entities", Failure.MARKUP),
    ("can't find end", Failure.MARKUP),
    ("unsupported start tag", Failure.MARKUP),
    ("entity", Failure.MARKUP),
    ("message is too long", Failure.TOO_LONG),
    ("caption is too long", Failure.TOO_LONG),
    ("message to edit not found", Failure.MESSAGE_GONE),
    ("message can't be edited", Failure.MESSAGE_GONE),
    ("message_id_invalid", Failure.MESSAGE_GONE),
    ("message thread not found", Failure.TOPIC),
    ("topic_closed", Failure.TOPIC),
    ("topic_deleted", Failure.TOPIC),
    ("chat not found", Failure.CHAT_NOT_FOUND),
    ("chat_id is empty", Failure.CHAT_NOT_FOUND),
    ("peer_id_invalid", Failure.CHAT_NOT_FOUND),
    ("have no write access", Failure.NO_RIGHTS),
    ("not enough rights", Failure.NO_RIGHTS),
    ("chat_write_forbidden", Failure.NO_RIGHTS),
    ("user is deactivated", Failure.BLOCKED),
)
# Surely unsent: no connection was made, or none was free.
_UNSENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError, httpx.UnsupportedProtocol)


class TelegramSender:
    """Delivers through the Bot API between `open` and `close`; telegram_link.py calls both."""

    def __init__(self, token: Secret, api_url: str) -> None:
        self._token = token
        self.bot = telegram.Bot(
            token.reveal(),
            base_url=f"{api_url}/bot",
            base_file_url=f"{api_url}/file/bot",
            request=HTTPXRequest(
                connection_pool_size=64,
                connect_timeout=_CONNECT_SECONDS,
                read_timeout=_READ_SECONDS,
                write_timeout=_READ_SECONDS,
                pool_timeout=_CONNECT_SECONDS,
            ),
            get_updates_request=HTTPXRequest(connection_pool_size=2, connect_timeout=_CONNECT_SECONDS),
        )

    async def open(self) -> None:
        """Open the connection pools. `Bot.initialize` would call getMe, and fail without network."""
        for request in self.bot._request:  # noqa: SLF001 - the library has no other way that needs no network
            await request.initialize()

    async def close(self) -> None:
        """Close the connection pools."""
        for request in self.bot._request:  # noqa: SLF001 - as above
            await request.shutdown()

    async def own_name(self) -> str:
        """Return the bot's name on Telegram, which proves the token.

        Raises:
            DeliveryError: there was no usable answer.
        """
        try:
            return (await self.bot.get_me()).username or ""
        except (TelegramError, KeyError, TypeError) as error:
            raise self.delivery_error(error) from error

    async def title_of(self, chat_id: int) -> str:
        """Return what a chat is called, which proves that the bot knows it.

        Raises:
            DeliveryError: it does not, or there was no usable answer.
        """
        try:
            chat = await self.bot.get_chat(chat_id)
        except (TelegramError, KeyError, TypeError) as error:
            raise self.delivery_error(error) from error
        return f"{chat.type} {chat.title or chat.full_name or ''}".strip()

    async def send(
        self, place: Place, text: str, *, html: bool, silent: bool, reply_to: int | None, buttons: Buttons = ()
    ) -> int:
        """Deliver a new message.

        Raises:
            DeliveryError: Telegram did not take it, or nobody knows.
        """
        try:
            message = await self.bot.send_message(
                chat_id=place.chat_id,
                text=text,
                message_thread_id=place.topic,
                parse_mode="HTML" if html else None,
                disable_notification=silent,
                reply_parameters=_reply(reply_to),
                reply_markup=_keyboard(buttons),
                link_preview_options=telegram.LinkPreviewOptions(is_disabled=True),
            )
        except (TelegramError, KeyError, TypeError) as error:
            raise self.delivery_error(error) from error
        return message.message_id

    async def send_photo(
        self, place: Place, photo: bytes, caption: str, *, html: bool, silent: bool, reply_to: int | None
    ) -> int:
        """Deliver a PNG with a caption of at most 1024 characters.

        Raises:
            DeliveryError: Telegram did not take it, or nobody knows.
        """
        try:
            message = await self.bot.send_photo(
                chat_id=place.chat_id,
                photo=photo,
                filename="picture.png",
                caption=caption,
                message_thread_id=place.topic,
                parse_mode="HTML" if html else None,
                disable_notification=silent,
                reply_parameters=_reply(reply_to),
            )
        except (TelegramError, KeyError, TypeError) as error:
            raise self.delivery_error(error) from error
        return message.message_id

    async def edit(self, place: Place, message_id: int, text: str, *, html: bool, buttons: Buttons = ()) -> None:
        """Replace the text and the buttons of a message.

        Raises:
            DeliveryError: Telegram did not take it, or nobody knows.
        """
        try:
            await self.bot.edit_message_text(
                text,
                chat_id=place.chat_id,
                message_id=message_id,
                parse_mode="HTML" if html else None,
                reply_markup=_keyboard(buttons),
                link_preview_options=telegram.LinkPreviewOptions(is_disabled=True),
            )
        except (TelegramError, KeyError, TypeError) as error:
            raise self.delivery_error(error) from error

    def delivery_error(self, error: Exception) -> DeliveryError:
        """Return our error for one of the library's, the most specific class first, without the token."""
        text = str(error).replace(self._token.reveal(), "***")[:300]
        if isinstance(error, RetryAfter):
            after = error.retry_after
            seconds = float(after) if isinstance(after, int) else after.total_seconds()
            return DeliveryError(Failure.RATE_LIMITED, text, retry_after_seconds=seconds)
        if isinstance(error, ChatMigrated):
            return DeliveryError(Failure.MIGRATED, text, new_chat_id=error.new_chat_id)
        return DeliveryError(_failure(error, text.lower()), text)


def _reply(reply_to: int | None) -> telegram.ReplyParameters | None:
    return None if reply_to is None else telegram.ReplyParameters(reply_to, allow_sending_without_reply=True)


def _keyboard(buttons: Buttons) -> telegram.InlineKeyboardMarkup | None:
    rows = [
        [telegram.InlineKeyboardButton(button.text, callback_data=button.data) for button in row] for row in buttons
    ]
    return telegram.InlineKeyboardMarkup(rows) if rows else None


def _failure(error: Exception, text: str) -> Failure:
    """Return which failure an error of the library is. BadRequest and TimedOut both derive from NetworkError."""
    match error:
        case Forbidden():
            return Failure.BLOCKED
        case InvalidToken():
            return Failure.TOKEN
        case BadRequest():
            return next((failure for words, failure in _BAD_REQUESTS if words in text), Failure.REFUSED)
        case TimedOut() | NetworkError():
            return _network_failure(error, text)
    return Failure.SERVER  # an answer that is no Bot API answer: a captive portal's page, `ok: false` with status 200


def _network_failure(error: Exception, text: str) -> Failure:
    """Tell what surely did not arrive from what may have arrived, and both from a server's own error."""
    cause = error.__cause__
    if isinstance(cause, _UNSENT):
        return Failure.UNSENT
    if isinstance(cause, httpx.HTTPError):
        return Failure.TIMEOUT  # the request was on its way
    return Failure.TOO_LONG if "entity too large" in text else Failure.SERVER
