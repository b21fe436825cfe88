"""The journal: rows from transitions, queries, continuation after kill -9, and files in every bad condition."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from exporter.errors import JournalError
from exporter.outcome import State
from exporter.state.journal import RETRY_SECONDS, Journal, read_outages
from exporter.state.rows import CHANGES_KEPT_SECONDS
from tests.exporter.state.fake_engine import target
from tests.exporter.state.scene import WALL, Scene

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

UPLINK = ("10.9.9.9",)


def country() -> Scene:
    """Return a hub with two sites and two targets elsewhere."""
    return Scene(
        target("h"),
        target("s0", gateway="h"),
        target("s1", gateway="h"),
        target("d", region="BTN"),
        target("u", region="BTN"),
        uplinks=UPLINK,
        room=4,
    )


def keep(scene: Scene, journal: Journal) -> Scene:
    """Let a journal follow a scene."""
    scene.listener = lambda verdict: journal.record(verdict, scene.engine.roster, scene.judge.evidence_of)
    return scene


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    made = Journal(tmp_path, now=WALL + 1000)
    yield made
    made.close()


def test_outage_is_one_row(journal: Journal) -> None:
    """A row begins with DOWN, is open while it lasts, gets cause and end; unknown in between leaves it open."""
    scene = keep(country(), journal).run(12).cut("d").run(12)
    since = scene.since("d") + WALL
    (row,) = journal.outages().rows
    assert (row.target, row.region, row.name, row.end, row.culprit) == ("d", "BTN", "D", None, None)
    assert row.start == since
    assert row.cause == "unknown"
    assert row.evidence["newest_failure"] == "timeout"
    assert row.start - 5 < row.evidence["silent_since"] < row.start - 3
    scene.cut_line().run(8).heal_line().cut("d").run(10)
    assert journal.outages().total == 1
    scene.heal("d").run(6)
    (row,) = journal.outages().rows
    assert row.end is not None
    assert row.end == pytest.approx(scene.since("d") + WALL, abs=0.01)
    assert row.duration_seconds == row.end - row.start


def test_cut_off_sites_have_rows_with_their_culprit(journal: Journal) -> None:
    """What is cut off is an outage too; its row names the hub, and follows when the site is on its own later."""
    scene = keep(country(), journal).run(12).cut("h", "s0", "s1").run(15)
    rows = {row.target: row for row in journal.outages(region="JBR").rows}
    assert {name: (row.cause, row.culprit) for name, row in rows.items()} == {
        "h": ("unknown", None),
        "s0": ("hub", "h"),
        "s1": ("hub", "h"),
    }
    scene.heal("h", "s0").run(25)
    rows = {row.target: row for row in journal.outages().rows}
    assert rows["h"].end is not None
    assert (rows["s1"].end, rows["s1"].cause, rows["s1"].culprit) == (None, "unknown", None)


def test_queries_filter_and_page(journal: Journal) -> None:
    """By region, target and time; newest first; total counts all that match."""
    scene = keep(country(), journal).run(12)
    for _ in range(2):
        scene.cut("d").run(8).heal("d").run(8)
    middle = scene.now + WALL
    scene.cut("u").run(8).heal("u").run(8).cut("h").run(12)
    assert [row.target for row in journal.outages().rows] == ["h", "u", "d", "d"]
    assert journal.outages(region="BTN").total == 3
    page = journal.outages(limit=2, offset=1)
    assert (page.total, [row.target for row in page.rows]) == (4, ["u", "d"])
    assert [row.target for row in journal.outages(target="d").rows] == ["d", "d"]
    assert [row.target for row in journal.outages(since=middle).rows] == ["h", "u"]
    assert journal.outages(target="'; DROP TABLE outages; --").total == 0
    assert read_outages(journal.path).total == 4


def test_changes_are_listed_newest_first(journal: Journal) -> None:
    """Every entered state after the first one."""
    keep(country(), journal).run(12).cut("d").run(8).heal("d").run(8)
    changes = [(change.target, change.before, change.after) for change in journal.changes()]
    assert changes == [("d", State.DOWN, State.UP), ("d", State.UP, State.DOWN)]
    assert len(journal.changes(limit=1)) == 1


def test_removed_target_ends_its_row(journal: Journal) -> None:
    """A target that leaves the file has no outage any more; its row says that nobody saw it come back."""
    scene = keep(country(), journal).run(12).cut("d").run(8)
    scene.reload(target("h"), target("s0", gateway="h"), target("s1", gateway="h"), target("u", region="BTN")).run(1)
    (row,) = journal.outages().rows
    assert row.end == pytest.approx(scene.now + WALL, abs=1.1)
    assert row.evidence["ended_by"] == "removed"


def test_reload_writes_nothing_for_unchanged_targets(journal: Journal) -> None:
    """A reload is no change of state, and an open row stays the same row."""
    scene = keep(country(), journal).run(12).cut("d").run(8)
    before = journal.changes()
    scene.reload(*scene.engine.roster.inventory.targets, target("n", region="BTN")).run(2)
    assert journal.changes() == before
    assert journal.outages().total == 1


def test_row_goes_on_after_kill(tmp_path: Path) -> None:
    """After kill -9 (nothing closed) and a restart the outage is the same row, whether it ended or not."""
    first = Journal(tmp_path, now=WALL + 1000)
    scene = keep(country(), first).run(12).cut("d", "u").run(10)
    first.save(scene.judge.picture())
    scene.heal("u").restart()
    second = Journal(tmp_path, now=WALL + scene.now)
    saved = second.load(now=WALL + scene.now)
    assert saved is not None
    scene.judge = scene._judge(saved)
    keep(scene, second).run(10)
    rows = {row.target: row for row in second.outages().rows}
    assert len(rows) == second.outages().total == 2
    assert rows["d"].end is None
    assert rows["u"].end is not None
    assert [change.target for change in second.changes()][:1] == ["u"], "going on after a restart is no change"
    first.close()
    second.close()


def test_row_of_long_ago_ended_when_we_last_looked(tmp_path: Path) -> None:
    """What was open when we stopped an hour ago ended, for all we know, when we last looked."""
    first = Journal(tmp_path, now=WALL + 1000)
    scene = keep(country(), first).run(12).cut("d").run(10)
    first.save(scene.judge.picture())
    first.close()
    second = Journal(tmp_path, now=WALL + scene.now + 3600)
    (row,) = second.outages().rows
    assert row.end == pytest.approx(WALL + scene.now, abs=0.3)
    second.close()


def test_damaged_journal_is_moved_aside(tmp_path: Path) -> None:
    """A file that is no database is moved aside and counted; the journal works."""
    (tmp_path / "journal.db").write_bytes(b"this is no database, whatever its name says" * 100)
    journal = Journal(tmp_path, now=WALL)
    keep(country(), journal).run(12).cut("d").run(8)
    assert journal.outages().total == 1
    assert journal.errors_total == 1
    assert len(list(tmp_path.glob("journal.db.damaged-*"))) == 1
    journal.close()


def test_journal_damaged_while_running_is_begun_anew(tmp_path: Path) -> None:
    """Damage in the middle: a new file, with rows for the outages that are open."""
    journal = Journal(tmp_path, now=WALL)
    scene = keep(country(), journal).run(12).cut("d").run(8)
    with closing(sqlite3.connect(journal.path)) as other:
        other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    content = bytearray(journal.path.read_bytes())
    content[100:] = b"\xff" * (len(content) - 100)
    journal.path.write_bytes(bytes(content))
    scene.cut("u").run(10)
    rows = journal.outages().rows
    assert sorted(row.target for row in rows) == ["d", "u"]
    assert journal.errors_total >= 1
    journal.close()


def test_locked_journal_delays_rows(tmp_path: Path) -> None:
    """While another program holds the file, nothing stops; the rows come when it lets go."""
    journal = Journal(tmp_path, now=WALL)
    scene = keep(country(), journal).run(12)
    with closing(sqlite3.connect(journal.path)) as other:
        other.execute("BEGIN EXCLUSIVE")
        scene.cut("d").run(6)
        assert scene.state("d") is State.DOWN
        assert journal.errors_total >= 1
        other.rollback()
    scene.run(RETRY_SECONDS + 1)
    assert journal.outages().total == 1
    journal.close()


def test_unusable_folder_stops_nothing(tmp_path: Path) -> None:
    """No folder, no journal, but everything else goes on; queries are empty."""
    (tmp_path / "data").write_text("a file where the folder should be")
    journal = Journal(tmp_path / "data", now=WALL)
    keep(country(), journal).run(12).cut("d").run(8)
    assert journal.outages().total == 0
    assert journal.changes() == ()
    assert journal.errors_total >= 2
    journal.close()


def test_reading_what_is_not_there_is_an_error(tmp_path: Path) -> None:
    """The command line is told that there is no journal; the reader makes none."""
    with pytest.raises(JournalError, match=r"nothing\.db"):
        read_outages(tmp_path / "nothing.db")
    assert not list(tmp_path.iterdir())


def test_old_changes_are_pruned(journal: Journal) -> None:
    """Changes are kept for a week, outages for good."""
    scene = keep(country(), journal).run(12).cut("d").run(8).heal("d").run(8)
    assert len(journal.changes()) == 2
    scene.engine.now += CHANGES_KEPT_SECONDS + 60
    scene.run(20)
    assert not [change for change in journal.changes() if change.after is State.DOWN and change.target == "d"]
    assert journal.outages().total >= 1
