"""A restart continues states, outages, since-times and counters, and never invents a recovery or a new fall."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from exporter.engine.board import Board, BoardSize
from exporter.outcome import State
from exporter.roster import build_roster
from exporter.state.saved import SavedStates, StateFile, restore_counters
from tests.exporter.state.fake_engine import inventory, target
from tests.exporter.state.scene import Scene

if TYPE_CHECKING:
    from pathlib import Path

UPLINK = ("10.9.9.9",)


def scene_with_outage() -> Scene:
    """Return a fallen hub with sites, a fallen lone target and a healthy one."""
    scene = Scene(
        target("h"), target("s", gateway="h"), target("d", region="BTN"), target("u", region="BTN"), uplinks=UPLINK
    ).run(12)
    return scene.cut("h", "s", "d").run(20)


def test_restart_shows_unknown_with_the_last_state() -> None:
    """Until judged again: unknown (restarted), last known state and since-time kept, outages still told."""
    scene = scene_with_outage()
    since = scene.since("d")
    scene.restart().run(0.2)
    assert (scene.state("d"), scene.reason("d")) == (State.UNKNOWN, "restarted")
    assert State(scene.verdict.last_known[scene.slot("d")]) is State.DOWN
    assert scene.outage("d")
    assert scene.outage("h")
    assert (scene.cut_off("s"), scene.culprit("s"), scene.outage("s")) == (True, "h", False)
    assert (scene.state("u"), scene.outage("u")) == (State.UNKNOWN, False)
    assert scene.since("d") == pytest.approx(since, abs=0.01)


def test_outage_goes_on_over_a_restart() -> None:
    """Still down: the same outage with the same since-time, at no moment anything else."""
    scene = scene_with_outage()
    since, began = scene.since("d"), scene.now
    scene.restart()
    scene.until(lambda: scene.state("d") is State.DOWN, limit=8)
    assert scene.since("d") == pytest.approx(since, abs=0.01)
    scene.run(30)
    after = [v for v in scene.seen if v.at > began + 1_700_000_000.0]
    assert all(v.outage[scene.slot("d")] and v.outage[scene.slot("h")] for v in after)
    assert not any(v.outage[scene.slot("s")] for v in after)
    assert not scene.verdict.flapping.any()


def test_recovery_during_the_restart_is_judged() -> None:
    """Back in the meantime: three replies, and the outage ends."""
    scene = scene_with_outage().heal("d")
    scene.restart()
    assert scene.until(lambda: scene.state("d") is State.UP, limit=6) > 1.0
    assert not scene.outage("d")


def test_up_goes_on_with_its_since_time() -> None:
    """A target that was UP is UP again after three replies, since the same moment."""
    scene = scene_with_outage()
    since = scene.since("u")
    scene.restart()
    scene.until(lambda: scene.state("u") is State.UP, limit=6)
    assert scene.since("u") == pytest.approx(since, abs=0.01)


def test_low_goes_on() -> None:
    """A LOW target is LOW after the restart, not UP for the first 20 s."""
    scene = Scene(target("a"), target("b", region="BTN"), uplinks=UPLINK).run(40)
    scene.engine.rtt[scene.slot("a")] = 0.3
    scene.until(lambda: scene.state("a") is State.LOW, limit=30)
    began = scene.now
    scene.restart().run(30)
    assert scene.state("a") is State.LOW
    assert not scene.was("a", State.UP, since=began)


def test_region_outage_goes_on() -> None:
    """A region's outage is continued too."""
    scene = Scene(*(target(f"s{n}") for n in range(4)), target("x", region="BTN"), uplinks=UPLINK).run(12)
    scene.cut("s0", "s1", "s2", "s3").run(15)
    assert scene.region_outage("JBR")
    began = scene.now
    scene.restart().run(20)
    assert scene.region_outage("JBR")
    assert not any(scene.ever_outage(f"s{n}", since=began) for n in range(4))
    assert scene.culprit("s1") == "JBR"


@pytest.mark.parametrize(
    ("cut", "state"),
    [((), State.UP), (("s0",), State.LOW), (("s0", "s1", "s2", "s3"), State.DOWN)],
    ids=["up", "low", "down"],
)
def test_a_region_goes_on_with_its_since_time(cut: tuple[str, ...], state: State) -> None:
    """Judged one after the other its targets make it something else for a moment: that is no new beginning."""
    scene = Scene(*(target(f"s{n}") for n in range(4)), target("x", region="BTN"), uplinks=UPLINK).run(12)
    scene.cut(*cut).run(20)
    assert scene.region("JBR") is state
    since = scene.region_since("JBR")
    scene.restart().run(20)
    assert scene.region("JBR") is state
    assert scene.region_since("JBR") == pytest.approx(since, abs=0.01)


def test_a_region_that_changed_meanwhile_begins_anew() -> None:
    """What it was before the restart is over; and back in that state later is a new beginning too."""
    scene = Scene(*(target(f"s{n}") for n in range(4)), uplinks=UPLINK).run(12)
    since = scene.region_since("JBR")
    scene.cut("s0").restart().run(20)
    assert scene.region("JBR") is State.LOW
    fell = scene.region_since("JBR")
    assert fell > since
    scene.heal("s0").run(30)
    assert scene.region("JBR") is State.UP
    assert scene.region_since("JBR") > fell


def test_a_fallen_region_that_was_not_seen_for_a_while_goes_on() -> None:
    """Our own line was cut: unknown in between, and nothing says that it was back."""
    scene = Scene(*(target(f"s{n}") for n in range(4)), target("x", region="BTN"), uplinks=UPLINK).run(12)
    scene.cut("s0", "s1", "s2", "s3").run(20)
    since = scene.region_since("JBR")
    scene.cut_line().run(10)
    assert scene.region("JBR") is State.UNKNOWN
    scene.heal_line().cut("s0", "s1", "s2", "s3").run(20)
    assert scene.region("JBR") is State.DOWN
    assert scene.region_since("JBR") == pytest.approx(since, abs=0.01)


def test_a_file_of_before_regions_were_saved_is_read(tmp_path: Path) -> None:
    """Targets go on; only the regions' times begin anew."""
    file = StateFile(tmp_path / "states.npz")
    saved = replace(saved_of(scene_with_outage()), region_states=())
    assert file.save(saved)
    text = _texts_of(tmp_path / "states.npz")
    assert text.pop("region_states") == []
    with np.load(tmp_path / "states.npz") as archive:
        arrays = dict(archive) | {"texts": np.frombuffer(json.dumps(text).encode(), dtype=np.uint8)}
    np.savez(tmp_path / "states.npz", **arrays)
    loaded = file.load(now=saved.saved_at)
    assert loaded is not None
    assert (loaded.keys, loaded.region_states) == (saved.keys, ())


def _texts_of(path: Path) -> dict[str, Any]:
    with np.load(path) as archive:
        found: dict[str, Any] = json.loads(archive["texts"].tobytes())
    return found


def test_changed_target_starts_afresh() -> None:
    """A target whose address changed takes nothing over: the saved state is another machine's."""
    scene = scene_with_outage()
    saved = scene.judge.picture()
    scene.restart()
    moved = replace(saved, keys=tuple((name, "elsewhere", probe) for name, _, probe in saved.keys))
    scene.judge = scene._judge(moved)
    scene.run(0.2)
    assert scene.reason("d") != "restarted"
    assert not scene.outage("d")


def saved_of(scene: Scene) -> SavedStates:
    return scene.judge.picture()


def same(one: SavedStates, other: SavedStates) -> bool:
    return all(
        np.array_equal(getattr(one, name), getattr(other, name), equal_nan=True)
        if isinstance(getattr(one, name), np.ndarray) and getattr(one, name).dtype.kind == "f"
        else np.array_equal(getattr(one, name), getattr(other, name))
        for name in SavedStates.__dataclass_fields__
    )


def test_file_round_trip(tmp_path: Path) -> None:
    """What was saved is what is loaded; a second save replaces the first and leaves nothing beside it."""
    file = StateFile(tmp_path / "data" / "states.npz")
    scene = scene_with_outage()
    assert file.save(saved_of(scene))
    scene.heal("d").run(10)
    saved = saved_of(scene)
    assert file.save(saved)
    loaded = file.load(now=saved.saved_at + 60)
    assert loaded is not None
    assert same(saved, loaded)
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["states.npz"]


def test_empty_inventory_round_trip(tmp_path: Path) -> None:
    """No targets at all can be saved and loaded."""
    file = StateFile(tmp_path / "states.npz")
    saved = saved_of(Scene())
    assert file.save(saved)
    loaded = file.load(now=saved.saved_at)
    assert loaded is not None
    assert loaded.keys == ()


@pytest.mark.parametrize(("age", "kept"), [(899.0, True), (901.0, False), (-60.0, True)], ids=str)
def test_states_are_continued_for_fifteen_minutes(tmp_path: Path, age: float, *, kept: bool) -> None:
    """Older states are not continued; a clock that was set back a little does not matter."""
    file = StateFile(tmp_path / "states.npz")
    saved = saved_of(scene_with_outage())
    file.save(saved)
    assert (file.load(now=saved.saved_at + age) is not None) is kept


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: content[:0],
        lambda content: content[: len(content) // 2],
        lambda content: b"no zip at all" + content[:0],
        lambda content: content.replace(b"texts.npy", b"taxts.npy"),
    ],
    ids=["empty", "cut short", "other text", "column missing"],
)
def test_damaged_file_is_moved_aside(tmp_path: Path, damage: object) -> None:
    """A file that cannot be read is counted and moved aside, and the next save works."""
    file = StateFile(tmp_path / "states.npz")
    saved = saved_of(scene_with_outage())
    file.save(saved)
    assert callable(damage)
    file.path.write_bytes(damage(file.path.read_bytes()))
    assert file.load(now=saved.saved_at) is None
    assert file.errors_total == 1
    assert [path.name.partition(".damaged-")[1] for path in tmp_path.iterdir()] == [".damaged-"]
    assert file.save(saved)


def test_no_file_is_no_error(tmp_path: Path) -> None:
    """The first start finds nothing, and that is fine."""
    file = StateFile(tmp_path / "states.npz")
    assert file.load(now=0.0) is None
    assert file.errors_total == 0


def test_unwritable_folder_is_counted(tmp_path: Path) -> None:
    """A folder that cannot be made is counted, not raised."""
    (tmp_path / "data").write_text("a file where the folder should be")
    file = StateFile(tmp_path / "data" / "states.npz")
    assert not file.save(saved_of(Scene()))
    assert file.errors_total == 1


def test_counters_are_written_back() -> None:
    """Counters go on where they stopped, for the targets that are the same."""
    scene = scene_with_outage()
    saved = saved_of(scene)
    roster = build_roster(inventory(target("d", region="BTN"), target("new"), target("u", address="10.1.1.1")))
    board = Board.create(BoardSize(slots=roster.size, regions=4))
    assert restore_counters(board, roster, saved) == 1
    slot, old = roster.slot_of["d"], scene.slot("d")
    assert board.slot["probes_total"][slot] == scene.engine.column("probes_total")[old] > 0
    assert np.array_equal(board.slot["failures_total"][slot], scene.engine.column("failures_total")[old])
    assert board.slot["probes_total"][roster.slot_of["new"]] == 0
    assert board.slot["probes_total"][roster.slot_of["u"]] == 0
