"""A network namespace of our own: commands in it, and Python calls in it (HTTP to servers that listen inside)."""

from __future__ import annotations

import ctypes
import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ParamSpec, Self, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import TracebackType

_CLONE_NEWNET = 0x40000000  # sched.h
_P = ParamSpec("_P")
_R = TypeVar("_R")


def ip(*arguments: str) -> None:
    """Run iproute2's ip; its error text becomes the exception's."""
    done = subprocess.run(["ip", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"ip {' '.join(arguments)}: {done.stderr.strip()}")


@dataclass(frozen=True, slots=True)
class Result:
    """What a command printed."""

    code: int
    out: str


class Namespace:
    """`with Namespace("noc") as noc:`; the real name carries our pid, so that runs do not meet."""

    def __init__(self, name: str) -> None:
        self.name = f"{name}-{os.getpid()}"
        self._started: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Self:
        """Make the namespace; its loopback is up."""
        ip("netns", "add", self.name)
        ip("-n", self.name, "link", "set", "lo", "up")
        self._pool = ThreadPoolExecutor(max_workers=2, initializer=self._enter_thread, thread_name_prefix=self.name)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Kill what still runs inside and remove the namespace."""
        self._pool.shutdown()
        pids = subprocess.run(["ip", "netns", "pids", self.name], capture_output=True, text=True, check=False)
        for pid in pids.stdout.split():
            subprocess.run(["kill", "-9", pid], check=False)
        for process in self._started:
            process.wait(timeout=10)
        ip("netns", "del", self.name)

    def _enter_thread(self) -> None:
        """Move the calling thread, and only it, into the namespace (setns(2); os.setns needs Python 3.12)."""
        fd = os.open(f"/var/run/netns/{self.name}", os.O_RDONLY)
        try:
            if ctypes.CDLL(None, use_errno=True).setns(fd, _CLONE_NEWNET):
                number = ctypes.get_errno()
                raise OSError(number, os.strerror(number))
        finally:
            os.close(fd)

    def call(self, function: Callable[_P, _R], *args: _P.args, **kwargs: _P.kwargs) -> _R:
        """Run a Python function in a thread that lives in the namespace and return its result."""
        return self._pool.submit(function, *args, **kwargs).result()

    def run(self, *command: str, check: bool = True) -> Result:
        """Run a command in the namespace to its end."""
        done = subprocess.run(self.command(command), capture_output=True, text=True, check=False)
        if check and done.returncode:
            raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip() or done.stdout.strip()}")
        return Result(done.returncode, done.stdout)

    def start(self, *command: str, log: Path, env: dict[str, str] | None = None) -> subprocess.Popen[bytes]:
        """Start a command in the namespace; its output goes to a file."""
        with log.open("ab") as file:
            process = subprocess.Popen(
                self.command(command),
                stdout=file,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                env={**os.environ, **(env or {})},
                cwd=Path(__file__).parents[2],
            )
        self._started.append(process)
        return process

    def command(self, command: Sequence[str]) -> list[str]:
        """Return the command line that runs a command inside."""
        return ["ip", "netns", "exec", self.name, *command]


def join(one: Namespace, address_one: str, other: Namespace, address_other: str) -> None:
    """Join two namespaces by a cable (veth) with an address (with prefix length) at each end."""
    number = os.getpid()
    ends = (f"va{number}", f"vb{number}")
    ip("link", "add", ends[0], "netns", one.name, "type", "veth", "peer", "name", ends[1], "netns", other.name)
    for space, device, address in ((one, ends[0], address_one), (other, ends[1], address_other)):
        ip("-n", space.name, "addr", "add", address, "dev", device)
        ip("-n", space.name, "link", "set", device, "up")
