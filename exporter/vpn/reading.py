"""What one look at one VPN server yields: rows, or the reason why there are none.

The formats (openvpn_status.py, wireguard_dump.py) turn text into these values; secrets of the text (private keys,
pre-shared keys) have no field here, and no error carries a line of the text.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Trouble(StrEnum):
    """Why a source says nothing; logged, and told in docs/tunnels.md with the remedy."""

    MISSING = "missing"  # no such file, socket or interface
    PERMISSION = "permission"  # it may not be read: a status file is root's, `wg show` needs CAP_NET_ADMIN
    PROGRAM = "program"  # `wg` is not installed
    BUSY = "busy"  # being rewritten all the time, or another client holds the management interface
    PASSWORD = "password"  # noqa: S105 - a word, not one: the management interface asks for a password
    FORMAT = "format"  # not what this kind of source writes
    STALE = "stale"  # readable, but it has not been written for too long: the server has stopped, or the timer
    FAILED = "failed"  # anything else; the log has the exception


class SourceError(Exception):
    """One look at a source failed. `detail` is for the log and holds nothing of what was read."""

    def __init__(self, trouble: Trouble, detail: str) -> None:
        self.trouble = trouble
        self.detail = detail
        super().__init__(f"{trouble.value}: {detail}")


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerRow:
    """One row: a connected client of OpenVPN, or a configured peer of WireGuard."""

    name: str  # common name, or public key
    session: str  # changes when the two counters start again at 0; empty: they never do, unless they are seen to fall
    received_bytes: int  # by the server from the peer, in this session
    sent_bytes: int
    endpoint: str | None = None  # address and port that the peer comes from; None: not known
    handshake_at: float | None = None  # UTC seconds; OpenVPN: the session's begin; None: never, or the format is silent
    keepalive_seconds: int | None = None  # WireGuard: the server's own persistent keepalive; None: off


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """All rows of one look."""

    at: float | None  # UTC seconds when the server said so; None: the text does not tell, whoever read it knows
    rows: tuple[PeerRow, ...] = ()
    unfinished: int = 0  # clients in the middle of their handshake: they have no name yet
    damaged: int = 0  # rows that could not be read: while there are any, a name that is absent proves nothing
