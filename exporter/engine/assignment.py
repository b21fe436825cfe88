"""From a roster to each process's plan: who is probed where, with names replaced by the addresses known so far (pure).

The plan of the ICMP process is kept as records, and a new address is patched into them: with 100,000 targets a name
that moves must not cost a second.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from exporter.engine.board import PROCESS_CONNECT, PROCESS_ICMP
from exporter.engine.plan import Plan, SlotPlan
from exporter.engine.plan_wire import encode_json, encode_records, is_literal, packed_address, records_of
from exporter.inventory.model import ProbeKind, ProbeSpec
from exporter.roster import UPLINK_INTERVAL_SECONDS, UPLINK_TIMEOUT_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from exporter.inventory.model import Target
    from exporter.roster import Roster

UPLINK_PAYLOAD_BYTES: Final = 24
_ICMP = ProbeSpec(kind=ProbeKind.ICMP)


class Assignment:
    """One process's slots; addresses as the inventory writes them, so possibly names."""

    def __init__(self, slots: tuple[SlotPlan, ...], *, as_records: bool) -> None:
        self.slots = slots
        self._places: dict[str, list[int]] = {}
        for place, slot in enumerate(slots):
            if slot.address is not None and not is_literal(slot.address):
                self._places.setdefault(slot.address, []).append(place)
        self._records: NDArray[Any] | None = records_of(slots) if as_records else None

    @property
    def names(self) -> frozenset[str]:
        """The names to resolve."""
        return frozenset(self._places)

    def encode(self, number: int, address_of: Callable[[str], str | None]) -> bytes:
        """Return the plan for the process, with the addresses known now."""
        if self._records is None:
            slots = list(self.slots)
            for name, places in self._places.items():
                for place in places:
                    slots[place] = replace(slots[place], address=address_of(name))
            return encode_json(Plan(number=number, slots=tuple(slots)))
        for name, places in self._places.items():
            version, address, scope = packed_address(address_of(name))
            self._records["version"][places] = version
            self._records["address"][places] = tuple(address)
            self._records["scope"][places] = scope
        return encode_records(number, self._records)


def target_plan(
    target: Target,
    *,
    slot: int,
    generation: int,
    region: int,
    address: str | None = None,
    interval_seconds: float | None = None,
) -> SlotPlan:
    """Return the plan of one target's slot; address and interval are the target's own unless given."""
    settings = target.settings
    return SlotPlan(
        slot=slot,
        generation=generation,
        region=region,
        address=address if address is not None else target.address,
        probe=target.probe,
        interval_seconds=interval_seconds if interval_seconds is not None else settings.interval_seconds,
        timeout_seconds=settings.timeout_seconds,
        phase_key=target.id,
        payload_bytes=settings.payload_bytes,
        dscp=settings.dscp,
        source=settings.source,
    )


def assign(roster: Roster, *, portable: bool) -> dict[int, Assignment]:
    """Return the assignment of each process, PROCESS_ICMP and PROCESS_CONNECT."""
    slots: dict[int, list[SlotPlan]] = {PROCESS_ICMP: [], PROCESS_CONNECT: []}
    for slot, target in enumerate(roster.targets):
        if target is None:
            continue
        generation, region = int(roster.generation[slot]), int(roster.region[slot])
        plan = target_plan(target, slot=slot, generation=generation, region=region)
        slots[int(roster.process[slot])].append(plan)
    for address, slot in roster.uplinks:
        slots[PROCESS_ICMP].append(
            SlotPlan(
                slot=slot,
                generation=int(roster.generation[slot]),
                region=-1,
                address=address,
                probe=_ICMP,
                interval_seconds=UPLINK_INTERVAL_SECONDS,
                timeout_seconds=UPLINK_TIMEOUT_SECONDS,
                phase_key=f"uplink {address}",
                payload_bytes=UPLINK_PAYLOAD_BYTES,
                dscp=0,
                source=None,
                confirm=False,
            )
        )
    return {
        process: Assignment(tuple(rows), as_records=process == PROCESS_ICMP and not portable)
        for process, rows in slots.items()
    }
