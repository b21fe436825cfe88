"""The rules and jobs against the real exporter and the real bridge: names fit, and both are scraped."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import requests
import yaml

from tests.integration.waiting import until
from tests.prometheus.servers import CONFIGURATION, ROOT, free_port, prometheus, query, running

if TYPE_CHECKING:
    from collections.abc import Iterator

_BIN = Path(sys.executable).parent
_TARGETS = """\
version: 1
regions:
  - {id: JBR, name: Jawa Barat}
targets:
  - {id: hub, name: Hub, region: JBR, address: 127.0.0.1, kind: router, probe: "tcp:1"}
  - {id: site, name: Site, region: JBR, address: 127.0.0.2, kind: toll-gate, probe: "tcp:1", gateway: hub}
"""


@pytest.fixture(scope="module")
def exporter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run vpn-exporter on two targets that refuse connections; yields host:port."""
    folder, port = tmp_path_factory.mktemp("exporter"), free_port()
    (folder / "targets.yml").write_text(_TARGETS, encoding="utf-8")
    command = [str(_BIN / "vpn-exporter"), "serve", f"--web.listen-address=127.0.0.1:{port}"]
    with running(command, url=f"http://127.0.0.1:{port}", folder=folder) as url:
        yield url.removeprefix("http://")


@pytest.fixture(scope="module")
def bridge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run alertbridge without a token; yields host:port."""
    folder, port = tmp_path_factory.mktemp("bridge"), free_port()
    (folder / "alertbridge.yml").write_text("version: 1\n", encoding="utf-8")
    command = [str(_BIN / "alertbridge"), "serve", f"--web.listen-address=127.0.0.1:{port}"]
    with running(command, url=f"http://127.0.0.1:{port}", folder=folder) as url:
        yield url.removeprefix("http://")


def names_read() -> set[str]:
    """Return the metrics of ours that rules read and do not record themselves."""
    rules = [
        rule
        for path in (CONFIGURATION / "rules").glob("*.yml")
        for group in yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]
        for rule in group["rules"]
    ]
    recorded = {rule["record"] for rule in rules if "record" in rule}
    read = {
        name for rule in rules for name in re.findall(r"[a-z_:0-9]*\b(?:vpn|alertbridge)_[a-z_:0-9]+", rule["expr"])
    }
    return read - recorded


def test_every_metric_that_a_rule_reads_is_exposed(exporter: str, bridge: str) -> None:
    """A rule on a misspelt metric never fires, and promtool does not mind."""
    text = "".join(requests.get(f"http://{address}/metrics", timeout=5).text for address in (exporter, bridge))
    exposed = set(re.findall(r"^# TYPE (\S+)", text, flags=re.MULTILINE))
    # These stand there only while a message waits, with a token, with TLS; their owner writes their names down.
    at_times = {
        "alertbridge_outbox_oldest_timestamp_seconds",
        "alertbridge_telegram_polling_up",
        "alertbridge_web_certificate_expiry_timestamp_seconds",
    }
    owner = (ROOT / "alertbridge" / "metrics.py").read_text(encoding="utf-8")
    assert [name for name in at_times if f'"{name}"' not in owner] == []
    read = names_read() - at_times
    assert len(read) > 15
    assert {name for name in read if not {name, name.removesuffix("_bucket")} & exposed} == set()


def test_prometheus_scrapes_both_and_knows_the_targets(exporter: str, bridge: str, tmp_path: Path) -> None:
    """All their jobs are up, and the targets have their words, with the parent hub as gateway."""
    with prometheus(tmp_path, suite="installed", exporter=exporter, alertmanager="127.0.0.1:1", bridge=bridge) as url:
        ours = 'up{job=~"vpn-exporter|alertbridge"}'
        until(lambda: [value for _, value in query(url, ours)] == [1.0] * 3, "three jobs are up", seconds=20)
        place = until(lambda: query(url, 'target:vpn_target_place:info{target="site"}'), "the place", seconds=20)
        assert place[0][0] == {
            "__name__": "target:vpn_target_place:info",
            "target": "site",
            "region": "JBR",
            "name": "Site",
            "address": "127.0.0.2",
            "kind": "toll-gate",
            "gateway": "hub",
            "role": "site",
        }
        counts = "sum(region_state:vpn_target_state_code:count)"
        until(lambda: [value for _, value in query(url, counts)] == [2.0], "both are counted", seconds=20)
