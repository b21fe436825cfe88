"""Incidents as the real rules raise them: severity, annotations and delay are read from prometheus/rules.

Only what the templates of those files need is understood: `$labels.NAME`, alone or with `urlquery`. Whatever asks
Prometheus or decides (summary, description, detail) is left out: messages about targets do not show it.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import quote_plus

from alertbridge.incidents import Incident, Phase, Record, level_of, subject_of
from alertbridge.payload import parse_group
from tests.alertbridge.webhooks import alert, webhook
from tests.prometheus.servers import alert_rules

if TYPE_CHECKING:
    from alertbridge.facts import Facts

BEGAN = datetime(2026, 11, 25, 7, 3, 12, tzinfo=UTC)
EVALUATED = timedelta(seconds=4)  # from the state's change to the alert: confirmation, scrape, rule
_LABEL = re.compile(r"\{\{ \$labels\.(\w+)(?: \| (urlquery))? \}\}")
_LINKS = ("runbook_url", "dashboard_url")
_SECONDS = {"s": 1, "m": 60}


@dataclass(frozen=True, slots=True, kw_only=True)
class Raised:
    """What a rule says of one alert."""

    severity: str
    annotations: dict[str, str]
    after: timedelta  # its `for`


def raised(name: str, labels: dict[str, str]) -> Raised:
    """Return what the rule of an alert says; where there are several, the first and worst."""
    rule = next(rule for rule in alert_rules() if rule["alert"] == name)
    after = rule.get("for", "0s")
    return Raised(
        severity=rule["labels"]["severity"],
        annotations={key: _filled(rule["annotations"][key], labels) for key in _LINKS},
        after=timedelta(seconds=int(after[:-1]) * _SECONDS[after[-1]]),
    )


def sample(name: str, facts: Facts, *, number: int = 1, ident: str = "", **annotations: str) -> Incident:
    """Return an open incident.

    Args:
        name: of the alert.
        facts: what the exporter says; its region and gateway are the alert's.
        number: the incident's.
        ident: of the target; of a region its id; nothing for alerts of the monitoring itself.
        annotations: what the rule finds out by asking Prometheus.
    """
    labels = {"region": ident} if name == "VPNRegionDown" else {"region": facts.region, "target": ident}
    if name.startswith("VPNTarget"):
        labels |= {"gateway": facts.gateway, "role": "hub" if facts.cut_off_targets and not facts.gateway else "site"}
    labels = {key: value for key, value in labels.items() if value}
    rule = raised(name, labels)
    starts_at = BEGAN + rule.after + EVALUATED
    posted = alert(
        name,
        labels.get("target"),
        severity=rule.severity,
        region=labels.get("region", ""),
        starts_at=starts_at,
        annotations={**rule.annotations, **annotations},
        gateway=labels.get("gateway", ""),
        role=labels.get("role", ""),
    )
    found = parse_group(json.dumps(webhook(posted)).encode()).alerts[0]
    record = Record(
        fingerprint=str(number),
        starts_at=starts_at,
        ends_at=None,
        seen_at=starts_at,
        labels=found.labels,
        annotations=found.annotations,
    )
    return Incident(
        id=number,
        subject=subject_of(found),
        phase=Phase.OPEN,
        level=level_of(found.labels),
        opened_at=starts_at,
        started_at=starts_at,
        facts=facts,
        records=(record,),
    )


def _filled(template: str, labels: dict[str, str]) -> str:
    """Return a template with labels filled in as Prometheus does."""

    def value(found: re.Match[str]) -> str:
        text = labels.get(found[1], "")
        return quote_plus(text) if found[2] else text

    filled = _LABEL.sub(value, template)
    assert "{{" not in filled, f"a template that is not understood here: {template}"
    return filled
