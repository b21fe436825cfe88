"""The fault table's row of a disk that is really full: a file system of three megabytes, filled to the last byte."""

from __future__ import annotations

import errno
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from tests.alertbridge.fault_rows import compare
from tests.alertbridge.process import Process, serving_peers, write_config
from tests.alertbridge.webhooks import alert

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.botapi.server import BotApi

pytestmark = pytest.mark.privileged
FIRST, SECOND, BEFORE = "site-one", "site-two", "site-before"


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a small file system."""
    folder = tmp_path / "disk"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(folder)], check=True)
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def fill(path: Path) -> None:
    """Write until nothing more fits."""
    with pytest.raises(OSError, match="No space left") as refused, path.open("wb", buffering=0) as file:  # noqa: PT012 - the file is part of it
        while True:
            file.write(b"\0" * 65536)
    assert refused.value.errno == errno.ENOSPC


def test_a_disk_filled_to_the_last_byte_loses_nothing(api: BotApi, disk: Path) -> None:
    """503 while it is full, a message from memory that says so; with room again all is taken, told and noted, once."""
    with serving_peers() as peers:
        write_config(disk, api.url, peers.url)
        for target in (BEFORE, FIRST, SECOND):
            peers.put(target, "down", age_seconds=15)
        bridge = Process(disk, api.token)
        try:
            assert bridge.post(alert(target=BEFORE)) == 200
            api.wait_for(lambda: len(api.messages) == 1)
            fill(disk / "junk")
            # More than the pages that the database has left, and than what the log had room for.
            both = [alert(target=target, annotations={"summary": "x" * 200_000}) for target in (FIRST, SECOND)]
            assert bridge.post(*both) == 503
            api.wait_for(lambda: len(api.messages) == 2, what="the word from memory")
            assert "cannot store alerts" in api.messages[1].text
            assert bridge.post(*both) == 503
            (disk / "junk").unlink()
            deadline = time.monotonic() + 20
            while bridge.post(*both) != 200:
                assert time.monotonic() < deadline, bridge.log
                time.sleep(0.2)
            api.wait_for(lambda: len(api.messages) == 4, seconds=20)
        finally:
            assert bridge.stop() == 0
        again = Process(disk, api.token)  # what was noted is on the disk: nothing is sent anew
        try:
            assert again.post(*both) == 200
        finally:
            assert again.stop() == 0
    told = [BEFORE, FIRST, SECOND]
    compare("disk filled to the last byte: 503, posted again", told, api.messages, twice=0, counted="unavailable")
