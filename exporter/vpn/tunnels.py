"""Tunnel facts of all targets: looks at every source, joins what they say, and keeps the newest report.

Usage: `tunnels = TunnelFacts(inventory, folder=...)`; `tunnels.read()` every `LOOK_SECONDS` in a thread (it waits for
files, sockets and programs, up to a few seconds); `tunnels.report` from any thread at any time; `tunnels.follow()`
after a reload. A fault of one source touches no other, and nothing here ever raises.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from exporter.vpn.evidence import PeerView
from exporter.vpn.facts import NOTHING, Finding, TunnelFact, TunnelReport
from exporter.vpn.sources import KINDS, Source

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from exporter.inventory.model import Inventory

LOOK_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    """What an inventory asks for; of a hundred thousand targets only those with a tunnel are gone through."""

    sources: tuple[tuple[str, str], ...]  # (kind, place)
    tunnels: tuple[tuple[str, str], ...]  # (target id, tunnel)

    @classmethod
    def of(cls, inventory: Inventory) -> _Plan:
        tunnels = ((target.id, target.tunnel) for target in inventory.targets if target.tunnel is not None)
        return cls(sources=tuple(wanted(inventory)), tunnels=tuple(tunnels))


class TunnelFacts:
    """See the module's text."""

    def __init__(self, inventory: Inventory, *, folder: Path, wall: Callable[[], float] = time.time) -> None:
        """Begin; nothing is read yet.

        Args:
            inventory: its `sources` say where to look, its targets' `tunnel` for whom.
            folder: of targets.yml; places that are relative are relative to it.
            wall: UTC seconds.
        """
        self._plan = _Plan.of(inventory)
        self._folder = folder
        self._wall = wall
        self._sources: dict[tuple[str, str], Source] = {}
        self._looking = threading.Lock()
        self._report = NOTHING

    @property
    def report(self) -> TunnelReport:
        """The newest report. Any thread may read it."""
        return self._report

    def follow(self, inventory: Inventory) -> None:
        """Go on with another inventory from the next look on; sources that stay keep what they remember."""
        self._plan = _Plan.of(inventory)

    def read(self) -> Mapping[str, TunnelFact]:
        """Look at every source and return the facts by target id. One look at a time; never raises."""
        with self._looking:
            plan = self._plan
            self._sources = {key: self._sources.get(key) or Source(*key, self._folder) for key in plan.sources}
            troubles = {key: source.look(self._wall()) for key, source in self._sources.items()}
            now = self._wall()
            of_kind: dict[str, list[Source]] = {}
            for source in self._sources.values():
                of_kind.setdefault(source.tunnels, []).append(source)
            facts = {target_id: tunnel_fact(tunnel, of_kind, now) for target_id, tunnel in plan.tunnels}
            self._report = TunnelReport(facts=facts, sources=troubles)
            return facts


def wanted(inventory: Inventory) -> list[tuple[str, str]]:
    """Return kind and place of the sources of tunnel facts, each once, in the file's order."""
    return list(
        dict.fromkeys((source["kind"], source["place"]) for source in inventory.sources if source["kind"] in KINDS)
    )


def tunnel_fact(tunnel: str, sources: Mapping[str, Sequence[Source]], now: float) -> TunnelFact:
    """Join what the sources say of one tunnel.

    It is up where any fresh source says so. It is down only where every source is fresh and none says otherwise: a
    client that one server does not list may be connected to the other. Bytes are those of all sources, so that the sum
    never falls; they are absent while no source is fresh.

    Args:
        tunnel: KIND:NAME, as in targets.yml.
        sources: by kind of tunnel.
        now: UTC seconds.
    """
    kind, _, peer = tunnel.partition(":")
    asked = sources.get(kind, ())
    fresh = [source for source in asked if source.is_fresh(now)]
    if not fresh:
        finding = Finding.STALE if asked else Finding.NO_SOURCE
        return TunnelFact(kind=kind, peer=peer, up=None, finding=finding)
    views = [view for source in fresh if (view := source.view(peer)) is not None]
    best = _joined(views, whole=len(fresh) == len(asked))
    totals = [total for source in asked if (total := source.total(peer)) is not None]
    return TunnelFact(
        kind=kind,
        peer=peer,
        up=best.up,
        finding=best.finding,
        handshake_at=best.handshake_at,
        received_bytes=sum(received for received, _ in totals) if totals else None,
        sent_bytes=sum(sent for _, sent in totals) if totals else None,
        endpoint=best.endpoint,
    )


def _joined(views: Sequence[PeerView], *, whole: bool) -> PeerView:
    """Return what counts of several views; `whole`: every source has spoken."""
    ups = [view for view in views if view.up]
    if ups:
        return max(ups, key=_handshake)
    if not whole:
        return PeerView(up=None, finding=Finding.STALE)
    if not views:
        return PeerView(up=None, finding=Finding.NOT_A_PEER)
    open_ = [view for view in views if view.up is None]
    return max(open_ or views, key=lambda view: (view.finding is not Finding.NEVER_CONNECTED, _handshake(view)))


def _handshake(view: PeerView) -> float:
    return view.handshake_at or 0.0
