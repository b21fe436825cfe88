"""Incidents built for tests of messages: what they show is read as Telegram reads it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from alertbridge import markup
from alertbridge.facts import Facts
from alertbridge.incidents import Incident, Level, Phase, Record
from tests.botapi.markup import parse, utf16

NOW = datetime(2026, 11, 25, 7, 3, 24, tzinfo=UTC)


def incident(
    *,
    name: str = "VPNTargetDown",
    target: str = "jbr-gt-pasteur-1",
    phase: Phase = Phase.OPEN,
    facts: Facts | None = None,
    severity: str = "critical",
    annotations: dict[str, str] | None = None,
    ident: int = 1,
    **labels: str,
) -> Incident:
    """Return an incident that started at 14:03:12 WIB and, where it is over, ended at NOW."""
    started = datetime(2026, 11, 25, 7, 3, 16, tzinfo=UTC)
    over = phase.closed or phase in {Phase.CONFIRMING, Phase.NO_DATA}
    record = Record(
        fingerprint="f",
        starts_at=started,
        ends_at=NOW if over else None,
        seen_at=started,
        labels={"alertname": name, "target": target, "region": "JBR", "severity": severity} | labels,
        annotations=annotations or {},
    )
    return Incident(
        id=ident,
        subject=f"target:{target}" if name.startswith("VPNTarget") else "alert:f",
        phase=phase,
        level=Level.CRITICAL if severity == "critical" else Level.WARNING,
        opened_at=started,
        started_at=started,
        ended_at=NOW if over else None,
        closed_at=NOW if phase.closed else None,
        facts=facts or DOWN,
        records=(record,),
    )


DOWN = Facts(
    name="GT Pasteur 1",
    region="JBR",
    region_name="Jawa Barat",
    timezone="Asia/Jakarta",
    address="10.20.1.11",
    gateway="jbr-hub",
    state="down",
    state_since="2026-11-25T07:03:12Z",
    bad_since="2026-11-25T07:03:12Z",
    outage=True,
    cause="device",
    cut_off_targets=4,
    loss_ratio=1.0,
)


def check(text: str, limit: int = markup.LIMIT) -> str:
    """Return the text as Telegram parses it; fails where Telegram would refuse it."""
    parsed, _ = parse(text)
    assert utf16(parsed) <= limit
    assert parsed.strip()
    return parsed


def monitor(name: str, severity: str, *, over: bool = False) -> Incident:
    """Return an incident of the monitoring itself; over: it fired at 14:03:16 and ended at 14:04:50."""
    made = incident(name=name, facts=Facts(), annotations={"summary": "English summary"})
    end = NOW + timedelta(seconds=86)
    records = tuple(
        replace(r, labels={"alertname": name, "severity": severity}, ends_at=end if over else None)
        for r in made.records
    )
    found = replace(made, subject="alert:0123", records=records)
    return replace(found, phase=Phase.OVER, ended_at=end, closed_at=end) if over else found
