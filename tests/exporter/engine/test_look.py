"""One careful look tells what the probing processes would have seen."""

from __future__ import annotations

import socket

import pytest

from exporter.engine.look import one_look
from exporter.inventory.model import ProbeKind, ProbeSpec, Profile, Target
from exporter.outcome import FailureReason


def _target(address: str, probe: ProbeSpec) -> Target:
    settings = Profile(timeout_seconds=0.5)
    return Target(id="t", name="T", region="JBR", address=address, probe=probe, settings=settings)


@pytest.mark.privileged
def test_icmp_with_path() -> None:
    """Each probe with its RTT, and the path, which on loopback is the target itself."""
    look = one_look(_target("127.0.0.1", ProbeSpec(kind=ProbeKind.ICMP)), probes=3)
    assert [probe.reason for probe in look.probes] == [None] * 3
    assert all(probe.rtt_seconds is not None and 0 < probe.rtt_seconds < 0.5 for probe in look.probes)
    assert look.path is not None
    assert [(hop.distance, hop.address) for hop in look.path] == [(1, "127.0.0.1")]
    assert look.path_problem is None


def test_closed_port() -> None:
    """The reason stands where the RTT would."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    look = one_look(_target("127.0.0.1", ProbeSpec(kind=ProbeKind.TCP, port=port)), probes=2, trace=False)
    assert [(probe.rtt_seconds, probe.reason) for probe in look.probes] == [(None, FailureReason.REFUSED)] * 2
    assert (look.path, look.path_problem) == (None, "not asked for")


def test_a_name_without_an_address(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that cannot be resolved is told as such."""
    monkeypatch.setattr("exporter.engine.look.system_lookup", lambda _name: [])
    look = one_look(_target("site.invalid", ProbeSpec(kind=ProbeKind.ICMP)), probes=2)
    assert look.address is None
    assert [probe.reason for probe in look.probes] == [FailureReason.DNS] * 2
