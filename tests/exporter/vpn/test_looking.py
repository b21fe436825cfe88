"""The edges: files that are being written, management sockets, `wg`; each trouble by its name, no secret anywhere."""

from __future__ import annotations

import os
import socket
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from exporter.vpn.openvpn_management import ask_management
from exporter.vpn.reading import SourceError, Trouble
from exporter.vpn.status_files import read_settled
from exporter.vpn.wireguard_show import show_wireguard
from tests.exporter.vpn.rows import KEY, NOW, table, write

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

SECRET = f"{'HUSH' * 10}HUS="  # no real key


@pytest.fixture
def trouble_of() -> Callable[[Callable[[], object]], Trouble]:
    """Return a function that says by which trouble a look fails."""

    def ask(look: Callable[[], object]) -> Trouble:
        with pytest.raises(SourceError) as caught:
            look()
        return caught.value.trouble

    return ask


# --- files -----------------------------------------------------------------------------------------------------------


def test_a_settled_file_is_read_at_once(tmp_path: Path) -> None:
    path = tmp_path / "status.log"
    write(path, "text", at=NOW)
    assert read_settled(path, wall=lambda: NOW + 1, sleep=_never) == ("text", NOW)


def _never(_: float) -> None:
    raise AssertionError


def test_a_file_that_has_just_changed_is_read_again(tmp_path: Path) -> None:
    """It may be in the middle of being written: END at its end proves nothing."""
    path = tmp_path / "status.log"
    write(path, "half", at=NOW)
    times = iter([NOW + 0.1, NOW + 0.3])

    def finish(_: float) -> None:
        write(path, "whole", at=NOW + 0.1)

    assert read_settled(path, wall=lambda: next(times), sleep=finish) == ("whole", NOW + 0.1)


def test_a_file_that_never_rests_is_told(tmp_path: Path, trouble_of: Callable[..., Trouble]) -> None:
    path = tmp_path / "status.log"
    write(path, "half", at=NOW)
    assert trouble_of(lambda: read_settled(path, wall=lambda: NOW, sleep=lambda _: None)) is Trouble.BUSY


def test_a_file_that_changes_while_it_is_read_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The time of change differs before and after."""
    path = tmp_path / "status.log"
    write(path, "mixed", at=NOW)
    real, calls = os.fstat, []

    def fstat(descriptor: int) -> os.stat_result:
        calls.append(descriptor)
        if len(calls) == 2:
            write(path, "whole", at=NOW + 1)
        return real(descriptor)

    monkeypatch.setattr("exporter.vpn.status_files.os.fstat", fstat)
    assert read_settled(path, wall=lambda: NOW + 9, sleep=lambda _: None) == ("whole", NOW + 1)


@pytest.mark.parametrize(("place", "trouble"), [("absent", Trouble.MISSING), (".", Trouble.FORMAT)])
def test_files_that_cannot_be_read(
    place: str, trouble: Trouble, tmp_path: Path, trouble_of: Callable[..., Trouble]
) -> None:
    assert trouble_of(lambda: read_settled(tmp_path / place)) is trouble


def test_a_file_that_is_roots_is_a_matter_of_permission(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trouble_of: Callable[..., Trouble]
) -> None:
    """OpenVPN makes its status file with mode 0600: told as such, never as "nobody is connected"."""

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("exporter.vpn.status_files.open_regular", refuse)
    assert trouble_of(lambda: read_settled(tmp_path / "status.log")) is Trouble.PERMISSION


def test_a_pipe_is_refused_at_once(tmp_path: Path, trouble_of: Callable[..., Trouble]) -> None:
    """Waiting for somebody to write into it would hold the looking thread, and the exporter's end, for ever."""
    os.mkfifo(tmp_path / "status.log")
    assert trouble_of(lambda: read_settled(tmp_path / "status.log")) is Trouble.FAILED


# --- management interface --------------------------------------------------------------------------------------------


@contextmanager
def _server(tmp_path: Path, *pieces: str, pause: float = 0.0) -> Iterator[Path]:
    """A management interface that says its pieces once it was asked, then waits for the client to leave."""
    place = tmp_path / "m.sock"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(place))
        listener.listen(1)
        thread = threading.Thread(target=_serve, args=(listener, pieces, pause))
        thread.start()
        yield place
        thread.join(timeout=5)
        assert not thread.is_alive()


def _serve(listener: socket.socket, pieces: tuple[str, ...], pause: float) -> None:
    connection, _ = listener.accept()
    with connection:
        connection.settimeout(5)
        if pieces and pieces[0].startswith(("ENTER", ">INFO")):
            connection.sendall(pieces[0].encode())
        asked = connection.recv(100)
        assert asked == b"status 3\n"
        try:
            for piece in pieces[1:]:
                connection.sendall(piece.encode())
                threading.Event().wait(pause)
        except BrokenPipeError:
            return  # the client has left
        while connection.recv(100):
            pass


HELLO = ">INFO:OpenVPN Management Interface Version 5 -- type 'help' for more info\r\n"


def test_lines_that_come_unasked_are_passed_over(tmp_path: Path) -> None:
    """Before, in the middle of and after the answer, and torn anywhere."""
    text = table(("bandung", 5, 6, 1), ("GT Pasteur, 2", 7, 8, 2), at=NOW).replace("\n", "\r\n")
    text = text.replace("CLIENT_LIST\tGT", ">BYTECOUNT_CLI:1,5,6\r\n>CLIENT:ESTABLISHED,2\r\nCLIENT_LIST\tGT")
    middle = len(text) // 2
    with _server(tmp_path, HELLO, ">LOG:1,,x\r\n" + text[:middle], text[middle:]) as place:
        names = [row.name for row in ask_management(place, timeout_seconds=5).rows]
    assert names == ["bandung", "GT Pasteur, 2"]


def test_a_second_client_waits_no_longer_than_its_time(tmp_path: Path, trouble_of: Callable[..., Trouble]) -> None:
    """The kernel connects it, and no byte comes while another one is served."""
    with _server(tmp_path) as place:
        assert trouble_of(lambda: ask_management(place, timeout_seconds=0.2)) is Trouble.BUSY


def test_a_trickle_does_not_stretch_the_deadline(tmp_path: Path, trouble_of: Callable[..., Trouble]) -> None:
    """One deadline for all of it, not one per piece."""
    with _server(tmp_path, HELLO, *("x" * 100), pause=0.02) as place:
        assert trouble_of(lambda: ask_management(place, timeout_seconds=0.3)) is Trouble.BUSY


@pytest.mark.parametrize(
    ("pieces", "trouble"),
    [
        (("ENTER PASSWORD:",), Trouble.PASSWORD),
        ((HELLO, "ERROR: unknown command\r\n"), Trouble.FORMAT),
        ((HELLO, "OpenVPN STATISTICS\r\nEND\r\n"), Trouble.FORMAT),
    ],
    ids=["password", "error", "client"],
)
def test_an_answer_that_is_no_table(
    pieces: tuple[str, ...], trouble: Trouble, tmp_path: Path, trouble_of: Callable[..., Trouble]
) -> None:
    with _server(tmp_path, *pieces) as place:
        assert trouble_of(lambda: ask_management(place, timeout_seconds=5)) is trouble


@pytest.mark.parametrize("at_once", [True, False])
def test_a_server_that_hangs_up_at_once_does_not_want_us(
    at_once: bool, tmp_path: Path, trouble_of: Callable[..., Trouble]
) -> None:
    """So OpenVPN does to whose primary group is not that of management-client-group, root included."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(tmp_path / "m.sock"))
        listener.listen(1)

        def hang_up() -> None:
            connection, _ = listener.accept()
            if not at_once:
                connection.recv(100)
            connection.close()

        thread = threading.Thread(target=hang_up)
        thread.start()
        assert trouble_of(lambda: ask_management(tmp_path / "m.sock", timeout_seconds=5)) is Trouble.PERMISSION
        thread.join(timeout=5)


def test_nobody_listens(tmp_path: Path, trouble_of: Callable[..., Trouble]) -> None:
    """No socket, a socket that was left behind, a port that is closed."""
    assert trouble_of(lambda: ask_management(tmp_path / "absent")) is Trouble.MISSING
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(tmp_path / "dead"))
    assert trouble_of(lambda: ask_management(tmp_path / "dead")) is Trouble.MISSING
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        place = other.getsockname()
    assert trouble_of(lambda: ask_management(place)) is Trouble.MISSING


# --- wg --------------------------------------------------------------------------------------------------------------


def _fake_wg(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    program = folder / "wg"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")


def test_the_peers_of_an_interface_are_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    line = f"{KEY}\\t{SECRET}\\t(none)\\t10.20.0.2/32\\t0\\t1\\t2\\toff"
    script = f'test "$*" = "show wg0 dump" && printf \'{SECRET}\\t{KEY}\\t51820\\toff\\n{line}\\n\''
    _fake_wg(tmp_path, monkeypatch, script)
    (row,) = show_wireguard("wg0").rows
    assert (row.name, row.received_bytes, row.sent_bytes) == (KEY, 1, 2)


@pytest.mark.parametrize(
    ("said", "trouble"),
    [
        ("Unable to access interface: Operation not permitted", Trouble.PERMISSION),
        ("Unable to access interface: No such device", Trouble.MISSING),
        (f"something else with a {SECRET}", Trouble.FAILED),
    ],
    ids=["permission", "missing", "other"],
)
def test_why_wg_cannot_look(said: str, trouble: Trouble, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By its words; nothing of what it printed is passed on."""
    _fake_wg(tmp_path, monkeypatch, f"echo '{said}' >&2; echo '{SECRET}'; exit 1")
    with pytest.raises(SourceError) as caught:
        show_wireguard("wg0")
    assert caught.value.trouble is trouble
    assert SECRET not in str(caught.value)


def test_without_wg_the_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SourceError, match="wireguard-tools"):
        show_wireguard("wg0")
