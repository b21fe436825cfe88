"""How a program that was unpacked, not installed, finds the data files of its own package.

Debian's builds of Prometheus and Alertmanager read their templates from folders below /usr/share. Prometheus has a flag
for it; Alertmanager has none and refuses to start without them. Its folder stands in the program as a text of fixed
length, so it can be exchanged for another of that length: a file descriptor that a small script opens before it becomes
the program. That needs no root, no name space and no file outside of our own folder (docs/decisions/0100).
"""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_DESCRIPTOR = 9  # the highest that every POSIX shell can redirect


def script(path: Path, *, program: Path, flags: tuple[str, ...] = (), data: Path | None = None) -> None:
    """Write a script that becomes a program.

    Args:
        path: the script.
        program: what it becomes, by exec: the process id stays.
        flags: put before those that the caller gives.
        data: a folder to hold open as the file descriptor that `point_at_descriptor` wrote into the program.
    """
    lines = ["#!/bin/sh"]
    if data is not None:
        lines.append(f"exec {_DESCRIPTOR}<{shlex.quote(str(data))} || exit 3")
    lines.append(f'exec {shlex.join([str(program), *flags])} "$@"')
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([*lines, ""]), encoding="utf-8")
    path.chmod(0o755)


def point_at_descriptor(program: Path, folder: str) -> None:
    """Exchange a folder's name inside a program for the open file descriptor that stands for it.

    Args:
        program: changed in place.
        folder: the absolute name that was compiled in, at least as long as the descriptor's.

    Raises:
        ValueError: the name is not in the program, or too short.
    """
    before = folder.encode()
    # Slashes at the end mean nothing to the kernel, and keep the length: strings of Go carry theirs elsewhere.
    after = f"/proc/self/fd/{_DESCRIPTOR}".encode().ljust(len(before), b"/")
    content = program.read_bytes()
    if len(after) != len(before) or before not in content:
        raise ValueError(f"{program.name} does not read {folder}, or that name is too short to be exchanged")
    program.write_bytes(content.replace(before, after))
