"""The tests' own ends of the path: an exporter whose metrics are set by hand, and a receiver that keeps what comes."""

from __future__ import annotations

import json
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(slots=True, kw_only=True)
class FakeExporter:
    """Answers /metrics?collect[]=PART from texts that a test sets; 503 while `failing`."""

    port: int = 0
    parts: dict[str, str] = field(default_factory=dict)
    failing: bool = False

    @property
    def address(self) -> str:
        """host:port, as a scrape target is written."""
        return f"127.0.0.1:{self.port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """One POST with the monotonic moment of its coming."""

    at: float
    path: str
    body: Any


@dataclass(slots=True, kw_only=True)
class Receiver:
    """Keeps every POST in order; stands for the bridge's webhook, or for Alertmanager's API."""

    port: int = 0
    received: list[Received] = field(default_factory=list)

    @property
    def url(self) -> str:
        """The base URL, without a slash at its end."""
        return f"http://127.0.0.1:{self.port}"

    def alerts(self, name: str, *, status: str | None = None) -> list[dict[str, Any]]:
        """Return all alerts of a name in the order they came, from webhooks (version 4) and from plain lists."""
        found = []
        for post in list(self.received):
            alerts = post.body["alerts"] if isinstance(post.body, dict) else post.body
            found += [a for a in alerts if a["labels"]["alertname"] == name and status in (None, a.get("status"))]
        return found


class _Quiet(BaseHTTPRequestHandler):
    """A handler that logs nothing."""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
        """Say nothing."""


@contextmanager
def _serving(handler: type[BaseHTTPRequestHandler]) -> Iterator[int]:
    """Serve on a free port of loopback until the block ends; yields the port."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def fake_exporter() -> Iterator[FakeExporter]:
    """Run a FakeExporter."""
    exporter = FakeExporter()

    class Handler(_Quiet):
        def do_GET(self) -> None:
            if exporter.failing:
                self.send_error(503)
                return
            asked = parse_qs(urlsplit(self.path).query).get("collect[]", list(exporter.parts))
            body = "".join(exporter.parts.get(part, "") for part in asked).encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    with _serving(Handler) as port:
        exporter.port = port
        yield exporter


@contextmanager
def receiver() -> Iterator[Receiver]:
    """Run a Receiver."""
    kept = Receiver()

    class Handler(_Quiet):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            kept.received.append(Received(at=time.monotonic(), path=self.path, body=body))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

    with _serving(Handler) as port:
        kept.port = port
        yield kept
