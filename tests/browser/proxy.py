"""The project's Caddyfile in the real Caddy, in front of a status page of the test's: TLS, and /status stripped."""

from __future__ import annotations

import os
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

import requests

from tests.integration.waiting import until
from tests.prometheus.servers import ROOT, free_port, with_addresses
from tools.debian import ensure

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def caddy(folder: Path, exporter: str) -> Iterator[str]:
    """Run Caddy; yields the address under which people reach the status page.

    Args:
        folder: for its files; it makes a certificate authority of its own there.
        exporter: host and port of the status page.
    """
    port, plain, nobody = free_port(), free_port(), free_port()
    text = (ROOT / "Caddyfile").read_text(encoding="utf-8")
    text = with_addresses(text, {"grafana:3000": f"127.0.0.1:{nobody}", "exporter:9921": exporter})
    options = f"{{\n\tadmin off\n\thttp_port {plain}\n\tskip_install_trust\n\tpersist_config off\n}}\n"
    file = folder / "Caddyfile"
    file.write_text(options + text, encoding="utf-8")
    environment = {
        "PATH": os.environ["PATH"],
        "MONITOR_HOST": f"localhost:{port}",
        "XDG_DATA_HOME": str(folder),
        "HOME": str(folder),
    }
    command = [str(ensure("caddy", suite="sid")["caddy"]), "run", "--config", str(file), "--adapter", "caddyfile"]
    authority = folder / "caddy" / "pki" / "authorities" / "local" / "root.crt"
    base = f"https://localhost:{port}"
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)

    def answers() -> bool:
        if process.poll() is not None:
            raise AssertionError(f"Caddy ended: {(folder / 'log').read_text(encoding='utf-8')[-2000:]}")
        try:
            return authority.exists() and requests.get(f"{base}/", verify=str(authority), timeout=2).status_code > 0
        except requests.ConnectionError:
            return False

    try:
        until(answers, "Caddy answers", seconds=30)
        yield f"{base}/status/"
    finally:
        process.terminate()
        process.wait(timeout=20)
