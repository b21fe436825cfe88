"""What alertbridge.yml says, as frozen values. Reading and checking is loading.py's, meaning is everyone else's."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from datetime import time
    from pathlib import Path

JAKARTA = ZoneInfo("Asia/Jakarta")


class Secret:
    """A text that never prints. `reveal` is the only way to it."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Return the secret itself."""
        return self._text

    def __repr__(self) -> str:
        """Return stars, whatever the secret."""
        return "Secret('***')"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        """Compare by content, so that settings can be compared."""
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        """Hash by content."""
        return hash(self._text)


class Language(StrEnum):
    """The languages of our texts."""

    ID = "id"
    EN = "en"


class Role(StrEnum):
    """What a chat or user may do; each role may do what the ones before it may."""

    VIEWER = "viewer"  # ask
    OPERATOR = "operator"  # acknowledge, silence
    ADMIN = "admin"  # restart

    def covers(self, needed: Role) -> bool:
        """Tell whether this role may do what `needed` may."""
        order = list(Role)
        return order.index(self) >= order.index(needed)


class Cadence(StrEnum):
    """How often a report comes by itself."""

    DAILY = "daily"
    WEEKLY = "weekly"


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """When a report comes by itself. Its arithmetic is schedules.py's."""

    cadence: Cadence
    at: time  # local
    weekday: int | None = None  # weekly: 0 is Monday
    zone: ZoneInfo


@dataclass(frozen=True, slots=True, kw_only=True)
class QuietHours:
    """A part of each day in which only critical messages are sent; may span midnight."""

    start: time
    end: time
    zone: ZoneInfo


@dataclass(frozen=True, slots=True, kw_only=True)
class Chat:
    """A place that gets messages. Its name is its identity in the store: a group's id changes when it grows."""

    name: str
    id: int  # negative: a group
    topic: int | None = None  # forum topic; None: none, or General (id 1, which must be sent without it)
    language: Language = Language.ID
    role: Role = Role.VIEWER  # of members who are no configured user
    timezone: ZoneInfo = JAKARTA  # of what is about no single region: reports, quiet hours
    quiet_hours: QuietHours | None = None
    critical_silent: bool = False  # in quiet hours critical messages make no sound
    reports: tuple[Schedule, ...] = ()  # empty: none comes by itself

    @property
    def is_group(self) -> bool:
        """Groups have a budget of 20 messages a minute."""
        return self.id < 0


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """A person who may ask in private and whose role holds in every chat."""

    name: str
    id: int
    role: Role = Role.VIEWER


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Which alerts go to which chats. An empty set matches everything."""

    severities: frozenset[str] = frozenset()
    regions: frozenset[str] = frozenset()
    chats: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """An HTTP server that we ask."""

    url: str  # without a trailing slash
    username: str | None = None
    password: Secret | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Watchdog:
    """The dead man's switch."""

    timeout_seconds: float = 180.0  # this long without Watchdog: the monitoring itself is silent
    ping_url: Secret | None = None  # called while all is well; a Healthchecks address is a secret
    ping_every_seconds: float = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Escalation:
    """Whom to tell of a critical incident that nobody has acknowledged."""

    chat: str  # its name
    after_seconds: float = 900.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything alertbridge.yml says, checked."""

    language: Language = Language.ID
    token: Secret | None = None  # None: dry run
    api_url: str = "https://api.telegram.org"
    webhook_token: Secret | None = None  # None: only loopback may post
    alertmanager: Peer = Peer(url="http://127.0.0.1:9093")
    prometheus: Peer = Peer(url="http://127.0.0.1:9090")
    exporter: Peer = Peer(url="http://127.0.0.1:9921")
    grafana_url: str | None = None  # as a phone can open it; None: links come from the alerts
    runbooks_url: str | None = None  # where the relative `runbook_url` of alerts can be opened; None: names only
    store_path: Path | None = None  # None with no URL: alertbridge.db in the data folder
    store_url: Secret | None = None
    chats: tuple[Chat, ...] = ()
    users: tuple[User, ...] = ()
    routes: tuple[Route, ...] = ()
    watchdog: Watchdog = field(default_factory=Watchdog)
    escalation: Escalation | None = None  # None: nobody else is told

    @property
    def dry_run(self) -> bool:
        """Without a token messages are printed instead of sent."""
        return self.token is None

    def chat(self, name: str) -> Chat | None:
        """Return a chat by name."""
        return next((chat for chat in self.chats if chat.name == name), None)

    def admin_chat(self) -> Chat | None:
        """Return the chat that hears of our own troubles: the first of role admin, else the first; None: no chat."""
        return next((chat for chat in self.chats if chat.role is Role.ADMIN), next(iter(self.chats), None))

    def admins(self) -> tuple[str, ...]:
        """Return the name of that chat; empty where there is none."""
        chat = self.admin_chat()
        return () if chat is None else (chat.name,)

    def secrets(self) -> tuple[str, ...]:
        """Return every secret text, for the log's redaction. A token's second half is a secret of its own."""
        found = [self.token, self.webhook_token, self.store_url, self.watchdog.ping_url]
        found += [peer.password for peer in (self.alertmanager, self.prometheus, self.exporter)]
        texts = [secret.reveal() for secret in found if secret is not None]
        if self.token is not None:
            texts.append(self.token.reveal().partition(":")[2])
        return tuple(text for text in texts if text)
