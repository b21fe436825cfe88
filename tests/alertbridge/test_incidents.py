"""What an alert means for a known incident: every decision by its name."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest

from alertbridge.facts import Facts
from alertbridge.incidents import Decision, Incident, Level, Phase, Reason, Record, Tell, decide, subject_of
from alertbridge.payload import Alert, AlertStatus

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
LABELS = {"alertname": "VPNTargetDown", "target": "t", "region": "JBR", "severity": "critical"}


def ago(seconds: float) -> datetime:
    """Return a moment before NOW."""
    return NOW - timedelta(seconds=seconds)


def alert(status: str = "firing", *, started: float = 1, ended: float | None = None, **labels: str) -> Alert:
    """Return an alert that started `started` seconds ago."""
    return Alert(
        status=AlertStatus(status),
        fingerprint=labels.get("fingerprint", "f"),
        starts_at=ago(started),
        ends_at=ago(ended) if ended is not None else None,
        labels=LABELS | labels,
    )


def record(*, started: float = 600, ended: float | None = None, seen: float = 600, **labels: str) -> Record:
    """Return a stored alert."""
    return Record(
        fingerprint=labels.get("fingerprint", "f"),
        starts_at=ago(started),
        ends_at=ago(ended) if ended is not None else None,
        seen_at=ago(seen),
        labels=LABELS | labels,
        annotations={},
    )


def incident(*records: Record, phase: Phase = Phase.OPEN, level: Level = Level.CRITICAL, **more: object) -> Incident:
    """Return an incident that was told 600 s ago."""
    base = Incident(
        id=1,
        subject="target:t",
        phase=phase,
        level=level,
        opened_at=ago(600),
        started_at=ago(600),
        told_at=ago(600),
        records=records,
    )
    return replace(base, **more)  # type: ignore[arg-type] # the test's own keywords


@dataclass(frozen=True, slots=True)
class Case:
    """One row: what is known, what comes, what is decided."""

    id: str
    incident: Incident | None
    known: Record | None
    alert: Alert
    decision: Decision


OLD = record()
ENDED = record(ended=300)
CASES = (
    Case("first", None, None, alert(), Decision(reason=Reason.NEW, tell=Tell.OPEN, phase=Phase.OPEN)),
    Case(
        "again after the flap window",
        incident(ENDED, phase=Phase.OVER, closed_at=ago(7200)),
        ENDED,
        alert(),
        Decision(reason=Reason.NEW, tell=Tell.OPEN, phase=Phase.OPEN),
    ),
    Case(
        "again within the flap window",
        incident(ENDED, phase=Phase.OVER, closed_at=ago(200)),
        ENDED,
        alert(),
        Decision(reason=Reason.REOPENED, tell=Tell.WORSE, phase=Phase.OPEN),
    ),
    Case(
        "again and again",
        incident(ENDED, phase=Phase.OVER, closed_at=ago(200), reopenings=3),
        ENDED,
        alert(),
        Decision(reason=Reason.FLAPPING, tell=Tell.UPDATE, phase=Phase.OPEN),
    ),
    Case(
        "low after back but low",
        incident(ENDED, phase=Phase.OVER, closed_at=ago(20), facts=Facts(state="low")),
        None,
        alert(alertname="VPNTargetLow", severity="warning", fingerprint="g"),
        Decision(reason=Reason.STILL_LOW, tell=Tell.UPDATE, phase=Phase.OPEN),
    ),
    Case(
        "low becomes down",
        incident(record(severity="warning"), level=Level.WARNING),
        None,
        alert(fingerprint="g"),
        Decision(reason=Reason.WORSE, tell=Tell.WORSE, phase=Phase.OPEN),
    ),
    Case(
        "what somebody has taken as low becomes down",
        incident(record(severity="warning"), level=Level.WARNING, acknowledged_by="Budi"),
        None,
        alert(fingerprint="g"),
        Decision(reason=Reason.WORSE_THAN_TAKEN, tell=Tell.WORSE, phase=Phase.OPEN),
    ),
    Case(
        "flapping joins down",
        incident(OLD),
        None,
        alert(severity="warning", fingerprint="g"),
        Decision(reason=Reason.JOINED, tell=Tell.UPDATE, phase=Phase.OPEN),
    ),
    Case(
        "sent again at once",
        incident(record(seen=5)),
        record(seen=5),
        alert(started=600),
        Decision(reason=Reason.RESENT),
    ),
    Case(
        "sent again before it was told",
        incident(OLD, told_at=None),
        OLD,
        alert(started=600),
        Decision(reason=Reason.RESENT),
    ),
    Case(
        "the other of a pair of Prometheus, two seconds apart",
        incident(record(seen=5)),
        record(seen=5),
        alert(started=598),
        Decision(reason=Reason.RESENT),
    ),
    Case(
        "newer start while open",
        incident(OLD),
        OLD,
        alert(started=2),
        Decision(reason=Reason.FLAPPED, tell=Tell.UPDATE, phase=Phase.OPEN),
    ),
    Case(
        "repeat of a critical",
        incident(record(seen=14400), told_at=ago(14400)),
        record(seen=14400),
        alert(started=600),
        Decision(reason=Reason.REPEATED, tell=Tell.REMIND),
    ),
    Case(
        "repeat of a warning",
        incident(record(seen=14400, severity="warning"), level=Level.WARNING, told_at=ago(14400)),
        record(seen=14400),
        alert(started=600, severity="warning"),
        Decision(reason=Reason.REPEATED, tell=Tell.UPDATE),
    ),
    Case(
        "repeat of what somebody has taken",
        incident(record(seen=14400), told_at=ago(14400), acknowledged_by="Budi"),
        record(seen=14400),
        alert(started=600),
        Decision(reason=Reason.ACKNOWLEDGED, tell=Tell.UPDATE),
    ),
    Case(
        "fires again before its end was confirmed",
        incident(record(ended=10), phase=Phase.CONFIRMING),
        record(ended=10),
        alert(started=2),
        Decision(reason=Reason.CAME_BACK, tell=Tell.UPDATE, phase=Phase.OPEN),
    ),
    Case(
        "a frozen Prometheus fires on with its old start",
        incident(record(ended=30), phase=Phase.NO_DATA),
        record(ended=30),
        alert(started=600),
        Decision(reason=Reason.CAME_BACK, tell=Tell.UPDATE, phase=Phase.OPEN),
    ),
    Case(
        "firing after resolved from a late peer",
        incident(record(ended=20, seen=20), phase=Phase.OVER, closed_at=ago(15)),
        record(ended=20, seen=20),
        alert(started=600),
        Decision(reason=Reason.LATE_DUPLICATE, remember=False),
    ),
    Case(
        "resolved before firing",
        None,
        record(ended=5, seen=5),
        alert(started=600),
        Decision(reason=Reason.LATE_DUPLICATE, remember=False),
    ),
    Case(
        "the last one ends",
        incident(OLD),
        OLD,
        alert("resolved", started=600, ended=1),
        Decision(reason=Reason.CONFIRM, phase=Phase.CONFIRMING),
    ),
    Case(
        "one of two ends",
        incident(OLD, record(fingerprint="g")),
        OLD,
        alert("resolved", started=600, ended=1),
        Decision(reason=Reason.ENDED, tell=Tell.UPDATE),
    ),
    Case(
        "ended twice",
        incident(ENDED, phase=Phase.CONFIRMING),
        ENDED,
        alert("resolved", started=600, ended=300),
        Decision(reason=Reason.ENDED_ALREADY, remember=False),
    ),
    Case(
        "resolved, never told",
        None,
        None,
        alert("resolved", started=600, ended=1),
        Decision(reason=Reason.RESOLVED_UNKNOWN),
    ),
    Case(
        "the end of an earlier episode",
        incident(record(started=10, seen=10)),
        record(started=10, seen=10),
        alert("resolved", started=600, ended=300),
        Decision(reason=Reason.RESOLVED_OLD, remember=False),
    ),
)


@pytest.mark.parametrize("case", CASES, ids=[case.id for case in CASES])
def test_each_alert_has_its_decision(case: Case) -> None:
    """The table is the specification; every reason has a row."""
    assert decide(case.incident, case.known, case.alert, now=NOW) == case.decision


def test_every_reason_has_a_row() -> None:
    """No decision goes untested."""
    assert {case.decision.reason for case in CASES} == set(Reason)


@pytest.mark.parametrize(
    ("labels", "subject"),
    [
        ({"alertname": "VPNTargetDown", "target": "a", "region": "R"}, "target:a"),
        ({"alertname": "VPNTargetLow", "target": "a", "region": "R"}, "target:a"),
        ({"alertname": "VPNRegionDown", "region": "R"}, "region:R"),
        ({"alertname": "VPNRegionSLOBurn", "region": "R"}, "alert:f"),
        ({"alertname": "Mine", "target": "a"}, "alert:f"),
        ({}, "alert:f"),
    ],
)
def test_what_an_alert_is_about(labels: dict[str, str], subject: str) -> None:
    """Alerts of one target or region share an incident; everything else is its own."""
    made = Alert(status=AlertStatus.FIRING, fingerprint="f", starts_at=NOW, ends_at=None, labels=labels)
    assert subject_of(made) == subject
