"""`alertbridge send`: one text to some chats at once, past the outbox, saying what Telegram says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from alertbridge import render
from alertbridge.delivery import Parcel, Undelivered, deliver
from alertbridge.sending import Place
from alertbridge.telegram_link import Link

if TYPE_CHECKING:
    from alertbridge.errors import DeliveryError
    from alertbridge.settings import Chat, Settings


class _Quiet:
    """Observes the delivery of a single message: no limits to keep, nothing to remember."""

    def __init__(self, chat: str) -> None:
        self._chat = chat

    async def turn(self, chat_id: int) -> None:
        """One message needs no turn."""

    def failed(self, chat_id: int, error: DeliveryError) -> None:
        """Say what Telegram said."""
        click.echo(f"chat {self._chat} ({chat_id}): {error.failure.value}: {error.detail}", err=True)

    async def moved(self, old_id: int, new_id: int) -> None:
        """Say that the file needs a new id."""
        click.echo(f"chat {self._chat} has moved: write id: {new_id} instead of {old_id}", err=True)

    async def topic_closed(self, place: Place) -> None:
        """Say that the topic is closed."""
        click.echo(f"chat {self._chat}: topic {place.topic} is closed or deleted; sent to the group itself", err=True)


async def send_now(settings: Settings, chats: tuple[Chat, ...], text: str) -> bool:
    """Send a text to some chats; return whether all took it."""
    good = True
    async with Link(settings) as sender:
        for chat in chats:
            parcel = Parcel(place=Place(chat_id=chat.id, topic=chat.topic), text=render.escape_text(text), silent=False)
            try:
                await deliver(sender, parcel, _Quiet(chat.name))
            except Undelivered:
                good = False
            else:
                click.echo(f"chat {chat.name}: sent")
    return good
