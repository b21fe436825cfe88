"""Sends a region's map as a silent reply to the message that the region is DOWN.

A picture is no alert: it is sent once, after the message, never stored, and left out where anything is in its way.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from alertbridge.delivery import Parcel, Undelivered, deliver
from alertbridge.errors import PeerError
from alertbridge.texts import texts
from alertbridge.wording import utc_now
from httpservice.logs import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from alertbridge.delivery import Delivered, Observer
    from alertbridge.exporter import Exporter
    from alertbridge.incidents import Incident
    from alertbridge.pictures import Pictures
    from alertbridge.sending import Sender
    from alertbridge.settings import Chat

log = get_logger(__name__)

REGION_ALERT = "VPNRegionDown"
_WAITING_AT_MOST = 20  # in a storm pictures would use up the group's budget of messages
_LONGEST_SECONDS = 30.0


@dataclass(slots=True)
class PictureReplies:
    """Draws and sends, one after the other. `run` is its only task; `told` is called by the outbox."""

    sender: Sender
    exporter: Exporter
    pictures: Pictures
    observer: Callable[[], Observer]
    now: Callable[[], datetime] = utc_now
    _waiting: asyncio.Queue[tuple[Chat, Delivered, str]] = field(
        default_factory=lambda: asyncio.Queue(maxsize=_WAITING_AT_MOST)
    )

    def told(self, chat: Chat, done: Delivered, incidents: Sequence[Incident]) -> None:
        """Note a new message of one incident; a region's gets its map."""
        if len(incidents) != 1 or incidents[0].phase.closed:
            return
        main = incidents[0].main
        region = incidents[0].label("region")
        if main is None or main.name != REGION_ALERT or not region:
            return
        try:
            self._waiting.put_nowait((chat, done, region))
        except asyncio.QueueFull:
            log.info("picture left out", chat=chat.name, region=region, reason="too many wait")

    async def run(self) -> None:
        """Draw and send until cancelled."""
        while True:
            chat, done, region = await self._waiting.get()
            try:
                async with asyncio.timeout(_LONGEST_SECONDS):
                    await self._send(chat, done, region)
            except (PeerError, TimeoutError) as error:
                log.info("picture left out", chat=chat.name, region=region, reason=str(error) or "took too long")
            except Undelivered as outcome:
                log.info("picture left out", chat=chat.name, region=region, reason=outcome.error.failure.value)
            except Exception:
                log.exception("picture failed", chat=chat.name, region=region)

    async def _send(self, chat: Chat, done: Delivered, region: str) -> None:
        item = next((item for item in await self.exporter.regions() if item.get("id") == region), None)
        if item is None:
            raise PeerError("the exporter does not know the region")
        picture = await self.pictures.map(texts(chat.language), now=self.now(), region=item)
        parcel = Parcel(
            place=done.place, text=picture.caption, silent=True, reply_to=done.message_id, photo=picture.png
        )
        await deliver(self.sender, parcel, self.observer())
