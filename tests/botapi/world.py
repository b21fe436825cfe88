"""What the stand-in knows: messages, chats, rates, scripted faults. No HTTP here."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.botapi.markup import Entity

MESSAGE_LIMIT = 4096
CAPTION_LIMIT = 1024
CALLBACK_BYTES = 64


class Refusal(Exception):  # noqa: N818 - an answer, not an accident
    """An answer with `ok: false`."""

    def __init__(self, status: int, description: str, **parameters: int) -> None:
        self.status = status
        self.description = description
        self.parameters = parameters
        super().__init__(description)


@dataclass(slots=True, kw_only=True)
class Message:
    """One message as a reader sees it now. `texts` holds every version, the newest last."""

    chat_id: int
    message_id: int
    topic: int | None
    silent: bool
    reply_to: int | None
    texts: list[str]
    entities: tuple[Entity, ...] = ()
    buttons: list[list[dict[str, Any]]] = field(default_factory=list)
    sent_at: float = field(default_factory=time.monotonic)
    photo: bytes | None = None
    deleted: bool = False

    @property
    def text(self) -> str:
        """The text after entity parsing."""
        return self.texts[-1]

    @property
    def first_line(self) -> str:
        """What a phone's notification shows."""
        return self.text.partition("\n")[0]

    @property
    def edits(self) -> int:
        """How often it was edited."""
        return len(self.texts) - 1


@dataclass(slots=True, kw_only=True)
class Fault:
    """One scripted trouble, for requests that match."""

    status: int = 500
    description: str = "Internal Server Error"
    parameters: dict[str, int] = field(default_factory=dict)
    raw: bytes | None = None  # this body instead of JSON
    content_type: str = "text/html"
    accept: bool = False  # carry the request out all the same: only the answer is lost
    hang_seconds: float = 0.0  # wait before answering; the client gives up first
    cut: bool = False  # break the connection in the middle of the answer
    times: int = 1
    method: str | None = None  # None: any
    chat_id: int | None = None  # None: any


@dataclass(slots=True, kw_only=True)
class Call:
    """One request as it came."""

    method: str
    params: dict[str, Any]
    status: int
    at: float


class Rates:
    """Telegram's limits: one a second per chat, 20 a minute per group, 30 a second in all; off without `enforced`."""

    def __init__(self) -> None:
        self.enforced = True
        self._chats: dict[int, deque[float]] = {}
        self._all: deque[float] = deque()
        self.refused = 0

    def check(self, chat_id: int, now: float) -> None:
        """Count a request, or refuse it with 429."""
        if not self.enforced:
            return
        sent = self._chats.setdefault(chat_id, deque())
        while sent and sent[0] <= now - 60.0:
            sent.popleft()
        while self._all and self._all[0] <= now - 1.0:
            self._all.popleft()
        # A tenth of tolerance: the way over the network is not always equally long.
        if sent and now - sent[-1] < 0.9:
            self._refuse(1)
        if chat_id < 0 and len([at for at in sent if at > now - 59.0]) >= 20:
            self._refuse(int(60 - (now - sent[0])) + 1)
        if len(self._all) >= 33:
            self._refuse(1)
        sent.append(now)
        self._all.append(now)

    def _refuse(self, seconds: int) -> None:
        self.refused += 1
        raise Refusal(429, f"Too Many Requests: retry after {seconds}", retry_after=seconds)


@dataclass(slots=True)
class World:
    """The whole state of the stand-in."""

    token: str = "123456:STANDIN-token_for-tests-0123456789abc"
    messages: list[Message] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    rates: Rates = field(default_factory=Rates)
    chats: set[int] | None = None  # known chats; None: any
    topics: dict[int, set[int]] = field(default_factory=dict)  # open topics of a forum; absent: any but 1
    blocked: dict[int, Refusal] = field(default_factory=dict)  # chats that refuse everything
    migrated: dict[int, int] = field(default_factory=dict)
    updates: deque[dict[str, Any]] = field(default_factory=deque)
    answered: list[dict[str, Any]] = field(default_factory=list)  # callback answers
    commands: list[dict[str, Any]] = field(default_factory=list)  # setMyCommands calls
    next_message: int = 1
    next_update: int = 1000

    def fault_for(self, method: str, chat_id: int | None) -> Fault | None:
        """Take the first scripted fault that fits a request."""
        for fault in self.faults:
            if fault.method not in {None, method} or fault.chat_id not in {None, chat_id}:
                continue
            fault.times -= 1
            if fault.times <= 0:
                self.faults.remove(fault)
            return fault
        return None

    def find(self, chat_id: int, message_id: int) -> Message | None:
        """Return a message that is still there."""
        return next(
            (m for m in self.messages if m.chat_id == chat_id and m.message_id == message_id and not m.deleted),
            None,
        )
