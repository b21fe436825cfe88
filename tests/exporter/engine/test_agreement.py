"""The fingerprint of what both sides must have alike, and what happens to processes that have not."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from exporter.engine import agreement, board
from exporter.engine.board import PROCESS_ICMP, Board, BoardSize
from exporter.outcome import REASONS
from tests.network.rig import Rig, icmp_target

if TYPE_CHECKING:
    from collections.abc import Callable


def _with(table: dict[str, tuple[str, tuple[int, ...]]], name: str, kind: str) -> dict[str, Any]:
    return {**table, name: (kind, ())}


@pytest.mark.parametrize(
    ("where", "change"),
    [
        ("SLOT_FIELDS", lambda old: _with(old, "new", "u1")),
        ("SLOT_FIELDS", lambda old: _with(old, "median_rtt", "f8")),
        ("SLOT_FIELDS", lambda old: dict(reversed(old.items()))),
        ("PROCESS_FIELDS", lambda old: _with(old, "new", "u1")),
        ("REGION_FIELDS", lambda old: _with(old, "new", "u1")),
        ("CONTROL_FIELDS", lambda old: _with(old, "new", "u1")),
        ("RTT_BUCKETS", lambda old: (*old[:-1], 3.5)),
    ],
    ids=["another column", "another type", "another order", "of a process", "of a region", "of control", "a bucket"],
)
def test_the_fingerprint_follows_the_tables(
    where: str, change: Callable[[Any], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever moves a column or changes what its entries mean makes another fingerprint."""
    before = agreement.fingerprint()
    monkeypatch.setattr(board, where, change(getattr(board, where)))
    assert agreement.fingerprint() != before


def test_a_board_fits_whoever_has_the_same_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    """A signed board fits its own code, an unsigned one nobody, and columns leave the signature alone."""
    made = Board.create(BoardSize(slots=4, regions=2))
    assert not agreement.fits(made.fd)
    agreement.sign(made.fd)
    for group in (made.slot, made.process, made.region, made.control):
        for column in group.values():
            column[...] = 1
    assert agreement.fits(made.fd)
    monkeypatch.setattr("exporter.engine.agreement.REASONS", REASONS[:-1])
    assert not agreement.fits(made.fd)


@pytest.mark.privileged
def test_a_process_of_other_code_does_not_touch_the_board() -> None:
    """It ends, is said once, is tried again without being counted, and goes on when the code is put back."""
    with Rig([icmp_target("a", "127.0.9.1", interval_seconds=0.1)]) as rig:
        rig.until(lambda: rig.ended("a") >= 3)
        worker = rig.supervisor._workers[PROCESS_ICMP]
        good, worker._module = worker._module, "tests.exporter.engine.newer_code"
        os.kill(rig.pid(), signal.SIGKILL)
        rig.until(lambda: rig.supervisor.restart_needed)
        evidence = {name: column.copy() for name, column in rig.columns.items()}
        rig.watch(1.5)  # two more tries
        assert all(np.array_equal(rig.columns[name], column, equal_nan=True) for name, column in evidence.items())
        assert rig.board.control["misfit"][0].tolist() == [1, 0]
        assert [event for event, _ in rig.events if "changed" in event] == ["probing code on disk has changed"]
        assert rig.supervisor.restarts == {"stuck": 0, "dead": 1, "requested": 0}
        before, worker._module = rig.ended("a"), good
        rig.until(lambda: rig.ended("a") > before + 3)
        rig.until(lambda: not rig.supervisor.restart_needed)
        assert rig.events[-1][0] in {"probing code fits again", "icmp socket opened"}
        assert rig.board.control["misfit"][0].tolist() == [0, 0]
