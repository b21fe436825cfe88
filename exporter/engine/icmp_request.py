"""Echo requests as rows of numpy arrays: what never changes is written once, the rest per batch (pure; RFC 792, 1071).

icmp_packet.py draws the layout.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from exporter.engine.icmp_packet import FIELD_BYTES, HEAD, HEAD_BYTES, KIND_BIT, NUMBER_MASK, Family

if TYPE_CHECKING:
    from numpy.typing import NDArray


def filler(length: int) -> NDArray[np.uint8]:
    """Return the bytes behind our fields: a counting pattern, as ping sends, that compression does not swallow."""
    return np.arange(FIELD_BYTES, FIELD_BYTES + length, dtype=np.int64).astype(np.uint8)


def folded(total: NDArray[Any]) -> NDArray[np.uint32]:
    """Fold sums of 16-bit words with their carries (RFC 1071)."""
    total = (total >> 16) + (total & 0xFFFF)
    return ((total >> 16) + (total & 0xFFFF)).astype(np.uint32)


def sum_of(data: NDArray[np.uint8]) -> int:
    """Return the folded sum of a byte string's 16-bit words in memory order, padded with a zero byte."""
    if len(data) % 2:
        data = np.append(data, np.uint8(0))
    total = np.array([int(data.view(np.uint16).sum(dtype=np.uint64))])
    return int(folded(folded(total))[0])


def target_words(slots: NDArray[Any], generations: NDArray[Any]) -> NDArray[np.uint64]:
    """Return slot and generation as the eight bytes of the packet that carry both."""
    pairs = np.empty((len(slots), 2), dtype=np.uint32)
    pairs[:, 0], pairs[:, 1] = slots, generations
    return pairs.view(np.uint64)[:, 0]


class Requests:
    """Rows of HEAD, `heads`, of which `fill` makes the first ones requests."""

    def __init__(self, rows: int, *, family: Family, identifier: int, token: int) -> None:
        """Lay out the rows.

        Args:
            rows: how many can be filled at once.
            family: IPv4 or IPv6.
            identifier: ICMP identifier.
            token: the process's random 64 bits.
        """
        self.heads: NDArray[Any] = np.zeros(rows, dtype=HEAD)
        self.heads["type"] = family.request
        self.heads["identifier"] = identifier
        self.heads["token"] = token
        self._targets = self.heads.view(np.uint64).reshape(rows, HEAD_BYTES // 8)[:, 2]
        self._numbers, self._sequences = self.heads["number"], self.heads["sequence"]
        self._kind = 0

    def fill(
        self,
        count: int,
        *,
        targets: NDArray[np.uint64],
        numbers: NDArray[Any],
        kind: int,
        filler_sums: NDArray[Any] | None,
    ) -> None:
        """Make the first `count` rows requests.

        Args:
            count: how many.
            targets: `target_words` per row.
            numbers: probe numbers; their low 32 bits are sent.
            kind: 0 grid, 1 confirmation.
            filler_sums: `sum_of` the filler per row; None leaves the checksum to the kernel (all but raw IPv4).
        """
        if kind != self._kind:
            self.heads["kind"], self._kind = kind, kind
        self._targets[:count] = targets
        self._numbers[:count] = numbers
        sequences = numbers & NUMBER_MASK
        self._sequences[:count] = sequences | KIND_BIT if kind else sequences
        if filler_sums is not None:
            heads = self.heads[:count]
            heads["checksum"] = 0
            words = heads.view(np.uint16).reshape(count, HEAD_BYTES // 2)
            heads["checksum"] = ~folded(words.sum(axis=1, dtype=np.uint32) + filler_sums).astype(np.uint16)
