"""docs/telegram.md shows reports as the code writes them."""

from __future__ import annotations

from alertbridge.reports_text import is_calm, report_text
from alertbridge.settings import Language
from alertbridge.texts import texts
from tests.alertbridge.samples_reports import PAGE, samples, section
from tests.botapi.markup import parse


def test_the_sample_reports_are_what_the_code_says() -> None:
    """`python -m tests.alertbridge.samples_reports` writes them anew."""
    assert section() in PAGE.read_text(encoding="utf-8")


def test_every_sample_report_is_taken_by_telegram() -> None:
    """In both languages; a calm one is one line, and every first line is short enough for a phone."""
    for report, frame in samples().values():
        for language in Language:
            lines = parse(report_text(report, frame, texts(language)))[0].splitlines()
            assert len(lines[0]) <= 100
            assert (len(lines) == 1) is is_calm(report)
