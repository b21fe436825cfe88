"""Signals to a bridge that is still starting: Ctrl-C leaves no traceback, a reload does not end it."""

from __future__ import annotations

import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

# Sends itself the signal at the first import of the bridge's life cycle, which takes longest of the whole start.
PROGRAM = """
import os, signal, sys
from importlib.abc import MetaPathFinder

number = int(sys.argv.pop(1))

class Signalling(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name == "alertbridge.app":
            sys.meta_path.remove(self)
            os.kill(os.getpid(), number)
        return None

sys.meta_path.insert(0, Signalling())
from alertbridge.cli import main
main(prog_name="alertbridge")
"""


def start(folder: Path, number: signal.Signals, address: str) -> subprocess.CompletedProcess[str]:
    """Run a bridge that gets a signal while it starts."""
    (folder / "a.yml").write_text("version: 1\n", encoding="utf-8")
    arguments = ["serve", "--config.file", "a.yml", "--data.dir", "data", "--web.listen-address", address]
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, str(int(number)), *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_at_once_and_without_a_traceback(tmp_path: Path, number: signal.Signals) -> None:
    """By the signal, as a shell expects."""
    done = start(tmp_path, number, "127.0.0.1:0")
    assert (done.returncode, done.stdout, done.stderr) == (-number, "", "")


def test_a_reload_does_not_end_it(tmp_path: Path) -> None:
    """The file is about to be read anyway: it goes on, here up to an address that it refuses."""
    done = start(tmp_path, signal.SIGHUP, "nowhere")
    assert (done.returncode, "is no listen address" in done.stderr) == (3, True)
