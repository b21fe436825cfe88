"""Whether commands are fetched from Telegram: polls that end, one by one -> a state that people are told of (pure).

One failed poll is no trouble yet: connections break, and the next poll works. A conflict (another program fetches the
same bot's updates) and a refused token are troubles at once, for a person must act. In a conflict both programs get
through now and then, so it is over only when no poll has met the other one for a minute. Delivery never looks here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

CALM = timedelta(seconds=60)  # longer than a poll: by then the other program would have been met
_PATIENCE = 2  # so many failures in a row make a trouble


class PollFailure(StrEnum):
    """Why updates could not be fetched; the `reason` label of `alertbridge_telegram_poll_failures_total`."""

    UNREACHABLE = "unreachable"  # no connection, or no answer in time
    SERVER = "server"  # 5xx, a proxy's page, or an answer that is no Bot API answer
    RATE_LIMITED = "rate_limited"  # 429
    CONFLICT = "conflict"  # 409: another program polls with this token, or a webhook is set
    TOKEN = "token"  # noqa: S105 - 401 or 404: a word of the closed set, no secret
    REFUSED = "refused"  # any other 4xx


_AT_ONCE = frozenset({PollFailure.CONFLICT, PollFailure.TOKEN})


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """Commands are not fetched, or not reliably."""

    failure: PollFailure
    since: datetime  # the first failed poll of the row
    detail: str  # Telegram's own words, never the token


@dataclass(slots=True)
class Polling:
    """What the polls so far say."""

    calm: timedelta = CALM
    trouble: Trouble | None = None
    met: int = 0  # conflicts of the present trouble
    _works: bool | None = None  # the last poll; None: none has ended yet
    _failing_since: datetime | None = None
    _failures: int = 0  # in a row
    _met_at: datetime | None = None

    @property
    def up(self) -> bool | None:
        """Whether commands are fetched; None: not known yet, or nobody asks (dry run, standing by)."""
        return False if self.trouble is not None else self._works

    @property
    def sure(self) -> bool:
        """Whether the next poll may wait for updates; else it should come back at once and tell how things are."""
        return bool(self._works) or (self.trouble is not None and self.trouble.failure is PollFailure.CONFLICT)

    def failed(self, failure: PollFailure, detail: str, now: datetime) -> Trouble | None:
        """Note a failed poll; return the trouble that people must be told of, None: nothing new."""
        self._failures += 1
        self._failing_since = self._failing_since or now
        if self._works:
            self._works = False if failure in _AT_ONCE else None
        if failure is PollFailure.CONFLICT:
            self.met, self._met_at = self.met + 1, now
        known = self.trouble
        if (failure not in _AT_ONCE and self._failures < _PATIENCE) or (known and known.failure is failure):
            return None
        self._works = False
        self.trouble = Trouble(failure=failure, since=known.since if known else self._failing_since, detail=detail)
        return self.trouble

    def succeeded(self, now: datetime) -> Trouble | None:
        """Note a poll that worked; return the trouble that is over, None: there was none, or it may come back."""
        self._works, self._failures, self._failing_since = True, 0, None
        over = self.trouble
        if over is None:
            return None
        unsafe = self._met_at is not None and now - self._met_at < self.calm
        if over.failure is PollFailure.CONFLICT and unsafe:
            return None
        self.trouble, self.met, self._met_at = None, 0, None
        return over

    def forget(self) -> None:
        """Nobody polls any more, or over another connection."""
        self.trouble, self.met, self._met_at = None, 0, None
        self._works, self._failures, self._failing_since = None, 0, None
