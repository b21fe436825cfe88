"""The bridge's own metrics: names, label sets, help texts. Every closed label set exists at 0 from the start.

Moments and gauges that nobody knows yet are absent, never 0.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import prometheus_client
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from alertbridge.errors import Failure
from alertbridge.payload import AlertStatus
from alertbridge.polling import PollFailure, Polling
from alertbridge.store.rows import RowState
from httpservice.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime

prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call] # the library ships it untyped

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
WEBHOOK_RESULTS = ("ok", "invalid", "unauthorized", "too_large", "unavailable")
COMMAND_RESULTS = ("ok", "denied", "wrong_usage", "unavailable", "failed")
DENIED_REASONS = ("stranger", "role", "anonymous", "stale", "button")
# Webhook to Telegram's answer: the target is 1 s, a minute is an outage of Telegram.
_BUCKETS = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0)


@dataclass(slots=True, eq=False)  # the registry keys collectors by identity
class Snapshot(Collector):
    """Gauges that may be absent. Read at scrape time, written by the tasks that know."""

    pending: int = 0
    dead: int = 0
    oldest: datetime | None = None
    watchdog: datetime | None = None
    telegram_up: bool | None = None
    polling: Polling = field(default_factory=Polling)
    leader: bool = False
    reload_at: float | None = None
    certificate_expires_at: Callable[[], float | None] = lambda: None

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """Yield the gauges as they are known now."""
        messages = GaugeMetricFamily(
            "alertbridge_outbox_messages",
            "Messages that wait to be sent (pending) or were refused (dead)",
            labels=["state"],
        )
        messages.add_metric(["pending"], self.pending)
        messages.add_metric(["dead"], self.dead)
        yield messages
        yield GaugeMetricFamily(
            "alertbridge_leader",
            "1 while this bridge polls and sends; of several on one database one does",
            value=float(self.leader),
        )
        for name, text, value in (
            (
                "alertbridge_outbox_oldest_timestamp_seconds",
                "When the oldest message that still waits became due; absent while none waits",
                self.oldest.timestamp() if self.oldest else None,
            ),
            (
                "alertbridge_watchdog_timestamp_seconds",
                "When Watchdog arrived last; absent before the first",
                self.watchdog.timestamp() if self.watchdog else None,
            ),
            (
                "alertbridge_telegram_up",
                "1 while Telegram answers, 0 while it does not; absent in a dry run and before the first answer",
                None if self.telegram_up is None else float(self.telegram_up),
            ),
            (
                "alertbridge_telegram_polling_up",
                "1 while commands are fetched, 0 while not; absent in a dry run, standing by, before the first answer",
                None if self.polling.up is None else float(self.polling.up),
            ),
            (
                "alertbridge_config_last_reload_success_timestamp_seconds",
                "When alertbridge.yml was last read without mistakes",
                self.reload_at,
            ),
            (
                "alertbridge_web_certificate_expiry_timestamp_seconds",
                "When the certificate that the bridge's server shows ends; absent without TLS",
                self.certificate_expires_at(),
            ),
        ):
            if value is not None and not math.isnan(value):
                yield GaugeMetricFamily(name, text, value=value)


@dataclass(slots=True)
class Metrics:
    """All series of the bridge in a registry of their own."""

    commands: Iterable[str] = ()
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)
    snapshot: Snapshot = field(default_factory=Snapshot)
    webhooks: Counter = field(init=False)
    alerts_received: Counter = field(init=False)
    deliveries: Counter = field(init=False)
    delivery_failures: Counter = field(init=False)
    delivery_repeats: Counter = field(init=False)
    withheld: Counter = field(init=False)
    delivery_seconds: Histogram = field(init=False)
    polls: Counter = field(init=False)
    poll_failures: Counter = field(init=False)
    commands_total: Counter = field(init=False)
    access_denied: Counter = field(init=False)
    reload_successful: Gauge = field(init=False)

    def __post_init__(self) -> None:
        """Register everything, each closed label set at 0."""
        registry = self.registry
        self.webhooks = Counter("alertbridge_webhooks", "Webhooks answered, by result", ["result"], registry=registry)
        self.alerts_received = Counter(
            "alertbridge_alerts_received", "Alerts in webhooks that were stored", ["status"], registry=registry
        )
        self.deliveries = Counter("alertbridge_deliveries", "Messages and edits that Telegram took", registry=registry)
        self.delivery_failures = Counter(
            "alertbridge_delivery_failures", "Requests that Telegram did not take", ["reason"], registry=registry
        )
        self.delivery_repeats = Counter(
            "alertbridge_delivery_repeats",
            "Messages sent again though Telegram may have them: its answer was lost, or the bridge was stopped",
            registry=registry,
        )
        self.withheld = Counter(
            "alertbridge_withheld", "Alarms that were over before they were told", ["reason"], registry=registry
        )
        self.withheld.labels("over_already")
        self.delivery_seconds = Histogram(
            "alertbridge_delivery_seconds",
            "From the webhook (or the end of quiet hours) to Telegram's answer, in seconds",
            buckets=_BUCKETS,
            registry=registry,
        )
        self.polls = Counter(
            "alertbridge_telegram_polls", "Questions to Telegram for new commands that have ended", registry=registry
        )
        self.poll_failures = Counter(
            "alertbridge_telegram_poll_failures",
            "Questions to Telegram for new commands that failed",
            ["reason"],
            registry=registry,
        )
        self.commands_total = Counter(
            "alertbridge_commands", "Telegram commands answered", ["command", "result"], registry=registry
        )
        self.access_denied = Counter(
            "alertbridge_access_denied", "Requests of people who may not ask that", ["reason"], registry=registry
        )
        self.reload_successful = Gauge(
            "alertbridge_config_last_reload_successful", "1 when the last (re)load found no mistake", registry=registry
        )
        Gauge("alertbridge_build_info", "The version that runs", ["version"], registry=registry).labels(VERSION).set(1)
        registry.register(self.snapshot)
        for result in WEBHOOK_RESULTS:
            self.webhooks.labels(result)
        for status in AlertStatus:
            self.alerts_received.labels(status.value)
        for failure in Failure:
            self.delivery_failures.labels(failure.value)
        for poll_failure in PollFailure:
            self.poll_failures.labels(poll_failure.value)
        for command in self.commands:
            for result in COMMAND_RESULTS:
                self.commands_total.labels(command, result)
        for reason in DENIED_REASONS:
            self.access_denied.labels(reason)

    def reloaded(self, *, successful: bool) -> None:
        """Note a (re)load of the configuration."""
        self.reload_successful.set(1 if successful else 0)
        if successful:
            self.snapshot.reload_at = time.time()

    def outbox(self, counts: Mapping[RowState, int], oldest: datetime | None) -> None:
        """Note what waits in the outbox."""
        self.snapshot.pending = counts.get(RowState.PENDING, 0) + counts.get(RowState.SENDING, 0)
        self.snapshot.dead = counts.get(RowState.DEAD, 0)
        self.snapshot.oldest = oldest

    def text(self) -> bytes:
        """Return everything in the text format."""
        return generate_latest(self.registry)
