"""What the exporter's word means for an open incident: every conclusion by its name."""

from __future__ import annotations

from datetime import timedelta

import pytest

from alertbridge.incidents import Incident, Phase, Tell
from alertbridge.truth import Closing, Conclusion, Evidence, Standing, conclude
from tests.alertbridge.test_incidents import NOW, ago, incident, record

JUST = incident(record(ended=5), phase=Phase.CONFIRMING, ended_at=ago(5))
LONG = incident(record(ended=120), phase=Phase.CONFIRMING, ended_at=ago(120))
BLIND = incident(record(ended=120), phase=Phase.NO_DATA, ended_at=ago(120))
FIRES = incident(record(seen=10))
LOST = incident(record(seen=600))


def over(reason: Closing, phase: Phase = Phase.OVER) -> Conclusion:
    """Return a conclusion that closes."""
    return Conclusion(reason=reason, tell=Tell.OVER, phase=phase)


ROWS: tuple[tuple[str, Incident, Evidence, Conclusion], ...] = (
    ("up", JUST, Evidence(standing=Standing.UP), over(Closing.RECOVERED)),
    ("low", JUST, Evidence(standing=Standing.LOW), over(Closing.RECOVERED_LOW)),
    ("still down", LONG, Evidence(standing=Standing.BAD), Conclusion(reason=Closing.STILL_BAD)),
    ("gone, at first", JUST, Evidence(standing=Standing.GONE), Conclusion(reason=Closing.WAITING)),
    ("gone", LONG, Evidence(standing=Standing.GONE), over(Closing.NO_LONGER_MONITORED, Phase.GONE)),
    ("silent, at first", JUST, Evidence(standing=Standing.SILENT), Conclusion(reason=Closing.WAITING)),
    (
        "silent",
        LONG,
        Evidence(standing=Standing.SILENT),
        Conclusion(reason=Closing.NO_DATA, tell=Tell.UPDATE, phase=Phase.NO_DATA),
    ),
    (
        "unknown",
        LONG,
        Evidence(standing=Standing.UNKNOWN),
        Conclusion(reason=Closing.NO_DATA, tell=Tell.UPDATE, phase=Phase.NO_DATA),
    ),
    ("no data is told once", BLIND, Evidence(standing=Standing.UNKNOWN), Conclusion(reason=Closing.WAITING)),
    ("up after no data", BLIND, Evidence(standing=Standing.UP), over(Closing.RECOVERED)),
    (
        "up, but the alert came just now",
        FIRES,
        Evidence(standing=Standing.UP, since=ago(600)),
        Conclusion(reason=Closing.STILL_FIRING),
    ),
    (
        "up for long, the alert unheard",
        LOST,
        Evidence(standing=Standing.UP, since=ago(600)),
        over(Closing.END_UNSEEN),
    ),
    (
        "up for long, but Alertmanager holds the alert",
        LOST,
        Evidence(standing=Standing.UP, since=ago(600), held=True),
        Conclusion(reason=Closing.STILL_FIRING),
    ),
    (
        "up just now",
        LOST,
        Evidence(standing=Standing.UP, since=NOW - timedelta(seconds=5)),
        Conclusion(reason=Closing.STILL_FIRING),
    ),
    ("up since nobody knows when", LOST, Evidence(standing=Standing.UP), Conclusion(reason=Closing.STILL_FIRING)),
    (
        "low, the alert unheard",
        LOST,
        Evidence(standing=Standing.LOW, since=ago(600)),
        Conclusion(reason=Closing.STILL_FIRING),
    ),
    (
        "removed while firing",
        LOST,
        Evidence(standing=Standing.GONE),
        over(Closing.NO_LONGER_MONITORED, Phase.GONE),
    ),
)


@pytest.mark.parametrize(("subject", "evidence", "conclusion"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_each_word_has_its_conclusion(subject: Incident, evidence: Evidence, conclusion: Conclusion) -> None:
    """The table is the specification."""
    assert conclude(subject, evidence, now=NOW) == conclusion


def test_every_closing_has_a_row() -> None:
    """No conclusion goes untested."""
    assert {row[3].reason for row in ROWS} == set(Closing) - {Closing.OVER_ALREADY}  # that is decided at sending


def test_nothing_but_up_or_low_is_told_as_a_recovery() -> None:
    """The claim of the whole file, over all standings and phases."""
    for subject in (JUST, LONG, BLIND, FIRES, LOST):
        for standing in Standing:
            for held in (True, False):
                made = conclude(subject, Evidence(standing=standing, since=ago(600), held=held), now=NOW)
                assert made.phase is not Phase.OVER or standing in {Standing.UP, Standing.LOW}
