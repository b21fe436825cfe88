"""The product on the sites of `make demo`, in a namespace: exporter, bridge, Alertmanager and Prometheus, all real.

Prometheus runs the project's own prometheus.yml and rules; only the intervals are exchanged, so that no test waits ten
minutes for the availability of a month. The namespace gives the demo's addresses and the product's ports to us alone.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Self

import requests
import yaml

from exporter.outcome import State
from tests.botapi.server import BotApi
from tests.grafana import play
from tests.grafana.asking import Row, ask_text, fill
from tests.integration.stack import ALERTMANAGER, BRIDGE, EXPORTER, PROMETHEUS
from tests.integration.waiting import until
from tests.prometheus.servers import CONFIGURATION
from tools.debian import ensure

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path
    from types import TracebackType

    from tests.grafana.reading import Query
    from tests.integration.namespace import Namespace

ANSWERED, SLUGGISH = -1001, -1002  # chats: Telegram takes the messages of the first, and asks the second to wait
BRIDGE_SETTINGS = """\
version: 1
language: en
telegram: {{api_url: "{api_url}"}}
alertmanager: {{url: "{alertmanager}"}}
prometheus: {{url: "{prometheus}"}}
exporter: {{url: "{exporter}"}}
chats: [{{name: noc, id: {answered}}}, {{name: managers, id: {sluggish}}}]
routes: [{{chats: [noc, managers]}}]
"""
_OURS = (sys.executable, "-m")
STATES_SECONDS = 75.0  # LOW needs 20 s of window, flapping three outages; the rest is a busy machine


class World:
    """Everything that a dashboard's query reaches; `with World(space, folder) as world:`, then ask."""

    def __init__(self, space: Namespace, folder: Path) -> None:
        self.space = space
        self.folder = folder
        self._telegram = BotApi()

    def __enter__(self) -> Self:
        """Start everything."""
        self.space.call(self._telegram.__enter__)
        self._telegram.fail_next(status=429, parameters={"retry_after": 600}, times=10**6, chat_id=SLUGGISH)
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop our Telegram; the namespace stops the rest."""
        self._telegram.__exit__(kind, error, trace)

    def start(self) -> None:
        """Start all parts and wait until every state of the demo is there and scraped."""
        # Prometheus after those who take alerts (what nobody took is sent again only half a minute later), but before
        # the sites: the first falls of the flapping one are told, later ones are hidden.
        self._start_bridge()
        self._start_alertmanager()
        for url in (BRIDGE, ALERTMANAGER):
            until(lambda url=url: self._answers(url), f"{url} answers", seconds=30)  # type: ignore[misc] # bound now
        self.start_prometheus()
        self.run("country", *_OURS, "tests.grafana.play", str(self.folder / "openvpn.status"))
        self.start_exporter()
        until(lambda: not self.missing(), "every state is there", seconds=STATES_SECONDS, every=0.5)

    def _start_bridge(self) -> None:
        """Start the bridge between Alertmanager and our Telegram."""
        bridge = self.folder / "alertbridge.yml"
        settings = BRIDGE_SETTINGS.format(
            api_url=self._telegram.url,
            alertmanager=ALERTMANAGER,
            prometheus=PROMETHEUS,
            exporter=EXPORTER,
            answered=ANSWERED,
            sluggish=SLUGGISH,
        )
        bridge.write_text(settings, encoding="utf-8")
        self.run(
            "bridge",
            *(*_OURS, "alertbridge", "serve", f"--config.file={bridge}", f"--data.dir={self.folder / 'data'}"),
            env={"TELEGRAM_TOKEN": self._telegram.token},
        )

    def _start_alertmanager(self) -> None:
        """Start Alertmanager with the project's configuration."""
        self.run(
            "alertmanager",
            str(ensure("alertmanager")["alertmanager"]),
            f"--config.file={CONFIGURATION / 'alertmanager.yml'}",
            f"--storage.path={self.folder / 'alertmanager'}",
            "--web.listen-address=127.0.0.1:9093",
            "--cluster.listen-address=",
        )

    def start_prometheus(self) -> None:
        """Start Prometheus with the project's configuration and rules, and wait until it answers."""
        self.run(
            "prometheus",
            str(ensure("prometheus")["prometheus"]),
            f"--config.file={self._configuration()}",
            f"--storage.tsdb.path={self.folder / 'tsdb'}",
            "--web.listen-address=127.0.0.1:9090",
            "--rules.alert.resend-delay=30s",
            "--log.level=warn",
        )
        until(lambda: self._answers(PROMETHEUS), f"{PROMETHEUS} answers", seconds=30)

    def start_exporter(self) -> subprocess.Popen[bytes]:
        """Start the exporter on the demo's sites, and wait until it answers."""
        targets = self.folder / "targets.yml"
        targets.write_text(self.targets(), encoding="utf-8")
        serve = ("serve", f"--targets.file={targets}", f"--data.dir={self.folder / 'data'}")
        process = self.run("exporter", *_OURS, "exporter", *serve)
        until(lambda: self._answers(EXPORTER), f"{EXPORTER} answers", seconds=30)
        return process

    def targets(self) -> str:
        """Return the targets.yml."""
        return play.targets()

    def run(self, name: str, *command: str, env: dict[str, str] | None = None) -> subprocess.Popen[bytes]:
        """Start a part in the namespace; its log lies beside its data."""
        return self.space.start(*command, log=self.folder / f"{name}.log", env=env)

    def _answers(self, url: str) -> bool:
        """Tell whether a part is ready."""
        try:
            return self.space.call(requests.get, f"{url}/-/ready", timeout=2).ok
        except requests.ConnectionError:
            return False

    def _configuration(self) -> Path:
        """Write prometheus.yml and its rules as they are, everything once a second."""
        rules = self.folder / "rules"
        rules.mkdir()
        for path in (CONFIGURATION / "rules").glob("*.yml"):
            content = yaml.safe_load(path.read_text(encoding="utf-8"))
            for group in content["groups"]:
                group["interval"] = "1s"
            (rules / path.name).write_text(yaml.safe_dump(content), encoding="utf-8")
        content = yaml.safe_load((CONFIGURATION / "prometheus.yml").read_text(encoding="utf-8"))
        content["global"] |= {"scrape_interval": "1s", "scrape_timeout": "1s"}
        content["rule_files"] = [f"{rules}/*.yml"]
        for job in content["scrape_configs"]:
            job["scrape_interval"] = job["scrape_timeout"] = "1s"
        path = self.folder / "prometheus.yml"
        path.write_text(yaml.safe_dump(content), encoding="utf-8")
        return path

    def missing(self) -> set[str]:
        """Return which of the situations that the dashboards draw Prometheus has not seen yet."""
        wanted = {
            "up": f"vpn_target_state_code == {State.UP}",
            "low": f'vpn_target_state_code{{target="{play.SLOW}"}} == {State.LOW}',
            "down": f'vpn_target_outage{{target="{play.FALLEN_HUB}"}} == 1',
            "unknown": f'vpn_target_state_code{{target="{play.UNKNOWN}"}} == {State.UNKNOWN}',
            "cut off": f'vpn_target_cut_off{{target="{play.FALLEN_HUB}"}} == 3',
            "fallen region": f'vpn_region_outage{{region="{play.FALLEN_REGION}"}} == 1',
            "flapping": f'vpn_target_flapping{{target="{play.FLAPPING}"}} == 1',
            "an outage that ended": f'resets(vpn_target_outage{{target="{play.FLAPPING}"}}[10m]) > 0',
            "about to change": "vpn_target_pending",
            "tunnel": "vpn_tunnel_up == 1",
            "alerts": f'ALERTS{{alertname="VPNTargetDown",alertstate="firing",target="{play.FALLEN_HUB}"}}',
            "delivered": "alertbridge_delivery_seconds_count > 0",
            "watchdog": "alertbridge_watchdog_timestamp_seconds",
            "waiting for Telegram": "alertbridge_outbox_oldest_timestamp_seconds",
        }
        return {what for what, expr in wanted.items() if not self.ask_text(f"last_over_time(({expr})[20s:1s])")}

    def ask(self, query: Query, variables: dict[str, str] | None = None, *, at: float | None = None) -> list[Row]:
        """Return the rows of a panel's query, variables filled in."""
        return self.ask_text(fill(query.expr, variables or {}), instant=query.instant, at=at)

    def ask_text(self, expr: str, *, instant: bool = True, at: float | None = None) -> list[Row]:
        """Return the rows of an expression; `at`: see asking.py."""
        return self.space.call(ask_text, PROMETHEUS, expr, instant=instant, at=at)

    def text(self, url: str) -> str:
        """Return what a part answers."""
        answer: requests.Response = self.space.call(requests.get, url, timeout=5)
        answer.raise_for_status()
        return answer.text

    def tail(self) -> dict[str, Any]:
        """Return the last lines of every part's log, for a person who looks for a fault."""
        return {path.stem: path.read_text(encoding="utf-8")[-3000:] for path in self.folder.glob("*.log")}
