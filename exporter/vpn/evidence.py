"""What a source's readings, one after the other, say of each peer: up, down or not known (pure).

OpenVPN: who is listed is connected. A client that was cut off stays listed until the server gives it up, after twice
the timeout of `keepalive`; nothing is concluded from that before.

WireGuard has no connections; a peer is judged by what it does (times: WireGuard whitepaper, section 6; measured with
wireguard-go). A peer that gets data answers within 10 s, if only with an empty packet, so one that was sent data and
has sent nothing for 25 s is gone. Keepalives prove nothing: nobody answers them.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Protocol

from exporter.vpn.counters import ByteCounters
from exporter.vpn.facts import Finding

if TYPE_CHECKING:
    from exporter.vpn.reading import PeerRow, Reading

SILENT_SECONDS: Final = 25.0
SESSION_SECONDS: Final = 180.0  # REJECT_AFTER_TIME: no session lives longer without a new handshake
_KEEPALIVE_BYTES: Final = 32  # an empty data message; the least that carries a ping is 96
_PASSIVE_KEEPALIVE_SECONDS: Final = 10
_TURNS: Final = 3  # so many new sessions ...
_TURNS_SECONDS: Final = 60.0  # ... within a minute: two clients that throw each other out


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerView:
    """What one source says of one peer."""

    up: bool | None
    finding: Finding
    handshake_at: float | None = None
    endpoint: str | None = None


class Evidence(Protocol):
    """What is remembered of one source between looks."""

    def take(self, reading: Reading, at: float) -> None:
        """Take the next reading; `at`: UTC seconds when the server said so, later than that of the one before."""

    def view(self, name: str) -> PeerView | None:
        """Return what the newest reading says of a peer; None: this source does not know the name."""

    def total(self, name: str) -> tuple[int, int] | None:
        """Return the bytes received from and sent to a peer since the first reading; None: never seen."""


class OpenVpnEvidence:
    """Clients of one OpenVPN server."""

    def __init__(self) -> None:
        self._bytes = ByteCounters()
        self._rows: dict[str, PeerRow] = {}
        self._new_sessions: dict[str, deque[float]] = {}
        self._at = 0.0
        self._whole = False

    def take(self, reading: Reading, at: float) -> None:
        """Take the next reading; where several clients share a name, the newest session stands for them."""
        self._bytes.add(reading.rows)
        rows: dict[str, PeerRow] = {}
        for row in reading.rows:
            known = rows.get(row.name)
            if known is None or (row.handshake_at or 0.0) >= (known.handshake_at or 0.0):
                rows[row.name] = row
        for name, row in rows.items():
            before = self._rows.get(name)
            if before is not None and before.session != row.session:
                self._new_sessions.setdefault(name, deque(maxlen=_TURNS)).append(at)
        self._rows, self._at, self._whole = rows, at, reading.damaged == 0

    def view(self, name: str) -> PeerView:
        """Return what the newest table says of a client."""
        row = self._rows.get(name)
        if row is None:
            if not self._whole:
                return PeerView(up=None, finding=Finding.DAMAGED)
            known = self.total(name) is not None
            return PeerView(up=False, finding=Finding.NOT_CONNECTED if known else Finding.NEVER_CONNECTED)
        turns = self._new_sessions.get(name)
        twice = turns is not None and len(turns) == _TURNS and self._at - turns[0] <= _TURNS_SECONDS
        finding = Finding.USED_TWICE if twice else Finding.CONNECTED
        return PeerView(up=True, finding=finding, handshake_at=row.handshake_at, endpoint=row.endpoint)

    def total(self, name: str) -> tuple[int, int] | None:
        """Return the bytes received from and sent to a client over all its sessions."""
        return self._bytes.total(name)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Conduct:
    """What a WireGuard peer did, as far as its counters show. Times are UTC seconds; None: not seen."""

    row: PeerRow
    at: float
    heard_at: float | None = None  # the newest reading by which the peer had sent something more
    asked_at: float | None = None  # the first reading since then by which we had sent it more than keepalives

    def next(self, row: PeerRow, at: float) -> _Conduct:
        """Return the conduct after one more reading."""
        received, sent = row.received_bytes - self.row.received_bytes, row.sent_bytes - self.row.sent_bytes
        if received < 0 or sent < 0:  # the interface was made anew
            return _Conduct(row=row, at=at)
        if received > 0:
            return _Conduct(row=row, at=at, heard_at=at)
        asked_at = self.asked_at
        if asked_at is None and sent > _keepalives(row, at - self.at):
            asked_at = at
        return _Conduct(row=row, at=at, heard_at=self.heard_at, asked_at=asked_at)

    def judge(self) -> tuple[bool | None, Finding]:
        """Return whether the peer is there, and by what."""
        if self.asked_at is not None and self.at - self.asked_at >= SILENT_SECONDS:
            return False, Finding.SILENT
        heard = self.heard_at is not None and self.at - self.heard_at <= SILENT_SECONDS
        shaken = self.row.handshake_at is not None and self.at - self.row.handshake_at <= SESSION_SECONDS
        return (True, Finding.CONNECTED) if heard or shaken else (None, Finding.IDLE)


def _keepalives(row: PeerRow, seconds: float) -> float:
    """Return how many bytes of keepalives we may have sent in so many seconds, at most."""
    every = min(_PASSIVE_KEEPALIVE_SECONDS, row.keepalive_seconds or _PASSIVE_KEEPALIVE_SECONDS)
    return _KEEPALIVE_BYTES * (2 + seconds / every)


class WireGuardEvidence:
    """Peers of one WireGuard host; the same key on two interfaces counts as the one that was heard of last."""

    def __init__(self) -> None:
        self._bytes = ByteCounters()
        self._conduct: dict[str, _Conduct] = {}

    def take(self, reading: Reading, at: float) -> None:
        """Take the next reading."""
        rows: dict[str, PeerRow] = {}
        for row in reading.rows:
            known = rows.get(row.name)
            rows[row.name] = row if known is None else _together(known, row)
        self._bytes.add(rows.values())
        before = self._conduct
        self._conduct = {
            name: before[name].next(row, at) if name in before else _Conduct(row=row, at=at)
            for name, row in rows.items()
        }

    def view(self, name: str) -> PeerView | None:
        """Return what the newest reading says of a peer."""
        conduct = self._conduct.get(name)
        if conduct is None:
            return None
        up, finding = conduct.judge()
        return PeerView(up=up, finding=finding, handshake_at=conduct.row.handshake_at, endpoint=conduct.row.endpoint)

    def total(self, name: str) -> tuple[int, int] | None:
        """Return the bytes received from and sent to a peer."""
        return self._bytes.total(name)


def _together(one: PeerRow, other: PeerRow) -> PeerRow:
    """Return two rows of one key as one: all bytes, and the rest of the newer handshake."""
    newer = max(one, other, key=lambda row: row.handshake_at or 0.0)
    return replace(
        newer,
        received_bytes=one.received_bytes + other.received_bytes,
        sent_bytes=one.sent_bytes + other.sent_bytes,
    )
