"""Is this user name with this password one of the configured ones? bcrypt in a thread, answers remembered.

One bcrypt check costs 60-240 ms of CPU, so a page that polls every 2 s would burn a tenth of a core. Answers are kept
under a hash keyed with a random number of this process: neither the password nor anything that can be searched
for offline stays in memory.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections import OrderedDict
from typing import TYPE_CHECKING, Final

import bcrypt

if TYPE_CHECKING:
    from collections.abc import Mapping

_REMEMBERED: Final = 256  # answers; a flood of wrong guesses must not grow memory
_WAITING: Final = 16  # checks that may queue: one core's worth of about two seconds
_BCRYPT_BYTES: Final = 72  # bcrypt reads no more; htpasswd cut there silently, bcrypt 5 refuses longer ones
# A hash that no password is known for, of the usual cost: an unknown user must take as long as a known one.
_NOBODY: Final = "$2b$10$v6m7TWGNLgq0HZu8CO3YAek98WwPHqTNYJrf64XZG374c0/9bD3Vu"


class Busy(Exception):  # noqa: N818 - a moment, not a mistake: the caller answers "try again"
    """Too many checks are waiting already."""


class Credentials:
    """Checks basic-auth credentials against bcrypt hashes, one at a time, so that guessing cannot take all cores."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)
        self._answers: OrderedDict[bytes, bool] = OrderedDict()
        self._one_at_a_time = asyncio.Lock()
        self._waiting = 0

    async def verify(self, users: Mapping[str, str], name: str, password: str) -> bool:
        """Return whether the password belongs to the user.

        Args:
            users: name -> bcrypt hash, as configured now; a changed hash makes old answers void.
            name: as sent.
            password: as sent.

        Raises:
            Busy: many checks are waiting; nothing was decided.
        """
        stored = users.get(name)
        fingerprint = self._fingerprint(stored or _NOBODY, name, password)
        known = self._remembered(fingerprint)
        if known is not None:
            return known
        if self._waiting >= _WAITING:
            raise Busy
        self._waiting += 1
        try:
            async with self._one_at_a_time:
                known = self._remembered(fingerprint)  # somebody else may have asked the same meanwhile
                if known is not None:
                    return known
                matches = await asyncio.to_thread(_matches, stored or _NOBODY, password)
                answer = matches and stored is not None
                self._answers[fingerprint] = answer
                if len(self._answers) > _REMEMBERED:
                    self._answers.popitem(last=False)
                return answer
        finally:
            self._waiting -= 1

    def _remembered(self, fingerprint: bytes) -> bool | None:
        """Return an earlier answer; None: never asked, or forgotten."""
        answer = self._answers.get(fingerprint)
        if answer is not None:
            self._answers.move_to_end(fingerprint)
        return answer

    def _fingerprint(self, stored: str, name: str, password: str) -> bytes:
        """Return what an answer is remembered under."""
        digest = hashlib.blake2b(key=self._key, digest_size=32)
        for part in (stored, name, password):
            raw = part.encode("utf-8", "surrogatepass")
            digest.update(len(raw).to_bytes(8, "big") + raw)
        return digest.digest()


def _matches(stored: str, password: str) -> bool:
    """Return whether the password gives the hash. Blocks for 60-240 ms, without the interpreter lock."""
    try:
        return bcrypt.checkpw(password.encode("utf-8", "surrogatepass")[:_BCRYPT_BYTES], stored.encode("ascii"))
    except ValueError:  # a NUL in the password, or a hash bcrypt does not read
        return False
