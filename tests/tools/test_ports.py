"""A port in use is named with its process."""

from __future__ import annotations

import os
import socket
import subprocess
import sys

from tools.ports import listener_on, port_is_free
from tools.run import Service, ports_in_use


def test_our_own_listener_is_found_with_its_pid() -> None:
    """The process that holds a port is named, so that the remedy can be."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        found = listener_on(port)
        assert found is not None
        assert found.pid == os.getpid()
        assert not port_is_free(port)
        service = Service(name="exporter", port=port, ready_path="/", what="status page")
        (sentence,) = ports_in_use((service,))
        assert sentence.startswith(f"port {port} for exporter is in use by ")
        assert f"stop it (kill {os.getpid()})" in sentence
    assert listener_on(port) is None
    assert port_is_free(port)


def test_a_port_in_use_stops_the_run_before_anything_starts() -> None:
    """`make run` names the port, the process and the remedy, and exits with 3 (cannot run)."""
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            holder.bind(("127.0.0.1", 9093))
            holder.listen()
        except OSError:
            pass  # somebody runs the stack here: the port is in use all the same
        command = [sys.executable, "-m", "tools.run", "--demo"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 3
    assert "port 9093 for alertmanager is in use by " in done.stderr
    assert "then try again" in done.stderr
