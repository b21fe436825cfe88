"""Tells open incidents that nobody was told of, because alertbridge.yml named no chat when they came.

While it names none, alerts are stored as incidents and nothing is queued: what would be said of them is known only when
somebody can be told. What is over by then is told to nobody. What only a dry run has printed counts as untold.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from alertbridge import intake
from alertbridge.incidents import Phase, Tell
from alertbridge.loading import CONSOLE
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


def tell_untold(queries: Queries, settings: Settings, *, now: datetime) -> int:
    """Enqueue what nobody was told of; return how many incidents that were."""
    if not settings.chats:
        return 0
    nobody = {CONSOLE.name} if settings.chat(CONSOLE.name) is None else set[str]()
    untold = [
        incident
        for incident in queries.open_incidents()
        if incident.phase is Phase.OPEN and not set(queries.chats_of(incident.id)) - nobody
    ]
    for incident in untold:
        intake.tell(queries, incident, Tell.OPEN, settings, now=now)
    return len(untold)


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
            settings, now = self.settings(), self.now()
            if not settings.chats:
                log.warning("nobody is told", reason="alertbridge.yml names no chat", remedy="write /whoami to the bot")
            elif count := await patiently(self.store, lambda q: tell_untold(q, settings, now=now)):  # noqa: B023 - awaited at once
                log.info("told late", incidents=count)
                self.on_change()
            await self._event.wait()

    def wake(self) -> None:
        """Look again: the settings have changed."""
        self._event.set()
