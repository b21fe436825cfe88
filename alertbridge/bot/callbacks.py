"""Callback data of buttons: what a press means, signed, in at most 64 bytes (pure).

`kind:argument:...:signature`. Telegram hands on whatever a client sends, so data without our signature is no press. The
key lives in the store: a restart, and the other bridge of a pair, know the same buttons. Who pressed is checked by role
at the press; what the button is about may have ended since, and is looked up then.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass
from enum import StrEnum, unique

LONGEST_BYTES = 64
_SIGNATURE_CHARS = 12  # 72 bits


@unique
class Kind(StrEnum):
    """What a button does."""

    ACK = "a"  # incident id: taken, or taken over
    UNACK = "u"  # incident id
    SILENCE = "s"  # incident id: for an hour
    SILENCE_BACK = "b"  # incident id: until it is back
    SPEAK = "o"  # incident id: ends the silences that hide it and nothing else
    GRAPH = "g"  # incident id
    UNSILENCE = "x"  # silence id
    PROLONG = "h"  # silence id, its end in seconds since the epoch
    RESTART = "r"  # user id, seconds since the epoch
    PAGE = "p"  # command, page, argument
    ASK = "q"  # command, argument: as if it were typed


@dataclass(frozen=True, slots=True)
class Signer:
    """Makes and reads callback data with one key."""

    key: bytes

    def pack(self, kind: Kind, *arguments: str | int) -> str | None:
        """Return the callback data; None where it would be too long for a button."""
        body = ":".join((kind.value, *map(str, arguments)))
        data = f"{body}:{self._sign(body)}"
        return data if len(data.encode()) <= LONGEST_BYTES else None

    def unpack(self, data: str) -> tuple[Kind, tuple[str, ...]] | None:
        """Return what callback data means; None: it is not ours."""
        body, _, signature = data.rpartition(":")
        if not hmac.compare_digest(signature.encode(), self._sign(body).encode()):
            return None
        kind, *arguments = body.split(":")
        return Kind(kind), tuple(arguments)

    def _sign(self, body: str) -> str:
        digest = hmac.digest(self.key, body.encode(), hashlib.sha256)
        return base64.urlsafe_b64encode(digest).decode()[:_SIGNATURE_CHARS]
