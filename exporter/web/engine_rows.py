"""What the pages show of the probing processes: shared board -> rows with ready words."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from exporter.engine.board import PROCESS_CONNECT, PROCESS_ICMP
from exporter.web import words

if TYPE_CHECKING:
    from exporter.roster import Roster
    from exporter.web.language import Texts
    from exporter.web.view import MonitorView

_PROCESSES: Final = ((PROCESS_ICMP, "ICMP"), (PROCESS_CONNECT, "TCP, HTTP"))
_SILENT_SECONDS: Final = 2.0  # after which the supervisor replaces a process


def engine_rows(view: MonitorView, roster: Roster, texts: Texts) -> dict[str, Any]:
    """Return the processes, the sums over both, and whether a permission is missing."""
    columns = view.board.process
    seated = roster.generation > 0
    now = time.monotonic()
    processes: list[dict[str, Any]] = []
    for process, name in _PROCESSES:
        beat = float(columns["heartbeat_at"][process].item())
        needed = bool((seated & (roster.process == process)).any())
        processes.append(
            {
                "name": name,
                "needed": needed,
                "pid": int(columns["pid"][process].item()) or None,
                "age": words.span(now - beat, texts) if beat > 0 else None,
                "silent": needed and (beat <= 0 or now - beat > _SILENT_SECONDS),
            }
        )
    sums = {
        name: words.count(int(columns[column].astype(np.int64).sum()))
        for name, column in (
            ("due", "due_probes"),
            ("in_flight", "in_flight_probes"),
            ("sent", "sent_total"),
            ("replies", "replies_total"),
            ("drops", "receive_drops_total"),
        )
    }
    return {
        "processes": processes,
        "sums": sums,
        "permission_missing": bool(columns["permission_missing"].astype(np.bool_).any()),
    }
