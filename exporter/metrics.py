"""The exporter's own health: the part `engine` of `/metrics`, through prometheus-client.

Nothing is counted here: a collector reads the shared board, the supervisor's restarts and the reload status at the
moment of the scrape, so a number can neither be forgotten nor counted twice. Every closed label set exists at 0.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final, Protocol, TypeVar

import numpy as np
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector

from exporter.engine.board import LATENESS_BUCKETS, PROCESSES, REPLY_WAIT_BUCKETS
from exporter.inventory.model import ProbeKind
from exporter.outcome import DISCARD_REASONS, REASONS
from httpservice.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from prometheus_client.metrics_core import Metric

    from exporter.engine.board import Board
    from exporter.reloading import ReloadStatus
    from exporter.roster import Roster
    from exporter.state.verdict import Verdict

_Family = TypeVar("_Family", CounterMetricFamily, GaugeMetricFamily)

RESTART_REASONS: Final = ("stuck", "dead", "requested")
STORED_FILES: Final = ("journal", "states")


class EngineView(Protocol):
    """What the collector reads; app.py provides it. Nothing here may wait."""

    @property
    def board(self) -> Board:
        """The shared arrays."""

    @property
    def restarts(self) -> Mapping[str, int]:
        """How often a probing process was replaced, by reason; reasons that are missing count as 0."""

    @property
    def storage_errors(self) -> Mapping[str, int]:
        """How often reading or writing the data folder failed, by file; files that are missing count as 0."""

    @property
    def reload_status(self) -> ReloadStatus:
        """How the last reload went."""

    def snapshot(self) -> tuple[Roster, Verdict]:
        """Return the present roster and the judge's newest word on exactly that roster."""


class EngineMetrics:
    """Renders the part `engine`."""

    def __init__(self, view: EngineView, *, certificate_expires_at: Callable[[], float | None] = lambda: None) -> None:
        """Collect from a view.

        Args:
            view: the running exporter.
            certificate_expires_at: until when the certificate of our own pages is good; None: there is none.
        """
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(_EngineCollector(view, certificate_expires_at))

    def render(self) -> bytes:
        """Return the metrics as text format 0.0.4."""
        return generate_latest(self._registry)


class _EngineCollector(Collector):
    """Reads one snapshot and never waits."""

    def __init__(self, view: EngineView, certificate_expires_at: Callable[[], float | None]) -> None:
        self._view = view
        self._certificate_expires_at = certificate_expires_at

    def describe(self) -> Iterable[Metric]:
        """Return nothing: the view need not be ready when the collector is registered."""
        return ()

    def collect(self) -> Iterable[Metric]:
        """Yield every metric of the part."""
        yield from self._counters()
        yield from self._histograms()
        yield from self._gauges()
        yield from self._config()

    def _counters(self) -> Iterable[Metric]:
        process = self._view.board.process
        plain = {
            "probes_sent": ("sent_total", "Packets sent and connections begun, confirmation probes included."),
            "confirmation_probes": ("confirmations_total", "Confirmation probes begun, of all probes sent."),
            "replies": ("replies_total", "Answers that matched a probe in time."),
            "receive_drops": ("receive_drops_total", "Packets that the kernel dropped because its buffer was full."),
            "clock_steps": ("clock_steps_total", "Jumps of the wall clock that made kernel time stamps useless."),
        }
        for name, (column, text) in plain.items():
            yield CounterMetricFamily(f"vpn_engine_{name}", text, value=float(process[column].astype(np.int64).sum()))
        yield _by_label(
            CounterMetricFamily(
                "vpn_engine_replies_discarded", "Packets that came in and were no reply, by why.", labels=["reason"]
            ),
            DISCARD_REASONS,
            process["discarded_total"].astype(np.int64).sum(axis=0).tolist(),
        )
        yield _by_label(
            CounterMetricFamily(
                "vpn_engine_send_errors", "Probes that could not be sent, by reason.", labels=["reason"]
            ),
            REASONS,
            process["send_errors_total"].astype(np.int64).sum(axis=0).tolist(),
        )
        restarts = self._view.restarts
        yield _by_label(
            CounterMetricFamily(
                "vpn_engine_restarts", "Probing processes that were replaced by a new one, by why.", labels=["reason"]
            ),
            RESTART_REASONS,
            [restarts.get(reason, 0) for reason in RESTART_REASONS],
        )
        errors = self._view.storage_errors
        yield _by_label(
            CounterMetricFamily(
                "vpn_storage_errors", "Reads and writes of the data folder that failed, by file.", labels=["file"]
            ),
            STORED_FILES,
            [errors.get(file, 0) for file in STORED_FILES],
        )

    def _histograms(self) -> Iterable[Metric]:
        process = self._view.board.process
        for name, text, bounds in (
            ("lateness", "How late probes were sent after their due time, in seconds.", LATENESS_BUCKETS),
            ("reply_wait", "How long replies lay in the socket before they were read, in seconds.", REPLY_WAIT_BUCKETS),
        ):
            counts = process[f"{name}_buckets"].astype(np.int64).sum(axis=0).cumsum().tolist()
            edges = [*map(repr, bounds), "+Inf"]
            yield HistogramMetricFamily(
                f"vpn_engine_{name}_seconds",
                text,
                buckets=list(zip(edges, counts, strict=True)),
                sum_value=float(process[f"{name}_sum"].astype(np.float64).sum()),
            )

    def _gauges(self) -> Iterable[Metric]:
        process = self._view.board.process
        roster, verdict = self._view.snapshot()
        heartbeat = GaugeMetricFamily(
            "vpn_engine_heartbeat_timestamp_seconds",
            "When the probing processes last gave a sign of life (the one that is furthest behind), in Unix seconds.",
        )
        beat = _oldest_heartbeat(self._view.board, roster)
        if beat is not None:
            heartbeat.add_metric([], beat)
        yield heartbeat
        for name, text in (
            ("due_probes", "Probes that are due in the present tick."),
            ("in_flight_probes", "Probes that have been sent and have not ended."),
        ):
            yield GaugeMetricFamily(f"vpn_engine_{name}", text, value=float(process[name].astype(np.int64).sum()))
        kinds = [target.probe.kind for target in roster.inventory.targets]
        yield _by_label(
            GaugeMetricFamily("vpn_engine_targets", "Targets in the inventory, by kind of probe.", labels=["probe"]),
            tuple(ProbeKind),
            [kinds.count(kind) for kind in ProbeKind],
        )
        uplinks = verdict.uplink_up
        yield _by_label(
            GaugeMetricFamily("vpn_uplink_up", "1 while the uplink answers.", labels=["uplink"]),
            tuple(uplinks),
            [int(up) for up in uplinks.values()],
        )

    def _config(self) -> Iterable[Metric]:
        status = self._view.reload_status
        for name, text, value in (
            (
                "last_reload_successful",
                "1 when the targets file was good at the last reload.",
                float(status.successful),
            ),
            (
                "last_reload_success_timestamp_seconds",
                "When a reload last succeeded, in Unix seconds.",
                status.success_at,
            ),
            (
                "removal_held",
                "Targets that a changed file would remove and that wait for a person to confirm it; 0: none.",
                float(status.removal_held),
            ),
        ):
            yield GaugeMetricFamily(f"vpn_config_{name}", text, value=value)
        certificate = GaugeMetricFamily(
            "vpn_web_certificate_expiry_timestamp_seconds",
            "When the certificate that the exporter's pages show ends, in Unix seconds; absent without TLS.",
        )
        expires_at = self._certificate_expires_at()
        if expires_at is not None:
            certificate.add_metric([], expires_at)
        yield certificate
        build = GaugeMetricFamily("vpn_build_info", "Always 1; the label says which version runs.", labels=["version"])
        build.add_metric([VERSION], 1.0)
        yield build


def _by_label(family: _Family, words: Sequence[str], values: Sequence[float]) -> _Family:
    """Return the family with one sample per label value."""
    for word, value in zip(words, values, strict=True):
        family.add_metric([str(word)], float(value))
    return family


def _oldest_heartbeat(board: Board, roster: Roster) -> float | None:
    """Return the Unix seconds of the older heartbeat of the processes that are in use; None: none has begun."""
    seated = roster.generation > 0
    beats = [
        float(board.process["heartbeat_at"][process].item())
        for process in range(PROCESSES)
        if bool((seated & (roster.process == process)).any())
    ]
    begun = [beat for beat in beats if beat > 0]
    if not begun:
        return None
    return time.time() - (time.monotonic() - min(begun))
