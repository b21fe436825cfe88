"""Tells open incidents that nobody was told of: alertbridge.yml named no chat when they came, or it was a dry run.

While it names none, alerts are stored as incidents and nothing is queued: what would be said of them is known only when
somebody can be told. What is over by then is told to nobody. What a dry run has printed was told to nobody either, and
its messages are not Telegram's: they are forgotten.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from alertbridge import intake
from alertbridge.incidents import Phase, Tell
from alertbridge.patience import patiently
from alertbridge.wording import utc_now
from httpservice.logs import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from alertbridge.settings import Settings
    from alertbridge.store import Transactions
    from alertbridge.store.queries import Queries

log = get_logger(__name__)

_PRINTED = "printed"  # store key: a dry run has been at work since Telegram was last written to


def tell_untold(queries: Queries, settings: Settings, *, now: datetime) -> int:
    """Enqueue what nobody was told of; return how many incidents that were. A dry run only notes that it is one."""
    if settings.dry_run:
        queries.remember(_PRINTED, "yes")
        return 0
    if not settings.chats:
        return 0
    printed = queries.value(_PRINTED) is not None
    found = [
        incident
        for incident in queries.open_incidents()
        if incident.phase is Phase.OPEN and (printed or not queries.chats_of(incident.id))
    ]
    for incident in found:
        for message in queries.messages_of(incident.id) if printed else ():
            queries.remove_message(message.id)
        intake.tell(queries, incident, Tell.OPEN, settings, now=now)
    queries.forget(_PRINTED)
    return len(found)


@dataclass(slots=True, kw_only=True)
class Untold:
    """Looks at the start and after each reload. `run` is its only task."""

    store: Transactions
    settings: Callable[[], Settings]
    on_change: Callable[[], None]
    now: Callable[[], datetime] = utc_now
    _event: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            self._event.clear()
            settings = self.settings()
            if not settings.chats:
                log.warning("nobody is told", reason="alertbridge.yml names no chat", remedy="write /whoami to the bot")
            if count := await patiently(self.store, partial(tell_untold, settings=settings, now=self.now())):
                log.info("told late", incidents=count)
                self.on_change()
            await self._event.wait()

    def wake(self) -> None:
        """Look again: the settings have changed."""
        self._event.set()
