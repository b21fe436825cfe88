"""Sample reports in both languages: docs/telegram.md shows them, a test holds them to the code.

`python -m tests.alertbridge.samples_reports` writes them into the page.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from alertbridge.markup import plain
from alertbridge.outages import Outages, Trouble
from alertbridge.reports import Report, Spans
from alertbridge.reports_text import Frame, report_text
from alertbridge.settings import Language
from alertbridge.texts import texts

PAGE = Path(__file__).resolve().parents[2] / "docs" / "telegram.md"
BEGIN, END = "<!-- reports begin -->", "<!-- reports end -->"
SEVEN = datetime(2026, 11, 25, 0, 0, tzinfo=UTC)  # 07:00 WIB
MINUTE, HOUR = 60.0, 3600.0
NONE = Outages(count=0, cut_off=0, lost_seconds=0.0, longest_seconds=0.0, worst=())
WORST = (
    Trouble(name="Bandung hub", count=1, seconds=6 * MINUTE, behind=37),
    Trouble(name="GT Pasteur 1", count=3, seconds=2 * HOUR + 5 * MINUTE),
    Trouble(name="Parkir Dago", count=1, seconds=48 * MINUTE),
    Trouble(name="GT Baros 2", count=6, seconds=31 * MINUTE),
    Trouble(name="GT Cileunyi", count=1, seconds=4 * MINUTE + 10),
)
DAY = Report(
    spans=Spans.until(SEVEN, timedelta(days=1)),
    regions=("JBR",),
    availability=0.99871,
    availability_before=0.99954,
    known_ratio=1.0,
    lowest=(),
    outages=Outages(
        count=12, cut_off=37, lost_seconds=7 * HOUR + 16 * MINUTE, longest_seconds=82 * MINUTE, worst=WORST
    ),
    outages_before=Outages(count=7, cut_off=0, lost_seconds=79 * MINUTE, longest_seconds=HOUR, worst=()),
)
CALM = replace(DAY, availability=1.0, outages=NONE)
WEEK = replace(
    DAY,
    spans=Spans.until(SEVEN, timedelta(days=7)),
    regions=("JBR", "BTN", "BALI", "JTG", "JTM"),
    availability_before=None,
    known_ratio=0.5,
    lowest=(("JTM", 0.9921), ("JBR", 0.9987), ("BALI", 0.99993)),
    outages_before=None,
)
ALONE = replace(DAY, outages=None, outages_before=None, unanswered=("exporter",))
FRAME = Frame(kind="daily", places=("Jawa Barat",), grafana_url="https://monitor.example/grafana")


def samples() -> dict[str, tuple[Report, Frame]]:
    """Return what it is -> report and what stands around it."""
    many = ("Jawa Barat", "Banten", "Bali", "Jawa Tengah", "Jawa Timur")
    names = {"JTM": "Jawa Timur", "JBR": "Jawa Barat", "BALI": "Bali"}
    return {
        "Every morning, to a chat whose routes name one region (silent)": (DAY, FRAME),
        "A day without trouble": (CALM, FRAME),
        "The first week of a new installation, five regions": (
            WEEK,
            replace(FRAME, kind="weekly", places=many, names=names),
        ),
        "The bridge was off at seven, and the exporter does not answer": (ALONE, replace(FRAME, late=True)),
        "`/report 24h`": (
            replace(DAY, regions=(), availability=0.99976),
            replace(FRAME, kind="24h", places=(), grafana_url=None, asked=True),
        ),
    }


def section() -> str:
    """Return the part of the page between its marks."""
    lines = [BEGIN]
    for title, (report, frame) in samples().items():
        lines += ["", f"**{title}**"]
        for language in (Language.ID, Language.EN):
            lines += ["", "```text", plain(report_text(report, frame, texts(language))), "```"]
    return "\n".join([*lines, "", END])


def main() -> None:
    """Write the samples into the page."""
    text = PAGE.read_text(encoding="utf-8")
    head, _, rest = text.partition(BEGIN)
    PAGE.write_text(head + section() + rest.partition(END)[2], encoding="utf-8")


if __name__ == "__main__":
    main()
