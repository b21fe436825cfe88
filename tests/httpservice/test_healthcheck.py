"""The health check of the containers, against real listeners."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from httpservice.healthcheck import check, main

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def service(status: int) -> Iterator[int]:
    """Answer /-/healthy with a status, anything else with 404; yields the port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if self.path == "/-/healthy" else 404)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


def test_a_service_that_answers_is_healthy_whatever_proxy_is_named() -> None:
    """As a container runs it; a proxy of the environment would answer for another machine."""
    with service(200) as port:
        done = subprocess.run(
            [sys.executable, "-m", "httpservice.healthcheck", str(port)],
            env=os.environ | {"http_proxy": "http://127.0.0.1:1", "HTTP_PROXY": "http://127.0.0.1:1", "no_proxy": ""},
            capture_output=True,
            text=True,
            check=False,
        )
    assert (done.returncode, done.stdout, done.stderr) == (0, "healthy\n", "")


def test_another_answer_is_not_healthy() -> None:
    """What it answered is said, for `docker inspect` shows it."""
    with service(503) as port:
        result = CliRunner().invoke(main, [str(port)])
        assert result.exit_code == 1
        assert result.output == f"port {port}: /-/healthy answered 503\n"


def test_a_closed_port_is_not_healthy() -> None:
    """The service is not there."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # bound, not listening
        port = closed.getsockname()[1]
        found = check(port)
    assert found is not None
    assert "refused" in found


def test_a_service_that_hangs_is_not_healthy() -> None:
    """It accepts and says nothing: the event loop stands."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert check(port, timeout_seconds=0.2) == f"port {port}: timed out"


def test_an_answer_that_is_not_http_is_not_healthy() -> None:
    """Something else has taken the port."""

    def answer(server: socket.socket) -> None:
        connection, _ = server.accept()
        with connection:
            connection.recv(1000)
            connection.sendall(b"SSH-2.0-other\r\n")

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = Thread(target=answer, args=(server,))
        thread.start()
        port = server.getsockname()[1]
        assert check(port) == f"port {port}: SSH-2.0-other"
        thread.join()


@pytest.mark.parametrize("arguments", [[], ["http"], ["0"], ["65536"], ["1", "2"]])
def test_anything_but_one_port_is_wrong_usage(arguments: list[str]) -> None:
    """Exit code 2, as all commands of the project have it."""
    assert CliRunner().invoke(main, arguments).exit_code == 2
