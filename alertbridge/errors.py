"""The bridge's exceptions, and the closed set of reasons for which a delivery fails.

    BridgeError
    +-- SettingsError   alertbridge.yml has mistakes; carries all of them
    +-- PayloadError    a body that is no Alertmanager webhook of version 4
    +-- StoreError      the database cannot be read or written now (disk full, locked, gone)
    +-- PeerError       Alertmanager, Prometheus or the exporter gave no usable answer
    +-- DeliveryError   Telegram did not take a message; says what kind of failure it was

What to do after a DeliveryError is decided in retry.py.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from httpservice.mistakes import Mistake


class Failure(StrEnum):
    """Why Telegram did not take a message; the value is the `reason` label of `alertbridge_delivery_failures_total`."""

    UNSENT = "unsent"  # no connection: surely not delivered
    TIMEOUT = "timeout"  # the request went out, no answer came: it may have been delivered
    SERVER = "server"  # 5xx, a proxy's page, or an answer that is no Bot API answer
    RATE_LIMITED = "rate_limited"  # 429; carries retry_after
    MIGRATED = "migrated"  # the group became a supergroup; carries the new id
    TOKEN = "token"  # noqa: S105 - 401 or 404: a word of the closed set, no secret
    BLOCKED = "blocked"  # 403: the bot was blocked, kicked, or the user is gone
    CHAT_NOT_FOUND = "chat_not_found"  # wrong id, missing -100, or nobody pressed start
    NO_RIGHTS = "no_rights"  # the bot may not write there
    TOPIC = "topic"  # the forum topic is closed or deleted
    MARKUP = "markup"  # the entities were refused
    TOO_LONG = "too_long"
    MESSAGE_GONE = "message_gone"  # the message to edit was deleted or cannot be edited
    NOT_MODIFIED = "not_modified"  # the edit changes nothing: a success
    REFUSED = "refused"  # any other 400
    INTERNAL = "internal"  # a mistake of ours
    CHAT_REMOVED = "chat_removed"  # the configuration no longer names this chat


class BridgeError(Exception):
    """Base of all exceptions of this package."""


class SettingsError(BridgeError):
    """alertbridge.yml cannot be used; `mistakes` holds every mistake found, in line order."""

    def __init__(self, mistakes: tuple[Mistake, ...]) -> None:
        self.mistakes = mistakes
        super().__init__("\n".join(str(mistake) for mistake in mistakes))


class PayloadError(BridgeError):
    """A body that is no Alertmanager webhook of version 4; the text names the path and what is wrong there."""


class StoreError(BridgeError):
    """The database cannot be read or written now; nothing of the transaction remains."""


class PeerError(BridgeError):
    """A peer gave no usable answer; the text names the peer and the trouble, never a secret."""


class DeliveryError(BridgeError):
    """Telegram did not take a message."""

    def __init__(
        self,
        failure: Failure,
        detail: str,
        *,
        retry_after_seconds: float | None = None,
        new_chat_id: int | None = None,
    ) -> None:
        self.failure = failure
        self.detail = detail  # Telegram's own words, never the token
        self.retry_after_seconds = retry_after_seconds  # RATE_LIMITED only
        self.new_chat_id = new_chat_id  # MIGRATED only
        super().__init__(f"{failure.value}: {detail}")
