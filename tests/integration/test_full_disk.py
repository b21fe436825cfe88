"""A full disk under a running exporter: states go on, the trouble is counted, and what waited is written afterwards."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.integration.lone_exporter import LoneExporter
from tests.integration.namespace import Namespace
from tests.integration.waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TARGETS = """
version: 1
regions: [{id: JBR, name: Jawa Barat}]
targets:
  - {id: a, name: A, region: JBR, address: 127.0.0.1}
  - {id: b, name: B, region: JBR, address: 127.0.0.2}
  - {id: far, name: Far, region: JBR, address: 10.99.0.1}
"""


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of two megabytes."""
    folder = tmp_path / "data"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def _errors(exporter: LoneExporter) -> dict[str, float]:
    return {file: exporter.metric(f'vpn_storage_errors_total{{file="{file}"}}') for file in ("journal", "states")}


def _fill(path: Path) -> None:
    with path.open("wb", buffering=0) as stream:
        while True:
            stream.write(bytes(4096))


def test_a_full_disk_is_counted_and_loses_no_outage(tmp_path: Path, small_disk: Path) -> None:
    """An outage that begins on a full disk is judged, and is a row once there is room again."""
    (tmp_path / "targets.yml").write_text(TARGETS)
    with Namespace("fulldisk") as space:
        space.run("sysctl", "-q", "-w", "net.ipv4.ping_group_range=0 2147483647")
        space.run("ip", "address", "add", "10.99.0.1/32", "dev", "lo")
        exporter = LoneExporter(space, tmp_path / "targets.yml", small_disk)
        exporter.start()
        try:
            until(lambda: set(exporter.states().values()) == {"up"}, "all are up", seconds=15)
            assert _errors(exporter) == {"journal": 0, "states": 0}
            filler = small_disk / "filler"
            with pytest.raises(OSError, match="No space left"):
                _fill(filler)
            space.run("ip", "address", "del", "10.99.0.1/32", "dev", "lo")
            until(lambda: exporter.states()["far"] == "down", "the site is down", seconds=15)
            until(lambda: all(count > 0 for count in _errors(exporter).values()), "both are counted", seconds=30)
            assert exporter.outages() == []
            filler.unlink()
            until(lambda: [row["target"] for row in exporter.outages()] == ["far"], "the row is written", seconds=30)
            before = _errors(exporter)
            until(lambda: "states saved again" in exporter.log.read_text(), "the states are saved", seconds=30)
            assert _errors(exporter) == before
        finally:
            exporter.stop()
