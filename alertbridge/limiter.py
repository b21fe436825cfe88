"""When a chat may be written to: per chat one request a second, per group 20 a minute, 30 a second in all.

Edits count (Telegram's documentation says nothing else). A `retry_after` holds only its own chat, so that one flooded
group never delays another. Time is an argument.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field


@dataclass(slots=True)
class Limiter:
    """Counts what was sent. Chats are told apart by their Telegram id."""

    chat_seconds: float = 1.0
    group_count: int = 20
    group_seconds: float = 60.0
    all_count: int = 30
    all_seconds: float = 1.0
    _chats: dict[int, deque[float]] = field(default_factory=dict)
    _all: deque[float] = field(default_factory=deque)
    _held: dict[int, float] = field(default_factory=dict)  # as `retry_after` asks
    _put_off: dict[int, float] = field(default_factory=dict)  # Telegram was away; ends as soon as it answers
    _all_put_off: float = 0.0

    def wait_seconds(self, chat_id: int, now: float) -> float:
        """Return how long to wait before writing to a chat; 0: now. `now` is monotonic seconds."""
        until = [self._all_put_off, self._held.get(chat_id, 0.0), self._put_off.get(chat_id, 0.0)]
        sent = self._chats.get(chat_id)
        if sent:
            until.append(sent[-1] + self.chat_seconds)
            if chat_id < 0 and len(sent) >= self.group_count:
                until.append(sent[-self.group_count] + self.group_seconds)
        while self._all and self._all[0] <= now - self.all_seconds:
            self._all.popleft()
        if len(self._all) >= self.all_count:
            until.append(self._all[0] + self.all_seconds)
        return max(0.0, max(until) - now)

    def has_room(self, chat_id: int, now: float) -> bool:
        """Tell whether a chat's budget has room for what can wait: two fifths of it are kept for news."""
        sent = self._chats.get(chat_id, ())
        used = sum(1 for at in sent if at > now - self.group_seconds)
        return chat_id > 0 or used * 5 < self.group_count * 3

    def count(self, chat_id: int, now: float) -> None:
        """Note a request to a chat, whatever becomes of it."""
        self._chats.setdefault(chat_id, deque(maxlen=self.group_count)).append(now)
        self._all.append(now)

    def hold(self, chat_id: int, seconds: float, now: float) -> None:
        """Keep a chat quiet for a time, as `retry_after` asks."""
        self._held[chat_id] = max(self._held.get(chat_id, 0.0), now + seconds)

    def put_off(self, chat_id: int, seconds: float, now: float, *, everyone: bool) -> None:
        """Write to a chat, or to nobody at all, only after a time: Telegram is away. `answers` ends it."""
        self._put_off[chat_id] = max(self._put_off.get(chat_id, 0.0), now + seconds)
        if everyone:
            self._all_put_off = max(self._all_put_off, now + seconds)

    def answers(self) -> None:
        """Let those write again who waited for Telegram to be back; a `retry_after` stays."""
        self._put_off.clear()
        self._all_put_off = 0.0

    def release(self) -> None:
        """Let everybody write again."""
        self._held.clear()
        self.answers()
