"""The seam to Telegram: what the outbox needs of whoever delivers. telegram.py and console.py meet it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a message goes."""

    chat_id: int
    topic: int | None = None  # forum topic; None: the chat itself


class Sender(Protocol):
    """Delivers one message. Both methods raise DeliveryError; both are bounded in time."""

    async def send(self, place: Place, text: str, *, html: bool, silent: bool, reply_to: int | None) -> int:
        """Deliver a new message; return Telegram's id of it. A message to reply to that is gone does no harm."""

    async def edit(self, place: Place, message_id: int, text: str, *, html: bool) -> None:
        """Replace the text of a message."""
