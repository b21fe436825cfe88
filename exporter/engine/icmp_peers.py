"""Whom one address family asks: addresses, payload sizes and control messages per board slot, as the kernel wants them.

Arrays are indexed by slot, so that a batch is gathered with one call per array.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from exporter.engine.icmp_buffers import NAME4, NAME6
from exporter.engine.icmp_options import CONTROL_BYTES, control_message
from exporter.engine.icmp_packet import FIELD_BYTES
from exporter.engine.icmp_request import filler, sum_of, target_words

if TYPE_CHECKING:
    from numpy.typing import NDArray

_NOBODY: Final = np.uint64(2**64 - 1)


class Peers:
    """The slots of a plan that are of this family."""

    def __init__(self, version: int, size: int) -> None:
        self.version = version
        self.slots = np.empty(0, dtype=np.int64)
        self._names: NDArray[Any] = np.zeros(size, dtype=NAME4 if version == 4 else NAME6)  # noqa: PLR2004 - IP versions
        self.name_words = self._names.view(np.uint32).reshape(size, -1)
        self.addresses: NDArray[Any] = self._names["address"].copy()  # apart: what replies are compared with
        self.targets = np.full(size, _NOBODY, dtype=np.uint64)  # `target_words` per slot
        self.filler_sums = np.zeros(size, dtype=np.uint32)
        self.wants_raw = False  # the kernel ignores the source address of unprivileged ICMPv6 packets
        self.largest_filler = 0  # bytes of payload beyond our fields
        self._filler_bytes = np.zeros(size, dtype=np.uint64)
        self._control_at = np.zeros(size, dtype=np.uint64)
        self._control_bytes = np.zeros(size, dtype=np.uint64)
        self._controls = np.zeros((0, CONTROL_BYTES), dtype=np.uint8)
        self._slots_of: dict[bytes, list[int]] | None = None  # by address; built when an error quotes too little

    def adopt(self, records: NDArray[Any]) -> None:
        """Take over the plan's slots of this family, rows of plan_wire.RECORD."""
        slots = records["slot"].astype(np.int64)
        self.slots = slots
        four = self.version == 4  # noqa: PLR2004 - IP versions
        self._names["family"][slots] = 2 if four else 10
        packed = np.ascontiguousarray(records["address"]).view(np.uint32).reshape(len(records), 4)
        if four:
            self._names["address"][slots] = packed[:, 0]
        else:
            self._names["address"][slots] = packed
            self._names["scope"][slots] = records["scope"]
        self.addresses[slots] = self._names["address"][slots]
        self.targets[:] = _NOBODY
        self.targets[slots] = target_words(slots, records["generation"])
        self._adopt_fillers(records, slots)
        self._adopt_controls(records, slots)
        self._slots_of = None
        self.wants_raw = not four and bool((records["source_version"] == self.version).any())

    def _adopt_fillers(self, records: NDArray[Any], slots: NDArray[np.int64]) -> None:
        lengths = np.maximum(records["payload_bytes"].astype(np.int64) - FIELD_BYTES, 0)
        self.largest_filler = int(lengths.max(initial=0))
        self._filler_bytes[slots] = lengths
        content = filler(self.largest_filler)
        for length in np.unique(lengths):
            self.filler_sums[slots[lengths == length]] = sum_of(content[:length])

    def _adopt_controls(self, records: NDArray[Any], slots: NDArray[np.int64]) -> None:
        special = np.flatnonzero((records["dscp"] > 0) | (records["source_version"] == self.version))
        self._control_at[slots] = 0
        self._control_bytes[slots] = 0
        self._controls = np.zeros((len(special), CONTROL_BYTES), dtype=np.uint8)
        for row, place in enumerate(special.tolist()):
            record = records[place]
            source = record["source"].tobytes() if record["source_version"] == self.version else None
            data = control_message(self.version, int(record["dscp"]), source)
            self._controls[row, : len(data)] = np.frombuffer(data, dtype=np.uint8)
            self._control_at[slots[place]] = self._controls.ctypes.data + row * CONTROL_BYTES
            self._control_bytes[slots[place]] = len(data)

    def fillers(self, slots: NDArray[np.int64]) -> NDArray[np.uint64] | None:
        """Return the bytes of payload beyond our fields per slot; None where the plan has none."""
        return self._filler_bytes[slots] if self.largest_filler else None

    def controls(self, slots: NDArray[np.int64]) -> tuple[NDArray[np.uint64], NDArray[np.uint64]] | None:
        """Return addresses and lengths of control messages per slot; None where the plan has none."""
        return (self._control_at[slots], self._control_bytes[slots]) if len(self._controls) else None

    def asked(self, address: bytes) -> NDArray[np.int64]:
        """Return the slots that ask a packed address."""
        if self._slots_of is None:
            self._slots_of = {}
            for slot in self.slots.tolist():
                self._slots_of.setdefault(self.addresses[slot].tobytes(), []).append(slot)
        return np.array(self._slots_of.get(address, []), dtype=np.int64)
