"""Names to addresses: looked up in the background, again while running, the last good answer kept.

Look-ups block, so they happen in a few daemon threads (a hung resolver must not delay the end of the process). Nothing
here waits: `poll` hands out what is due and takes in what has come.
"""

from __future__ import annotations

import queue
import socket
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

REFRESH_SECONDS: Final = 60.0  # between two look-ups of a name that has an address
RETRY_SECONDS: Final = 5.0  # of one that has none yet
THREADS: Final = 8


def system_lookup(name: str) -> list[str]:
    """Return the addresses of a name in the system's order of preference, none where it cannot be resolved."""
    try:
        found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return []
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


@dataclass(slots=True)
class _Name:
    """What is known of one name."""

    address: str | None = None
    due_at: float = 0.0
    asking: bool = False


class Resolver:
    """Keeps the addresses of a set of names."""

    def __init__(self, lookup: Callable[[str], list[str]] = system_lookup, *, threads: int = THREADS) -> None:
        self._lookup = lookup
        self._limit = threads
        self._threads: list[threading.Thread] = []
        self._names: dict[str, _Name] = {}
        self._asked: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._told: queue.SimpleQueue[tuple[str, list[str]]] = queue.SimpleQueue()

    def want(self, names: Iterable[str]) -> None:
        """Keep these names from now on; what is known of them stays."""
        self._names = {name: self._names.get(name) or _Name() for name in names}

    def address(self, name: str) -> str | None:
        """Return the last good address; None: the name has never resolved."""
        known = self._names.get(name)
        return known.address if known is not None else None

    @property
    def unresolved(self) -> frozenset[str]:
        """The names that have never resolved."""
        return frozenset(name for name, known in self._names.items() if known.address is None)

    def poll(self, now: float) -> bool:
        """Take in answers and ask what is due (monotonic seconds); return whether an address has changed."""
        changed = False
        while not self._told.empty():
            name, addresses = self._told.get()
            known = self._names.get(name)
            if known is None:
                continue
            known.asking = False
            if addresses and known.address not in addresses:  # a name with several addresses keeps the one it has
                known.address = addresses[0]
                changed = True
            known.due_at = now + (REFRESH_SECONDS if known.address is not None else RETRY_SECONDS)
        due = [name for name, known in self._names.items() if not known.asking and known.due_at <= now]
        for name in sorted(due, key=lambda name: self._names[name].address is not None):  # the unresolved ones first
            self._names[name].asking = True
            self._asked.put(name)
        while len(self._threads) < min(self._limit, len(due)):
            thread = threading.Thread(target=self._work, name=f"resolver-{len(self._threads)}", daemon=True)
            self._threads.append(thread)
            thread.start()
        return changed

    def _work(self) -> None:
        while (name := self._asked.get()) is not None:
            self._told.put((name, self._lookup(name)))

    def close(self) -> None:
        """Let the threads end when their present look-up does."""
        for _ in self._threads:
            self._asked.put(None)
        self._threads.clear()
