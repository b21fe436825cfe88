"""Webhook JSON -> AlertGroup and Alert: tolerant of new fields, strict on used ones (Alertmanager, version 4).

`groupKey` is not read: it changes when somebody edits the route tree. Texts are cleaned of what neither the database
nor Telegram can hold (lone surrogates, NUL).
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from alertbridge.errors import PayloadError

if TYPE_CHECKING:
    from collections.abc import Mapping

_FRACTION = re.compile(r"(\.\d{1,6})\d*")  # Go prints up to nine digits; Python reads six
_NEVER = 1  # year of Go's zero time, which stands for "not ended"


class AlertStatus(StrEnum):
    """What Alertmanager says of an alert; the value is the `status` label of `alertbridge_alerts_received_total`."""

    FIRING = "firing"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One alert of a webhook. `starts_at` is when the rule fired, not when the target fell."""

    status: AlertStatus
    fingerprint: str  # hash of all labels: the same from every Alertmanager
    starts_at: datetime
    ends_at: datetime | None  # None: still firing
    labels: Mapping[str, str]
    annotations: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The alert's name; empty for an alert without one."""
        return self.labels.get("alertname", "")


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertGroup:
    """One webhook."""

    receiver: str
    alerts: tuple[Alert, ...]
    truncated: int = 0  # alerts that `max_alerts` cut off: ask Alertmanager for them


def parse_group(body: bytes) -> AlertGroup:
    """Return the webhook that a request body holds.

    Raises:
        PayloadError: it holds none; the text names the path and the trouble.
    """
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise PayloadError(f"the body is no JSON: {error}") from error
    top = _mapping(document, "body")
    version = top.get("version")
    if version != "4":
        raise PayloadError(f'version is {json.dumps(version)[:40]}, not "4"; use a webhook_config without `payload`')
    alerts = top.get("alerts")
    if not isinstance(alerts, list):
        raise PayloadError("alerts is no list")
    truncated = top.get("truncatedAlerts", 0)
    return AlertGroup(
        receiver=_text(top.get("receiver", ""), "receiver"),
        alerts=tuple(parse_alert(alert, f"alerts[{index}]") for index, alert in enumerate(alerts)),
        truncated=truncated if isinstance(truncated, int) and truncated > 0 else 0,
    )


def parse_alert(document: Any, path: str) -> Alert:
    """Return one alert of the webhook.

    Raises:
        PayloadError: a field that we use is missing or wrong.
    """
    item = _mapping(document, path)
    try:
        status = AlertStatus(str(item.get("status")))
    except ValueError as error:
        raise PayloadError(f"{path}.status is neither firing nor resolved") from error
    labels = _texts(item.get("labels"), f"{path}.labels")
    fingerprint = _text(item.get("fingerprint"), f"{path}.fingerprint")
    if not fingerprint:
        raise PayloadError(f"{path}.fingerprint is empty")
    starts_at = parse_time(item.get("startsAt"), f"{path}.startsAt")
    if starts_at is None:
        raise PayloadError(f"{path}.startsAt is empty")
    ends_at = parse_time(item.get("endsAt"), f"{path}.endsAt") if status is AlertStatus.RESOLVED else None
    return Alert(
        status=status,
        fingerprint=fingerprint,
        starts_at=starts_at,
        ends_at=ends_at,
        labels=labels,
        annotations=_texts(item.get("annotations") or {}, f"{path}.annotations"),
    )


def parse_time(value: Any, path: str) -> datetime | None:
    """Return an RFC 3339 moment in UTC; None for absent or Go's zero time.

    Raises:
        PayloadError: it is no moment.
    """
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise PayloadError(f"{path} is no time")
    try:
        moment = datetime.fromisoformat(_FRACTION.sub(r"\1", value, count=1))
        if moment.tzinfo is None or moment.year == _NEVER:
            return None
        return moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise PayloadError(f"{path} is no RFC 3339 time: {value[:40]}") from error


def clean(text: str) -> str:
    """Return the text without what cannot be stored or sent: lone surrogates and NUL."""
    return text.encode("utf-8", "replace").decode("utf-8").replace("\x00", "\N{REPLACEMENT CHARACTER}")


def _mapping(value: Any, path: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise PayloadError(f"{path} is no object")
    return value


def _text(value: Any, path: str) -> str:
    if not isinstance(value, str):
        raise PayloadError(f"{path} is no text")
    return clean(value)


def _texts(value: Any, path: str) -> dict[str, str]:
    items = _mapping(value, path)
    return {clean(key): _text(item, f"{path}.{key[:40]}") for key, item in items.items()}
