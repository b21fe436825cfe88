"""What a state rests on, for the JSON API: since when a DOWN target is silent, how it was before, why one is LOW."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from exporter.broken_limits import LIMITS, broken_limits
from exporter.engine.board import GRID
from exporter.outcome import REASONS, FailureReason, State, Status, failure_status

if TYPE_CHECKING:
    from collections.abc import Sequence

    from exporter.engine.board import Board
    from exporter.roster import Roster
    from exporter.state.verdict import Verdict

_LONG: Final = 60  # probes; the judge's window
# These say that nothing was sent: nothing of the target.
_UNSENT: Final = [failure_status(r) for r in (FailureReason.DNS, FailureReason.SEND_ERROR, FailureReason.PERMISSION)]


def silences(
    board: Board, roster: Roster, verdict: Verdict, slots: Sequence[int]
) -> dict[int, tuple[float | None, str | None]]:
    """Return for each DOWN slot since when it has not answered (UTC seconds), and the newest failure's reason.

    The moment is the send time of the first failed probe after the newest reply; None where the ring no longer reaches
    back to it.
    """
    chosen = np.asarray(slots, dtype=np.intp)
    rows = chosen[
        (verdict.code[chosen] == State.DOWN) & (board.slot["generation"][chosen] == roster.generation[chosen])
    ]
    sent, status = board.slot["grid_sent_at"][rows], board.slot["grid_status"][rows]
    replied = board.slot["last_reply_sent_at"][rows]
    silent = (status >= Status.FIRST_FAILURE) & (sent > replied[:, None])
    first = np.where(silent, sent, np.inf).min(axis=1)
    newest = np.where(silent, sent, -np.inf).argmax(axis=1)
    # An answer older than everything in a full ring: the silence may be older too.
    oldest = np.where(status > Status.EMPTY, sent, np.inf).min(axis=1)
    forgotten = (board.slot["grid_count"][rows] > GRID) & (oldest > replied)
    to_utc = time.time() - time.monotonic()
    found: dict[int, tuple[float | None, str | None]] = {}
    for place, slot in enumerate(rows.tolist()):
        if not silent[place].any():
            found[slot] = (None, None)
            continue
        reason = REASONS[int(status[place, newest[place]]) - Status.FIRST_FAILURE].value
        found[slot] = (None if forgotten[place] else float(first[place]) + to_utc, reason)
    return found


def last_measured(
    board: Board, roster: Roster, verdict: Verdict, slots: Sequence[int]
) -> dict[int, tuple[float, float, float | None]]:
    """Return of each DOWN slot the newest grid reply: when it was sent (UTC seconds), its RTT, the loss up to then.

    The loss is that of the last 60 probes that had ended well or badly by then, 0-1; None where the ring no longer
    holds them. A slot whose ring holds no reply any more is missing.
    """
    chosen = np.asarray(slots, dtype=np.intp)
    rows = chosen[
        (verdict.code[chosen] == State.DOWN) & (board.slot["generation"][chosen] == roster.generation[chosen])
    ]
    sent, status = board.slot["grid_sent_at"][rows], board.slot["grid_status"][rows]
    answered = status == Status.REPLY
    place = np.where(answered, sent, -np.inf).argmax(axis=1)[:, None]
    at = np.take_along_axis(sent, place, axis=1)
    rtt = np.take_along_axis(board.slot["grid_rtt"][rows], place, axis=1)
    ended = (answered | (status >= Status.FIRST_FAILURE)) & ~np.isin(status, _UNSENT) & (sent <= at)
    newest = np.argsort(np.where(ended, -sent, np.inf), axis=1)[:, :_LONG]
    counted = np.take_along_axis(ended, newest, axis=1)
    lost = (np.take_along_axis(status, newest, axis=1) >= Status.FIRST_FAILURE) & counted
    held = counted.sum(axis=1)
    whole = (held == _LONG) | (board.slot["grid_count"][rows] <= GRID)
    to_utc = time.time() - time.monotonic()
    return {
        slot: (float(at[n, 0]) + to_utc, float(rtt[n, 0]), int(lost[n].sum()) / int(held[n]) if whole[n] else None)
        for n, slot in enumerate(rows.tolist())
        if answered[n].any()
    }


def low_reasons(board: Board, roster: Roster, verdict: Verdict, slot: int) -> list[dict[str, Any]] | None:
    """Return the limits that a LOW target breaks, each with value and limit; None for every other state.

    An empty list: it is well below all of them, and has yet to stay so for ten probes.
    """
    if verdict.code[slot] != State.LOW:
        return None
    found = broken_limits(board, roster, verdict, np.array([slot], dtype=np.intp))
    rows = zip(LIMITS, found.value[0].tolist(), found.limit[0].tolist(), found.broken[0].tolist(), strict=True)
    return [
        {"reason": reason, "value": round(value, 6), "limit": round(limit, 6)}
        for reason, value, limit, broken in rows
        if broken
    ]
