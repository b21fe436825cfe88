"""The lines of `vpn_target_low_reason`: which limits LOW targets break -> text format 0.0.4.

Beside the states, so that a target that has just become LOW never stands there without its reason.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from exporter.broken_limits import LIMITS, broken_limits
from exporter.exposition_lines import open_labels
from exporter.outcome import State

if TYPE_CHECKING:
    from collections.abc import Sequence

    from exporter.engine.board import Board
    from exporter.roster import Roster
    from exporter.state.arrays import Slots
    from exporter.state.verdict import Verdict


def low_lines(board: Board, roster: Roster, verdict: Verdict, slots: Slots, pairs: Sequence[str]) -> str:
    """Return the lines, each begun by a line end: one per broken limit, both windows of loss being one `loss`.

    Args:
        board: holds the probes.
        roster: who sits where.
        verdict: the judge's word on exactly that roster.
        slots: of the targets.
        pairs: `target="...",region="..."` of each of them.
    """
    rows = np.flatnonzero(verdict.code[slots] == State.LOW)
    if not len(rows):
        return ""
    broken = broken_limits(board, roster, verdict, slots[rows]).broken
    column = dict(zip(LIMITS, broken.T, strict=True))
    reasons = {"loss": column["loss_60"] | column["loss_20"], "rtt": column["rtt"], "jitter": column["jitter"]}
    endings = {reason: open_labels(reason=reason) for reason in reasons}
    return "".join(
        f"\nvpn_target_low_reason{{{pairs[row]},{endings[reason]}}} 1"
        for place, row in enumerate(rows.tolist())
        for reason, holds in reasons.items()
        if holds[place]
    )
