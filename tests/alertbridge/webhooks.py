"""Webhooks as Alertmanager sends them, built for tests."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from typing import Any

ZERO = "0001-01-01T00:00:00Z"


def go_time(moment: datetime) -> str:
    """Return a moment as Go prints it: nanoseconds and Z."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f") + "123Z"


def fingerprint(labels: dict[str, str]) -> str:
    """Return 16 hex digits that depend on all labels."""
    return hashlib.sha256(json.dumps(labels, sort_keys=True).encode()).hexdigest()[:16]


def alert(
    name: str = "VPNTargetDown",
    target: str | None = "jbr-gt-pasteur-1",
    *,
    status: str = "firing",
    severity: str = "critical",
    region: str = "JBR",
    starts_at: datetime | None = None,
    ends_at: datetime | None = None,
    annotations: dict[str, str] | None = None,
    **labels: str,
) -> dict[str, Any]:
    """Return one alert of a webhook."""
    all_labels = {"alertname": name, "severity": severity, "region": region, **labels}
    if target is not None:
        all_labels["target"] = target
    all_labels = {key: value for key, value in all_labels.items() if value}
    ended = (ends_at or datetime.now(UTC)) if status == "resolved" else None
    return {
        "status": status,
        "labels": all_labels,
        "annotations": annotations if annotations is not None else {"summary": f"{name} {target or ''}".strip()},
        "startsAt": go_time(starts_at or datetime.now(UTC)),
        "endsAt": go_time(ended) if ended else ZERO,
        "generatorURL": "http://prometheus:9090/graph?g0.expr=x",
        "fingerprint": fingerprint(all_labels),
    }


def webhook(*alerts: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return a whole webhook, with fields of newer Alertmanagers that must do no harm."""
    firing = any(item["status"] == "firing" for item in alerts)
    return {
        "receiver": "bridge",
        "status": "firing" if firing else "resolved",
        "alerts": list(alerts),
        "groupLabels": {},
        "commonLabels": {},
        "commonAnnotations": {},
        "externalURL": "http://127.0.0.1:9093",
        "version": "4",
        "groupKey": "{}:{}",
        "truncatedAlerts": 0,
        "notification_reason": "first notification",
        "routeLabels": {},
        **more,
    }


def watchdog(status: str = "firing") -> dict[str, Any]:
    """Return the Watchdog alert."""
    return alert("Watchdog", None, status=status, severity="none", region="")
