"""Who listens on a TCP port of this machine, read from /proc: so that a port in use is named with its process."""

from __future__ import annotations

import contextlib
import socket
from dataclasses import dataclass
from pathlib import Path

_LISTEN = "0A"  # the state column of /proc/net/tcp, see the kernel's Documentation/networking/proc_net_tcp.rst


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """A process that listens. `pid` is None where we may not look (another user's process)."""

    port: int
    pid: int | None
    name: str

    def __str__(self) -> str:
        """Return words for a message."""
        return f"{self.name} (pid {self.pid})" if self.pid else "a process of another user"


def port_is_free(port: int, host: str = "127.0.0.1") -> bool:
    """Tell whether we could listen there now; tried by doing it, so that nothing is guessed."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def listener_on(port: int) -> Listener | None:
    """Return the process that listens on a TCP port; None where nobody does or /proc does not exist."""
    inodes = _listening_inodes(port)
    if not inodes:
        return None
    for folder in Path("/proc").glob("[0-9]*/fd"):
        if inodes.intersection(_links(folder)):
            pid = int(folder.parent.name)
            return Listener(port=port, pid=pid, name=_command(pid))
    return Listener(port=port, pid=None, name="")


def _listening_inodes(port: int) -> set[str]:
    """Return the socket links (`socket:[inode]`) that listen on a port, on any address, IPv4 and IPv6."""
    found: set[str] = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            lines = Path(table).read_text(encoding="ascii").splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            columns = line.split()
            if columns[3] == _LISTEN and int(columns[1].rpartition(":")[2], 16) == port:
                found.add(f"socket:[{columns[9]}]")
    return found


def _links(folder: Path) -> list[str]:
    """Return what a process's descriptors point to; what is gone meanwhile, or not ours to look at, is left out."""
    links: list[str] = []
    with contextlib.suppress(OSError):
        for entry in folder.iterdir():
            with contextlib.suppress(OSError):
                links.append(str(entry.readlink()))
    return links


def _command(pid: int) -> str:
    """Return a process's command name."""
    try:
        return Path(f"/proc/{pid}/comm").read_text(encoding="utf-8").strip()
    except OSError:
        return "a process that has just ended"
