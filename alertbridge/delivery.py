"""Carries one text to Telegram through its refusals: other forms of the message are tried at once, each at most once.

What may help is decided in retry.py: plain text where the markup is refused, a new message where the one to edit is
gone, the group where a topic is closed, the new id where a group moved. An alert is never lost to its form.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from alertbridge import markup
from alertbridge.errors import DeliveryError, Failure
from alertbridge.retry import Step, decide
from alertbridge.sending import Place

if TYPE_CHECKING:
    from alertbridge.retry import Action
    from alertbridge.sending import Buttons, Sender

# Beyond the client's own time-outs: a server that sends a byte now and then must not keep a chat for ever.
_LONGEST_SECONDS = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """What is to be delivered."""

    place: Place
    text: str  # Telegram HTML
    silent: bool
    edit: int | None = None  # Telegram's id of the message to edit; None: a new one
    reply_to: int | None = None
    attempts: int = 1  # this one included
    buttons: Buttons = ()
    photo: bytes | None = None  # PNG of a new message; the text is its caption then
    or_new: bool = True  # an edit only: where the message is gone, send it anew; False: leave it


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """Telegram took it."""

    place: Place  # where it went: another chat id after a move, no topic where that was closed
    message_id: int
    new: bool  # False: an edit


class Undelivered(Exception):  # noqa: N818 - not an error: an outcome with the decision what follows
    """Telegram did not take any form of it."""

    def __init__(self, error: DeliveryError, action: Action) -> None:
        self.error = error
        self.action = action  # WAIT or GIVE_UP
        super().__init__(str(error))


class Observer(Protocol):
    """Who is told of what happens on the way."""

    async def turn(self, chat_id: int) -> None:
        """Wait until the chat may be written to, and count the request."""

    def failed(self, chat_id: int, error: DeliveryError) -> None:
        """Note a request that Telegram did not take."""

    async def moved(self, old_id: int, new_id: int) -> None:
        """Remember a chat's new id before anything is sent there."""

    async def topic_closed(self, place: Place) -> None:
        """Note that messages go to the group itself."""


async def deliver(sender: Sender, parcel: Parcel, observer: Observer) -> Delivered:
    """Deliver a parcel in the first form that Telegram takes.

    Raises:
        Undelivered: none was taken; says whether to wait or to give up.
    """
    place, text, html = parcel.place, parcel.text, True
    edit, reply_to = parcel.edit, parcel.reply_to
    limit = markup.LIMIT if parcel.photo is None else markup.CAPTION_LIMIT
    tried: set[Step] = set()
    while True:
        if edit is None and parcel.edit is not None and not parcel.or_new:
            return Delivered(place=place, message_id=parcel.edit, new=False)  # it is gone, and nobody misses it
        await observer.turn(place.chat_id)
        try:
            message_id = await _request(sender, place, text, html=html, parcel=parcel, edit=edit, reply_to=reply_to)
            return Delivered(place=place, message_id=message_id, new=edit is None)
        except DeliveryError as error:
            if error.failure is Failure.NOT_MODIFIED and edit is not None:
                return Delivered(place=place, message_id=edit, new=False)
            observer.failed(place.chat_id, error)
            action = decide(error, attempts=parcel.attempts)
            step = action.step if action.step not in tried else Step.GIVE_UP
            tried.add(step)
            match step:
                case Step.PLAIN:
                    text, html = markup.cut_text(markup.plain(text), limit), False
                case Step.NEW if edit is not None:
                    edit = None
                case Step.NO_TOPIC if place.topic is not None:
                    await observer.topic_closed(place)
                    # Nothing there can be edited, and a reply to something there would go there.
                    place, edit, reply_to = Place(chat_id=place.chat_id), None, None
                case Step.MIGRATE if error.new_chat_id is not None:
                    await observer.moved(place.chat_id, error.new_chat_id)
                    # The old messages stay behind: nothing to edit or to reply to in the new chat.
                    place, edit, reply_to = Place(chat_id=error.new_chat_id, topic=place.topic), None, None
                case Step.WAIT:
                    raise Undelivered(error, action) from error
                case _:
                    raise Undelivered(error, decide_final(error)) from error


def decide_final(error: DeliveryError) -> Action:
    """Return the decision for a refusal of every form."""
    return decide(DeliveryError(Failure.REFUSED, error.detail), attempts=1)


async def _request(
    sender: Sender, place: Place, text: str, *, html: bool, parcel: Parcel, edit: int | None, reply_to: int | None
) -> int:
    try:
        async with asyncio.timeout(_LONGEST_SECONDS):
            if edit is None and parcel.photo is not None:
                return await sender.send_photo(
                    place, parcel.photo, text, html=html, silent=parcel.silent, reply_to=reply_to
                )
            if edit is None:
                return await sender.send(
                    place, text, html=html, silent=parcel.silent, reply_to=reply_to, buttons=parcel.buttons
                )
            await sender.edit(place, edit, text, html=html, buttons=parcel.buttons)
            return edit
    except TimeoutError as error:
        raise DeliveryError(Failure.TIMEOUT, f"no answer within {_LONGEST_SECONDS:g} s") from error
    except DeliveryError:
        raise
    except Exception as error:
        raise DeliveryError(Failure.INTERNAL, type(error).__name__) from error
