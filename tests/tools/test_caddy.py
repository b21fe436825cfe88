"""The Caddyfile in the real Caddy: TLS, and which address leads to which page."""

from __future__ import annotations

import os
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING

import pytest
import requests

from tests.integration.waiting import until
from tests.prometheus.servers import ROOT, free_port, with_addresses
from tools.debian import ensure

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_CADDYFILE = (ROOT / "Caddyfile").read_text(encoding="utf-8")


class _Echo(BaseHTTPRequestHandler):
    """Answers with its server's name, and the path and host that it was asked for."""

    def do_GET(self) -> None:
        body = f"{self.server.server_name} {self.path} {self.headers['Host']}".encode()  # type: ignore[attr-defined] # HTTPServer has it
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
        """Say nothing."""


@contextmanager
def backend(name: str) -> Iterator[str]:
    """Stand for a page behind the proxy; yields its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Echo)
    server.server_name = name
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@dataclass(frozen=True, slots=True, kw_only=True)
class Browser:
    """Asks Caddy and trusts its own certificate authority."""

    base: str
    authority: Path

    def get(self, path: str) -> requests.Response:
        """Ask for a path, without following redirects."""
        with requests.Session() as session:
            session.trust_env = False  # else REQUESTS_CA_BUNDLE would win over `verify`
            return session.get(f"{self.base}{path}", verify=str(self.authority), allow_redirects=False, timeout=5)


@pytest.fixture(scope="module")
def caddy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Run Caddy in front of two backends."""
    folder = tmp_path_factory.mktemp("caddy")
    port, plain = free_port(), free_port()
    with backend("grafana") as grafana, backend("exporter") as exporter:
        text = with_addresses(_CADDYFILE, {"grafana:3000": grafana, "exporter:9921": exporter})
        options = f"{{\n\tadmin off\n\thttp_port {plain}\n\tskip_install_trust\n\tpersist_config off\n}}\n"
        file = folder / "Caddyfile"
        file.write_text(options + text, encoding="utf-8")
        environment = {"PATH": os.environ["PATH"], "MONITOR_HOST": f"localhost:{port}", "XDG_DATA_HOME": str(folder)}
        command = [str(ensure("caddy", suite="sid")["caddy"]), "run", "--config", str(file), "--adapter", "caddyfile"]
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(command, env=environment | {"HOME": str(folder)}, stdout=log, stderr=log)
        authority = folder / "caddy" / "pki" / "authorities" / "local" / "root.crt"
        browser = Browser(base=f"https://localhost:{port}", authority=authority)

        def answers() -> bool:
            assert process.poll() is None, (folder / "log").read_text(encoding="utf-8")[-2000:]
            try:
                return authority.exists() and browser.get("/grafana/").ok
            except requests.ConnectionError:
                return False

        try:
            until(answers, "Caddy answers", seconds=30)
            yield browser
        finally:
            process.terminate()
            process.wait(timeout=20)


@pytest.mark.parametrize(
    ("path", "arrives"),
    [
        ("/grafana/", "grafana /grafana/"),
        ("/grafana/d/vpn-map?kiosk", "grafana /grafana/d/vpn-map?kiosk"),
        ("/status/", "exporter /"),
        ("/status/api/v1/targets?state=down", "exporter /api/v1/targets?state=down"),
    ],
)
def test_pages_are_reached_by_their_addresses(caddy: Browser, path: str, arrives: str) -> None:
    """Grafana keeps its prefix, the exporter never sees one; both hear the name that was typed."""
    answer = caddy.get(path)
    assert answer.text.startswith(f"{arrives} localhost")
    assert "Server" not in answer.headers


@pytest.mark.parametrize(
    ("path", "leads"),
    [("/", "/grafana/"), ("/grafana", "/grafana/"), ("/status", "/status/")],
)
def test_short_addresses_lead_on(caddy: Browser, path: str, leads: str) -> None:
    """The bare name opens the map."""
    answer = caddy.get(path)
    assert (answer.status_code, answer.headers["Location"]) == (302, leads)


@pytest.mark.parametrize("path", ["/metrics", "/-/restart", "/api/v1/targets", "/alerts"])
def test_nothing_else_is_served(caddy: Browser, path: str) -> None:
    """No part answers at an address that is not its own."""
    assert caddy.get(path).status_code == 404


@pytest.mark.parametrize("tls", ["", "tls internal", "tls duty@example.com"])
@pytest.mark.parametrize("host", ["localhost", "monitor.example", "192.0.2.7"])
def test_the_file_is_valid_for_every_documented_setting(tls: str, host: str) -> None:
    """Public names, private ones and addresses, with and without a line for TLS."""
    program = ensure("caddy", suite="sid")["caddy"]
    done = subprocess.run(
        [program, "adapt", "--config", ROOT / "Caddyfile", "--adapter", "caddyfile", "--validate"],
        env={"PATH": os.environ["PATH"], "MONITOR_HOST": host, "MONITOR_TLS": tls, "HOME": "/nonexistent"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
