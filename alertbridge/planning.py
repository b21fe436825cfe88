"""What to send to a chat next: due outbox rows -> one Job (pure).

Storms become digests here, by themselves: a chat may be written to once a second, so whatever has piled up in the
meantime is seen at once. Four or more new troubles make one digest; for half a minute more join it by edits, after that
new ones speak up again, because edits make no sound.

A digest is also edited when one of its members has got a message of its own meanwhile (it became worse, which is told
loudly), and a message that a newer one has replaced points to it: such rows name their message (`Row.message`).

What falls one after the other, within seconds, is collected: the first message of a quiet chat leaves at once, and for
ten seconds further troubles (and further ends, among themselves) wait up to three seconds for each other.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from alertbridge.incidents import Tell
from alertbridge.store.rows import NOTICE, MessageKind, Row, Shown

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from alertbridge.incidents import Incident

DIGEST_FROM = 4  # new troubles at once that are told as one digest
JOIN_FOR = timedelta(seconds=30)  # so long after a digest was sent, new troubles join it silently
COLLECT_FOR = timedelta(seconds=10)  # so long after a message, new troubles wait for each other
COLLECT_EVERY = timedelta(seconds=3)  # at most this long
EDIT_EVERY = timedelta(seconds=3)  # edits of one digest: a group's budget is one request per 3 s
_NEWS = {Tell.OPEN: (Tell.OPEN,), Tell.WORSE: (Tell.WORSE, Tell.GROWN), Tell.GROWN: (Tell.WORSE, Tell.GROWN)}


class Act(StrEnum):
    """What a job does."""

    SEND = "send"  # a new message about one incident, as a reply where `message` is set
    DIGEST = "digest"  # a new digest
    JOIN = "join"  # add incidents to the digest `message`, by an edit
    EDIT = "edit"  # edit `message` to what is true now
    REPLY_OVER = "reply_over"  # a short silent reply to `message`
    REPLY_ALL_OVER = "reply_all_over"  # the same for a whole digest
    OVER_MANY = "over_many"  # one silent message for the ends of several incidents
    NOTICE = "notice"  # a message of the bridge itself
    POSTPONE = "postpone"  # too soon for another edit: wait until `until`
    DROP = "drop"  # nothing to do: the chat does not show it, or it is shown as it is


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One request to Telegram, and the rows that it settles."""

    act: Act
    rows: tuple[Row, ...]
    incidents: tuple[int, ...] = ()  # whom it tells of; a JOIN or EDIT of a digest shows its other members too
    message: Shown | None = None
    until: datetime | None = None  # POSTPONE only
    quiet: bool = False  # a digest of the quiet hours
    older: bool = (
        False  # the message is not the one that speaks for these incidents now; where it is gone, nobody misses it
    )
    tell: Tell = Tell.UPDATE


def plan(  # noqa: PLR0911 - one return per kind of row
    rows: Sequence[Row],
    incidents: Mapping[int, Incident],
    shown: Mapping[int, Shown],
    digest: Shown | None,
    *,
    now: datetime,
    recent: Mapping[str, Sequence[datetime]] | None = None,
    named: Mapping[int, Shown] | None = None,
    may_edit: bool = True,
) -> Job | None:
    """Return what to do next for one chat; None: nothing is due.

    Args:
        rows: what is due, in order.
        incidents: by id, all that the rows name; a missing one was pruned.
        shown: per incident, the newest message of this chat that shows it.
        digest: the newest digest of this chat.
        now: aware UTC.
        recent: by kind of row, when such rows were told to this chat within COLLECT_FOR, oldest first.
        named: by our id, the messages that rows name; a missing one is gone.
        may_edit: False while the chat's budget of requests is kept for news: edits wait.
    """
    told = recent or {}
    if not rows:
        return None
    head = _head(rows)
    if head.kind == NOTICE:
        return Job(act=Act.NOTICE, rows=(head,))
    if head.incident_id is None or head.incident_id not in incidents:
        return Job(act=Act.DROP, rows=(head,))
    if head.loud:
        moments = sorted(moment for kind in _NEWS.get(Tell(head.kind), ()) for moment in told.get(kind, ()))
        return _plan_loud(head, head.incident_id, rows, shown, digest, now=now, told=moments)
    message = shown.get(head.incident_id) if head.message is None else (named or {}).get(head.message)
    if message is None or (head.kind == Tell.OVER and not incidents[head.incident_id].phase.closed):
        return Job(act=Act.DROP, rows=(head,))
    if head.kind == Tell.OVER:
        return _plan_over(head, message, rows, incidents, shown, now=now, told=told.get(Tell.OVER, ()))
    job = _plan_edit(message, rows, shown, now=now)
    return job if may_edit or job.act is Act.POSTPONE else _postponed(job, now + EDIT_EVERY)


def _head(rows: Sequence[Row]) -> Row:
    """Return the row that decides what comes next: the oldest, but news goes before edits, which tell none."""
    if rows[0].kind != Tell.UPDATE:
        return rows[0]
    return next((row for row in rows if row.loud or row.kind == NOTICE), rows[0])


def _plan_loud(
    head: Row,
    incident_id: int,
    rows: Sequence[Row],
    shown: Mapping[int, Shown],
    digest: Shown | None,
    *,
    now: datetime,
    told: Sequence[datetime],
) -> Job:
    """Plan new messages: alone, or as a digest with all others that wait."""
    if head.kind == Tell.OPEN and incident_id in shown:
        return _plan_edit(shown[incident_id], rows, shown, now=now, also=head)
    loud = [row for row in rows if row.loud and not (row.kind == Tell.OPEN and row.incident_id in shown)]
    joining = digest is not None and now - digest.sent_at < JOIN_FOR and not head.held and not digest.quiet
    ids = tuple(dict.fromkeys(row.incident_id for row in loud if row.incident_id is not None))
    if digest is not None and joining and not any(i in shown for i in ids):
        too_soon = now - digest.edited_at < EDIT_EVERY
        job = _covering(Act.JOIN, rows, ids, message=digest)
        return _postponed(job, digest.edited_at + EDIT_EVERY) if too_soon else job
    held = [row for row in loud if row.held]
    if head.held and held:
        quiet_ids = tuple(dict.fromkeys(row.incident_id for row in held if row.incident_id is not None))
        return _covering(Act.DIGEST, rows, quiet_ids, quiet=True)
    new = tuple(i for i in ids if i not in shown)
    kinds = _NEWS.get(Tell(head.kind), ())
    if kinds and (until := _collecting(head, told, now)) is not None and len(ids) < DIGEST_FROM:
        waiting = tuple(row.incident_id for row in loud if row.kind in kinds and row.incident_id is not None)
        return _postponed(_covering(Act.SEND, rows, waiting), until)
    fresh = len(new) if head.kind == Tell.OPEN else len(ids)
    together = bool(kinds) and fresh > 1 and fresh + len(told) >= DIGEST_FROM
    if len(ids) >= DIGEST_FROM or together:
        where = {shown[i].id: shown[i] for i in ids if i in shown}
        one = next(iter(where.values())) if len(where) == 1 and not new else None
        return _covering(Act.DIGEST, rows, ids, message=one)
    return _covering(Act.SEND, rows, (incident_id,), message=shown.get(incident_id), tell=Tell(head.kind))


def _collecting(head: Row, told: Sequence[datetime], now: datetime) -> datetime | None:
    """Return until when a row waits for others like it; None: it goes out now.

    The moments are those after the last message, every COLLECT_EVERY, so that all that wait are due together.
    """
    if not told or now - told[-1] >= COLLECT_FOR or head.created_at < told[-1]:
        return None  # a quiet chat, or it has waited already
    turns = (head.created_at - told[-1]) // COLLECT_EVERY + 1
    until = told[-1] + turns * COLLECT_EVERY
    return until if until > now else None


def _covering(
    act: Act,
    rows: Sequence[Row],
    ids: tuple[int, ...],
    *,
    message: Shown | None = None,
    quiet: bool = False,
    tell: Tell = Tell.OPEN,
) -> Job:
    """Return a job that settles every due row of its incidents: its text shows what is true when it is sent."""
    wanted = set(ids)
    covered = tuple(row for row in rows if row.incident_id in wanted and row.message is None)
    return Job(act=act, rows=covered, incidents=ids, message=message, quiet=quiet, tell=tell)


def _plan_edit(
    message: Shown, rows: Sequence[Row], shown: Mapping[int, Shown], *, now: datetime, also: Row | None = None
) -> Job:
    """Plan one edit for all that changed in one message."""
    mine = tuple(
        row for row in rows if (row.kind == Tell.UPDATE or row is also) and _message_id(row, shown) == message.id
    )
    ids = tuple(dict.fromkeys(row.incident_id for row in mine if row.incident_id is not None))
    older = all(row.message is not None for row in mine)
    job = Job(act=Act.EDIT, rows=mine, incidents=ids, message=message, older=older)
    if message.kind is MessageKind.DIGEST and now - message.edited_at < EDIT_EVERY:
        return _postponed(job, message.edited_at + EDIT_EVERY)
    return job


def _message_id(row: Row, shown: Mapping[int, Shown]) -> int | None:
    """Return our id of the message that a row is about."""
    if row.message is not None or row.incident_id is None:
        return row.message
    newest = shown.get(row.incident_id)
    return newest.id if newest is not None else None


def _plan_over(
    head: Row,
    message: Shown,
    rows: Sequence[Row],
    incidents: Mapping[int, Incident],
    shown: Mapping[int, Shown],
    *,
    now: datetime,
    told: Sequence[datetime],
) -> Job:
    """Plan the short reply that it is over: for one, for a whole digest, or for several at once."""
    overs = [row for row in rows if row.kind == Tell.OVER and row.incident_id in incidents]
    if message.kind is MessageKind.DIGEST:
        mine = tuple(row for row in overs if _message_id(row, shown) == message.id)
        return Job(act=Act.REPLY_ALL_OVER, rows=mine, message=message)
    alone = [
        row
        for row in overs
        if row.incident_id is not None
        and row.message is None
        and row.incident_id in shown
        and shown[row.incident_id].kind is MessageKind.INCIDENT
        and incidents[row.incident_id].phase.closed
    ]
    ids = tuple(dict.fromkeys(row.incident_id for row in alone if row.incident_id is not None))
    if len(ids) < DIGEST_FROM and (until := _collecting(head, told, now)) is not None:
        return _postponed(Job(act=Act.OVER_MANY, rows=tuple(alone), incidents=ids), until)
    if len(ids) >= DIGEST_FROM or (len(ids) > 1 and len(ids) + len(told) >= DIGEST_FROM):
        return Job(act=Act.OVER_MANY, rows=tuple(alone), incidents=ids)
    return Job(act=Act.REPLY_OVER, rows=(head,), incidents=ids[:1], message=message)


def _postponed(job: Job, until: datetime) -> Job:
    return Job(act=Act.POSTPONE, rows=job.rows, incidents=job.incidents, until=until)
