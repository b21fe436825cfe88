"""Looks after silences: extends "until it is back", ends it when it is, warns before an end and tells every end.

Silences that people made elsewhere (Alertmanager's page, Karma, amtool) are noted too: when one ends, the chats that
show what it hid are told. Alertmanager itself says nothing when a silence ends (alertmanager#2896). What is told is
noted in the same transaction: once each, over restarts and two bridges. silence_ends.py decides what.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from alertbridge import intake
from alertbridge.bot import silence_ends
from alertbridge.bot.silencing import BACK_SPAN, note_of
from alertbridge.errors import PeerError, StoreError
from alertbridge.wording import utc_now
from httpservice.logs import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping
    from datetime import datetime

    from alertbridge.alertmanager import Alertmanager, Silence
    from alertbridge.incidents import Incident
    from alertbridge.settings import Chat, Settings
    from alertbridge.store import Transactions
    from alertbridge.store.queries import Queries

log = get_logger(__name__)

EVERY_SECONDS = 10.0
_EXTEND_BELOW = timedelta(minutes=10)


@dataclass(slots=True)
class Keeper:
    """Looks every `every_seconds`. `run` is its only task; `wake` makes it look at once."""

    store: Transactions
    settings: Callable[[], Settings]
    alertmanager: Alertmanager
    on_change: Callable[[], None]
    every_seconds: float = EVERY_SECONDS
    now: Callable[[], datetime] = utc_now
    _trouble: str = ""
    _event: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            self._event.clear()
            try:
                await self.check()
                self._trouble = ""
            except (PeerError, StoreError) as error:
                if str(error) != self._trouble:
                    log.warning("silences cannot be kept", reason=str(error))
                self._trouble = str(error)
            except Exception:
                log.exception("keeping silences failed")
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self.every_seconds):
                    await self._event.wait()

    def wake(self) -> None:
        """Look at once."""
        self._event.set()

    async def check(self) -> None:
        """Look once at every silence.

        Raises:
            PeerError: Alertmanager gave no usable answer.
            StoreError: the store cannot be used now.
        """
        # Notes first: a silence that is made between the two questions must not look as if it had ended.
        known = await self.store.transact(lambda q: q.watched_silences())
        held = await self.alertmanager.silences()
        wanted = [note["incident"] for note in known.values() if note.get("incident") is not None]
        incidents = {i.id: i for i in await self.store.transact(lambda q: q.incidents(wanted))}
        for silence_id, note in known.items():
            silence = held.get(silence_id)
            if silence is None:
                await self._ended(silence_id, note, "silence_over", held.values())
            elif note.get("back"):
                await self._keep_until_back(silence, note, incidents.get(note.get("incident") or 0))
            elif silence_ends.is_near(silence, note, held.values(), now=self.now()):
                await self._ends_soon(silence)
        new = {key: note_of(silence) for key, silence in held.items() if key not in known}
        if new:
            await self.store.transact(lambda q: _note_all(q, new))

    async def _keep_until_back(self, silence: Silence, note: Mapping[str, Any], incident: Incident | None) -> None:
        now = self.now()
        if incident is None or incident.phase.closed:
            await self.alertmanager.expire(silence.id)
            await self._ended(silence.id, note, "silence_back", ())
        elif silence.ends_at - now < _EXTEND_BELOW:
            new_id = await self.alertmanager.put(replace(silence, ends_at=now + BACK_SPAN))
            log.info("silence extended", what=note.get("what"), silence=new_id)
            if new_id != silence.id:  # it ended while we asked
                await self.store.transact(lambda q: _renamed(q, silence.id, new_id, note))

    async def _ends_soon(self, silence: Silence) -> None:
        """Warn that a silence ends soon, with what is still wrong behind it and a button that prolongs it."""
        now, settings = self.now(), self.settings()

        def work(queries: Queries) -> bool:
            note = queries.watched_silences().get(silence.id)
            if note is None or silence_ends.is_warned(silence, note):
                return False  # a person has ended it meanwhile, or the other bridge has warned
            hidden = silence_ends.hidden(note, queries.open_incidents())
            chats = _concerned(queries, settings, note, hidden)
            for chat in chats:
                values = silence_ends.warning(silence, note, hidden, chat, now=now)
                intake.notify(queries, [chat.name], "lines", values, now=now)
            queries.watch_silence(silence.id, silence_ends.warned(silence, note, (chat.name for chat in chats)))
            return True

        if await self.store.transact(work):
            log.info("silence ends soon", silence=silence.id, ends_at=silence.ends_at.isoformat())
            self.on_change()

    async def _ended(self, silence_id: str, note: Mapping[str, Any], key: str, held: Collection[Silence]) -> None:
        """Tell that a silence has ended: where it was made, and where what it hid is shown."""
        now, settings = self.now(), self.settings()

        def work(queries: Queries) -> None:
            if not queries.forget_silence(silence_id):
                return  # a person has ended it meanwhile, and was told
            if silence_ends.goes_on(note, held, now=now):
                return  # another one hides the same: nothing changes for anybody
            hidden = silence_ends.hidden(note, queries.open_incidents())
            for chat in _concerned(queries, settings, note, hidden):
                values = silence_ends.ending(note, hidden, held, key, chat, now=now)
                intake.notify(queries, [chat.name], "lines", values, now=now)

        await self.store.transact(work)
        log.info("silence ended", what=note.get("what"), reason=key)
        self.on_change()


def _concerned(queries: Queries, settings: Settings, note: Mapping[str, Any], hidden: Iterable[Incident]) -> list[Chat]:
    """Return whom a silence's end concerns: where it was made, and where what it hides is shown."""
    names = {note["chat"]} | {chat for incident in hidden for chat in queries.chats_of(incident.id)}
    return [chat for name in sorted(names) if (chat := settings.chat(name)) is not None]


def _renamed(queries: Queries, old_id: str, new_id: str, note: Mapping[str, Any]) -> None:
    queries.forget_silence(old_id)
    queries.watch_silence(new_id, note)


def _note_all(queries: Queries, notes: Mapping[str, Mapping[str, Any]]) -> None:
    known = queries.watched_silences()
    for silence_id, note in notes.items():
        if silence_id not in known:  # made by a person here, and noted while we asked
            queries.watch_silence(silence_id, note)
