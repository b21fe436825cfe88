"""Log lines: one per event, in both formats, without secrets."""

from __future__ import annotations

import io
import json
import logging
from typing import TYPE_CHECKING

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from httpservice.logs import _RedactingFormatter, configure, get_logger, redacted

if TYPE_CHECKING:
    from collections.abc import Iterator

TOKEN = '110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw"\\'


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    """Leave the root logger as it was."""
    root = logging.getLogger()
    level = root.level
    yield
    for handler in [known for known in root.handlers if isinstance(known.formatter, _RedactingFormatter)]:
        root.removeHandler(handler)
    root.setLevel(level)


def _lines(fmt: str, level: str = "info") -> io.StringIO:
    stream = io.StringIO()
    configure(level, fmt, redact=lambda: [TOKEN, ""], stream=stream)
    return stream


def test_logfmt_has_time_level_and_event_first() -> None:
    """A line can be read by people and cut by grep."""
    stream = _lines("logfmt")
    get_logger("a.b").warning("delivery failed", incident=7, reason="time out")
    line = stream.getvalue()
    assert line.startswith("timestamp=")
    assert 'level=warning event="delivery failed" logger=a.b incident=7 reason="time out"' in line
    assert line.count("\n") == 1


def test_json_lines_parse() -> None:
    """A collector gets one JSON object per event."""
    stream = _lines("json")
    get_logger("a").info("loaded", targets=3)
    record = json.loads(stream.getvalue())
    assert (record["event"], record["targets"], record["level"], record["logger"]) == ("loaded", 3, "info", "a")


@pytest.mark.parametrize("fmt", ["logfmt", "json"])
def test_no_secret_in_values_foreign_records_or_exceptions(fmt: str) -> None:
    """A token is replaced wherever it appears, also where the format escaped it."""
    stream = _lines(fmt)
    get_logger("a").info("sent", url=f"https://api/bot{TOKEN}/sendMessage")
    logging.getLogger("some.library").warning("POST %s", TOKEN)
    try:
        int(f"bad token {TOKEN}")
    except ValueError:
        get_logger("a").exception("failed")
    text = stream.getvalue()
    assert text.count("\n") == 3
    assert "AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw" not in text
    assert text.count("***") >= 3
    assert "ValueError" in text


def test_info_of_chatty_libraries_is_left_out() -> None:
    """Httpx prints every URL at INFO; uvicorn repeats what we log."""
    stream = _lines("logfmt")
    logging.getLogger("httpx").info("HTTP Request: POST ...")
    logging.getLogger("uvicorn.error").info("Started server process")
    assert stream.getvalue() == ""


def test_configured_twice_logs_once() -> None:
    """The second call replaces the first."""
    _lines("logfmt")
    stream = _lines("logfmt")
    get_logger("a").info("x")
    assert stream.getvalue().count("\n") == 1


def test_a_key_with_spaces_does_not_lose_the_record() -> None:
    """A library's odd key is repaired."""
    stream = _lines("logfmt")
    structlog.get_logger("a").info("x", **{"odd key=": 1})
    assert "odd_key_=1" in stream.getvalue()


@pytest.mark.parametrize(("level", "fmt"), [("loud", "json"), ("info", "xml")])
def test_unknown_level_or_format_is_refused(level: str, fmt: str) -> None:
    """A typing mistake is told, not guessed at."""
    with pytest.raises(ValueError, match="is no log"):
        configure(level, fmt)


@given(st.lists(st.text(min_size=1), max_size=4), st.text())
def test_redacted_text_holds_no_secret(secrets: list[str], text: str) -> None:
    """Whatever the secrets are, none of them is left, unless it is made of stars."""
    clean = redacted(text + "".join(secrets) + text, secrets)
    assert [secret for secret in secrets if secret in clean and not set(secret) <= {"*"}] == []
