"""Claims outbox rows, sends them, marks them: one worker per chat, so that no chat waits for another.

Order is kept per chat: a row that must wait holds its chat, and nobody else. At-least-once: a row is marked `sending`
before the request and `sent` after Telegram's answer. What a crash leaves between the two is sent again, and counted:
the one window for a duplicate that Telegram leaves open, it knows no idempotency key. claims.py finds the next rows,
planning.py says what becomes of them, composing.py the text, delivery.py carries it through Telegram's refusals, and
lanes.py says when.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from alertbridge import backlog, claims, intake, retry, withholding
from alertbridge.composing import compose, with_facts
from alertbridge.delivery import Parcel, Undelivered, deliver
from alertbridge.errors import Failure, StoreError
from alertbridge.finishing import finish_first
from alertbridge.lanes import Lanes
from alertbridge.limiter import Limiter
from alertbridge.patience import PAUSE_SECONDS, patiently, store_failed
from alertbridge.planning import Act, Job
from alertbridge.routing import is_silent
from alertbridge.sending import Place
from alertbridge.store.rows import RowState
from alertbridge.wording import utc_now
from httpservice.logs import get_logger

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import datetime

    from alertbridge.exporter import Exporter
    from alertbridge.incidents import Incident
    from alertbridge.metrics import Metrics
    from alertbridge.sending import Sender
    from alertbridge.settings import Chat, Settings
    from alertbridge.store import Transactions
    from alertbridge.store.queries import Queries

log = get_logger(__name__)

_UNSURE = frozenset({Failure.TIMEOUT.value, Failure.SERVER.value})
_STORM_PAUSE_SECONDS = 0.25
_FINISH_SECONDS = 3.0  # a stop waits so long for the answer of a request that is out
_MISTAKE_PAUSE_SECONDS = 5.0


@dataclass(slots=True)
class Outbox:
    """Delivers everything that the store holds. `run` is its only task; `wake` tells it of new rows."""

    store: Transactions
    sender: Sender
    settings: Callable[[], Settings]
    exporter: Exporter
    metrics: Metrics
    limiter: Limiter = field(default_factory=Limiter)
    now: Callable[[], datetime] = utc_now
    hold: Callable[[], Awaitable[None]] | None = None  # returns while we may send, waits to be cancelled while not
    on_sent: Callable[[], None] = lambda: None  # after a new message of one incident: a picture may be due
    lanes: Lanes = field(init=False)
    _events: dict[str, asyncio.Event] = field(default_factory=dict)
    _troubles: dict[str, Failure] = field(default_factory=dict)  # per chat, to log and tell each trouble once
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        """Open the lanes: one budget of requests for everybody who writes to Telegram."""
        self.lanes = Lanes(
            store=self.store,
            settings=self.settings,
            metrics=self.metrics,
            on_change=self.wake,
            limiter=self.limiter,
            now=self.now,
            hold=self.hold,
        )

    async def run(self) -> None:
        """Deliver until cancelled; may be run again."""
        self._events.clear()
        await self.lanes.load()
        async with asyncio.TaskGroup() as group:
            while True:
                self._changed.clear()
                waiting = await patiently(self.store, lambda q: q.chats_with_rows())
                for name in {chat.name for chat in self.settings().chats} | waiting:
                    if name not in self._events:
                        self._events[name] = asyncio.Event()
                        group.create_task(self._serve(name), name=f"outbox {name}")
                await self._changed.wait()

    def reload(self) -> None:
        """Look again with new settings: other chats may be named."""
        self._changed.set()
        self.wake()

    def wake(self) -> None:
        """Look again: rows were added."""
        for event in self._events.values():
            event.set()

    async def refresh_metrics(self) -> None:
        """Bring the outbox gauges up to date.

        Raises:
            StoreError: the store cannot be read now.
        """
        now = self.now()
        counts, oldest = await self.store.transact(lambda q: (q.row_counts(), q.oldest_pending(now)))
        self.metrics.outbox(counts, oldest)

    async def _serve(self, name: str) -> None:
        """Work for one chat."""
        event = self._events[name]
        while True:
            event.clear()
            try:
                pause = await self._step(name)
            except StoreError as error:
                store_failed(error)
                pause = PAUSE_SECONDS
            except Exception:
                log.exception("outbox worker failed", chat=name)
                self.metrics.delivery_failures.labels(Failure.INTERNAL.value).inc()
                pause = _MISTAKE_PAUSE_SECONDS
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await event.wait()

    async def _step(self, name: str) -> float | None:
        """Do the next thing for a chat; return how long to wait then, None: until woken."""
        chat = self.settings().chat(name)
        if chat is None:
            await self.store.transact(lambda q: claims.bury(q, name, self.now()))
            return None
        chat_id = self.lanes.id_of(chat)
        # Wait for the turn before looking: what piles up in the meantime can be told together.
        wait_seconds = self.lanes.wait_seconds(chat_id)
        if wait_seconds > 0:
            return wait_seconds
        may_edit = self.lanes.has_room(chat_id)
        found = await self.store.transact(lambda q: claims.claim(q, chat, chat_id, self.now(), may_edit=may_edit))
        if found.job is None:
            if found.postponed:  # in a storm every webhook wakes us: looking at each would cost more than the storm
                await asyncio.sleep(_STORM_PAUSE_SECONDS)
            return None if found.due_at is None else max(0.05, (found.due_at - self.now()).total_seconds())
        await finish_first(self._perform(chat, chat_id, found.job, found.incidents), seconds=_FINISH_SECONDS)
        return 0.0

    async def _perform(self, chat: Chat, chat_id: int, job: Job, stored: tuple[Incident, ...]) -> None:
        """Send one job and settle its rows."""
        now = self.now()
        if over := await withholding.over_already(job, stored, self.exporter):
            settings = self.settings()
            withheld = await patiently(self.store, lambda q: withholding.withhold(q, job, over, settings, now=now))
            self.metrics.withheld.labels("over_already").inc(withheld)
            return
        incidents = await with_facts(stored, self.exporter)
        draft = compose(
            job,
            {incident.id: incident for incident in incidents},
            chat,
            self.settings(),
            now=now,
            quiet_now=is_silent(chat, now),
        )
        if _may_repeat(job):
            self.metrics.delivery_repeats.inc()
            log.warning("delivery may repeat", chat=chat.name, rows=len(job.rows))
        editing = job.message is not None and job.act in {Act.EDIT, Act.JOIN}
        parcel = Parcel(
            place=Place(chat_id=chat_id, topic=chat.topic),
            text=draft.text,
            silent=draft.silent,
            edit=job.message.message_id if job.message is not None and editing else None,
            reply_to=job.message.message_id if job.message is not None and not editing else None,
            attempts=max(row.attempts for row in job.rows) + 1,
            buttons=draft.buttons,
            or_new=not job.older,
        )
        try:
            done = await deliver(self.sender, parcel, self.lanes)
        except Undelivered as outcome:
            await self._not_delivered(chat, job, outcome)
            return
        self.lanes.worked()
        self.metrics.deliveries.inc()
        if self._troubles.pop(chat.name, None) is not None:
            log.info("delivery works again", chat=chat.name)
        settled = self.now()
        for row in job.rows:
            self.metrics.delivery_seconds.observe(max(0.0, (settled - row.created_at).total_seconds()))
        log.info("delivered", chat=chat.name, act=job.act.value, rows=len(job.rows), attempt=parcel.attempts)
        # Telegram has it: until this is noted nothing else may be sent to this chat, or it would be sent again.
        await patiently(self.store, lambda q: claims.settle(q, chat.name, job, draft.incidents, done, settled))
        if done.new and job.act is Act.SEND:
            self.on_sent()
        await self.refresh_metrics()

    async def _not_delivered(self, chat: Chat, job: Job, outcome: Undelivered) -> None:
        """Keep the rows for later, or bury them."""
        error, action = outcome.error, outcome.action
        known = self._troubles.get(chat.name)
        self._troubles[chat.name] = error.failure
        ids = [row.id for row in job.rows]
        attempts = max(row.attempts for row in job.rows) + 1
        now = self.now()
        notes = {"attempts": attempts, "failure": error.failure.value, "detail": error.detail}
        if action.step is retry.Step.WAIT:
            if known is not error.failure:
                log.warning("delivery failed", chat=chat.name, reason=error.failure.value, detail=error.detail)
            chat_id = self.lanes.id_of(chat)
            self.lanes.keep_quiet(chat_id, action.delay_seconds, error.failure, everyone=action.everyone)

            def keep(queries: Queries) -> None:
                queries.update_rows(ids, state=RowState.PENDING, **notes)
                backlog.note(queries, error.failure, now=now)

            await patiently(self.store, keep)
        else:
            log.error("message refused", chat=chat.name, reason=error.failure.value, detail=error.detail, rows=len(ids))
            admins = self.settings().admins() if known is not error.failure else ()

            def bury(queries: Queries) -> None:
                queries.update_rows(ids, state=RowState.DEAD, settled_at=now, **notes)
                backlog.note(queries, error.failure, now=now)
                values = {"chat": chat.name, "detail": error.detail}
                intake.notify(queries, [name for name in admins if name != chat.name], "dead", values, now=now)

            await patiently(self.store, bury)
            self.wake()
        await self.refresh_metrics()


def _may_repeat(job: Job) -> bool:
    """Tell whether Telegram may have a new message already.

    Its answer was lost, or a proxy's page stood in its place, or we were stopped before our note.
    """
    unsure = any(row.state is RowState.SENDING or row.failure in _UNSURE for row in job.rows)
    return unsure and job.act not in {Act.EDIT, Act.JOIN}
