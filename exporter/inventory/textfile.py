"""From the path of targets.yml to its text: every way in which a file cannot be read is told with its remedy."""

from __future__ import annotations

import codecs
from typing import TYPE_CHECKING, Final

from exporter.errors import InventoryError, UnreadableError
from httpservice.mistakes import Mistake
from httpservice.regular import read_regular

if TYPE_CHECKING:
    from pathlib import Path

_UTF16: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def read_text(path: Path, *, wait_for_pipe: bool = False) -> str:
    """Return the file's text, byte order mark and line ends as they are.

    Args:
        path: the file.
        wait_for_pipe: also read a pipe, such as /dev/stdin, to its end. Without it a pipe is refused at once.

    Raises:
        UnreadableError: there is no such file, or it cannot be read.
        InventoryError: it is not UTF-8.
    """
    try:
        raw = path.read_bytes() if wait_for_pipe and path.is_fifo() else read_regular(path)
    except FileNotFoundError as error:
        mistake = _mistake(path, 0, "there is no such file", "name another one with --targets.file or create it")
        raise UnreadableError((mistake,)) from error
    except OSError as error:
        mistake = _mistake(path, 0, f"cannot be read ({error.strerror})", "check the path and who may read it")
        raise UnreadableError((mistake,)) from error
    if raw.startswith(_UTF16):
        raise InventoryError((_mistake(path, 1, "is UTF-16, not UTF-8", 'save it as "UTF-8"'),))
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        problem = f"a byte that is not UTF-8 (0x{raw[error.start]:02X})"
        raise InventoryError((_mistake(path, line, problem, 'save the file as "UTF-8"'),)) from error


def _mistake(path: Path, line: int, problem: str, remedy: str) -> Mistake:
    return Mistake(file=str(path), line=line, path="", value="", problem=problem, remedy=remedy)
