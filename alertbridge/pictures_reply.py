"""Sends a region's map as a silent reply to the message that the region is DOWN.

A picture is no alert: it is sent after the message and delays nobody. What is owed is noted with the message
(pictures_due.py): a bridge that was stopped in between sends it when it runs again, if it is still of use.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from alertbridge import pictures_due
from alertbridge.delivery import Parcel, Undelivered, deliver
from alertbridge.errors import PeerError
from alertbridge.patience import attempted
from alertbridge.retry import Step
from alertbridge.sending import Place
from alertbridge.texts import texts
from alertbridge.wording import utc_now
from httpservice.logs import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from alertbridge.delivery import Observer
    from alertbridge.exporter import Exporter
    from alertbridge.pictures import Pictures
    from alertbridge.pictures_due import Owed
    from alertbridge.sending import Sender
    from alertbridge.settings import Settings
    from alertbridge.store import Transactions

log = get_logger(__name__)

AGAIN_SECONDS = 15.0  # after a trouble that may pass
_LONGEST_SECONDS = 30.0


@dataclass(slots=True)
class PictureReplies:
    """Draws and sends what is owed, one after the other. `run` is its only task; `wake` makes it look at once."""

    store: Transactions
    settings: Callable[[], Settings]
    sender: Sender
    exporter: Exporter
    pictures: Pictures
    observer: Callable[[], Observer]
    now: Callable[[], datetime] = utc_now
    again_seconds: float = AGAIN_SECONDS
    _event: asyncio.Event = field(default_factory=asyncio.Event)

    def wake(self) -> None:
        """Look at once: a message was sent that may get a picture."""
        self._event.set()

    async def run(self) -> None:
        """Draw and send until cancelled."""
        while True:
            self._event.clear()
            left = await attempted(self.look, "pictures")
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(None if left is False else self.again_seconds):
                    await self._event.wait()

    async def look(self) -> bool:
        """Send every picture that is owed; return whether one has to be tried again.

        Raises:
            StoreError: the store cannot be used now.
        """
        now = self.now()
        owed = await self.store.transact(lambda q: pictures_due.owed(q, now=now))
        left = False
        for one in owed:
            if await self._settled(one):
                ident = one.message.id
                await self.store.transact(lambda q: pictures_due.settle(q, ident))  # noqa: B023 - awaited at once
            else:
                left = True
        return left

    async def _settled(self, owed: Owed) -> bool:
        """Try to send one picture; False: it is worth another try."""
        chat, reason, settled = owed.message.chat, "", False
        try:
            async with asyncio.timeout(_LONGEST_SECONDS):
                await self._send(owed)
        except (PeerError, TimeoutError) as error:
            reason = str(error) or "took too long"
        except Undelivered as outcome:
            reason, settled = outcome.error.failure.value, outcome.action.step is not Step.WAIT
        except Exception:
            log.exception("picture failed", chat=chat, region=owed.region)
            return True
        else:
            return True
        log.info("picture left out" if settled else "picture waits", chat=chat, region=owed.region, reason=reason)
        return settled

    async def _send(self, owed: Owed) -> None:
        chat = self.settings().chat(owed.message.chat)
        if chat is None:
            return  # the file no longer names it
        item = next((item for item in await self.exporter.regions() if item.get("id") == owed.region), None)
        if item is None:
            return  # it is no longer monitored: nothing to draw
        picture = await self.pictures.map(texts(chat.language), now=self.now(), region=item)
        parcel = Parcel(
            place=Place(chat_id=owed.message.chat_id, topic=chat.topic),
            text=picture.caption,
            silent=True,
            reply_to=owed.message.message_id,
            photo=picture.png,
        )
        await deliver(self.sender, parcel, self.observer())
