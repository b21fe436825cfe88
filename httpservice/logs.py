"""Logging of both daemons: structlog over the standard library, one line per event on stderr, secrets replaced by ***.

Everything goes through one handler: our own events, uvicorn, httpx and any other library. Redaction happens on the
finished line, so exception texts and libraries that print a URL with a token in it are covered too.
"""

from __future__ import annotations

import json
import logging
import sys
from typing import TYPE_CHECKING, Any, TextIO

import structlog

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, MutableMapping

STARS = "***"

# Libraries whose INFO lines repeat what we log ourselves, or print URLs that hold a token.
_CHATTY = ("httpx", "httpcore", "urllib3", "asyncio", "uvicorn.error", "uvicorn.access", "telegram", "sqlalchemy")

_SHARED: tuple[Any, ...] = (
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
)

# Set on import, so that a logger used before `configure` (or in a test) still goes to the standard library.
structlog.configure(
    processors=[
        structlog.stdlib.filter_by_level,
        *_SHARED,
        structlog.processors.StackInfoRenderer(),
        structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
    ],
    wrapper_class=structlog.stdlib.BoundLogger,
    logger_factory=structlog.stdlib.LoggerFactory(),
    cache_logger_on_first_use=False,
)


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    """Return the logger of a module; events are constant texts with key-value pairs."""
    return structlog.stdlib.get_logger(name)


def configure(
    level: str,
    fmt: str,
    *,
    redact: Callable[[], Iterable[str]] | Iterable[str] = (),
    stream: TextIO | None = None,
) -> None:
    """Send every log record to stderr in one format. May be called again; the last call holds.

    Args:
        level: debug, info, warning or error.
        fmt: "logfmt" for people and grep, "json" for collectors.
        redact: secrets that must never be printed; a callable is asked for each record, so that a secret read later
            (a token file that changed) is covered too.
        stream: where lines go; None: stderr.

    Raises:
        ValueError: level or format is none of those named.
    """
    number = logging.getLevelNamesMapping().get(level.upper())
    if number is None:
        raise ValueError(f"{level!r} is no log level; use debug, info, warning or error")
    if fmt not in {"logfmt", "json"}:
        raise ValueError(f"{fmt!r} is no log format; use logfmt or json")
    renderer: Any = structlog.processors.JSONRenderer(ensure_ascii=False, default=str) if fmt == "json" else _logfmt
    secrets = redact if callable(redact) else _constant(tuple(redact))
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(_RedactingFormatter(renderer, secrets))
    root = logging.getLogger()
    for old in [known for known in root.handlers if isinstance(known.formatter, _RedactingFormatter)]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(number)
    for name in _CHATTY:
        logging.getLogger(name).setLevel(logging.DEBUG if number <= logging.DEBUG else logging.WARNING)


def _constant(secrets: tuple[str, ...]) -> Callable[[], Iterable[str]]:
    """Return a callable that always gives the same secrets."""
    return lambda: secrets


def _logfmt(logger: Any, method: str, event: MutableMapping[str, Any]) -> str:
    """Render one event as key=value pairs, time, level and event first."""
    # logfmt forbids spaces and quotes in keys; one bad key of a library must not lose the record.
    clean = {"".join(c if c.isprintable() and c not in ' ="' else "_" for c in key): event[key] for key in event}
    return _LOGFMT(logger, method, clean)


_LOGFMT = structlog.processors.LogfmtRenderer(
    key_order=["timestamp", "level", "event", "logger"], drop_missing=True, bool_as_flag=False
)


class _RedactingFormatter(structlog.stdlib.ProcessorFormatter):
    """Renders one record, then replaces each secret in the finished text."""

    def __init__(self, renderer: Any, secrets: Callable[[], Iterable[str]]) -> None:
        super().__init__(
            foreign_pre_chain=[*_SHARED, structlog.stdlib.ExtraAdder(allow=())],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                renderer,
            ],
        )
        self._secrets = secrets

    def format(self, record: logging.LogRecord) -> str:
        """Return the line without its secrets."""
        return redacted(super().format(record), self._secrets())


def redacted(text: str, secrets: Iterable[str]) -> str:
    """Return the text with each secret replaced by ***, also where JSON or logfmt escaped it."""
    # Longest first: a secret that contains another must not leave its tail behind.
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        for form in (secret, json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]):
            text = text.replace(form, STARS)
    return text
