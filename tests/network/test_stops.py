"""A probing process that is killed or stopped makes no failures: what it left is void, and it is replaced."""

from __future__ import annotations

import os
import signal
import socket
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest

from exporter.engine.board import PROCESS_CONNECT, PROCESS_ICMP
from exporter.inventory.model import ProbeKind, ProbeSpec, Profile, Target
from exporter.outcome import FailureReason, Status
from tests.network.rig import REGION, Rig, icmp_target

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.namespace import Namespace
    from tests.network.sites import Sites

pytestmark = pytest.mark.privileged

# 450 ms RTT asked every 200 ms: at any moment some probes are in flight.
SLOW = {"interval_seconds": 0.2, "timeout_seconds": 1.0}


def _slow_sites(sites: Sites, count: int = 40) -> list[Target]:
    sites.rules({f"10.50.6.{n}": {"delay": 0.45} for n in range(1, count + 1)})
    return [icmp_target(f"site-{n}", f"10.50.6.{n}", **SLOW) for n in range(1, count + 1)]


def test_sigkill_voids_what_was_in_flight_and_keeps_the_counters(space: Namespace, sites: Sites) -> None:
    """After kill -9 of the ICMP process: replaced at once, no failure counted, counters go on from where they were."""
    with Rig(_slow_sites(sites), space=space) as rig:
        rig.until(lambda: rig.columns["probes_total"].sum() >= 60)
        before = rig.columns["probes_total"].copy()
        first = rig.pid()
        os.kill(first, signal.SIGKILL)
        rig.until(lambda: rig.supervisor.restarts["dead"] == 1, seconds=5)
        rig.until(lambda: rig.columns["probes_total"].sum() >= before.sum() + 60)
        assert rig.pid() != first
        assert rig.columns["failures_total"].sum() == 0
        assert (rig.columns["probes_total"] >= before).all()
        void = int((rig.columns["grid_status"] == Status.VOID).sum())
        assert 20 <= void <= 160, "about two of each target were in flight"
        rig.assert_every_probe_accounted()


def test_sigstop_is_noticed_and_makes_no_failures(space: Namespace, sites: Sites) -> None:
    """A stopped ICMP process is killed and replaced within seconds; nothing is counted as a loss."""
    with Rig(_slow_sites(sites), space=space) as rig:
        rig.until(lambda: rig.columns["probes_total"].sum() >= 60)
        drained_at = float(rig.process("drained_at"))
        os.kill(rig.pid(), signal.SIGSTOP)
        rig.until(lambda: rig.supervisor.restarts["stuck"] == 1, seconds=6)
        rig.until(lambda: float(rig.process("drained_at")) > drained_at + 3)
        rig.until(lambda: rig.columns["probes_total"].sum() >= 200)
        assert rig.columns["failures_total"].sum() == 0
        rig.assert_every_probe_accounted()


def test_a_short_stop_loses_nothing(space: Namespace, sites: Sites) -> None:
    """Stopped for 1.5 s, longer than the timeout: replies that the kernel took in time count as in time."""
    with Rig(_slow_sites(sites), space=space) as rig:
        rig.until(lambda: rig.columns["probes_total"].sum() >= 60)
        os.kill(rig.pid(), signal.SIGSTOP)
        rig.watch(1.5)
        os.kill(rig.pid(), signal.SIGCONT)
        rig.until(lambda: rig.columns["probes_total"].sum() >= 200)
        assert rig.supervisor.restarts == {"stuck": 0, "dead": 0, "requested": 0}
        assert rig.columns["failures_total"].sum() == 0
        rtts = rig.columns["grid_rtt"][:40]
        assert np.nanmax(rtts) < 0.9, "the kernel's time stamps do not know of the stop"
        late: np.ndarray[tuple[int], np.dtype[np.uint64]] = rig.board.process["lateness_buckets"][PROCESS_ICMP]
        assert late[-1] > 0, "but the lateness shows it"


def test_a_stopped_connect_process_makes_no_failures(space: Namespace) -> None:
    """The TCP process cannot tell a late answer from one that waited unread: what was in flight is void."""
    server = space.call(_listen)
    port = server.getsockname()[1]
    probe = ProbeSpec(kind=ProbeKind.TCP, text=f"tcp:{port}", port=port)
    settings = Profile(interval_seconds=0.1, timeout_seconds=0.5)
    targets = [
        Target(id=f"tcp-{n}", name="", region=REGION.id, address=f"127.0.0.{n}", probe=probe, settings=settings)
        for n in range(1, 11)
    ]
    with server, Rig(targets, space=space) as rig:
        rig.until(lambda: rig.columns["probes_total"].sum() >= 50)
        os.kill(rig.pid("connect"), signal.SIGSTOP)
        rig.watch(1.5)
        os.kill(rig.pid("connect"), signal.SIGCONT)
        rig.until(lambda: rig.columns["probes_total"].sum() >= 100)
        os.kill(rig.pid("connect"), signal.SIGKILL)
        rig.until(lambda: rig.columns["probes_total"].sum() >= 200)
        assert rig.supervisor.restarts == {"stuck": 0, "dead": 1, "requested": 0}
        assert rig.columns["failures_total"].sum() == 0
        assert int(rig.process("sent_total", PROCESS_CONNECT)) >= 200


def _listen() -> socket.socket:
    return socket.create_server(("0.0.0.0", 0), backlog=512)


def test_requested_restart_replaces_every_process(space: Namespace, sites: Sites) -> None:
    """`restart` counts as requested, and the new processes follow the present plan."""
    with Rig(_slow_sites(sites, 3), space=space) as rig:
        rig.until(lambda: rig.columns["probes_total"].sum() >= 6)
        first, plan = rig.pid(), int(rig.process("plan_number"))
        rig.supervisor.restart()
        rig.until(lambda: rig.supervisor.restarts["requested"] == 1)
        rig.until(lambda: rig.columns["probes_total"].sum() >= 20)
        assert rig.pid() != first
        assert int(rig.process("plan_number")) == plan
        assert rig.columns["failures_total"].sum() == 0


def test_without_permission_outcomes_say_so_and_heal(
    space: Namespace, sites: Sites, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """No raw socket, no ping group: probes end as `permission`, once told; opening the group turns it green."""
    interpreter = tmp_path / "python"
    interpreter.write_text(f'#!/bin/sh\nexec setpriv --bounding-set=-net_raw -- {sys.executable} "$@"\n')
    interpreter.chmod(0o755)
    monkeypatch.setattr("exporter.engine.worker.sys.executable", str(interpreter))
    sites.rules({"10.50.7.1": {}})
    with Rig([icmp_target("site", "10.50.7.1", interval_seconds=0.5)], space=space) as rig:
        rig.until(lambda: rig.ended("site") >= 3)
        assert set(rig.failures("site")) == {FailureReason.PERMISSION}
        assert int(rig.process("permission_missing")) == 1
        assert int(rig.process("sent_total")) == 0
        told = [details for event, details in rig.events if event == "icmp permission missing"]
        assert [details["remedy"] for details in told] == ['sysctl -w net.ipv4.ping_group_range="0 2147483647"']
        space.run("sysctl", "-q", "-w", "net.ipv4.ping_group_range=0 2147483647")
        try:
            rig.until(lambda: len(rig.rtts("site")) >= 2, seconds=10)
        finally:
            space.run("sysctl", "-q", "-w", "net.ipv4.ping_group_range=1 0")
        assert int(rig.process("permission_missing")) == 0
