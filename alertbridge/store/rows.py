"""What the store hands out besides incidents: outbox rows and shown messages, as frozen values."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from alertbridge.incidents import Tell

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

NOTICE = "notice"  # kind of an outbox row that tells of no incident
BACKLOG = "backlog"  # the notice that goes before everything else that waits for its chat (backlog.py)


class RowState(StrEnum):
    """Where an outbox row stands; `pending` and `dead` are label values of `alertbridge_outbox_messages`."""

    PENDING = "pending"
    SENDING = "sending"  # the request is out: after a crash nobody knows whether it arrived
    SENT = "sent"
    DEAD = "dead"  # refused for good: a person must act


class MessageKind(StrEnum):
    """What a message in a chat shows."""

    INCIDENT = "incident"
    DIGEST = "digest"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One thing to tell to one chat. Its text is made when it is sent, from what is true then."""

    id: int
    chat: str  # name in the configuration
    kind: str  # a Tell, or NOTICE
    incident_id: int | None
    notice: str = ""
    values: Mapping[str, str] = field(default_factory=dict)
    state: RowState = RowState.PENDING
    held: bool = False
    created_at: datetime
    not_before: datetime
    attempts: int = 0
    failure: str = ""
    detail: str = ""
    message: int | None = None  # our id of the message it is about; None: the chat's newest that shows the incident

    @property
    def loud(self) -> bool:
        """Whether it asks for a new message that makes a sound."""
        return self.kind in {Tell.OPEN, Tell.WORSE, Tell.REMIND, Tell.GROWN}


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A message that a chat shows."""

    id: int
    chat: str
    chat_id: int
    message_id: int  # Telegram's
    kind: MessageKind
    sent_at: datetime
    edited_at: datetime
    quiet: bool = False
    ended_at: datetime | None = None  # of a digest: when "all is over" was told; None: not told, or one is open again
