"""The vectorised judge equals the plain one: on random rings, and over random lives of a few targets."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from exporter.engine.board import CONFIRM, GRID, Board, BoardSize
from exporter.inventory.model import Profile
from exporter.outcome import UNKNOWN_REASONS, State
from exporter.state.judge import Judge
from exporter.state.streak import ConfirmColumns, count_streaks
from exporter.state.window import GridColumns, measure
from tests.exporter.state.fake_engine import DNS, PERMISSION, SEND_ERROR, engine_for, target
from tests.exporter.state.naive import PlainTarget, plain_streak, plain_window, read_rings

if TYPE_CHECKING:
    from collections.abc import Callable

ROWS = 40
STATUSES = np.array([1, 2, 2, 2, 2, 3, 4, 4, 5, SEND_ERROR, 9])


def random_board(seed: int) -> tuple[Board, np.random.Generator]:
    """Return a board whose rings hold anything: short and long lives, losses, gaps, probes in flight."""
    rng = np.random.default_rng(seed)
    board = Board.create(BoardSize(slots=ROWS, regions=1))
    column: dict[str, Any] = dict(board.slot)
    for slot in range(ROWS):
        board.clear_slot(slot, 1)
        likely = rng.dirichlet(np.ones(len(STATUSES)) * 0.3)
        for kind, ring in (("grid", GRID), ("confirm", CONFIRM)):
            count = int(rng.choice([0, 1, 2, 5, 19, 21, 59, 61, 75, 130, 400]))
            column[f"{kind}_count"][slot] = count
            number = np.arange(max(0, count - ring), count)
            column[f"{kind}_sent_at"][slot, number % ring] = 1000.0 - np.cumsum(rng.random(len(number)))[::-1]
            status = rng.choice(STATUSES, size=len(number), p=likely)
            column[f"{kind}_status"][slot, number % ring] = status
            if kind == "grid":
                rtt = np.where(status == 2, rng.choice([0.01, 0.02, 0.5, rng.random()], size=len(number)), np.nan)
                column["grid_rtt"][slot, number % ring] = rtt
    return board, rng


def grid_of(board: Board) -> GridColumns:
    column: dict[str, Any] = dict(board.slot)
    return GridColumns(
        count=column["grid_count"],
        sent_at=column["grid_sent_at"],
        rtt=column["grid_rtt"],
        status=column["grid_status"],
    )


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_windows_equal_the_plain_ones(seed: int) -> None:
    """Loss, RTT and jitter of any ring, with any part of it left out, are those of the plain model."""
    board, rng = random_board(seed)
    grid = grid_of(board)
    count = grid.count.astype(np.int64)
    window_from = np.where(rng.random(ROWS) < 0.5, 0, np.maximum(count - rng.integers(0, 140, ROWS), 0))
    blind_first = np.maximum(count - rng.integers(0, 140, ROWS), 0)
    blind_end = np.where(rng.random(ROWS) < 0.5, 0, blind_first + rng.integers(0, 50, ROWS))
    rows = rng.permutation(ROWS)[: rng.integers(0, ROWS + 1)]

    got = measure(grid, rows, window_from, blind_first, blind_end)

    for index, slot in enumerate(rows):
        hidden = (int(blind_first[slot]), int(blind_end[slot]))
        want = plain_window(read_rings(board, slot)[0], int(window_from[slot]), hidden)
        for name, value in vars(want).items():
            np.testing.assert_allclose(getattr(got, name)[index], value, rtol=1e-6, atol=1e-9, err_msg=name)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_streaks_equal_the_plain_ones(seed: int) -> None:
    """Judged failures, their first and last send time and the run of replies are those of the plain model."""
    board, rng = random_board(seed)
    column: dict[str, Any] = dict(board.slot)
    last_reply = np.where(rng.random(ROWS) < 0.3, 0.0, 1000.0 - rng.exponential(10, ROWS))
    floor = np.where(rng.random(ROWS) < 0.5, 0.0, 1000.0 - rng.exponential(10, ROWS))
    limit = rng.choice([0.6, 1.0, 3.0], ROWS)
    now = 1000.0 + rng.choice([-1.0, 0.0, 0.5, 2.0], ROWS)
    rows = rng.permutation(ROWS)[: rng.integers(0, ROWS + 1)]

    got = count_streaks(
        grid_of(board),
        ConfirmColumns(
            count=column["confirm_count"], sent_at=column["confirm_sent_at"], status=column["confirm_status"]
        ),
        rows,
        last_reply_sent_at=last_reply,
        floor=floor,
        limit=limit,
        now=now,
    )

    for slot in rows:
        grid, confirm = read_rings(board, slot)
        want = plain_streak(
            grid,
            confirm,
            last_reply=float(last_reply[slot]),
            floor=float(floor[slot]),
            limit=float(limit[slot]),
            now=float(now[slot]),
        )
        for name, value in vars(want).items():
            np.testing.assert_allclose(getattr(got, name)[slot], value, err_msg=name)
    assert not np.delete(got.failures, rows).any()


PROFILES = (
    Profile(),
    Profile(name="vsat", interval_seconds=2.0, timeout_seconds=3.0, low_rtt_seconds=0.9, low_jitter_seconds=0.15),
    Profile(name="lte", interval_seconds=5.0, timeout_seconds=2.0, low_loss_ratio=0.15, up_after_probes=2),
    Profile(name="tcp", interval_seconds=10.0, down_after_probes=3, down_after_seconds=1.0),
)
WEATHERS = st.sampled_from(["fine", "fine", "lossy", "bad", "slow", "jittery", "cut", "refused", "no_send"])
EVENTS = st.sampled_from(["none", "none", "none", "line", "kill", "permission", "dns", "stop"])
PHASE = st.tuples(st.integers(2, 40), st.lists(WEATHERS, min_size=len(PROFILES), max_size=len(PROFILES)), EVENTS)


def weather(engine: Any, slot: int, name: str) -> None:
    """Set what the network does to one target."""
    engine.rtt[slot] = {"slow": 0.4, "jittery": 0.2}.get(name, 0.02)
    engine.jitter[slot] = 0.1 if name == "jittery" else 0.001
    engine.loss[slot] = {"lossy": 0.15, "bad": 0.6}.get(name, 0.0)
    engine.cut[slot] = name == "cut"
    engine.failure[slot] = {"refused": 9, "no_send": SEND_ERROR}.get(name, 0)


def event(engine: Any, name: str, uplink: int) -> Callable[[], None]:
    """Let something happen to the monitor itself; return what ends it."""
    slots = list(engine.roster.slot_of.values())
    if name == "line":
        engine.cut[[*slots, uplink]] = True
        return lambda: np.put(engine.cut, [*slots, uplink], False)  # noqa: FBT003 - a value, not a flag
    if name == "kill":
        engine.kill(0)
    if name in {"permission", "dns"}:
        engine.failure[slots[0]] = PERMISSION if name == "permission" else DNS
    if name == "stop":
        engine.stopped[0] = True
        engine.advance(0.5)  # short: the heartbeat is not missed, but replies are read late
        engine.stopped[0] = False
    return lambda: None


# No shrinking: a life takes a second to replay, and the seed that is printed is enough to find the moment.
@settings(max_examples=12, deadline=None, phases=(Phase.generate,))
@given(phases=st.lists(PHASE, min_size=2, max_size=6), seed=st.integers(0, 2**16))
def test_lives_equal_the_plain_ones(phases: list[tuple[int, list[str], str]], seed: int) -> None:
    """Over any sequence of loss, delay, cuts and blindness every target's state is that of the plain model."""
    names = [f"t{number}" for number in range(len(PROFILES))]
    targets = [target(name, region=name, settings=profile) for name, profile in zip(names, PROFILES, strict=True)]
    engine = engine_for(*targets, uplinks=("10.9.9.9",), seed=seed)
    uplink = engine.roster.uplinks[0][1]
    judge = Judge(engine.board, engine.roster, now_wall=engine.now, now_monotonic=engine.now)
    plain = {name: PlainTarget(settings=profile) for name, profile in zip(names, PROFILES, strict=True)}
    for seconds, weathers, happening in phases:
        for name, kind in zip(names, weathers, strict=True):
            weather(engine, engine.roster.slot_of[name], kind)
        end = event(engine, happening, uplink)
        for _ in range(seconds * 2):
            engine.advance(0.5)
            compare(engine, judge, plain, uplink)
        end()


def compare(engine: Any, judge: Judge, plain: dict[str, PlainTarget], uplink: int) -> None:
    """Step both and compare everything that is told of a single target."""
    verdict = judge.step(monotonic=engine.now, wall=engine.now)
    witness = float(engine.column("last_reply_sent_at")[uplink])
    for name, model in plain.items():
        slot = engine.roster.slot_of[name]
        grid, confirm = read_rings(engine.board, slot)
        model.step(
            grid,
            confirm,
            last_reply=float(engine.column("last_reply_sent_at")[slot]),
            now=float(engine.process("drained_at")[0]),
            witness=witness,
            isolated=verdict.isolated,
            blind_from=max(witness, 1000.0 + 0.5),
        )
        where = f"{name} at {engine.now:.1f}"
        assert State(verdict.code[slot]) is model.code, where
        assert UNKNOWN_REASONS[verdict.unknown_reason[slot]].value == model.reason, where
        loss = model.window.lost / model.window.ended if model.window.ended else math.nan
        for got, want in (
            (verdict.loss[slot], loss),
            (verdict.rtt[slot], model.window.rtt),
            (verdict.jitter[slot], model.window.jitter),
            (verdict.last_rtt[slot], model.window.last_rtt),
        ):
            np.testing.assert_allclose(got, want, rtol=1e-6, err_msg=where)
