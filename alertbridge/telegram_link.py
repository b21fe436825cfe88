"""The link to Telegram that everybody uses; opened anew, without a restart, when token or API address change.

It meets our Sender protocol. Requests that are out when the link is opened anew end on the old connection, which is
closed a minute later; what it refuses then is tried again on the new one, so nothing is lost. In a dry run the terminal
stands in Telegram's place.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Self

from alertbridge.console import ConsoleSender
from alertbridge.errors import DeliveryError, Failure
from alertbridge.telegram import TelegramSender

if TYPE_CHECKING:
    from types import TracebackType

    import telegram

    from alertbridge.sending import Buttons, Place
    from alertbridge.settings import Secret, Settings

_CLOSE_AFTER_SECONDS = 60.0  # no request lasts longer (delivery.py)


class Link:
    """The present connection. Use as an async context manager; entering needs no network."""

    def __init__(self, settings: Settings) -> None:
        self._names = _names(settings)
        self._present = _sender(settings)
        self._old: dict[TelegramSender, asyncio.Task[None]] = {}

    async def __aenter__(self) -> Self:
        """Open the connection pools."""
        if self.client is not None:
            await self.client.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close all connection pools."""
        for sender, closing in list(self._old.items()):
            closing.cancel()
            await sender.close()
        if self.client is not None:
            await self.client.close()

    @property
    def client(self) -> TelegramSender | None:
        """The present connection to Telegram; None in a dry run."""
        return self._present if isinstance(self._present, TelegramSender) else None

    @property
    def bot(self) -> telegram.Bot:
        """The library's bot on the present connection; only who was asked by Telegram may ask for it."""
        if self.client is None:
            raise RuntimeError("a dry run has no bot")
        return self.client.bot

    async def renew(self, settings: Settings) -> bool:
        """Open the link anew where the settings name another token or address; return whether they do."""
        if _names(settings) == self._names:
            return False
        fresh, old = _sender(settings), self._present
        if isinstance(fresh, TelegramSender):
            await fresh.open()
        self._names, self._present = _names(settings), fresh
        if isinstance(old, TelegramSender):
            self._old[old] = asyncio.create_task(self._close_later(old), name="close old link")
        return True

    async def send(
        self, place: Place, text: str, *, html: bool, silent: bool, reply_to: int | None, buttons: Buttons = ()
    ) -> int:
        """Deliver a new message.

        Raises:
            DeliveryError: Telegram did not take it, or nobody knows.
        """
        sender = self._present
        try:
            return await sender.send(place, text, html=html, silent=silent, reply_to=reply_to, buttons=buttons)
        except DeliveryError as error:
            raise self._excused(sender, error) from error

    async def send_photo(
        self, place: Place, photo: bytes, caption: str, *, html: bool, silent: bool, reply_to: int | None
    ) -> int:
        """Deliver a PNG with a caption.

        Raises:
            DeliveryError: Telegram did not take it, or nobody knows.
        """
        sender = self._present
        try:
            return await sender.send_photo(place, photo, caption, html=html, silent=silent, reply_to=reply_to)
        except DeliveryError as error:
            raise self._excused(sender, error) from error

    async def edit(self, place: Place, message_id: int, text: str, *, html: bool, buttons: Buttons = ()) -> None:
        """Replace the text and the buttons of a message.

        Raises:
            DeliveryError: Telegram did not take it, or nobody knows.
        """
        sender = self._present
        try:
            await sender.edit(place, message_id, text, html=html, buttons=buttons)
        except DeliveryError as error:
            raise self._excused(sender, error) from error

    def delivery_error(self, error: Exception) -> DeliveryError:
        """Return our error for one of the library's, without the token."""
        if self.client is None:
            return DeliveryError(Failure.INTERNAL, type(error).__name__)
        return self.client.delivery_error(error)

    def _excused(self, sender: object, error: DeliveryError) -> DeliveryError:
        """Return an error as it counts now: what an old connection was refused may pass on the present one."""
        if sender is self._present or error.failure in {Failure.TIMEOUT, Failure.NOT_MODIFIED}:
            return error
        return DeliveryError(Failure.UNSENT, "the link to Telegram was opened anew")

    async def _close_later(self, sender: TelegramSender) -> None:
        await asyncio.sleep(_CLOSE_AFTER_SECONDS)
        await sender.close()
        del self._old[sender]


def _names(settings: Settings) -> tuple[Secret | None, str]:
    return settings.token, settings.api_url


def _sender(settings: Settings) -> TelegramSender | ConsoleSender:
    return ConsoleSender() if settings.token is None else TelegramSender(settings.token, settings.api_url)
