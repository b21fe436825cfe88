"""The program is upgraded on disk while the exporter runs on: it goes on, and says when it has to be restarted."""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path

import requests

import exporter as package
from tests.integration.lone_exporter import URL, LoneExporter
from tests.integration.namespace import Namespace
from tests.integration.waiting import until

TARGETS = """
version: 1
regions: [{id: JBR, name: Jawa Barat}]
targets:
  - {id: a, name: A, region: JBR, address: 127.0.0.1}
  - {id: b, name: B, region: JBR, address: 127.0.0.2}
"""
IMPAIRED = 'vpn_monitor_impaired{reason="code_changed"}'


def test_an_upgrade_under_a_running_exporter(tmp_path: Path) -> None:
    """It measures on and lets nobody replace its engine; when that dies, "restart" is said, and nobody is down."""
    code = tmp_path / "code"
    for name in ("exporter", "httpservice"):
        shutil.copytree(Path(package.__file__).parents[1] / name, code / name)
    (tmp_path / "targets.yml").write_text(TARGETS)
    with Namespace("upgraded") as space:
        space.run("sysctl", "-q", "-w", "net.ipv4.ping_group_range=0 2147483647")
        exporter = LoneExporter(space, tmp_path / "targets.yml", tmp_path / "data", prefix=("env", "-C", str(code)))
        exporter.start()
        try:
            until(lambda: set(exporter.states().values()) == {"up"}, "all are up", seconds=15)
            tables = code / "exporter" / "engine" / "board.py"
            old = tables.read_text()
            tables.write_text(
                old.replace('    "quiet": ("u1", ()),', '    "newer": ("u4", ()),\n    "quiet": ("u1", ()),')
            )
            refused = exporter.post("/-/restart")
            assert (refused.status_code, refused.json()["error"]) == (409, "code_changed")
            assert set(exporter.states().values()) == {"up"}
            assert exporter.metric(IMPAIRED) == exporter.metric('vpn_engine_restarts_total{reason="requested"}') == 0
            os.kill(exporter.engine_pid("icmp"), signal.SIGKILL)
            until(lambda: exporter.metric(IMPAIRED) == 1, "the exporter says that it is impaired", seconds=15)
            assert set(exporter.states().values()) == {"unknown"}
            assert exporter.metric('vpn_monitor_impaired{reason="stuck"}') == 0
            assert exporter.metric('vpn_engine_restarts_total{reason="dead"}') == 1
            ready = space.call(requests.get, f"{URL}/-/ready", timeout=5)
            assert (ready.status_code, "restart vpn-exporter" in ready.text) == (503, True)
            page = space.call(requests.get, f"{URL}/", headers={"Accept-Language": "en"}, timeout=5).text
            assert "the program on disk has changed: restart vpn-exporter" in page
            assert exporter.log.read_text().count('event="probing code on disk has changed"') == 1
            exporter.stop()
            exporter.start()
            until(lambda: set(exporter.states().values()) == {"up"}, "all are up again", seconds=15)
            assert exporter.metric(IMPAIRED) == 0
            assert exporter.outages() == []
        finally:
            exporter.stop()
