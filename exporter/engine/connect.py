"""The process of the TCP and HTTP probes. A new kind of probe is one file with a `probe` coroutine and one row here."""

from __future__ import annotations

import asyncio
import resource
import sys
from typing import TYPE_CHECKING

from exporter.engine import http, tcp
from exporter.engine.board import PROCESS_CONNECT
from exporter.engine.child import ParentGoneError, become_child
from exporter.engine.schedule import CONNECT_CONFIRM_SECONDS
from exporter.engine.slot_engine import Prober, SlotEngine
from exporter.inventory.model import ProbeKind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from exporter.engine.plan import SlotPlan
    from exporter.outcome import FailureReason

PROBERS: dict[ProbeKind, Prober] = {ProbeKind.TCP: tcp.probe, ProbeKind.HTTP: http.probe}


async def ask(plan: SlotPlan) -> float | FailureReason:
    """Ask a target once, the way its probe says."""
    return await PROBERS[plan.probe.kind](plan)


def main(argv: Sequence[str] | None = None) -> None:
    """Run the process; see child.py for its arguments."""
    child = become_child(sys.argv[1:] if argv is None else argv)
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))  # one descriptor per connection in flight
    engine = SlotEngine(child.board, PROCESS_CONNECT, ask, confirm_seconds=CONNECT_CONFIRM_SECONDS)
    try:
        asyncio.run(engine.run(child))
    except ParentGoneError:
        return


if __name__ == "__main__":
    main()
