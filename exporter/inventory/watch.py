"""targets.yml changing is a reload by itself: told within three seconds, and by nobody's word.

Nobody asked for it, so reloading.py holds one that would remove much: an editor saves halves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from httpservice.filewatch import watch_file

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

INTERVAL_SECONDS: Final = 2.0  # with the time that the file must lie still: an edit is in force within 3 s


def watch_targets(path: Path) -> AsyncIterator[None]:
    """Return an iterator that yields once for each change of the file's content, for ever."""
    return watch_file(path, interval_seconds=INTERVAL_SECONDS)
