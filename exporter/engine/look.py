"""One careful look at one target, for `vpn-exporter probe TARGET`: a few probes with reasons, and the path to it.

It uses the very code of the probing processes on a board of its own, so what it says is what they would have seen.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import icmplib

from exporter.engine.assignment import target_plan
from exporter.engine.board import PROCESS_ICMP, Board, BoardSize
from exporter.engine.connect import ask
from exporter.engine.icmp import IcmpEngine
from exporter.engine.plan_wire import is_literal, records_of
from exporter.engine.probe_log import ProbeEntry, recent_probes
from exporter.engine.resolve import system_lookup
from exporter.inventory.model import ProbeKind
from exporter.outcome import REASONS, FailureReason, Status

if TYPE_CHECKING:
    from exporter.engine.plan import SlotPlan
    from exporter.inventory.model import Target

PROBES: Final = 5
SPACING_SECONDS: Final = 0.5
_TRACE_TIMEOUT_SECONDS: Final = 1.0
_TRACE_HOPS: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class LookedProbe:
    """One probe of the look."""

    rtt_seconds: float | None  # None: no good answer
    reason: FailureReason | None  # None: answered


@dataclass(frozen=True, slots=True, kw_only=True)
class Hop:
    """One router on the path."""

    distance: int  # 1: the first router
    address: str
    rtt_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What was seen."""

    target: Target
    address: str | None  # None: the name cannot be resolved
    probes: tuple[LookedProbe, ...]
    path: tuple[Hop, ...] | None  # None: tracing is not permitted (it needs a raw socket) or was not possible
    path_problem: str | None  # why there is no path; None: there is one


def one_look(target: Target, *, probes: int = PROBES, trace: bool = True) -> Look:
    """Probe a target a few times and trace the path to it. Blocks for some seconds.

    Args:
        target: from the inventory.
        probes: how many.
        trace: whether to trace the path as well.
    """
    address = target.address
    if not is_literal(address):
        found = system_lookup(address)
        if not found:
            silent = tuple(LookedProbe(rtt_seconds=None, reason=FailureReason.DNS) for _ in range(probes))
            return Look(target=target, address=None, probes=silent, path=None, path_problem="the name has no address")
        address = found[0]
    plan = target_plan(target, slot=0, generation=1, region=-1, address=address, interval_seconds=SPACING_SECONDS)
    if target.probe.kind is ProbeKind.ICMP:
        seen = _look_by_icmp(plan, probes)
    else:
        seen = asyncio.run(_look_by_connection(plan, probes))
    path, problem = _trace(address) if trace else (None, "not asked for")
    return Look(target=target, address=address, probes=seen, path=path, path_problem=problem)


def _look_by_icmp(plan: SlotPlan, probes: int) -> tuple[LookedProbe, ...]:
    board = Board.create(BoardSize(slots=1, regions=1))
    board.clear_slot(0, plan.generation)
    board.control["isolated"][0] = 1  # no confirmation probes: every probe of this look is told
    engine = IcmpEngine(board, PROCESS_ICMP, lambda _event, _details: None)
    engine.adopt(1, records_of([plan]))
    deadline = time.monotonic() + (probes + 1) * plan.interval_seconds + plan.timeout_seconds
    try:
        while int(board.slot["probes_total"][0]) < probes and time.monotonic() < deadline:
            engine.turn()
            time.sleep(engine.tick_seconds)
    finally:
        engine.close()
    ended = [entry for entry in recent_probes(board, [0], probes * 2) if entry.status != Status.PENDING]
    return tuple(_looked(entry) for entry in reversed(ended))[:probes]


def _looked(entry: ProbeEntry) -> LookedProbe:
    if entry.status == Status.REPLY:
        return LookedProbe(rtt_seconds=entry.rtt, reason=None)
    return LookedProbe(rtt_seconds=None, reason=REASONS[entry.status - Status.FIRST_FAILURE])


async def _look_by_connection(plan: SlotPlan, probes: int) -> tuple[LookedProbe, ...]:
    seen: list[LookedProbe] = []
    for number in range(probes):
        if number:
            await asyncio.sleep(plan.interval_seconds)
        began = time.monotonic()
        answer = await ask(plan)
        if isinstance(answer, float):
            seen.append(LookedProbe(rtt_seconds=answer - began, reason=None))
        else:
            seen.append(LookedProbe(rtt_seconds=None, reason=answer))
    return tuple(seen)


def _trace(address: str) -> tuple[tuple[Hop, ...] | None, str | None]:
    try:
        hops = icmplib.traceroute(address, count=2, timeout=_TRACE_TIMEOUT_SECONDS, max_hops=_TRACE_HOPS, fast=True)
    except icmplib.SocketPermissionError:
        return None, "tracing needs a raw socket (root or CAP_NET_RAW)"
    except icmplib.ICMPLibError as error:
        return None, str(error)
    path = tuple(Hop(distance=hop.distance, address=hop.address, rtt_seconds=hop.avg_rtt / 1000) for hop in hops)
    return path, None
