"""The supervisor with real processes on loopback: plans, reloads, names, many targets, an end that leaves nothing."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from exporter.engine.board import PROCESS_CONNECT, PROCESS_ICMP
from exporter.inventory.model import ProbeKind, ProbeSpec, Profile, Target
from exporter.outcome import FailureReason, Status
from tests.network.rig import REGION, Rig, icmp_target

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.privileged


def _tcp_target(name: str, port: int) -> Target:
    probe = ProbeSpec(kind=ProbeKind.TCP, text=f"tcp:{port}", port=port)
    return Target(
        id=name, name=name, region=REGION.id, address="127.0.0.1", probe=probe, settings=Profile(interval_seconds=0.2)
    )


def _gone(pid: int) -> bool:
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return True
    return status.rpartition(")")[2].split()[0] in {"Z", "X"}


def _until(condition: Callable[[], object], seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not become so in time"
        time.sleep(0.01)


def test_a_new_target_has_three_outcomes_within_seconds() -> None:
    """Whatever its interval; so its first state is there within about 5 s of the start."""
    targets = [icmp_target(f"t{n}", f"127.0.0.{n}", interval_seconds=60.0) for n in range(1, 20)]
    with Rig(targets) as rig:
        rig.until(lambda: all(rig.ended(target.id) >= 3 for target in targets), seconds=8)
        sent_at = np.sort(rig.columns["grid_sent_at"][:19, :3], axis=1)
        assert np.diff(sent_at, axis=1) == pytest.approx(1.0, abs=0.2)


def test_a_reload_keeps_what_stays_and_forgets_what_goes() -> None:
    """Untouched targets keep counters and grid; a removed one's slot is free, a new one starts from zero."""
    kept, removed, new = (icmp_target(name, f"127.0.1.{n}", interval_seconds=0.2) for n, name in enumerate("abc", 1))
    with Rig([kept, removed]) as rig:
        rig.until(lambda: rig.ended("a") >= 5)
        before, slot = rig.ended("a"), rig.roster.slot_of["b"]
        rig.change([kept, new])
        rig.until(lambda: rig.ended("c") >= 3)
        assert rig.ended("a") >= before
        frozen = int(rig.columns["grid_count"][slot])
        assert rig.columns["generation"][slot] == 0
        rig.supervisor.apply(rig.roster)  # the same again: nothing is cleared
        rig.until(lambda: rig.ended("a") >= before + 5)
        assert rig.ended("c") >= 3
        assert int(rig.columns["grid_count"][slot]) == frozen
        assert rig.columns["failures_total"].sum() == 0
        rig.assert_every_probe_accounted()


def test_a_slot_given_to_another_target_starts_afresh() -> None:
    """Two reloads later the freed slot serves somebody else, and nothing of the old target is left in it."""
    first, second, third = (icmp_target(name, f"127.0.2.{n}", interval_seconds=0.1) for n, name in enumerate("abc", 1))
    with Rig([first, second]) as rig:
        rig.until(lambda: rig.ended("a") >= 10)
        slot = rig.roster.slot_of["a"]
        rig.change([second])
        rig.change([second, third])
        assert rig.roster.slot_of["c"] == slot
        rig.until(lambda: rig.ended("c") >= 3)
        assert rig.ended("c") < 10
        rig.assert_every_probe_accounted()


def test_unresolved_names_end_as_dns_until_they_resolve(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that cannot be resolved stops nothing; once it resolves, the same slot turns green."""
    answers: dict[str, list[str]] = {}
    monkeypatch.setattr("exporter.engine.resolve.RETRY_SECONDS", 0.2)
    with Rig(
        [
            icmp_target("plain", "127.0.3.1", interval_seconds=0.2),
            icmp_target("named", "site.invalid", interval_seconds=0.2),
        ]
    ) as rig:
        rig.supervisor._resolver._lookup = lambda name: answers.get(name, [])
        rig.until(lambda: rig.ended("named") >= 3)
        assert rig.supervisor.unresolved == {"site.invalid"}
        assert set(rig.failures("named")) == {FailureReason.DNS}
        slot, generation = rig.roster.slot_of["named"], int(rig.columns["generation"][rig.roster.slot_of["named"]])
        answers["site.invalid"] = ["127.0.3.2"]
        rig.until(lambda: len(rig.rtts("named")) >= 3)
        assert rig.supervisor.unresolved == frozenset()
        assert int(rig.columns["generation"][slot]) == generation
        assert rig.failures("plain") == {}


def test_the_connect_process_runs_only_while_it_is_needed() -> None:
    """No TCP or HTTP target, no second process."""
    with socket.create_server(("127.0.0.1", 0), backlog=512) as server, Rig([icmp_target("a", "127.0.4.1")]) as rig:
        port = server.getsockname()[1]
        assert [info.kind for info in rig.supervisor.processes] == ["icmp"]
        rig.change([icmp_target("a", "127.0.4.1"), _tcp_target("t", port)])
        rig.until(lambda: rig.ended("t") >= 5)
        assert rig.failures("t") == {}
        pid = rig.pid("connect")
        assert b"exporter.engine.connect" in Path(f"/proc/{pid}/cmdline").read_bytes()
        assert b"exporter.engine.icmp" in Path(f"/proc/{rig.pid()}/cmdline").read_bytes()
        rig.change([icmp_target("a", "127.0.4.1")])
        assert [info.kind for info in rig.supervisor.processes] == ["icmp"]
        _until(lambda: _gone(pid))
        assert int(rig.process("pid", PROCESS_CONNECT)) == 0


def test_a_closed_port_is_confirmed_and_refused() -> None:
    """TCP failures are confirmed about once a second, in their own ring."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    target = replace(_tcp_target("t", port), settings=Profile(interval_seconds=60.0))
    with Rig([target]) as rig:
        slot = rig.roster.slot_of["t"]
        rig.until(lambda: int(rig.columns["confirm_count"][slot]) >= 3)
        assert set(rig.failures("t")) == {FailureReason.REFUSED}
        sent_at = rig.columns["confirm_sent_at"][slot][:3]
        assert np.diff(sent_at) == pytest.approx(1.0, abs=0.3)
        rig.assert_every_probe_accounted()


@pytest.mark.parametrize("version", [4, 6])
def test_ten_thousand_targets_without_a_loss(version: int) -> None:
    """10,000 a second, over one socket: each one answered, each one counted once, none foreign or dropped."""
    count = 10_000 if version == 4 else 2_000
    targets = [
        icmp_target(f"t{n}", f"127.{1 + n // 250}.0.{1 + n % 250}" if version == 4 else "::1") for n in range(count)
    ]
    with Rig(targets) as rig:
        rig.until(lambda: int(rig.columns["probes_total"][:count].min()) >= 2, seconds=40)
        status = rig.columns["grid_status"][:count].copy()
        assert int(rig.process("receive_drops_total")) == 0
        assert rig.process("discarded_total").sum() == 0
        assert rig.columns["failures_total"].sum() == 0
    assert set(np.unique(status).tolist()) <= {Status.EMPTY, Status.PENDING, Status.REPLY}
    assert rig.board.region["rtt_buckets"][PROCESS_ICMP, 0].sum() == rig.columns["probes_total"].sum()
    rtts = rig.columns["grid_rtt"][:count][rig.columns["grid_status"][:count] == Status.REPLY]
    assert (rtts > 0).all()
    rig.assert_every_probe_accounted()


@pytest.mark.parametrize("portable", [False, True])
def test_heartbeats_come_twenty_times_a_second(portable: bool) -> None:
    """An idle process too says that it is alive, and that it has read everything."""
    with Rig([icmp_target("a", "127.0.5.1", interval_seconds=60.0)], portable=portable) as rig:
        rig.until(lambda: rig.ended("a") >= 1)
        heartbeats: set[float] = set()
        drained: set[float] = set()

        def collect() -> None:
            heartbeats.add(float(rig.process("heartbeat_at")))
            drained.add(float(rig.process("drained_at")))

        end = time.monotonic() + 1.0
        rig.until(lambda: collect() or time.monotonic() > end)  # type: ignore[func-returns-value]  # collects on the way
        assert min(len(heartbeats), len(drained)) >= 15


def test_stop_leaves_no_process_and_waits_for_none_that_hangs() -> None:
    """Polite first; a process that does not listen is killed at the deadline."""
    with Rig([icmp_target("a", "127.0.6.1", interval_seconds=0.1)]) as rig:
        rig.until(lambda: rig.ended("a") >= 1)
        pid = rig.pid()
        os.kill(pid, signal.SIGSTOP)
        began = time.monotonic()
        rig.supervisor.stop(0.3)
        assert time.monotonic() - began < 2.0
        assert _gone(pid)
        assert rig.supervisor.processes == ()


@pytest.mark.parametrize("stopped", [False, True])
def test_probing_processes_die_with_their_parent(stopped: bool, tmp_path: Path) -> None:
    """Kill -9 of the parent ends them; even one that is stopped."""
    script = tmp_path / "parent.py"
    script.write_text(
        "import sys, time\n"
        "from tests.network.rig import Rig, icmp_target\n"
        "with Rig([icmp_target('a', '127.0.7.1', interval_seconds=0.1)]) as rig:\n"
        "    rig.until(lambda: rig.ended('a') >= 1)\n"
        "    print(rig.pid(), flush=True)\n"
        "    time.sleep(60)\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    with subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True, env=environment) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        if stopped:
            os.kill(pid, signal.SIGSTOP)
        parent.kill()
        parent.wait()
        try:
            _until(lambda: _gone(pid), seconds=5)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def test_a_process_that_dies_at_once_is_not_started_in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is started again, a little later each time."""
    monkeypatch.setattr("exporter.engine.supervisor._MODULES", {PROCESS_ICMP: ("icmp", "exporter.engine.nothing")})
    with Rig([icmp_target("a", "127.0.8.1")]) as rig:
        rig.watch(2.2)
        assert 2 <= rig.supervisor.restarts["dead"] <= 3
