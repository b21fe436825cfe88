"""The judge's rules for one target, written plainly: lists and loops, no arrays. What the vectorised core must equal.

Blindness, the newest witness and the gateway tree are given; everything that concerns one target alone is modelled.
"""

from __future__ import annotations

import itertools
import math
import statistics
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from exporter.engine.board import CONFIRM, GRID
from exporter.outcome import FailureReason, State, Status, failure_status

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from exporter.engine.board import Board
    from exporter.inventory.model import Profile

SILENT = {failure_status(r) for r in (FailureReason.SEND_ERROR, FailureReason.PERMISSION, FailureReason.DNS)}
NAN = math.nan


@dataclass
class Probe:
    """One entry of a ring."""

    number: int
    sent_at: float
    status: int
    rtt: float = NAN

    @property
    def replied(self) -> bool:
        return self.status == Status.REPLY

    @property
    def failed(self) -> bool:
        return self.status >= Status.FIRST_FAILURE and self.status not in SILENT


@dataclass
class PlainWindow:
    """What window.py measures."""

    ended: int = 0
    lost: int = 0
    short_ended: int = 0
    short_lost: int = 0
    span: float = 0.0
    newest: int = -1
    newest_sent_at: float = 0.0
    newest_status: int = 0
    rtt: float = NAN
    rtt_replies: int = 0
    last_rtt: float = NAN
    jitter: float = NAN


def plain_window(probes: list[Probe], window_from: int, hidden: tuple[int, int]) -> PlainWindow:
    """Measure the window over a grid ring's probes (any order)."""
    newest_first = sorted(probes, key=lambda p: -p.number)
    over = [p for p in newest_first if p.replied or p.failed or p.status in SILENT]
    counting = [
        p
        for p in newest_first
        if (p.replied or p.failed) and p.number >= window_from and not hidden[0] <= p.number < hidden[1]
    ]
    window = counting[:60]
    rtts = [p.rtt for p in counting if p.replied][:20]
    steps = [abs(a - b) for a, b in itertools.pairwise(rtts)]
    return PlainWindow(
        ended=len(window),
        lost=sum(p.failed for p in window),
        short_ended=len(window[:20]),
        short_lost=sum(p.failed for p in window[:20]),
        span=window[0].sent_at - window[-1].sent_at if len(window) > 1 else 0.0,
        newest=window[0].number if window else -1,
        newest_sent_at=window[0].sent_at if window else 0.0,
        newest_status=over[0].status if over else 0,
        rtt=statistics.median(rtts) if rtts else NAN,
        rtt_replies=len(rtts),
        last_rtt=over[0].rtt if over and over[0].replied else NAN,
        jitter=statistics.median(steps) if steps else NAN,
    )


def plain_limit(median_rtt: float, timeout: float) -> float:
    """Return after how many seconds a probe is overdue."""
    if math.isnan(median_rtt):
        return timeout
    return min(max(0.6, 3 * median_rtt), timeout)


@dataclass
class PlainStreak:
    """What streak.py counts."""

    failures: int
    first: float
    last: float
    run: int
    run_after: float


def plain_streak(
    grid: list[Probe], confirm: list[Probe], *, last_reply: float, floor: float, limit: float, now: float
) -> PlainStreak:
    """Count judged failures newer than the newest reply, and grid replies newer than the newest judged failure."""
    judged = [p.sent_at for p in grid + confirm if p.failed or (p.status == Status.PENDING and now - p.sent_at > limit)]
    streak = [at for at in judged if at > max(last_reply, floor)]
    run_after = max([floor, *judged])
    return PlainStreak(
        failures=len(streak),
        first=min(streak, default=NAN),
        last=max(streak, default=NAN),
        run=sum(p.replied and p.sent_at > run_after for p in grid),
        run_after=run_after,
    )


@dataclass
class PlainTarget:
    """One target's state machine."""

    settings: Profile
    code: State = State.UNKNOWN
    reason: str = "starting"
    last_known: State = State.UNKNOWN
    floor: float = 0.0
    fallen: bool = False
    calm_from: int = -1
    window_from: int = 0
    hidden: tuple[int, int] = (0, 0)
    blind: bool = False
    since: float = NAN
    first: float = NAN
    window: PlainWindow = field(default_factory=PlainWindow)
    streak: PlainStreak = field(default_factory=lambda: PlainStreak(0, NAN, NAN, 0, 0.0))

    def step(
        self,
        grid: list[Probe],
        confirm: list[Probe],
        *,
        last_reply: float,
        now: float,
        witness: float,
        isolated: bool,
        blind_from: float,
    ) -> None:
        """Look once. `witness`: send time of the newest probe that a witness answered."""
        s = self.settings
        window = self.window = plain_window(grid, self.window_from, self.hidden)
        limit = plain_limit(window.rtt, s.timeout_seconds)
        streak = self.streak = plain_streak(
            grid, confirm, last_reply=last_reply, floor=self.floor, limit=limit, now=now
        )
        if self.first > max(last_reply, self.floor) and self.code is State.DOWN:
            streak.first = min(streak.first, self.first) if streak.failures else self.first
        self.first = streak.first

        calm = self._calm()
        self.calm_from = (self.calm_from if self.calm_from >= 0 else window.newest) if calm else -1
        blind, reason = self._blindness(isolated)
        code, why = self._state(last_reply, now, witness, calm)
        if blind:
            code, why = State.UNKNOWN, reason
        count = max((p.number for p in grid), default=-1) + 1
        if blind and not self.blind:
            start = blind_from if isolated else now
            number = next((p.number for p in sorted(grid, key=lambda p: p.number) if p.sent_at > start), count)
            if self.hidden[1] > max(count - GRID, self.hidden[0]):
                number = min(number, self.hidden[0])
            self.hidden = (number, 2**62)
        if self.blind and not blind:
            end = next((p.number for p in sorted(grid, key=lambda p: p.number) if p.sent_at > self.floor), count)
            self.hidden = (self.hidden[0], end)
        if blind:
            self.floor = max(self.floor, now)
        self.blind = blind
        if self.fallen and code in {State.UP, State.LOW}:
            self.window_from = count - sum(p.sent_at > streak.run_after for p in grid)
            self.fallen = False
        if code is State.DOWN and self.code is not State.DOWN:
            self.fallen = True
        self.code, self.reason = code, why
        if code is not State.UNKNOWN:
            self.last_known = code

    def _blindness(self, isolated: bool) -> tuple[bool, str]:
        newest = self.window.newest_status
        if isolated:
            return True, "isolated"
        if newest == failure_status(FailureReason.PERMISSION):
            return True, "permission"
        if newest == failure_status(FailureReason.DNS):
            return True, "unresolved"
        return False, ""

    def _old_enough(self) -> bool:
        return self.window.ended >= 3 and self.window.span >= 20

    def _low(self) -> bool:
        w, s = self.window, self.settings
        lossy = w.lost >= 2 and w.lost / w.ended >= s.low_loss_ratio - 1e-9
        short = w.short_lost >= 2 and w.short_lost / w.short_ended >= 2 * s.low_loss_ratio - 1e-9
        slow = w.rtt_replies >= 3 and w.rtt >= s.low_rtt_seconds
        jittery = w.rtt_replies >= 6 and w.jitter >= s.low_jitter_seconds
        was_low = self.code is State.LOW or (self.code is State.UNKNOWN and self.last_known is State.LOW)
        loss = (lossy or short) and (was_low or self.streak.failures < 2)
        return self._old_enough() and (loss or slow or jittery)

    def _calm(self) -> bool:
        w, s = self.window, self.settings
        return (
            self._old_enough()
            and w.rtt_replies > 0
            and (w.lost == 0 or w.lost / w.ended < 0.8 * s.low_loss_ratio - 1e-9)
            and w.short_lost / w.short_ended <= s.low_loss_ratio / 2 + 1e-9
            and w.rtt < 0.8 * s.low_rtt_seconds
            and (math.isnan(w.jitter) or w.jitter < 0.8 * s.low_jitter_seconds)
        )

    def _up_or_low(self, calm: bool) -> State:
        was_low = self.code is State.LOW or (self.code is State.UNKNOWN and self.last_known is State.LOW)
        if self._low() or (was_low and not (calm and self.window.newest - self.calm_from >= 10)):
            return State.LOW
        return State.UP

    def _state(self, last_reply: float, now: float, witness: float, calm: bool) -> tuple[State, str]:
        w, k, s = self.window, self.streak, self.settings
        ripe = k.failures >= s.down_after_probes and k.last - k.first >= s.down_after_seconds
        returned = k.run >= s.up_after_probes
        code, why = self._seen_state(last_reply, witness, calm, ripe, returned)
        freshest = max([w.newest_sent_at, last_reply] + ([] if math.isnan(k.last) else [k.last]))
        stale = now - freshest > max(3 * s.interval_seconds, 5) + s.timeout_seconds
        if code is not State.UNKNOWN and stale:
            return State.UNKNOWN, "impaired"
        return code, why

    def _seen_state(
        self, last_reply: float, witness: float, calm: bool, ripe: bool, returned: bool
    ) -> tuple[State, str]:
        answered = last_reply > self.floor
        if self.code is State.DOWN:
            return (State.UP, "") if returned else (State.DOWN, "")
        if self.code is State.UNKNOWN:
            first = self.last_known is State.UNKNOWN and not self.fallen
            outcomes = self.window.ended + self.streak.failures
            if outcomes < 3 and (first or not answered):
                return State.UNKNOWN, "no_witness" if ripe and not witness > self.first else "starting"
        if ripe:
            return (State.DOWN, "") if witness > self.first else (State.UNKNOWN, "no_witness")
        if self.fallen:
            return (State.UP, "") if returned else (State.UNKNOWN, "starting")
        if self.code is State.UNKNOWN:
            replies = self.window.ended - self.window.lost
            enough = replies >= 3 or (self._old_enough() and replies > 0)
            if not answered or (first and not enough):
                return State.UNKNOWN, "starting"
        return self._up_or_low(calm), ""


def read_rings(board: Board, slot: int) -> tuple[list[Probe], list[Probe]]:
    """Return the probes that both rings of a slot hold."""
    columns = cast("dict[str, NDArray[Any]]", board.slot)
    found: list[list[Probe]] = []
    for kind, ring in (("grid", GRID), ("confirm", CONFIRM)):
        count = int(columns[f"{kind}_count"][slot])
        found.append(
            [
                Probe(
                    number=n,
                    sent_at=float(columns[f"{kind}_sent_at"][slot, n % ring]),
                    status=int(columns[f"{kind}_status"][slot, n % ring]),
                    rtt=float(columns["grid_rtt"][slot, n % ring]) if kind == "grid" else NAN,
                )
                for n in range(max(0, count - ring), count)
            ]
        )
    return found[0], found[1]
