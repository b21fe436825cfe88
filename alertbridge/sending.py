"""The seam to Telegram: what the outbox needs of whoever delivers. telegram.py and console.py meet it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a message goes."""

    chat_id: int
    topic: int | None = None  # forum topic; None: the chat itself


@dataclass(frozen=True, slots=True, kw_only=True)
class Button:
    """One inline button under a message."""

    text: str
    data: str  # callback data, 1-64 bytes


Buttons = tuple[tuple[Button, ...], ...]  # rows; an empty tuple takes the buttons of an edited message away


class Sender(Protocol):
    """Delivers one message. Its methods raise DeliveryError; each is bounded in time."""

    async def send(
        self, place: Place, text: str, *, html: bool, silent: bool, reply_to: int | None, buttons: Buttons = ()
    ) -> int:
        """Deliver a new message; return Telegram's id of it. A message to reply to that is gone does no harm."""

    async def send_photo(
        self, place: Place, photo: bytes, caption: str, *, html: bool, silent: bool, reply_to: int | None
    ) -> int:
        """Deliver a PNG with a caption; return Telegram's id of the message."""

    async def edit(self, place: Place, message_id: int, text: str, *, html: bool, buttons: Buttons = ()) -> None:
        """Replace the text and the buttons of a message."""
