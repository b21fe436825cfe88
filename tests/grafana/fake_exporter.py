"""Stands in for exporter and bridge where one wants to look at dashboards at once: the demo's country as metrics.

The states come from the demo's play at once instead of from probes, so a test sees every state within one scrape:
up, low, down, cut off behind a fallen hub, flapping, unknown, about to change. `test_queries` holds its names and
labels equal to the real ones. Run it by `python -m tests.grafana.fake_exporter PORT`: `/metrics` is the exporter (with
`collect[]`), `/bridge` the alertbridge.
"""

from __future__ import annotations

import http.server
import random
import sys
import threading
import time
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlparse

from demo.country import UNRESOLVED, Behaviour, Site, behaviour_at, regions, sites

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

PARTS = ("state", "probes", "info", "engine")
DOWN, LOW, UP, UNKNOWN = 0, 1, 2, 3
WORDS = ("down", "low", "up", "unknown")
FALLEN_HUB = "jtm-hub"  # down whenever anybody looks, so that cut-off targets are there
FALLEN_REGION = "GOR"  # down as a whole, without a hub that explains it
PENDING = "jbr-parkir"  # always two probes short of DOWN
FLAPPING = "sul-parkir"
UNPLACED = "pps-tiket"  # has no coordinates
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.5, 2.5)
PROBE_SECONDS = 2.0
CERTIFICATE_SECONDS = 63.4 * 86400  # the bridge has none: it listens on loopback in plain HTTP


@dataclass(slots=True)
class Line:
    """What a site has counted so far."""

    code: int = UNKNOWN
    since: float = 0.0
    probes: float = 0.0
    failures: float = 0.0


@dataclass(slots=True)
class Writer:
    """Collects samples of one answer, grouped by metric."""

    samples: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    types: dict[str, str] = field(default_factory=dict)

    def add(self, kind: str, name: str, value: float, family: str | None = None, /, **labels: str) -> None:
        """Add one sample."""
        self.types[family or name] = kind
        text = ",".join(f'{key}="{word}"' for key, word in labels.items())
        self.samples[family or name].append(f"{name}{{{text}}} {value!r}" if text else f"{name} {value!r}")

    def histogram(self, name: str, counts: Mapping[float, float], total: float, /, **labels: str) -> None:
        """Add a cumulative histogram."""
        for bound, count in counts.items():
            self.add("histogram", f"{name}_bucket", count, name, **labels, le=str(bound))
        self.add("histogram", f"{name}_bucket", total, name, **labels, le="+Inf")
        self.add("histogram", f"{name}_count", total, name, **labels)
        self.add("histogram", f"{name}_sum", total * 0.03, name, **labels)

    def text(self) -> str:
        """Return the exposition."""
        lines: list[str] = []
        for name, kind in self.types.items():
            lines += [f"# TYPE {name} {kind}", *self.samples[name]]
        return "\n".join(lines) + "\n"


class Country:
    """The simulated country at any moment."""

    def __init__(self, *, started: float, seed: int = 1) -> None:
        self.started = started
        self.sites = {site.id: site for site in sites()}
        self.lines = {name: Line(since=started) for name in self.sites}
        self.seen = started
        self.lock = threading.Lock()
        self.random = random.Random(seed)  # noqa: S311 - noise, no secret
        self.hubs = {site.gateway for site in self.sites.values() if site.gateway}

    def code(self, site: Site, now: float) -> int:
        """Return a site's state."""
        if site.address == UNRESOLVED:
            return UNKNOWN
        if FALLEN_HUB in (site.id, site.gateway) or site.region == FALLEN_REGION:
            return DOWN
        hub = self.sites.get(site.gateway or "")
        if hub and self.code(hub, now) == DOWN:
            return DOWN
        match behaviour_at(site.id, now - self.started):
            case Behaviour.CLOSED | Behaviour.SILENT:
                return DOWN
            case Behaviour.SLOW | Behaviour.LOSSY:
                return LOW
            case Behaviour.OPEN:
                return UP
        raise AssertionError(site)

    def advance(self, now: float) -> None:
        """Move counters and since-times up to now."""
        probes = (now - self.seen) / PROBE_SECONDS
        for name, line in self.lines.items():
            code = self.code(self.sites[name], now)
            if code != line.code:
                line.code, line.since = code, now
            line.probes += probes
            line.failures += probes * {DOWN: 1.0, LOW: 0.2, UP: 0.0, UNKNOWN: 1.0}[code]
        self.seen = now

    def rtt(self, site: Site) -> float:
        """Return a plausible round trip: longer to the east, with some noise, slow where the site is low."""
        base = 0.012 + abs(site.longitude - 107) * 0.0014
        noise = abs(self.random.gauss(0, 0.1))
        return base * (1 + noise) + (0.5 if self.lines[site.id].code == LOW else 0)

    def render(self, parts: Collection[str] = PARTS, *, now: float) -> str:
        """Return the metrics of the named parts."""
        write = Writer()
        with self.lock:
            self.advance(now)
            chosen: dict[str, Callable[[Writer, float], None]] = {
                "state": self._state,
                "probes": self._probes,
                "info": self._info,
                "engine": self._engine,
            }
            for part, fill in chosen.items():
                if part in parts:
                    fill(write, now)
        return write.text()

    def _state(self, write: Writer, _now: float) -> None:
        """Write the part that is scraped every second."""
        for site in self.sites.values():
            where = {"target": site.id, "region": site.region}
            code = self.lines[site.id].code
            behind = [other for other in self.sites.values() if other.gateway == site.id]
            behind_hub = site.gateway is not None and self.lines[site.gateway].code == DOWN
            cut_off = code == DOWN and (behind_hub or site.region == FALLEN_REGION)
            write.add("gauge", "vpn_target_state_code", code, **where)
            write.add("gauge", "vpn_target_outage", int(code == DOWN and not cut_off), **where)
            if code == DOWN:
                cause, culprit = ("hub", site.gateway or "") if behind_hub else ("device", site.id)
                if site.region == FALLEN_REGION:
                    cause, culprit = "region", site.region
                write.add("gauge", "vpn_target_cause", 1, **where, cause=cause, culprit=culprit)
            if behind:
                write.add("gauge", "vpn_target_cut_off", len(behind) if code == DOWN else 0, **where)
            if site.id == FLAPPING:
                write.add("gauge", "vpn_target_flapping", 1, **where)
            if code == LOW:
                for reason in ("loss", "rtt"):
                    write.add("gauge", "vpn_target_low_reason", 1, **where, reason=reason)
            if site.id == PENDING:
                write.add("gauge", "vpn_target_pending", 2, **where, state="down")
        self._regions(write)
        write.add("gauge", "vpn_monitor_isolated", 0)
        for reason in ("stuck", "receive_drops", "late", "reply_wait", "clock_step", "code_changed"):
            write.add("gauge", "vpn_monitor_impaired", 0, reason=reason)

    def _regions(self, write: Writer) -> None:
        """Write the regions' states."""
        for region, code in self.region_codes().items():
            for number, word in enumerate(WORDS):
                write.add("gauge", "vpn_region_state", int(code == number), region=region, state=word)
            write.add("gauge", "vpn_region_outage", int(region == FALLEN_REGION), region=region)

    def region_codes(self) -> dict[str, int]:
        """Return each region's state."""
        codes: dict[str, int] = {}
        for region, _ in regions():
            found = [self.lines[site.id].code for site in self.sites.values() if site.region == region]
            if found.count(DOWN) >= 0.8 * len(found):
                codes[region] = DOWN
            else:
                codes[region] = LOW if DOWN in found or found.count(LOW) >= 0.2 * len(found) else UP
        return codes

    def _probes(self, write: Writer, _now: float) -> None:
        """Write counters, times and shares."""
        for site in self.sites.values():
            where = {"target": site.id, "region": site.region}
            line = self.lines[site.id]
            for number, word in enumerate(WORDS):
                write.add("gauge", "vpn_target_state", int(line.code == number), **where, state=word)
            write.add("gauge", "vpn_target_state_timestamp_seconds", line.since, **where)
            if line.code in (UP, LOW):
                write.add("gauge", "vpn_target_rtt_seconds", round(self.rtt(site), 6), **where)
                write.add("gauge", "vpn_target_jitter_seconds", round(self.rtt(site) / 15, 6), **where)
                if line.code == UP or self.random.random() > 0.3:
                    write.add("gauge", "vpn_target_last_rtt_seconds", round(self.rtt(site), 6), **where)
            loss = {DOWN: 1.0, LOW: 0.18, UP: 0.0, UNKNOWN: 1.0}[line.code]
            write.add("gauge", "vpn_target_loss_ratio", loss, **where)
            write.add("counter", "vpn_target_probes_total", int(line.probes), **where)
            write.add("counter", "vpn_target_probe_failures_total", int(line.failures), **where, reason="timeout")
        for region, _ in regions():
            done = sum(line.probes - line.failures for name, line in self.lines.items() if self._in(name, region))
            places = [site.longitude for site in self.sites.values() if site.region == region]
            typical = 0.012 + abs(places[0] - 107) * 0.0014
            counts = {bound: done * min(1.0, (bound / typical) ** 2 / 4) for bound in BUCKETS}
            write.histogram("vpn_region_rtt_seconds", counts, done, region=region)

    def _in(self, name: str, region: str) -> bool:
        """Tell whether a site lies in a region."""
        return self.sites[name].region == region

    def _info(self, write: Writer, _now: float) -> None:
        """Write words and places."""
        for site in self.sites.values():
            placed = site.id != UNPLACED
            write.add(
                "gauge",
                "vpn_target_info",
                1,
                target=site.id,
                region=site.region,
                name=site.name,
                address=site.address,
                probe=site.probe,
                kind=site.kind,
                profile="demo",
                gateway=site.gateway or "",
                role="hub" if site.id in self.hubs else "site",
                latitude=str(site.latitude) if placed else "",
                longitude=str(site.longitude) if placed else "",
            )
        for region, province in regions():
            where = {"latitude": str(province.latitude), "longitude": str(province.longitude)}
            write.add("gauge", "vpn_region_info", 1, region=region, name=province.name, **where)
        write.add("gauge", "vpn_profile_low_rtt_seconds", 0.3, profile="demo")
        write.add("gauge", "vpn_target_low_rtt_seconds", 0.2, target=PENDING, region=self.sites[PENDING].region)
        tunnel = {"target": "jbr-hub", "region": "JBR"}
        write.add("gauge", "vpn_tunnel_up", 1, **tunnel)
        write.add("gauge", "vpn_tunnel_handshake_timestamp_seconds", self.seen - 40, **tunnel)
        write.add("gauge", "vpn_tunnel_info", 1, **tunnel, kind="openvpn", peer="jbr", endpoint="198.51.100.7:1194")
        write.add("counter", "vpn_tunnel_received_bytes_total", self.seen * 900, **tunnel)
        write.add("counter", "vpn_tunnel_sent_bytes_total", self.seen * 700, **tunnel)
        write.add("gauge", "vpn_tunnel_source_up", 1, kind="openvpn-status", source="openvpn.status")

    def _engine(self, write: Writer, now: float) -> None:
        """Write the exporter's own health."""
        done = sum(line.probes for line in self.lines.values())
        lost = sum(line.failures for line in self.lines.values())
        write.add("counter", "vpn_engine_probes_sent_total", done)
        write.add("counter", "vpn_engine_replies_total", done - lost)
        write.add("counter", "vpn_engine_confirmation_probes_total", lost * 2)
        for reason in ("late", "duplicate", "foreign"):
            write.add("counter", "vpn_engine_replies_discarded_total", 3, reason=reason)
        write.add("counter", "vpn_engine_receive_drops_total", 0)
        for reason in ("permission", "send_error"):
            write.add("counter", "vpn_engine_send_errors_total", 0, reason=reason)
        write.add("counter", "vpn_engine_clock_steps_total", 0)
        for reason in ("stuck", "dead", "requested"):
            write.add("counter", "vpn_engine_restarts_total", int(reason == "requested"), reason=reason)
        late = {0.001: done * 0.9, 0.005: done * 0.99, 0.02: done * 0.999, 0.1: done}
        write.histogram("vpn_engine_lateness_seconds", late, done)
        write.histogram("vpn_engine_reply_wait_seconds", late, done)
        for file in ("journal", "states"):
            write.add("counter", "vpn_storage_errors_total", 0, file=file)
        write.add("gauge", "vpn_engine_heartbeat_timestamp_seconds", now)
        write.add("gauge", "vpn_engine_due_probes", 4)
        write.add("gauge", "vpn_engine_in_flight_probes", 11)
        kinds = ["http" if site.http else "tcp" for site in self.sites.values()]
        for kind in ("icmp", "tcp", "http"):
            write.add("gauge", "vpn_engine_targets", kinds.count(kind), probe=kind)
        write.add("gauge", "vpn_uplink_up", 1, uplink="192.0.2.1")
        write.add("gauge", "vpn_config_last_reload_successful", 1)
        write.add("gauge", "vpn_config_last_reload_success_timestamp_seconds", self.started)
        write.add("gauge", "vpn_config_removal_held", 0)
        write.add("gauge", "vpn_web_certificate_expiry_timestamp_seconds", now + CERTIFICATE_SECONDS)
        write.add("gauge", "vpn_build_info", 1, version="0.1.0")


def bridge(now: float) -> str:
    """Return the alertbridge's metrics."""
    write = Writer()
    for result in ("accepted", "rejected", "failed"):
        write.add("counter", "alertbridge_webhooks_total", now % 1000 if result == "accepted" else 0, result=result)
    for status in ("firing", "resolved"):
        write.add("counter", "alertbridge_alerts_received_total", now % 1000, status=status)
    for state, messages in (("pending", 2), ("dead", 0)):
        write.add("gauge", "alertbridge_outbox_messages", messages, state=state)
    write.add("gauge", "alertbridge_outbox_oldest_timestamp_seconds", now - 3)
    write.add("counter", "alertbridge_deliveries_total", now % 1000)
    for reason in ("network", "retry_after", "permanent"):
        write.add("counter", "alertbridge_delivery_failures_total", 0, reason=reason)
    done = now % 1000
    write.histogram("alertbridge_delivery_seconds", {0.25: done * 0.4, 0.5: done * 0.9, 1.5: done * 0.99}, done)
    write.add("counter", "alertbridge_commands_total", 5, command="status", result="answered")
    write.add("counter", "alertbridge_access_denied_total", 0, reason="user")
    write.add("gauge", "alertbridge_telegram_up", 1)
    write.add("gauge", "alertbridge_telegram_polling_up", 1)
    write.add("counter", "alertbridge_delivery_repeats_total", 0)
    write.add("counter", "alertbridge_telegram_poll_failures_total", 0, reason="network")
    write.add("gauge", "alertbridge_watchdog_timestamp_seconds", now - 12)
    write.add("gauge", "alertbridge_config_last_reload_successful", 1)
    write.add("gauge", "alertbridge_config_last_reload_success_timestamp_seconds", now - 5000)
    write.add("gauge", "alertbridge_build_info", 1, version="0.1.0")
    return write.text()


def serve(port: int = 0) -> http.server.ThreadingHTTPServer:
    """Start answering on loopback in a thread of its own; the caller shuts it down."""
    country = Country(started=time.time())

    class Handler(http.server.BaseHTTPRequestHandler):
        """Answers the two metrics pages."""

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
            """Stay silent."""

        def do_GET(self) -> None:
            """Answer a scrape."""
            url = urlparse(self.path)
            if url.path == "/bridge":
                text = bridge(time.time())
            else:
                parts = set(parse_qs(url.query).get("collect[]", PARTS))
                text = country.render(parts, now=time.time())
            body = text.encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


if __name__ == "__main__":
    serving = serve(int(sys.argv[1]))
    threading.Event().wait()
