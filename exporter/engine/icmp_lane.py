"""One address family within the ICMP process: whom it asks, sending, and matching what comes back.

A reply counts only if source address, identifier, sequence, token and generation are right. The socket is opened when
the family is first needed and, where permission is missing, tried again every few seconds.
"""

from __future__ import annotations

import errno
import time
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from exporter.engine.icmp_options import CONTROL_BYTES, control_message
from exporter.engine.icmp_packet import (
    FIELD_BYTES,
    KIND_BIT,
    NUMBER_MASK,
    Echoes,
    Quotes,
    fill_requests,
    parse_errors,
    parse_quoted,
    parse_replies,
)
from exporter.engine.icmp_socket import NAME4, NAME6, RECEIVE_ROWS, SEND_ROWS, IcmpSocket, Received, permission_missing
from exporter.engine.ledger import PENDING, Kind, Ledger
from exporter.outcome import REASONS, DiscardReason, FailureReason, failure_status

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from exporter.engine.clock import WallOffset

RETRY_SECONDS: Final = 5.0  # between two tries to open a socket
DROPS_SECONDS: Final = 0.1  # between two looks at the kernel's drop counter
_UNREACHABLE: Final = frozenset({errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EHOSTDOWN})


class Lane:
    """IPv4 or IPv6."""

    def __init__(
        self,
        version: int,
        ledger: Ledger,
        token: int,
        wall: WallOffset,
        report: Callable[[str, dict[str, object]], None],
    ) -> None:
        self.version = version
        self.ledger = ledger
        self.socket: IcmpSocket | None = None
        self.failure: FailureReason | None = None  # why there is no socket
        self._token = token
        self._wall = wall
        self._report = report
        self._try_at = 0.0
        self._drops_at = 0.0
        self._name_type = NAME4 if version == 4 else NAME6  # noqa: PLR2004 - IP versions
        size = ledger.board.size.slots
        self._names: NDArray[Any] = np.zeros(size, dtype=self._name_type)
        self._name_words = self._names.view(np.uint32).reshape(size, -1)
        self._filler_bytes = np.zeros(size, dtype=np.uint64)
        self._filler_sums = np.zeros(size, dtype=np.uint32)
        self._control_at = np.zeros(size, dtype=np.uint64)
        self._control_bytes = np.zeros(size, dtype=np.uint64)
        self._controls = np.zeros((0, CONTROL_BYTES), dtype=np.uint8)
        self._with_filler = self._with_controls = False
        self._wants_raw = False  # the kernel ignores the source address of unprivileged ICMPv6 packets
        self._slots_of: dict[bytes, list[int]] | None = None  # by address; built when an error quotes too little
        self.slots = np.empty(0, dtype=np.int64)

    def adopt(self, records: NDArray[Any]) -> None:
        """Take over the plan's slots of this family."""
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
        lengths = np.maximum(records["payload_bytes"].astype(np.int64) - FIELD_BYTES, 0)
        self._filler_bytes[slots] = lengths
        self._with_filler = bool(lengths.any())
        self._adopt_controls(records, slots)
        self._slots_of = None
        six_with_source = not four and bool((records["source_version"] == self.version).any())
        if six_with_source and not self._wants_raw and self.socket is not None and not self.socket.raw:
            self.close()
            self.ledger.void(slots)  # their replies would go to the closed socket
            self._try_at = 0.0
        self._wants_raw = six_with_source
        if self.socket is not None:
            self._sum_fillers(self.socket)

    def _sum_fillers(self, sock: IcmpSocket) -> None:
        lengths = self._filler_bytes[self.slots]
        for length in np.unique(lengths):
            self._filler_sums[self.slots[lengths == length]] = sock.filler_sum(int(length))

    def _adopt_controls(self, records: NDArray[Any], slots: NDArray[np.int64]) -> None:
        special = np.flatnonzero((records["dscp"] > 0) | (records["source_version"] == self.version))
        self._control_at[slots] = 0
        self._control_bytes[slots] = 0
        self._with_controls = bool(len(special))
        self._controls = np.zeros((len(special), CONTROL_BYTES), dtype=np.uint8)
        for row, place in enumerate(special.tolist()):
            record = records[place]
            source = record["source"].tobytes() if record["source_version"] == self.version else None
            data = control_message(self.version, int(record["dscp"]), source)
            self._controls[row, : len(data)] = np.frombuffer(data, dtype=np.uint8)
            self._control_at[slots[place]] = self._controls.ctypes.data + row * CONTROL_BYTES
            self._control_bytes[slots[place]] = len(data)

    def keep_open(self, now: float) -> None:
        """Open the socket if it is needed and not open; at most every RETRY_SECONDS."""
        if self.socket is not None or not len(self.slots) or now < self._try_at:
            return
        self._try_at = now + RETRY_SECONDS
        before = self.failure
        try:
            self.socket = self._opened()
        except OSError as error:
            self.failure = FailureReason.PERMISSION if permission_missing(error) else FailureReason.SEND_ERROR
            if self.failure is not before:
                text = errno.errorcode.get(error.errno or 0, str(error))
                self._report("icmp socket refused", {"version": self.version, "reason": self.failure, "error": text})
            return
        self.failure = None
        self._sum_fillers(self.socket)
        self._report("icmp socket opened", {"version": self.version, "raw": self.socket.raw})

    def _opened(self) -> IcmpSocket:
        if self._wants_raw:
            try:
                return IcmpSocket(self.version, raw=True)
            except PermissionError:
                self._report("icmp source ignored", {"version": self.version, "reason": "needs CAP_NET_RAW"})
        return IcmpSocket(self.version)

    def send(self, kind: Kind, slots: NDArray[np.int64], due_at: NDArray[np.float64]) -> None:
        """Send one probe to each slot, and write it down.

        Between two batches what has come in is read: a receive buffer of Debian's default size holds about 500 replies.
        """
        for start in range(0, len(slots), SEND_ROWS):
            if start:
                self.receive(errors=False)
            self._send(kind, slots[start : start + SEND_ROWS], due_at[start : start + SEND_ROWS])

    def _send(self, kind: Kind, slots: NDArray[np.int64], due_at: NDArray[np.float64]) -> None:
        sock, ledger, count = self.socket, self.ledger, len(slots)
        if sock is None:
            if kind is Kind.GRID and self.failure is not None:
                ledger.begin(kind, slots, due_at, np.full(count, failure_status(self.failure), dtype=np.uint8))
            return
        np.take(self._name_words, slots, axis=0, out=sock.name_words[:count], mode="clip")
        fill_requests(
            sock.heads[:count],
            family=sock.family,
            identifier=sock.identifier,
            token=self._token,
            slots=slots,
            generations=ledger.generation[slots],
            numbers=ledger.next_numbers(kind, slots) & 0xFFFFFFFF,
            kind=kind,
            filler_sums=self._filler_sums[slots] if sock.ip_header else None,
        )
        controls = (self._control_at[slots], self._control_bytes[slots]) if self._with_controls else None
        sent_at, errors = sock.send(count, self._filler_bytes[slots] if self._with_filler else None, controls)
        status = np.full(count, PENDING, dtype=np.uint8)
        failed = np.flatnonzero(errors)
        for place in failed.tolist():
            unreachable = int(errors[place]) in _UNREACHABLE
            reason = FailureReason.UNREACHABLE if unreachable else FailureReason.SEND_ERROR
            status[place] = failure_status(reason)
            ledger.process["send_errors_total"][0, REASONS.index(reason)] += 1
        ledger.begin(kind, slots, sent_at, status)
        ledger.process["sent_total"][0] += count - len(failed)

    def receive(self, *, errors: bool) -> float:
        """Read all there is; return a moment (monotonic seconds) by which everything received has been read.

        Args:
            errors: whether the error queue is to be read as well.
        """
        while True:
            asked_at = time.monotonic()
            received = self.socket.receive() if self.socket is not None else None
            if received is None:
                break
            self._match(received)
            if self.socket is not None and self.socket.raw and len(received.lengths) < RECEIVE_ROWS:
                break  # the call came to the end of the queue after `asked_at`; an unprivileged one may end at an error
        while errors and self.socket is not None and (told := self.socket.receive_errors()) is not None:
            self._match_queue(told)
        if self.socket is not None and asked_at >= self._drops_at:
            self._drops_at = asked_at + DROPS_SECONDS
            self.ledger.process["receive_drops_total"][0] += self.socket.new_drops()
        return asked_at

    def _match(self, received: Received) -> None:
        sock, ledger = self.socket, self.ledger
        if sock is None:
            return
        read_at = time.monotonic()
        same: dict[str, Any] = {"family": sock.family, "identifier": sock.identifier, "token": self._token}
        echoes, errors, foreign = parse_replies(received.buffer, received.lengths, ip_header=sock.ip_header, **same)
        good = self._is_ours(echoes)
        good &= self._from_whom_we_asked(received.addresses[echoes.rows], np.where(good, echoes.slots, 0))
        ledger.discard(DiscardReason.FOREIGN, foreign + int((~good).sum()))
        stamps = received.stamps_ns[echoes.rows]
        received_at = np.where(stamps > 0, (stamps - self._wall.offset_ns) * 1e-9, read_at)
        ledger.observe_wait(np.maximum(read_at - received_at, 0.0))
        if good.all() and not echoes.kinds.any():  # nearly always: grid replies, and nothing else
            numbers = self._numbers(Kind.GRID, echoes.slots, echoes.numbers)
            ledger.answer(Kind.GRID, echoes.slots, numbers, received_at, read_at)
        else:
            for kind in Kind:
                part = np.flatnonzero(good & (echoes.kinds == kind))
                if len(part):
                    slots = echoes.slots[part]
                    numbers = self._numbers(kind, slots, echoes.numbers[part])
                    ledger.answer(kind, slots, numbers, received_at[part], read_at)
        if len(errors):
            quotes = parse_errors(received.buffer, received.lengths, errors, ip_header=sock.ip_header, **same)
            self._fail(quotes)

    def _numbers(self, kind: Kind, slots: NDArray[np.int64], sent: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the full probe numbers behind the 32 bits that were sent."""
        counts = self.ledger.rings[kind].count[slots].astype(np.int64)
        return counts - ((counts - sent) & 0xFFFFFFFF)

    def _is_ours(self, echoes: Echoes) -> NDArray[np.bool_]:
        inside = echoes.slots < len(self.ledger.generation)
        generation = self.ledger.generation[np.where(inside, echoes.slots, 0)]
        result: NDArray[np.bool_] = inside & (generation == echoes.generations) & (generation != 0)
        return result

    def _from_whom_we_asked(self, addresses: NDArray[Any], slots: NDArray[np.int64]) -> NDArray[np.bool_]:
        words = 1 if self.version == 4 else 4  # noqa: PLR2004 - IP versions
        same: NDArray[np.bool_] = (addresses == self._names["address"][slots]).reshape(len(slots), words).all(axis=1)
        return same

    def _match_queue(self, told: Received) -> None:
        sock = self.socket
        if sock is None or told.icmp_types is None:
            return
        statuses = sock.error_table[told.icmp_types]
        rows = np.flatnonzero(told.lengths >= 8)  # noqa: PLR2004 - an ICMP header
        quotes = parse_quoted(
            told.buffer,
            told.lengths,
            rows,
            offset=0,
            statuses=statuses[rows],
            addresses=[told.addresses[row].tobytes() for row in rows.tolist()],
            family=sock.family,
            identifier=sock.identifier,
            token=self._token,
        )
        self._fail(quotes)

    def _fail(self, quotes: Quotes) -> None:
        """End the probes that ICMP errors are about. Repeated or late errors change nothing."""
        ours = self._is_ours(quotes.full)
        for kind in Kind:
            part = np.flatnonzero(ours & (quotes.full.kinds == kind))
            if len(part):
                slots = quotes.full.slots[part]
                numbers = self._numbers(kind, slots, quotes.full.numbers[part])
                self.ledger.fail(kind, slots, numbers, quotes.full_status[part])
        for address, sequence, status in quotes.bare:
            kind = Kind.CONFIRM if sequence & KIND_BIT else Kind.GRID
            slots = np.array(self._asked(address), dtype=np.int64)
            counts = self.ledger.rings[kind].count[slots].astype(np.int64)
            numbers = counts - ((counts - (sequence & NUMBER_MASK)) & NUMBER_MASK)
            self.ledger.fail(kind, slots, numbers, np.full(len(slots), status, dtype=np.uint8))

    def _asked(self, address: bytes) -> list[int]:
        if self._slots_of is None:
            self._slots_of = {}
            for slot in self.slots.tolist():
                self._slots_of.setdefault(self._names["address"][slot].tobytes(), []).append(slot)
        return self._slots_of.get(address, [])

    def close(self) -> None:
        """Close the socket."""
        if self.socket is not None:
            self.socket.close()
            self.socket = None
