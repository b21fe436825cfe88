"""Reload of targets.yml: read everything, check everything, hold what looks like half a file, apply the difference.

A file with mistakes changes nothing; the last good inventory stays. A reload by file change that would remove many
targets is held until a person confirms it (an editor saves halves): SIGHUP or POST /-/reload is that confirmation.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from exporter.errors import InventoryError
from exporter.inventory.diff import compare, removes_too_much
from exporter.inventory.load import load_inventory
from httpservice.logs import get_logger
from httpservice.mistakes import Mistake

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from exporter.inventory.model import Inventory

log = get_logger(__name__)

_LOGGED_MISTAKES = 5  # the page, the metrics' reader and `vpn-exporter check` have them all


class Trigger(StrEnum):
    """What asked for the reload."""

    SIGNAL = "signal"
    REQUEST = "request"
    FILE = "file"  # nobody confirmed it


@dataclass(frozen=True, slots=True, kw_only=True)
class ReloadStatus:
    """How the last reload went; the page, the metrics and the answer of POST /-/reload show it."""

    successful: bool
    attempted_at: float  # UTC seconds
    success_at: float  # UTC seconds of the last good one
    mistakes: tuple[Mistake, ...] = ()  # why it failed; empty after a good one
    warnings: tuple[Mistake, ...] = ()
    removal_held: int = 0  # targets that a held file change would remove; 0: nothing is held
    added: int = 0  # of the last good one
    removed: int = 0
    changed: int = 0


class Reloader:
    """Owns the file, the last good inventory and the status. `reload` is synchronous: call it in a thread."""

    def __init__(self, path: Path, *, wall: Callable[[], float]) -> None:
        """Read the file for the first time.

        Raises:
            InventoryError: it cannot be used; there is no older inventory to fall back on.
        """
        self._path = path
        self._wall = wall
        self.capacity: int | None = None  # slots of the board; None while there is no board yet
        self.inventory = self._load()
        now = wall()
        self.status = ReloadStatus(successful=True, attempted_at=now, success_at=now, warnings=self.inventory.warnings)

    def _load(self) -> Inventory:
        """Read and check the file; too many targets for the board are a mistake like any other."""
        inventory = load_inventory(self._path)
        needed = len(inventory.targets) + len(inventory.uplinks)
        if self.capacity is not None and needed > self.capacity:
            raise InventoryError(
                (
                    Mistake(
                        file=str(self._path),
                        line=0,
                        path="targets",
                        value=str(len(inventory.targets)),
                        problem=f"are more targets than the running exporter has room for ({self.capacity})",
                        remedy="restart the exporter to give it more room",
                    ),
                )
            )
        return inventory

    def reload(self, trigger: Trigger) -> Inventory | None:
        """Read the file again; return the inventory to apply, or None where nothing is to be applied.

        The outcome is in `status`. The caller applies what is returned before anyone reloads again.
        """
        now = self._wall()
        try:
            inventory = self._load()
        except InventoryError as error:
            self.status = replace(
                self.status, successful=False, attempted_at=now, mistakes=error.mistakes, removal_held=0
            )
            first = "; ".join(str(mistake) for mistake in error.mistakes[:_LOGGED_MISTAKES])
            log.warning("targets file refused", trigger=trigger.value, count=len(error.mistakes), mistakes=first)
            return None
        difference = compare(self.inventory, inventory)
        removed = len(difference.removed)
        if trigger is Trigger.FILE and removes_too_much(self.inventory, inventory):
            # The file itself is fine, so an older complaint about it no longer holds.
            self.status = replace(self.status, successful=True, attempted_at=now, mistakes=(), removal_held=removed)
            log.warning(
                "reload held: it would remove many targets; confirm with SIGHUP or POST /-/reload",
                removed=removed,
                of=len(self.inventory.targets),
            )
            return None
        self.inventory = inventory
        self.status = ReloadStatus(
            successful=True,
            attempted_at=now,
            success_at=now,
            warnings=inventory.warnings,
            added=len(difference.added),
            removed=removed,
            changed=len(difference.changed),
        )
        log.info(
            "targets file loaded",
            trigger=trigger.value,
            targets=len(inventory.targets),
            added=len(difference.added),
            removed=removed,
            changed=len(difference.changed),
        )
        return inventory
