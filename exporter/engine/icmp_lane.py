"""One address family within the ICMP process: whom it asks, sending, and matching what comes back.

A reply counts only if source address, identifier, sequence, token and generation are right. The socket is opened when
the family is first needed and, where permission is missing, tried again every few seconds.
"""

from __future__ import annotations

import errno
import time
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from exporter.engine.icmp_buffers import RECEIVE_ROWS, SEND_ROWS, Received
from exporter.engine.icmp_packet import (
    HEAD_BYTES,
    KIND_BIT,
    NUMBER_MASK,
    Echoes,
    Quotes,
    fixed_word,
    parse_errors,
    parse_quoted,
    parse_replies,
    quick_match,
)
from exporter.engine.icmp_peers import Peers
from exporter.engine.icmp_socket import IcmpSocket, permission_missing
from exporter.engine.ledger import NUMBER_BITS, PENDING, Kind, Ledger
from exporter.outcome import REASONS, DiscardReason, FailureReason, failure_status

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from exporter.engine.clock import WallOffset

RETRY_SECONDS: Final = 5.0  # between two tries to open a socket
_REPLY_BYTES: Final = 832  # what a small packet takes of a receive buffer (measured: 256 fit into 212,992)
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
        self._peers = Peers(version, ledger.board.size.slots)
        self._fixed = (np.uint64(0), np.uint64(1))  # matches nothing; see `fixed_word`

    @property
    def slots(self) -> NDArray[np.int64]:
        """The plan's slots of this family."""
        return self._peers.slots

    def adopt(self, records: NDArray[Any]) -> None:
        """Take over the plan's slots of this family."""
        peers, wanted_raw = self._peers, self._peers.wants_raw
        peers.adopt(records)
        if peers.wants_raw and not wanted_raw and self.socket is not None and not self.socket.raw:
            self.close()
            self.ledger.void(peers.slots)  # their replies would go to the closed socket
            self._try_at = 0.0

    @property
    def room(self) -> float:
        """How many replies the kernel keeps until they are read; infinity where there is no socket."""
        if self.socket is None:
            return float("inf")
        return self.socket.buffer_bytes / (_REPLY_BYTES + 2 * self._peers.largest_filler)

    def look_after(self, now: float) -> None:
        """Count what the kernel dropped. Open the socket if it is needed and not open, at most every RETRY_SECONDS."""
        if self.socket is not None:
            self.ledger.process["receive_drops_total"][0] += self.socket.new_drops()
            return
        if not len(self.slots) or now < self._try_at:
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
        self._fixed = fixed_word(self.socket.family, self.socket.identifier)
        self._report("icmp socket opened", {"version": self.version, "raw": self.socket.raw})

    def _opened(self) -> IcmpSocket:
        if self._peers.wants_raw:
            try:
                return IcmpSocket(self.version, self._token, raw=True)
            except PermissionError:
                self._report("icmp source ignored", {"version": self.version, "reason": "needs CAP_NET_RAW"})
        return IcmpSocket(self.version, self._token)

    def send(self, kind: Kind, slots: NDArray[np.int64], due_at: NDArray[np.float64]) -> None:
        """Send one probe to each slot, and write it down.

        Between two batches what has come in is read: a receive buffer of Debian's default size holds about 500 replies.
        """
        for start in range(0, len(slots), SEND_ROWS):
            if start:
                self.receive(errors=False)
            self._send(kind, slots[start : start + SEND_ROWS], due_at[start : start + SEND_ROWS])

    def _send(self, kind: Kind, slots: NDArray[np.int64], due_at: NDArray[np.float64]) -> None:
        sock, ledger, peers, count = self.socket, self.ledger, self._peers, len(slots)
        if sock is None:
            if kind is Kind.GRID and self.failure is not None:
                ledger.begin(kind, slots, due_at, np.full(count, failure_status(self.failure), dtype=np.uint8))
            return
        out = sock.sending
        peers.name_words.take(slots, axis=0, out=out.name_words[:count], mode="clip")
        out.dress(count, peers.fillers(slots), peers.controls(slots))
        out.requests.fill(
            count,
            targets=peers.targets.take(slots),
            numbers=ledger.next_numbers(kind, slots),
            kind=kind,
            filler_sums=peers.filler_sums[slots] if sock.ip_header else None,
        )
        sent_at, errors = sock.send(count)
        ledger.begin(kind, slots, sent_at, PENDING if errors is None else self._statuses(errors))
        ledger.process["sent_total"][0] += count if errors is None else count - np.count_nonzero(errors)

    def _statuses(self, errors: NDArray[np.int32]) -> NDArray[np.uint8]:
        """Count failed sends; return what they mean."""
        process, status = self.ledger.process, np.full(len(errors), PENDING, dtype=np.uint8)
        for place in np.flatnonzero(errors).tolist():
            unreachable = int(errors[place]) in _UNREACHABLE
            reason = FailureReason.UNREACHABLE if unreachable else FailureReason.SEND_ERROR
            status[place] = failure_status(reason)
            process["send_errors_total"][0, REASONS.index(reason)] += 1
        return status

    def receive(self, *, errors: bool) -> float:
        """Read all there is; return a moment (monotonic seconds) by which everything received has been read.

        Args:
            errors: whether the error queue is to be read as well; it is anyway when a call has failed.
        """
        sock = self.socket
        if sock is None:
            return time.monotonic()
        while True:
            asked_at = time.monotonic()
            received = sock.receive()
            if received is None:
                break
            self._match(received)
            if sock.raw and len(received.lengths) < RECEIVE_ROWS:
                break  # the call came to the end of the queue after `asked_at`; an unprivileged one may end at an error
        if errors or sock.troubled:
            sock.troubled = False
            while (told := sock.receive_errors()) is not None:
                self._match_queue(told)
        return asked_at

    def _match(self, received: Received) -> None:
        sock, ledger = self.socket, self.ledger
        if sock is None:
            return
        read_at = time.monotonic()
        quick = None
        if np.minimum.reduce(received.lengths) >= sock.offset + HEAD_BYTES:
            quick = quick_match(
                received.words,
                received.heads,
                sources=received.addresses,
                fixed=self._fixed,
                token=self._token,
                targets=self._peers.targets,
                addresses=self._peers.addresses,
            )
        if quick is None:
            self._match_thoroughly(sock, received, read_at)
            return
        received_at = self._received_at(received.stamps_ns, read_at)
        ledger.observed.reply_wait(read_at - received_at)
        ledger.answer(Kind.GRID, *quick, received_at, read_at)

    def _received_at(self, stamps: NDArray[np.int64], read_at: float) -> NDArray[np.float64]:
        received_at = np.multiply(stamps - self._wall.offset_ns, 1e-9, dtype=np.float64)
        if len(stamps) and not np.minimum.reduce(stamps):
            received_at[stamps == 0] = read_at
        return received_at

    def _match_thoroughly(self, sock: IcmpSocket, received: Received, read_at: float) -> None:
        """Sort out a read that holds other things than replies of grid probes."""
        ledger = self.ledger
        same: dict[str, Any] = {"family": sock.family, "identifier": sock.identifier, "token": self._token}
        echoes, errors, foreign = parse_replies(received.buffer, received.lengths, ip_header=sock.ip_header, **same)
        good = self._is_ours(echoes)
        good &= self._from_whom_we_asked(received.addresses[echoes.rows], np.where(good, echoes.slots, 0))
        ledger.discard(DiscardReason.FOREIGN, foreign + int((~good).sum()))
        received_at = self._received_at(received.stamps_ns[echoes.rows], read_at)
        ledger.observed.reply_wait(read_at - received_at)
        for kind in Kind:
            part = np.flatnonzero(good & (echoes.kinds == kind))
            if len(part):
                ledger.answer(kind, echoes.slots[part], echoes.numbers[part], received_at[part], read_at)
        if len(errors):
            quotes = parse_errors(received.buffer, received.lengths, errors, ip_header=sock.ip_header, **same)
            self._fail(quotes)

    def _numbers(self, kind: Kind, slots: NDArray[np.int64], sent: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the full probe numbers behind the 32 bits that were sent."""
        counts = self.ledger.rings[kind].count[slots]
        return counts - ((counts - sent) & NUMBER_BITS)

    def _is_ours(self, echoes: Echoes) -> NDArray[np.bool_]:
        inside = echoes.slots < len(self.ledger.generation)
        generation = self.ledger.generation[np.where(inside, echoes.slots, 0)]
        result: NDArray[np.bool_] = inside & (generation == echoes.generations) & (generation != 0)
        return result

    def _from_whom_we_asked(self, addresses: NDArray[Any], slots: NDArray[np.int64]) -> NDArray[np.bool_]:
        words = 1 if self.version == 4 else 4  # noqa: PLR2004 - IP versions
        same: NDArray[np.bool_] = (addresses == self._peers.addresses[slots]).reshape(len(slots), words).all(axis=1)
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
            slots = self._peers.asked(address)
            counts = self.ledger.rings[kind].count[slots]
            numbers = counts - ((counts - (sequence & NUMBER_MASK)) & NUMBER_MASK)
            self.ledger.fail(kind, slots, numbers, np.full(len(slots), status, dtype=np.uint8))

    def close(self) -> None:
        """Close the socket."""
        if self.socket is not None:
            self.socket.close()
            self.socket = None
