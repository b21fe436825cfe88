"""The bridge's log lines as a test reads them."""

from __future__ import annotations

import contextlib
import json
from io import StringIO
from typing import TYPE_CHECKING, Any

from httpservice import logs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator


class Logged:
    """What has been logged so far."""

    def __init__(self, stream: StringIO) -> None:
        self._stream = stream

    @property
    def text(self) -> str:
        """Everything, as it would stand in a file."""
        return self._stream.getvalue()

    def events(self, *names: str) -> list[dict[str, Any]]:
        """Return the lines of some events, in order."""
        lines = [json.loads(line) for line in self.text.splitlines()]
        return [line for line in lines if line.get("event") in names]


@contextlib.contextmanager
def logging_to(redact: Callable[[], Iterable[str]], level: str = "info") -> Iterator[Logged]:
    """Collect log lines while the block runs."""
    stream = StringIO()
    logs.configure(level, "json", redact=redact, stream=stream)
    try:
        yield Logged(stream)
    finally:
        logs.configure("info", "logfmt")
