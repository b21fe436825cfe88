"""The exporter's own health: closed label sets at 0, sums over both processes, ages as moments."""

from __future__ import annotations

import re
import time
from dataclasses import replace
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from exporter.engine.board import PROCESS_CONNECT, PROCESS_ICMP
from exporter.exposition_names import ALL_PARTS
from exporter.inventory.model import Inventory
from exporter.metrics import EngineMetrics
from exporter.outcome import REASONS
from httpservice.version import VERSION
from tests.exporter.web.fakes import FakeView, bad_reload
from tests.exporter.web.sample import NOW, isolated

CLOSED = """\
vpn_engine_probes_sent_total
vpn_engine_confirmation_probes_total
vpn_engine_replies_total
vpn_engine_receive_drops_total
vpn_engine_clock_steps_total
vpn_engine_replies_discarded_total{reason="late"}
vpn_engine_replies_discarded_total{reason="duplicate"}
vpn_engine_replies_discarded_total{reason="foreign"}
vpn_engine_restarts_total{reason="stuck"}
vpn_engine_restarts_total{reason="dead"}
vpn_engine_restarts_total{reason="requested"}
vpn_storage_errors_total{file="journal"}
vpn_storage_errors_total{file="states"}
vpn_engine_due_probes
vpn_engine_in_flight_probes
vpn_config_removal_held
""".splitlines()


def _text(view: FakeView) -> str:
    return EngineMetrics(view).render().decode()


def _value(text: str, name: str, **labels: str) -> float | None:
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name == name and sample.labels == labels:
                return sample.value
    return None


def test_everything_is_there_at_zero_before_its_first_event() -> None:
    """A rate over a counter that appears with its first event misses that event."""
    text = _text(FakeView())
    assert [name for name in CLOSED if f"\n{name} 0.0\n" not in text] == []
    for reason in REASONS:
        assert f'\nvpn_engine_send_errors_total{{reason="{reason.value}"}} 0.0\n' in text
    assert "_created" not in text


def test_both_processes_are_one_engine() -> None:
    """Counters and histograms are sums over the ICMP and the TCP/HTTP process."""
    view = FakeView()
    process = view.board.process
    process["sent_total"][:] = (7, 5)
    process["discarded_total"][:, 1] = (2, 1)
    process["lateness_buckets"][PROCESS_ICMP, 0] = 3
    process["lateness_buckets"][PROCESS_CONNECT, -1] = 1
    process["lateness_sum"][:] = (0.001, 2.0)
    process["in_flight_probes"][:] = (4, 1)
    view.restarts["dead"] = 2
    text = _text(view)
    assert _value(text, "vpn_engine_probes_sent_total") == 12
    assert _value(text, "vpn_engine_replies_discarded_total", reason="duplicate") == 3
    assert _value(text, "vpn_engine_lateness_seconds_bucket", le="0.0005") == 3
    assert _value(text, "vpn_engine_lateness_seconds_bucket", le="0.5") == 3
    assert _value(text, "vpn_engine_lateness_seconds_bucket", le="+Inf") == 4
    assert _value(text, "vpn_engine_lateness_seconds_count") == 4
    assert _value(text, "vpn_engine_lateness_seconds_sum") == 2.001
    assert _value(text, "vpn_engine_in_flight_probes") == 5
    assert _value(text, "vpn_engine_restarts_total", reason="dead") == 2
    assert _value(text, "vpn_engine_targets", probe="icmp") == 9
    assert _value(text, "vpn_engine_targets", probe="tcp") == 1
    assert _value(text, "vpn_engine_targets", probe="http") == 0


def test_the_heartbeat_is_that_of_the_process_furthest_behind() -> None:
    """A process that is not needed does not count; before the first beat there is no moment at all."""
    view = FakeView()
    assert _value(_text(view), "vpn_engine_heartbeat_timestamp_seconds") is None
    monotonic = time.monotonic()
    view.board.process["heartbeat_at"][:] = (monotonic - 1.0, monotonic - 30.0)
    beat = _value(_text(view), "vpn_engine_heartbeat_timestamp_seconds")
    assert beat is not None
    assert 29.5 < time.time() - beat < 35.0
    icmp_only = Inventory(regions=view.roster.inventory.regions, targets=view.roster.inventory.targets[:3])
    view.use(icmp_only, replace(view.verdict))
    view.board.process["heartbeat_at"][:] = (monotonic - 1.0, 0.0)
    beat = _value(_text(view), "vpn_engine_heartbeat_timestamp_seconds")
    assert beat is not None
    assert 0.5 < time.time() - beat < 10.0


def test_the_end_of_our_own_certificate_is_absent_without_one() -> None:
    """A number would say that it ended long ago."""
    name = "vpn_web_certificate_expiry_timestamp_seconds"
    assert _value(_text(FakeView()), name) is None
    text = EngineMetrics(FakeView(), certificate_expires_at=lambda: NOW + 5.0).render().decode()
    assert _value(text, name) == NOW + 5.0


def test_uplinks_and_configuration() -> None:
    """What the alerts on configuration and on our own line read."""
    view = FakeView()
    text = _text(view)
    assert _value(text, "vpn_uplink_up", uplink="10.20.0.1") == 1
    assert _value(text, "vpn_config_last_reload_successful") == 1
    assert _value(text, "vpn_config_last_reload_success_timestamp_seconds") == NOW - 60
    assert _value(text, "vpn_build_info", version=VERSION) == 1
    view.verdict = isolated(view.verdict)
    view.reload_status = replace(bad_reload(), removal_held=7)
    text = _text(view)
    assert _value(text, "vpn_uplink_up", uplink="10.20.0.1") == 0
    assert _value(text, "vpn_config_last_reload_successful") == 0
    assert _value(text, "vpn_config_removal_held") == 7


def test_every_metric_is_documented_and_no_other() -> None:
    """docs/metrics.md is the list that people build dashboards from."""
    text = (Path(__file__).parents[2] / "docs" / "metrics.md").read_text(encoding="utf-8")
    documented = set(re.findall(r"^\| `(vpn_\w+)` \|", text, re.MULTILINE))
    view = FakeView()
    exposed = set(
        re.findall(r"^# TYPE (\S+)", view.exposition.render(ALL_PARTS, *view.snapshot()).decode(), re.MULTILINE)
    )
    assert documented == exposed


def test_every_label_of_a_metric_is_documented() -> None:
    """A reader joins by these labels."""
    text = (Path(__file__).parents[2] / "docs" / "metrics.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(vpn_\w+)` \| \w+ \|([^|]*)\|", text, re.MULTILINE)
    documented = {name: set(re.findall(r"`(\w+)`", labels)) for name, labels in rows}
    view = FakeView()
    for family in text_string_to_metric_families(view.exposition.render(ALL_PARTS, *view.snapshot()).decode()):
        name = f"{family.name}_total" if family.type == "counter" else family.name
        for sample in family.samples:
            wanted = set(sample.labels) - {"le"}
            if name.startswith("vpn_target_"):
                wanted -= {"target", "region"}
            assert wanted <= documented[name], name
