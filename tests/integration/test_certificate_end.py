"""The whole exporter behind TLS tells until when the certificate that it shows is good."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import requests

from tests.integration.waiting import until

if TYPE_CHECKING:
    from pathlib import Path

_TARGETS = """
version: 1
regions: [{id: JBR, name: Jawa Barat}]
targets: [{id: jbr-1, name: Bandung, region: JBR, address: 127.0.0.1, probe: "tcp:1"}]
"""
_WEB = "tls_server_config: {cert_file: cert.pem, key_file: key.pem}\n"
_DAYS = 9
_URL = re.compile(r"https://127\.0\.0\.1:\d+")


def test_the_end_of_the_certificate_is_on_metrics_and_maintenance(tmp_path: Path) -> None:
    """Where Prometheus and a person look, the same moment."""
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
            *("-days", str(_DAYS), "-subj", "/CN=monitor", "-addext", "subjectAltName=IP:127.0.0.1"),
            *("-keyout", str(tmp_path / "key.pem"), "-out", str(tmp_path / "cert.pem")),
        ],
        check=True,
        capture_output=True,
    )
    (tmp_path / "targets.yml").write_text(_TARGETS, encoding="utf-8")
    (tmp_path / "web.yml").write_text(_WEB, encoding="utf-8")
    log = tmp_path / "log"
    with log.open("wb") as out:
        exporter = subprocess.Popen(
            [
                *(sys.executable, "-m", "exporter", "serve", "--web.listen-address", "127.0.0.1:0"),
                *("--targets.file", str(tmp_path / "targets.yml"), "--data.dir", str(tmp_path / "data")),
                *("--web.config.file", str(tmp_path / "web.yml")),
            ],
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    try:
        url = until(lambda: "".join(_URL.findall(log.read_text())[:1]), f"its address (see {log})", seconds=20)

        def answer(path: str) -> str:
            return requests.get(f"{url}{path}", verify=str(tmp_path / "cert.pem"), timeout=10).text

        found = re.search(r"^vpn_web_certificate_expiry_timestamp_seconds (\S+)$", answer("/metrics"), re.MULTILINE)
        assert found is not None
        assert _DAYS - 0.1 < (float(found[1]) - time.time()) / 86400 <= _DAYS
        assert f"{_DAYS - 1} d 23 h left" in answer("/maintenance")
    finally:
        exporter.terminate()
        exporter.wait(timeout=15)
