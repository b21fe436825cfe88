"""A PostgreSQL server of a test's own: Debian's binaries, a temporary folder, a free port on loopback."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg

if TYPE_CHECKING:
    from collections.abc import Iterator


def programs() -> Path:
    """Return the folder of initdb and postgres: Debian does not put it on the PATH."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if found:
        return found[-1].parent
    on_path = shutil.which("initdb")
    assert on_path is not None, "PostgreSQL is not installed: apt-get install postgresql (.ci/run does)"
    return Path(on_path).resolve().parent


@contextlib.contextmanager
def running_postgresql() -> Iterator[str]:
    """Run a server; give the URL of an empty database. As root it runs as `postgres`: it refuses to be root."""
    root = os.geteuid() == 0
    folder = Path(tempfile.mkdtemp(prefix="alertbridge-pg-"))
    environment = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}
    user = "postgres" if root else pwd.getpwuid(os.geteuid()).pw_name
    if root:
        shutil.chown(folder, "postgres")
    bin_folder, data = programs(), folder / "data"
    try:
        subprocess.run(
            [str(bin_folder / "initdb"), "-D", str(data), "-A", "trust", "-U", "postgres", "--no-sync", "-E", "UTF8"],
            check=True,
            capture_output=True,
            user=user if root else None,
            env=environment,
            cwd=folder,
        )
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            port = int(listener.getsockname()[1])
        server = subprocess.Popen(
            [
                *(str(bin_folder / "postgres"), "-D", str(data), "-p", str(port), "-k", str(folder)),
                *("-c", "listen_addresses=127.0.0.1", "-c", "fsync=off", "-c", "shared_buffers=16MB"),
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            user=user if root else None,
            env=environment,
            cwd=folder,
        )
        try:
            _wait(port, server)
            yield f"postgresql+psycopg://postgres@127.0.0.1:{port}/postgres"
        finally:
            server.terminate()  # smart shutdown would wait for our bridges; they are gone by now
            try:
                server.wait(10)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait(10)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _wait(port: int, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            psycopg.connect(host="127.0.0.1", port=port, user="postgres", dbname="postgres").close()
        except psycopg.OperationalError:
            assert server.poll() is None, "PostgreSQL ended"
            assert time.monotonic() < deadline, "PostgreSQL does not answer"
            time.sleep(0.05)
        else:
            return
