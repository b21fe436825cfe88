"""The ICMP process through icmplib, for systems without sendmmsg (or `--engine portable`): slower, the same outcomes.

icmplib stamps times in this process and hands out no payload, so RTTs carry the loop's delays, and a reply is matched
by source address, identifier and sequence. Raw sockets come first here: icmplib's unprivileged ones never see an ICMP
error, and both engines are to give the same reasons. `source` of a target is not honoured (one socket serves all).
"""

from __future__ import annotations

import asyncio
import ipaddress
import secrets
import sys
import time
from typing import TYPE_CHECKING, Any, Final

import icmplib

from exporter.engine.board import PROCESS_ICMP
from exporter.engine.child import Child, ParentGoneError, become_child
from exporter.engine.schedule import CONFIRM_SECONDS
from exporter.engine.slot_engine import SlotEngine
from exporter.outcome import DiscardReason, FailureReason

if TYPE_CHECKING:
    from collections.abc import Sequence

    from exporter.engine.ledger import Ledger
    from exporter.engine.plan import SlotPlan

RETRY_SECONDS: Final = 5.0
_READ_SECONDS: Final = (
    0.05  # it drops a packet that takes longer to read; and waits so long for the next if one is no answer
)
_SMALLEST_PAYLOAD: Final = 24


class PortableLane:
    """One address family: one icmplib socket and who waits for its replies."""

    def __init__(self, version: int, child: Child) -> None:
        self.version = version
        self.failure: FailureReason | None = None
        self.ledger: Ledger | None = None  # where foreign packets are counted
        self._child = child
        self._socket: Any = None
        self._try_at = 0.0
        self._identifier = secrets.randbelow(0xFFFF) + 1
        self._sequence = secrets.randbelow(0x10000)
        self._waiting: dict[int, tuple[str, asyncio.Future[float | FailureReason]]] = {}

    def _open(self) -> bool:
        now = time.monotonic()
        if self._socket is not None:
            return True
        if now < self._try_at:
            return False
        self._try_at = now + RETRY_SECONDS
        kind = icmplib.ICMPv4Socket if self.version == 4 else icmplib.ICMPv6Socket  # noqa: PLR2004 - IP versions
        before = self.failure
        for privileged in (True, False):
            try:
                self._socket = kind(privileged=privileged)
            except icmplib.SocketPermissionError:
                self.failure = FailureReason.PERMISSION
            except icmplib.ICMPSocketError:
                self.failure = FailureReason.SEND_ERROR
            else:
                self.failure = None
                asyncio.get_running_loop().add_reader(self._socket.sock, self._read)
                self._child.report("icmp socket opened", {"version": self.version, "raw": privileged})
                return True
        if self.failure is not before and self.failure is not None:
            self._child.report("icmp socket refused", {"version": self.version, "reason": self.failure.value})
        return False

    def _read(self) -> None:
        """Take one packet and wake whoever waits for it."""
        try:
            reply = self._socket.receive(None, _READ_SECONDS)
        except icmplib.ICMPLibError:
            return  # nothing that can be read as an answer
        if reply.id != self._identifier:
            return
        address, future = self._waiting.get(reply.sequence, ("", None))
        if future is None or future.done():
            return
        try:
            reply.raise_for_status()
        except icmplib.TimeExceeded:
            future.set_result(FailureReason.TTL_EXCEEDED)
        except icmplib.ICMPError:
            future.set_result(FailureReason.UNREACHABLE)
        else:
            if reply.source.partition("%")[0] == address:
                future.set_result(time.monotonic() - max(time.time() - reply.time, 0.0))
            elif self.ledger is not None:
                self.ledger.discard(DiscardReason.FOREIGN, 1)

    async def ask(self, plan: SlotPlan) -> float | FailureReason:
        """Ask once."""
        if not self._open():
            return self.failure or FailureReason.SEND_ERROR
        sequence = self._next_sequence()
        if sequence is None:
            return FailureReason.SEND_ERROR  # 65,536 in flight
        request = icmplib.ICMPRequest(
            destination=plan.address,
            id=self._identifier,
            sequence=sequence,
            payload=secrets.token_bytes(max(plan.payload_bytes, _SMALLEST_PAYLOAD)),
            traffic_class=plan.dscp << 2,
        )
        future: asyncio.Future[float | FailureReason] = asyncio.get_running_loop().create_future()
        self._waiting[sequence] = (str(ipaddress.ip_address(plan.address or "")).partition("%")[0], future)
        try:
            self._socket.send(request)
            self._identifier = request.id  # the kernel's, on an unprivileged socket
            async with asyncio.timeout(plan.timeout_seconds):
                return await future
        except TimeoutError:
            return FailureReason.TIMEOUT
        except icmplib.SocketBroadcastError:
            return FailureReason.SEND_ERROR
        except icmplib.ICMPSocketError as error:
            unreachable = "unreachable" in str(error).lower() or "No route" in str(error)
            return FailureReason.UNREACHABLE if unreachable else FailureReason.SEND_ERROR
        finally:
            del self._waiting[sequence]

    def _next_sequence(self) -> int | None:
        for _ in range(0x10000):
            self._sequence = (self._sequence + 1) & 0xFFFF
            if self._sequence not in self._waiting:
                return self._sequence
        return None


def main(argv: Sequence[str] | None = None) -> None:
    """Run the process; see child.py for its arguments."""
    child = become_child(sys.argv[1:] if argv is None else argv)
    lanes = {4: PortableLane(4, child), 6: PortableLane(6, child)}

    async def ask(plan: SlotPlan) -> float | FailureReason:
        answer = await lanes[6 if ":" in (plan.address or "") else 4].ask(plan)
        missing = any(lane.failure is FailureReason.PERMISSION for lane in lanes.values())
        engine.process["permission_missing"][0] = missing
        return answer

    engine = SlotEngine(child.board, PROCESS_ICMP, ask, confirm_seconds=CONFIRM_SECONDS)
    for lane in lanes.values():
        lane.ledger = engine.ledger
    try:
        asyncio.run(engine.run(child))
    except ParentGoneError:
        return


if __name__ == "__main__":
    main()
