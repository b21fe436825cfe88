"""The kinds of sources that tunnel facts come from: one table, a source of each kind, how it is read and judged.

Adding a kind: a reader in a file of its own, a row in `KINDS`, the word in exporter/inventory/extras.py (which checks
the place) and in targets.schema.json, a section in docs/tunnels.md.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from exporter.vpn.evidence import Evidence, OpenVpnEvidence, PeerView, WireGuardEvidence
from exporter.vpn.freshness import FUTURE_SECONDS, LIVE_SECONDS, Interval, is_fresh
from exporter.vpn.openvpn_management import ask_management
from exporter.vpn.openvpn_status import parse_status
from exporter.vpn.reading import Reading, SourceError, Trouble
from exporter.vpn.status_files import read_settled
from exporter.vpn.wireguard_dump import parse_dump
from exporter.vpn.wireguard_show import show_wireguard
from httpservice.logs import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

log = get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceKind:
    """How one kind of source works."""

    tunnels: str  # which tunnels it knows: the word before the colon in a target's `tunnel`
    look: Callable[[str, Path], Reading]  # (place, folder of targets.yml) -> reading with its time; SourceError
    evidence: Callable[[], Evidence]
    live: bool  # the reading is of now; else it is as old as the file


def _status_file(place: str, folder: Path) -> Reading:
    text, changed_at = read_settled(folder / place)
    reading = parse_status(text)
    return reading if reading.at is not None else replace(reading, at=changed_at)


def _management(place: str, folder: Path) -> Reading:
    host, colon, port = place.rpartition(":")
    if "/" in place or not colon:
        return ask_management(folder / place)
    return ask_management((host.strip("[]"), int(port)))


def _dump_file(place: str, folder: Path) -> Reading:
    text, changed_at = read_settled(folder / place)
    return parse_dump(text, at=changed_at)


def _interface(place: str, folder: Path) -> Reading:  # noqa: ARG001 - all kinds are asked alike
    return show_wireguard(place)


# Its keys are extras.TUNNEL_SOURCE_KINDS.
KINDS: Final[Mapping[str, SourceKind]] = {
    "openvpn-status": SourceKind(tunnels="openvpn", look=_status_file, evidence=OpenVpnEvidence, live=False),
    "openvpn-management": SourceKind(tunnels="openvpn", look=_management, evidence=OpenVpnEvidence, live=True),
    "wireguard": SourceKind(tunnels="wireguard", look=_interface, evidence=WireGuardEvidence, live=True),
    "wireguard-dump": SourceKind(tunnels="wireguard", look=_dump_file, evidence=WireGuardEvidence, live=False),
}


class Source:
    """One source: looked at again and again, believed for as long as its word is fresh."""

    def __init__(self, kind: str, place: str, folder: Path) -> None:
        self.kind = kind
        self.place = place
        self._folder = folder
        self._how = KINDS[kind]
        self._evidence = self._how.evidence()
        self._interval = Interval()
        self._at: float | None = None  # UTC seconds of the newest reading
        self._told: Trouble | None = None
        self._damaged = 0  # rows of the newest reading that could not be read

    @property
    def tunnels(self) -> str:
        """Which kind of tunnels it knows."""
        return self._how.tunnels

    def look(self, now: float) -> Trouble | None:
        """Read it; return what is wrong with it, None: nothing. Never raises. `now`: UTC seconds."""
        trouble: Trouble | None = None
        detail = ""
        try:
            self._take(self._how.look(self.place, self._folder), now)
        except SourceError as error:
            trouble, detail = error.trouble, error.detail
        except Exception:
            if self._told is not Trouble.FAILED:
                log.exception("tunnel source failed", kind=self.kind, place=self.place)
            trouble = Trouble.FAILED
        if trouble is Trouble.BUSY and self.is_fresh(now):
            trouble = None  # the next look is near, and the last reading still counts
        if trouble is None and not self.is_fresh(now):
            trouble = Trouble.STALE
            detail = "it has not been written for too long" if (self._at or 0.0) <= now else "its clock is ahead"
        self._tell(trouble, detail)
        return trouble

    def _take(self, reading: Reading, now: float) -> None:
        at = now if self._how.live or reading.at is None else reading.at
        if self._at is not None and at < self._at - FUTURE_SECONDS:
            # A clock was set back: what is remembered lies in the future, and no age of it would mean anything.
            self._evidence, self._interval, self._at = self._how.evidence(), Interval(), None
        if self._at is None or at > self._at:
            self._at = at
            self._interval.written(at)
            self._evidence.take(reading, at)
            if reading.damaged and reading.damaged != self._damaged:
                log.warning("tunnel source has damaged rows", kind=self.kind, place=self.place, rows=reading.damaged)
            self._damaged = reading.damaged

    def _tell(self, trouble: Trouble | None, detail: str) -> None:
        """Log what has changed; `vpn_tunnel_source_up` is the metric beside it."""
        if trouble is self._told:
            return
        if trouble is None:
            log.info("tunnel source speaks again", kind=self.kind, place=self.place)
        else:
            log.warning(
                "tunnel source says nothing", kind=self.kind, place=self.place, reason=trouble.value, detail=detail
            )
        self._told = trouble

    def is_fresh(self, now: float) -> bool:
        """Tell whether the newest reading still counts."""
        believed = LIVE_SECONDS if self._how.live else self._interval.believed_seconds
        return self._at is not None and is_fresh(self._at, now, believed)

    def view(self, name: str) -> PeerView | None:
        """Return what the newest reading says of a peer; None: nothing."""
        return self._evidence.view(name)

    def total(self, name: str) -> tuple[int, int] | None:
        """Return the bytes received from and sent to a peer since we began to look; None: never seen."""
        return self._evidence.total(name)
