"""The command line: exit codes, and errors that say the remedy."""

from __future__ import annotations

from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import TYPE_CHECKING, Self

import pytest
from click.testing import CliRunner

from exporter.cli import main
from httpservice.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ONE = (
    "version: 1\nregions: [{id: JKT, name: DKI Jakarta}]\n"
    "targets:\n  - {id: a, name: A, region: JKT, address: 127.0.0.1}\n"
)


class _Peer(HTTPServer):
    """An exporter that answers each POST as it is told, and remembers who asked."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answer = (200, b"{}")
        self.seen: list[tuple[str, str | None]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def __enter__(self) -> Self:
        Thread(target=self.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    server: _Peer

    def do_POST(self) -> None:
        self.server.seen.append((self.path, self.headers.get("Authorization")))
        status, body = self.server.answer
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Say nothing."""


@pytest.fixture
def peer() -> Iterator[_Peer]:
    """A running exporter, as far as the command line can tell."""
    with _Peer() as running:
        yield running


def _run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(main, list(arguments))
    return result.exit_code, result.output


def test_every_command_has_a_help_worth_reading() -> None:
    """`--help` of each command names what it does; the version is the distribution's."""
    assert _run("--version") == (0, f"vpn-exporter, version {VERSION}\n")
    for name in ("serve", "check", "probe", "restart", "reload", "outages", "targets"):
        code, text = _run(name, "--help")
        assert code == 0, name
        assert len(text.splitlines()) > 5, name


@pytest.mark.parametrize("arguments", [("nonsense",), ("serve", "--nonsense"), ("probe",)], ids=" ".join)
def test_wrong_usage_is_two(arguments: tuple[str, ...]) -> None:
    """A misspelt command or flag is 2, as everywhere."""
    assert _run(*arguments)[0] == 2


def test_a_file_that_cannot_be_used_is_three(tmp_path: Path) -> None:
    """`serve` does not start on a broken file, and prints its mistakes."""
    broken = tmp_path / "targets.yml"
    broken.write_text("version: 7\n")
    code, text = _run("serve", "--targets.file", str(broken), "--data.dir", str(tmp_path / "data"))
    assert code == 3
    assert f"{broken}:1: version" in text


def test_an_open_door_is_refused(tmp_path: Path) -> None:
    """Listening beyond loopback needs a web-config file."""
    good = tmp_path / "targets.yml"
    good.write_text(ONE)
    where = ("--targets.file", str(good), "--data.dir", str(tmp_path / "data"))
    code, text = _run("serve", *where, "--web.listen-address", "0.0.0.0:0")
    assert code == 3
    assert "--web.config.file" in text


def test_reload_prints_what_the_exporter_refused(peer: _Peer) -> None:
    """Exit code 1 is "findings": the mistakes, one a line."""
    assert _run("reload", "--url", peer.url) == (0, "The targets file has been read and applied.\n")
    peer.answer = (400, b'{"mistakes": [{"text": "targets.yml:3: wrong"}]}')
    code, text = _run("reload", "--url", peer.url)
    assert code == 1
    assert "targets.yml:3: wrong" in text


def test_a_password_file_that_cannot_be_read_is_named(peer: _Peer, tmp_path: Path) -> None:
    """Nothing is asked of the exporter then."""
    absent = tmp_path / "absent"
    code, text = _run("restart", "--url", peer.url, "--username", "admin", "--password-file", str(absent))
    assert (code, f"{absent} cannot be read (No such file or directory)" in text) == (3, True)


def test_restart_uses_the_password_of_a_file(peer: _Peer, tmp_path: Path) -> None:
    """The password never stands on the command line."""
    secret = tmp_path / "password"
    secret.write_text("geheim\n")
    peer.answer = (202, b"{}")
    code, _ = _run("restart", "--url", peer.url, "--username", "admin", "--password-file", str(secret))
    assert code == 0
    assert peer.seen == [("/-/restart", "Basic YWRtaW46Z2VoZWlt")]


def test_a_refusal_and_silence_are_three(peer: _Peer) -> None:
    """Not allowed, or nobody there: cannot run."""
    peer.answer = (401, b"{}")
    code, text = _run("restart", "--url", peer.url)
    assert code == 3
    assert "--username" in text
    peer.answer = (409, b'{"message": "Restart vpn-exporter itself."}')
    code, text = _run("restart", "--url", peer.url)
    assert code == 3
    assert text == "The exporter refused: 409 Conflict. Restart vpn-exporter itself.\n"
    code, text = _run("restart", "--url", "http://127.0.0.1:1")
    assert code == 3
    assert "--url" in text


def test_probe_looks_at_an_address_and_at_an_id(tmp_path: Path) -> None:
    """Exit code 0 when something answered; a TCP port that nobody listens on is `refused` and 1."""
    file = tmp_path / "targets.yml"
    file.write_text(ONE.replace("address: 127.0.0.1", "address: 127.0.0.1, probe: 'tcp:1'"))
    code, text = _run("probe", "a", "--targets.file", str(file), "--count", "1", "--no-trace")
    assert code == 1
    assert "no answer: refused" in text
    code, text = _run("probe", "127.0.0.1", "--targets.file", str(file), "--count", "2", "--no-trace")
    assert code == 0
    assert "2 of 2 answered" in text


def test_outages_without_a_journal_say_where_to_look(tmp_path: Path) -> None:
    """A missing journal is no empty one."""
    code, text = _run("outages", "--data.dir", str(tmp_path))
    assert code == 3
    assert "--data.dir" in text
