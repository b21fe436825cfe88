"""A data folder has one daemon of a kind."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from httpservice.datadir import sole_user
from httpservice.errors import DataDirError

if TYPE_CHECKING:
    from pathlib import Path

HOLD = "import sys\nfrom pathlib import Path\nfrom httpservice.datadir import sole_user\n"
HOLD += "with sole_user(Path(sys.argv[1]), 'exporter'):\n    print('held', flush=True)\n    sys.stdin.read()\n"


def test_a_second_daemon_is_refused_by_name_and_pid(tmp_path: Path) -> None:
    """It names who holds the folder and what to do; another kind of daemon may share the folder."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        refused = rf"another exporter \(pid {holder.pid}\) uses .*--data\.dir"
        with pytest.raises(DataDirError, match=refused), sole_user(tmp_path, "exporter"):
            pass
        with sole_user(tmp_path, "alertbridge"):
            pass
        holder.kill()
        holder.wait()
    with sole_user(tmp_path, "exporter"):
        assert (tmp_path / "exporter.lock").read_text() == f"{os.getpid()}\n"


def test_a_folder_that_cannot_be_made_says_so(tmp_path: Path) -> None:
    """A file in the way of the folder is a clear error, not a traceback."""
    (tmp_path / "file").write_text("")
    with pytest.raises(DataDirError, match="cannot be written"), sole_user(tmp_path / "file" / "data", "exporter"):
        pass
