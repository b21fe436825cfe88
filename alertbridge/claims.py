"""The store side of the outbox: which rows are claimed next for a chat, and what is noted when they are delivered.

Runs inside the store's transactions. planning.py decides, outbox.py sends.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from alertbridge import backlog, pictures_due
from alertbridge.errors import Failure
from alertbridge.facts import told_of
from alertbridge.incidents import Tell
from alertbridge.planning import COLLECT_FOR, Act, Job, plan
from alertbridge.store.rows import BACKLOG, MessageKind, RowState

if TYPE_CHECKING:
    from datetime import datetime

    from alertbridge.delivery import Delivered
    from alertbridge.incidents import Incident
    from alertbridge.settings import Chat
    from alertbridge.store.queries import Queries

_NEW_MESSAGE = {Act.SEND: MessageKind.INCIDENT, Act.DIGEST: MessageKind.DIGEST}


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What one look at the store found for a chat."""

    job: Job | None
    incidents: tuple[Incident, ...] = ()
    due_at: datetime | None = None  # when to look again where there is no job
    postponed: bool = False  # rows were put off: a digest takes its edits in turn


def bury(queries: Queries, chat: str, now: datetime) -> None:
    """Turn everything that waits for a chat that is no longer configured into dead letters."""
    ids = [row.id for row in queries.rows([RowState.PENDING, RowState.SENDING], limit=100_000) if row.chat == chat]
    queries.update_rows(ids, state=RowState.DEAD, settled_at=now, failure=Failure.CHAT_REMOVED.value)


def claim(queries: Queries, chat: Chat, chat_id: int, now: datetime, *, may_edit: bool = True) -> Claim:
    """Find the next job of a chat and mark its rows as being sent; without `may_edit` edits wait."""
    postponed = False
    backlog.owe(queries, now=now)
    while True:
        rows = queries.due(chat.name, now)
        if not rows:
            return Claim(job=None, due_at=queries.next_due(chat.name), postponed=postponed)
        ids = {row.incident_id for row in rows if row.incident_id is not None}
        incidents = {incident.id: incident for incident in queries.incidents(ids)}
        # A message in another chat (the group moved, or the file names another id) can neither be edited nor replied to
        shown = {key: m for key, m in queries.shown_for(chat.name, ids).items() if m.chat_id == chat_id}
        named = queries.messages(row.message for row in rows if row.message is not None)
        named = {key: m for key, m in named.items() if m.chat_id == chat_id}
        digest = queries.newest_digest(chat.name)
        newest = digest if digest and digest.chat_id == chat_id else None
        recent = queries.told_since(chat.name, now - COLLECT_FOR)
        job = plan(rows, incidents, shown, newest, now=now, recent=recent, named=named, may_edit=may_edit)
        if job is None:
            return Claim(job=None)
        job_rows = [row.id for row in job.rows]
        if job.rows[0].notice == BACKLOG:
            word = backlog.counted(queries, job.rows[0], now=now)
            job = replace(job, act=Act.DROP) if word is None else replace(job, rows=(word,))
        if job.act is Act.POSTPONE:
            queries.update_rows(job_rows, not_before=job.until)
            postponed = True
            continue
        is_digest = job.message is not None and job.message.kind is MessageKind.DIGEST
        members = set(job.incidents)
        if job.message is not None and is_digest and job.act in {Act.JOIN, Act.EDIT, Act.REPLY_ALL_OVER}:
            members |= set(queries.members(job.message.id))
        every = queries.incidents(members)
        told = job.message is not None and job.message.ended_at is not None
        not_yet = job.act is Act.REPLY_ALL_OVER and (told or any(not incident.phase.closed for incident in every))
        if job.act is Act.DROP or not_yet:
            queries.update_rows(job_rows, state=RowState.SENT, settled_at=now, detail="nothing to tell")
            continue
        queries.update_rows(job_rows, state=RowState.SENDING)
        return Claim(job=job, incidents=every)


def settle(
    queries: Queries, chat: str, job: Job, incidents: tuple[Incident, ...], done: Delivered, now: datetime
) -> None:
    """Note what Telegram took, and what has to follow from it in other messages."""
    queries.update_rows([row.id for row in job.rows], state=RowState.SENT, settled_at=now, failure="", detail="")
    backlog.note(queries, None, now=now)
    kind = _NEW_MESSAGE.get(job.act)
    if done.new and job.message is not None and job.act in {Act.EDIT, Act.JOIN}:
        kind = job.message.kind  # the message to edit was gone: this one takes its place
        members = {*queries.members(job.message.id), *job.incidents}
        queries.remove_message(job.message.id)
    else:
        members = set(job.incidents)
    spoke = done.new and kind is not None
    if done.new and kind is not None:
        quiet = job.quiet or (job.message is not None and job.message.quiet and job.act in {Act.EDIT, Act.JOIN})
        message = queries.add_message(
            chat=chat, chat_id=done.place.chat_id, message_id=done.message_id, kind=kind, now=now, quiet=quiet
        )
        queries.add_members(message, members)
        queries.update_incidents(job.incidents, told_at=now)
        if job.act is Act.SEND and any(pictures_due.wanted(i) for i in incidents if i.id in job.incidents):
            pictures_due.note(queries, message, now=now)
    elif not done.new and job.message is not None:
        queries.note_edit(job.message.id, now)
        queries.add_members(job.message.id, job.incidents)
    # What has closed meanwhile keeps the facts of its end.
    still_open = {incident.id for incident in queries.incidents(i.id for i in incidents) if not incident.phase.closed}
    for incident in incidents:
        if incident.id in still_open:
            told = incident.id in job.incidents and spoke
            queries.update_incidents([incident.id], facts=told_of(incident.facts) if told else incident.facts)
    _follow(queries, chat, job, done, now, any_open=bool(still_open))


def _follow(queries: Queries, chat: str, job: Job, done: Delivered, now: datetime, *, any_open: bool) -> None:
    """Let the other messages of the same incidents follow: digests by an edit, a replaced message by pointing on."""
    if job.message is not None and job.message.kind is MessageKind.DIGEST:
        if job.act is Act.REPLY_ALL_OVER:
            queries.note_ended(job.message.id, now)
        elif any_open:
            queries.note_ended(job.message.id, None)
    if job.older or job.act in {Act.NOTICE, Act.REPLY_ALL_OVER}:
        return
    ended = job.act in {Act.REPLY_OVER, Act.OVER_MANY}
    replacing = done.new and job.act in _NEW_MESSAGE
    for incident_id, every in queries.every_shown_for(chat, job.incidents).items():
        older = [message for message in every[:-1] if message.chat_id == done.place.chat_id]
        for digest in (message for message in older if message.kind is MessageKind.DIGEST):
            kind = Tell.OVER if ended else Tell.UPDATE
            queries.enqueue(chat=chat, kind=kind, incident_id=incident_id, message=digest.id, now=now)
        replaced = next((m for m in reversed(older) if m.kind is MessageKind.INCIDENT), None)
        if replacing and replaced is not None:
            queries.enqueue(chat=chat, kind=Tell.UPDATE, incident_id=incident_id, message=replaced.id, now=now)
