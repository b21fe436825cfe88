"""Keeps the gauges fresh and forgets what is old; knows whether the database can be used, and says when it cannot."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from alertbridge.errors import DeliveryError, StoreError
from alertbridge.sending import Place
from alertbridge.texts import texts
from alertbridge.wording import utc_now
from httpservice.logs import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable

    from alertbridge.leader import Leader
    from alertbridge.metrics import Metrics
    from alertbridge.sending import Sender
    from alertbridge.settings import Settings

log = get_logger(__name__)

_LOOK_SECONDS = 2.0
_LOOK_SHARED_SECONDS = 0.5  # a webhook may come to the bridge that does not send: so long the other one does not know
_PRUNE_SECONDS = 3600.0
_STALE_SECONDS = 10.0


@dataclass(slots=True, kw_only=True)
class Housekeeping:
    """Looks at the store again and again. `run` is its only long task."""

    leader: Leader
    settings: Callable[[], Settings]
    sender: Sender
    metrics: Metrics
    on_rows: Callable[[], None]  # rows wait: somebody else may have added them
    failure: str | None = None  # why the store could not be used at the last look; None: it could
    _told: bool = False  # that nothing can be stored, since something could be last
    _telling: set[asyncio.Task[None]] = field(default_factory=set)

    async def run(self) -> None:
        """Look until cancelled."""
        loop, store = asyncio.get_running_loop(), self.leader.database
        prune_at = loop.time()
        while True:
            try:
                async with asyncio.timeout(_STALE_SECONDS):
                    now = utc_now()
                    counts, oldest = await store.transact(
                        lambda q: (q.row_counts(), q.oldest_pending(now))  # noqa: B023 - awaited at once
                    )
                    self.metrics.outbox(counts, oldest)
                    if self.leader.leads and loop.time() >= prune_at:
                        prune_at = loop.time() + _PRUNE_SECONDS
                        await store.transact(lambda q: q.prune(now))  # noqa: B023 - awaited at once
                self.failure = None
                if self.metrics.snapshot.pending:
                    self.on_rows()  # the command line, or the other bridge of a pair, may have added rows
            except TimeoutError:
                self.failure = "the database does not answer"
            except StoreError as error:
                self.failure = str(error)
            await asyncio.sleep(_LOOK_SHARED_SECONDS if store.shared else _LOOK_SECONDS)

    def stored(self) -> None:
        """Note that alerts were stored."""
        self._told = False

    def unstorable(self, reason: str) -> None:
        """Note that alerts could not be stored, and say so from memory: once, until something can be again."""
        self.failure = reason
        if not self._told:
            self._told = True
            task = asyncio.create_task(self._tell(reason), name="tell unstorable")
            self._telling.add(task)
            task.add_done_callback(self._telling.discard)

    async def _tell(self, reason: str) -> None:
        chat = self.settings().admin_chat()
        if chat is None:
            return
        text = texts(chat.language)("notice.unstorable", detail=reason)
        place = Place(chat_id=chat.id, topic=chat.topic)
        try:
            await self.sender.send(place, text, html=True, silent=False, reply_to=None)
        except DeliveryError as error:
            log.warning("delivery failed", chat=chat.name, reason=error.failure.value, detail=error.detail)
