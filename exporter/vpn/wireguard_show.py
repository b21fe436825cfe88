"""Running `wg show IF dump` on this machine: the peers as the kernel, or wireguard-go, sees them now.

Needs CAP_NET_ADMIN (kernel) or root (wireguard-go), in the network namespace of the interface. The output holds the
private key and the pre-shared keys: it lives in one local name, and no error or log line carries any of it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from typing import TYPE_CHECKING, Final

from exporter.vpn.reading import SourceError, Trouble
from exporter.vpn.wireguard_dump import parse_dump

if TYPE_CHECKING:
    from exporter.vpn.reading import Reading

_TIMEOUT_SECONDS: Final = 5.0
# What wg prints after strerror(3), with LC_ALL=C.
_TROUBLES: Final = {
    "Operation not permitted": Trouble.PERMISSION,
    "Permission denied": Trouble.PERMISSION,
    "No such device": Trouble.MISSING,
    "No such file or directory": Trouble.MISSING,
    "Protocol not supported": Trouble.MISSING,
}


def show_wireguard(interface: str) -> Reading:
    """Return the peers of an interface, or of every one for `all`.

    Raises:
        SourceError: wg is not installed, may not look, or knows no such interface.
    """
    program = shutil.which("wg")
    if program is None:
        raise SourceError(Trouble.PROGRAM, "wg is not installed; it comes with the package wireguard-tools")
    try:
        done = subprocess.run(  # noqa: S603 - no shell; the interface's name was checked when targets.yml was read
            [program, "show", interface, "dump"],
            capture_output=True,
            check=False,
            timeout=_TIMEOUT_SECONDS,
            stdin=subprocess.DEVNULL,
            env={**os.environ, "LC_ALL": "C"},
        )
    except subprocess.TimeoutExpired:
        raise SourceError(Trouble.BUSY, f"wg show {interface} did not end") from None
    except OSError as error:
        raise SourceError(Trouble.FAILED, f"wg cannot be run: {error.strerror}") from None
    if done.returncode != 0:
        said = done.stderr.decode("utf-8", errors="replace").strip().rpartition(": ")[2]
        raise SourceError(_TROUBLES.get(said, Trouble.FAILED), f"wg show {interface} ended with code {done.returncode}")
    return parse_dump(done.stdout.decode("ascii", errors="replace"), at=time.time())
