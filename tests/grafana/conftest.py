"""A real Prometheus with the project's rules, scraping the fake exporter; shared by the tests of the queries."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import yaml

from tests.grafana.fake_exporter import serve
from tests.grafana.reading import ROOT
from tests.prometheus.servers import free_port, running
from tools.debian import ensure

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def configuration(folder: Path, exporter: str, ours: str) -> Path:
    """Write a configuration like prometheus.yml, everything once a second so that no test waits for a rule."""
    rules = folder / "rules"
    rules.mkdir()
    for path in (ROOT / "prometheus" / "rules").glob("*.yml"):
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        for group in content["groups"]:
            group["interval"] = "1s"
        (rules / path.name).write_text(yaml.safe_dump(content), encoding="utf-8")
    part = {"metric_relabel_configs": [{"regex": "part", "action": "labeldrop"}]}
    jobs = [
        {
            "job_name": f"vpn-exporter-{name}",
            "params": {"collect[]": parts},
            "static_configs": [{"targets": [exporter], "labels": {"job": "vpn-exporter", "part": name}}],
            **part,
        }
        for name, parts in (("state", ["state"]), ("rest", ["probes", "info", "engine"]))
    ]
    jobs.append({"job_name": "alertbridge", "metrics_path": "/bridge", "static_configs": [{"targets": [exporter]}]})
    jobs.append({"job_name": "prometheus", "static_configs": [{"targets": [ours]}]})
    content = {
        "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
        "rule_files": [f"{rules}/*.yml"],
        "scrape_configs": jobs,
    }
    path = folder / "prometheus.yml"
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a Prometheus 2.42 that scrapes the simulated country."""
    folder = tmp_path_factory.mktemp("prometheus")
    exporter = serve()
    address = f"127.0.0.1:{exporter.server_address[1]}"
    ours = f"127.0.0.1:{free_port()}"
    command = [
        str(ensure("prometheus")["prometheus"]),
        f"--config.file={configuration(folder, address, ours)}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address={ours}",
        "--log.level=warn",
    ]
    try:
        with running(command, url=f"http://{ours}", folder=folder) as url:
            yield url
    finally:
        exporter.shutdown()
        exporter.server_close()
