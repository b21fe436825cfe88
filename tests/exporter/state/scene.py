"""A few targets, a fake engine and a judge, told like a story: cut, heal, run, and ask what is said of whom."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.outcome import CAUSES, UNKNOWN_REASONS, State
from exporter.roster import build_roster
from exporter.state.judge import Judge
from exporter.state.verdict import NO_STATE, culprit_id
from tests.exporter.state.fake_engine import FakeEngine, inventory

if TYPE_CHECKING:
    from collections.abc import Callable

    from exporter.inventory.model import Target
    from exporter.state.saved import SavedStates
    from exporter.state.verdict import Verdict

WALL = 1_700_000_000.0  # UTC at monotonic 0
STEP = 0.2


class Scene:
    """Virtual time moves in `run` and `until`; `verdict` is the newest."""

    def __init__(self, *targets: Target, uplinks: tuple[str, ...] = (), seed: int = 1, room: int = 0) -> None:
        self.uplinks = uplinks
        self.engine = FakeEngine(build_roster(inventory(*targets, uplinks=uplinks)), seed=seed, room=room)
        self.judge = self._judge(None)
        self.seen: list[Verdict] = []
        self.listener: Callable[[Verdict], None] = lambda _: None

    def _judge(self, saved: SavedStates | None) -> Judge:
        engine = self.engine
        return Judge(engine.board, engine.roster, now_wall=WALL + engine.now, now_monotonic=engine.now, saved=saved)

    @property
    def verdict(self) -> Verdict:
        return self.seen[-1]

    @property
    def now(self) -> float:
        return self.engine.now

    def slot(self, name: str) -> int:
        return self.engine.roster.slot_of[name]

    def uplink_slot(self, index: int = 0) -> int:
        return self.engine.roster.uplinks[index][1]

    def step(self, seconds: float = STEP) -> None:
        self.engine.advance(seconds)
        self.seen.append(self.judge.step(monotonic=self.now, wall=WALL + self.now))
        self.listener(self.verdict)

    def run(self, seconds: float, step: float = STEP) -> Scene:
        for _ in range(round(seconds / step)):
            self.step(step)
        return self

    def until(self, condition: Callable[[], bool], limit: float) -> float:
        """Run until the condition holds; return how long it took. Fails after `limit` virtual seconds."""
        began = self.now
        if not self.seen:
            self.step()
        while not condition():
            assert self.now - began < limit, f"not within {limit} s"
            self.step()
        return self.now - began

    def cut(self, *names: str) -> Scene:
        for name in names:
            self.engine.cut[self.slot(name)] = True
        return self

    def heal(self, *names: str) -> Scene:
        for name in names:
            self.engine.cut[self.slot(name)] = False
        return self

    def cut_line(self) -> Scene:
        """Cut our own line: nothing answers."""
        self.engine.cut[:] = True
        return self

    def heal_line(self) -> Scene:
        self.engine.cut[:] = False
        return self

    def state(self, name: str) -> State:
        return State(self.verdict.code[self.slot(name)])

    def reason(self, name: str) -> str:
        return str(UNKNOWN_REASONS[self.verdict.unknown_reason[self.slot(name)]])

    def outage(self, name: str) -> bool:
        return bool(self.verdict.outage[self.slot(name)])

    def cut_off(self, name: str) -> bool:
        return bool(self.verdict.cut_off[self.slot(name)])

    def cause(self, name: str) -> str | None:
        number = int(self.verdict.cause[self.slot(name)])
        return CAUSES[number].value if number >= 0 else None

    def culprit(self, name: str) -> str | None:
        return culprit_id(self.verdict, self.engine.roster, self.slot(name))

    def pending(self, name: str) -> tuple[State, int] | None:
        state = int(self.verdict.pending_state[self.slot(name)])
        return None if state == NO_STATE else (State(state), int(self.verdict.pending_probes[self.slot(name)]))

    def since(self, name: str) -> float:
        """Monotonic seconds since when the state holds."""
        return float(self.verdict.since[self.slot(name)]) - WALL

    def region(self, name: str) -> State:
        return State(self.verdict.region_code[self.engine.roster.region_index_of[name]])

    def region_outage(self, name: str) -> bool:
        return bool(self.verdict.region_outage[self.engine.roster.region_index_of[name]])

    def region_since(self, name: str) -> float:
        """Monotonic seconds since when the region's state holds."""
        return float(self.verdict.region_since[self.engine.roster.region_index_of[name]]) - WALL

    def was(self, name: str, state: State, *, since: float) -> bool:
        """Tell whether a target was ever in a state since a moment (monotonic seconds)."""
        slot = self.slot(name)
        return any(v.code[slot] == state for v in self.seen if v.at - WALL > since)

    def ever_outage(self, name: str, *, since: float) -> bool:
        """Tell whether a target was ever in outage of its own since a moment (monotonic seconds)."""
        slot = self.slot(name)
        return any(bool(v.outage[slot]) for v in self.seen if v.at - WALL > since)

    def reload(self, *targets: Target) -> Scene:
        roster = build_roster(inventory(*targets, uplinks=self.uplinks), self.engine.roster)
        self.engine.apply(roster)
        self.judge.rebase(roster)
        return self

    def restart(self, *, pause: float = 2.0) -> Scene:
        """Stop the whole exporter and start a new one from the saved states: fresh board, fresh judge."""
        saved = self.judge.picture()
        old = self.engine
        self.engine = FakeEngine(build_roster(old.roster.inventory), now=old.now + pause, seed=7)
        size = self.engine.roster.size
        for name in ("rtt", "jitter", "loss", "cut", "failure"):
            getattr(self.engine, name)[:size] = getattr(old, name)[:size]
        self.judge = self._judge(saved)
        return self
