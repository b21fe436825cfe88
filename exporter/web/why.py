"""Why a target is down or low, in the reader's words: its cause and newest failure, or the limits that it breaks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.outcome import CAUSES, Cause
from exporter.web import words
from exporter.web.evidence_row import low_reasons, silences

if TYPE_CHECKING:
    from exporter.engine.board import Board
    from exporter.roster import Roster
    from exporter.state.verdict import Verdict
    from exporter.web.language import Texts


def why_down(board: Board, roster: Roster, verdict: Verdict, slot: int, texts: Texts) -> list[str]:
    """Return the cause and how the newest probe failed: "refused" sends one to the device, "no answer" to the line.

    A hub's cause is not said: that it is a hub shows in what it cuts off.
    """
    cause = int(verdict.cause[slot])
    found = [getattr(texts, f"cause_{CAUSES[cause].value}")] if cause >= 0 and CAUSES[cause] is not Cause.HUB else []
    _, reason = silences(board, roster, verdict, [slot]).get(slot, (None, None))
    return [*found, getattr(texts, f"reason_{reason}")] if reason else found


def why_low(board: Board, roster: Roster, verdict: Verdict, slot: int, texts: Texts) -> list[str]:
    """Return each limit that is broken; where none is any more, that it gets better, and its round trip and loss."""
    # Loss over 20 and over 60 probes have limits of their own; one of them is enough to read.
    broken = {item["reason"].partition("_")[0]: item for item in low_reasons(board, roster, verdict, slot) or ()}
    if not broken:
        return [
            texts.better,
            f"{texts.rtt} {words.milliseconds(float(verdict.rtt[slot]))}",
            f"{texts.loss.lower()} {words.percent(float(verdict.loss[slot]))}",
        ]
    found: list[str] = []
    for name, title in (("rtt", texts.rtt), ("loss", texts.loss.lower()), ("jitter", texts.jitter.lower())):
        if item := broken.get(name):
            value, limit = (_amount(name, item[key]) for key in ("value", "limit"))
            found.append(f"{title} {value} ({texts.say('low_limit', limit=limit)})")
    return found


def _amount(name: str, value: float) -> str:
    """Return a share as percent, everything else as milliseconds."""
    return words.percent(value) if name == "loss" else words.milliseconds(value)
