"""A real supervisor with real probing processes, driven from a test: targets in, the board out."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from exporter.engine.board import Board, BoardSize
from exporter.engine.supervisor import Supervisor
from exporter.inventory.model import Inventory, ProbeKind, ProbeSpec, Profile, Region, Target, Uplink
from exporter.outcome import REASONS, FailureReason, Status
from exporter.roster import Roster, build_roster

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from tests.integration.namespace import Namespace

ICMP = ProbeSpec(kind=ProbeKind.ICMP)
REGION = Region(id="JBR", name="Jawa Barat")


def icmp_target(name: str, address: str, **settings: Any) -> Target:
    """An ICMP target with the given profile keys."""
    return Target(id=name, name=name, region=REGION.id, address=address, probe=ICMP, settings=Profile(**settings))


class Rig:
    """`with Rig(targets) as rig: rig.until(...)`. In a namespace, the processes start inside it."""

    def __init__(
        self,
        targets: Sequence[Target],
        *,
        space: Namespace | None = None,
        portable: bool = False,
        uplinks: Sequence[str] = (),
    ) -> None:
        self._space = space
        self._uplinks = tuple(Uplink(address=address) for address in uplinks)
        self.events: list[tuple[str, dict[str, object]]] = []
        self.board = Board.create(BoardSize(slots=max(1024, len(targets) + 64), regions=16))
        self.supervisor = Supervisor(
            self.board, portable=portable, on_event=lambda event, details: self.events.append((event, details))
        )
        self.roster: Roster = build_roster(self._inventory(targets))

    def _inventory(self, targets: Sequence[Target]) -> Inventory:
        return Inventory(regions=(REGION,), targets=tuple(targets), uplinks=self._uplinks)

    def __enter__(self) -> Self:
        """Start probing."""
        self.supervisor.apply(self.roster)
        self._call(self.supervisor.start)
        return self

    def __exit__(self, *_: object) -> None:
        """Stop, within a second."""
        self.supervisor.stop(1.0)

    def _call(self, function: Callable[[], Any]) -> Any:
        return self._space.call(function) if self._space is not None else function()

    def change(self, targets: Sequence[Target]) -> None:
        """Reload with other targets."""
        self.roster = build_roster(self._inventory(targets), self.roster)
        self._call(lambda: self.supervisor.apply(self.roster))

    def until(self, condition: Callable[[], object], *, seconds: float = 15.0) -> None:
        """Look after the processes until something is so; fails when it does not become so."""
        assert self._call(lambda: self._until(condition, seconds)), "it did not become so in time"

    def _until(self, condition: Callable[[], object], seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        checked_at = 0.0
        while not condition():
            now = time.monotonic()
            if now > deadline:
                return False
            if now - checked_at > 0.1:
                self.supervisor.check(now)
                checked_at = now
            time.sleep(0.01)
        return True

    def watch(self, seconds: float) -> None:
        """Look after the processes for a span: what is under test is what happens within it."""
        end = time.monotonic() + seconds
        self.until(lambda: time.monotonic() >= end, seconds=seconds + 5)

    @property
    def columns(self) -> dict[str, NDArray[Any]]:
        """The board's slot columns."""
        return self.board.slot

    def process(self, name: str, row: int = 0) -> Any:
        """One value of a process's columns."""
        return self.board.process[name][row]

    def ended(self, name: str) -> int:
        """How many grid probes of a target have ended."""
        return int(self.columns["probes_total"][self.roster.slot_of[name]])

    def failures(self, name: str) -> dict[FailureReason, int]:
        """A target's failures by reason, zeros left out."""
        row: NDArray[Any] = self.columns["failures_total"][self.roster.slot_of[name]]
        return {reason: int(count) for reason, count in zip(REASONS, row, strict=True) if count}

    def rtts(self, name: str) -> NDArray[Any]:
        """RTTs of a target's replies, seconds."""
        slot = self.roster.slot_of[name]
        answered = self.columns["grid_status"][slot] == Status.REPLY
        rtts: NDArray[Any] = self.columns["grid_rtt"][slot][answered]
        return rtts

    def pid(self, kind: str = "icmp") -> int:
        """The pid of a probing process."""
        return next(info.pid for info in self.supervisor.processes if info.kind == kind)

    def assert_every_probe_accounted(self) -> None:
        """Every grid probe that was begun has ended, is in flight, or is void (rings must not have wrapped).

        Ends the processes first: an account is taken at rest.
        """
        self.supervisor.stop(5.0)
        begun = self.columns["grid_count"].astype(np.int64)
        status = self.columns["grid_status"]
        open_or_void = ((status == Status.PENDING) | (status == Status.VOID)).sum(axis=1)
        assert (begun == self.columns["probes_total"].astype(np.int64) + open_or_void).all()
        ended_well = (status == Status.REPLY).sum(axis=1)
        failed = self.columns["failures_total"].sum(axis=1).astype(np.int64)
        assert (self.columns["probes_total"].astype(np.int64) == ended_well + failed).all()

    def failures_of_slot(self, slot: int) -> int:
        """All failures of a slot, whoever sits there now."""
        return int(self.columns["failures_total"][slot].sum())
