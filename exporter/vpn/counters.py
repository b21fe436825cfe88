"""Byte counters over reconnects: a VPN server's counters start again with each session, ours only ever grow.

What a session had moved before we first looked at all is not counted: after a restart of the exporter it would look
like a burst. What a session that began since then has moved is counted whole.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from exporter.vpn.reading import PeerRow


class ByteCounters:
    """Totals per peer of one source, in bytes."""

    def __init__(self) -> None:
        self._sessions: dict[tuple[str, str], tuple[int, int]] = {}  # (name, session) -> last received, sent
        self._totals: dict[str, tuple[int, int]] = {}
        self._begun = False

    def add(self, rows: Iterable[PeerRow]) -> None:
        """Take the rows of one look; several rows of one session (duplicate-cn without ids) count together."""
        now: dict[tuple[str, str], tuple[int, int]] = {}
        for row in rows:
            received, sent = now.get((row.name, row.session), (0, 0))
            now[row.name, row.session] = (received + row.received_bytes, sent + row.sent_bytes)
        for key, (received, sent) in now.items():
            before_received, before_sent = self._sessions.get(key, (0, 0) if self._begun else (received, sent))
            total_received, total_sent = self._totals.get(key[0], (0, 0))
            self._totals[key[0]] = (
                total_received + _grown(before_received, received),
                total_sent + _grown(before_sent, sent),
            )
        self._sessions = now
        self._begun = True

    def total(self, name: str) -> tuple[int, int] | None:
        """Return bytes received and sent; None: never seen."""
        return self._totals.get(name)


def _grown(before: int, now: int) -> int:
    """Return by how much a counter grew; one that fell has started again."""
    return now - before if now >= before else now
