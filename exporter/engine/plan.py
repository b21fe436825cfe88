"""What the parent tells a probing process to do: the whole list of slots to probe, never a difference.

The process compares with what it does now and keeps what is the same (slot and generation), so that a plan can be sent
again after a restart, a reload or a new address without a special case.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from exporter.inventory.model import ProbeSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotPlan:
    """One slot to probe."""

    slot: int
    generation: int
    region: int  # index into the board's region columns; uplinks use -1 (no histogram)
    address: str | None  # IP literal; None: the name has never resolved, so every grid probe ends as `dns`
    probe: ProbeSpec
    interval_seconds: float
    timeout_seconds: float
    phase_key: str  # stable text (the target's id) whose hash places the probe within the interval
    payload_bytes: int
    dscp: int
    source: str | None
    confirm: bool = True  # False for uplinks: they are probed often enough


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Everything one probing process does until the next plan."""

    number: int  # grows with each plan; the process reports the number it follows
    slots: tuple[SlotPlan, ...]
