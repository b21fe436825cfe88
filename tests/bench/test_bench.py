"""`make bench` ends: what fails or hangs is ended with all that it has started, and costs no other part its text."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

from bench import __main__ as bench
from bench.probers import Result
from bench.probing import OURS, table


def _program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """Stand for the interpreter that runs a measurement."""
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\n{text}\n")
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program))


def _gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"


def test_a_measurement_that_hangs_is_ended_with_all_that_it_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Its limit is its end, and a bridge or prober that it has started goes with it."""
    pid_file = tmp_path / "pid"
    _program(tmp_path, monkeypatch, f"sleep 300 & echo $! > {pid_file}.new; mv {pid_file}.new {pid_file}; wait")
    assert bench.measured("bridge", 1.0) is None
    assert "has not ended within 1 s" in capfd.readouterr().err
    deadline = time.monotonic() + 10
    while not _gone(int(pid_file.read_text())):
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.parametrize(("text", "output"), [("echo 12 ms", "12 ms\n"), ("echo half; exit 3", None)])
def test_only_what_ended_well_is_a_result(
    text: str, output: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half a table is none."""
    _program(tmp_path, monkeypatch, text)
    assert bench.measured("judge", 30.0) == output


def test_a_part_that_fails_keeps_its_text_and_stops_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The page has the new text of those that ended well, the old one of the others, and the exit code says so."""
    page = tmp_path / "results.md"
    page.write_text("# What was measured\n\n<!-- judge -->\n## Judge\nold judge\n\n<!-- bridge -->\n## Bridge\nold\n")
    monkeypatch.setattr(bench, "RESULTS", page)
    monkeypatch.setattr(bench, "ROOT", tmp_path)
    monkeypatch.setattr(sys, "argv", ["bench", "judge", "bridge"])
    _program(tmp_path, monkeypatch, '[ "$2" = bench.bridge ] && echo "| new |" || exit 1')
    with pytest.raises(SystemExit, match="not measured: judge"):
        bench.main()
    text = page.read_text()
    assert "old judge" in text
    assert "| new |" in text
    assert "\nold\n" not in text


def test_others_are_multiples_of_ours_at_as_many_targets() -> None:
    """A ratio of 10 targets to 1,000 would compare wake-ups, not probers."""
    common = {"rate": 1.0, "rtt_p50_us": 1.0, "rtt_p99_us": float("nan"), "load": 0.1}
    results = [
        Result(prober=OURS, targets=100, cpu_us=200.0, **common),
        Result(prober="other", targets=100, cpu_us=500.0, **common),
        Result(prober=OURS, targets=1000, cpu_us=10.0, **common),
        Result(prober="other", targets=1000, cpu_us=45.0, **common),
    ]
    ratios = [line.split("|")[5].strip() for line in table(results).splitlines()[2:]]
    assert ratios == ["1.0", "2.5", "1.0", "4.5"]
