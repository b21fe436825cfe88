"""Webhook JSON: tolerant of new fields, strict on used ones, every refusal by its message."""

from __future__ import annotations

import contextlib
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertbridge.errors import PayloadError
from alertbridge.payload import AlertStatus, parse_group
from tests.alertbridge.webhooks import alert, webhook

# As Alertmanager 0.25 sent it, shortened; 0.33 adds keys.
CAPTURED = (
    b'{"receiver":"bridge","status":"firing","alerts":[{"status":"firing","labels":{"alertname":"VPNTargetDown",'
    b'"region":"JBR","target":"jbr-gt-pasteur-1"},"annotations":{},"startsAt":"2026-11-24T23:25:37.036123456+07:00",'
    b'"endsAt":"0001-01-01T00:00:00Z","generatorURL":"x","fingerprint":"23607b6be5404cb7"}],"groupLabels":{},'
    b'"commonLabels":{},"commonAnnotations":{},"externalURL":"http://am:9093","version":"4","groupKey":"{}:{}",'
    b'"truncatedAlerts":3,"notification_reason":"first notification","routeLabels":{"a":"b"}}'
)


def test_a_captured_webhook_is_read() -> None:
    """Go's nanoseconds, another zone, the zero time, new keys, truncated alerts."""
    group = parse_group(CAPTURED)
    assert (group.receiver, group.truncated) == ("bridge", 3)
    found = group.alerts[0]
    assert found.status is AlertStatus.FIRING
    assert found.starts_at == datetime(2026, 11, 24, 16, 25, 37, 36123, tzinfo=UTC)
    assert found.ends_at is None
    assert (found.name, found.fingerprint) == ("VPNTargetDown", "23607b6be5404cb7")


def changed(**fields: Any) -> bytes:
    """Return a webhook whose alert has other fields."""
    return json.dumps(webhook(alert() | fields)).encode()


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "the body is no JSON"),
        (b"[" * 100_000, "the body is no JSON"),
        (b"[]", "body is no object"),
        (b"{}", 'version is null, not "4"; use a webhook_config without `payload`'),
        (b'{"version": "3"}', 'version is "3", not "4"'),
        (b'{"version": "4"}', "alerts is no list"),
        (b'{"version": "4", "alerts": [1]}', "alerts[0] is no object"),
        (changed(status="pending"), "alerts[0].status is neither firing nor resolved"),
        (changed(labels={"a": 1}), "alerts[0].labels.a is no text"),
        (changed(labels=None), "alerts[0].labels is no object"),
        (changed(fingerprint=""), "alerts[0].fingerprint is empty"),
        (changed(fingerprint=None), "alerts[0].fingerprint is no text"),
        (changed(startsAt="yesterday"), "alerts[0].startsAt is no RFC 3339 time: yesterday"),
        (changed(startsAt=None), "alerts[0].startsAt is empty"),
        (changed(startsAt=5), "alerts[0].startsAt is no time"),
        (changed(status="resolved", endsAt="x"), "alerts[0].endsAt is no RFC 3339 time: x"),
        (changed(annotations={"x": []}), "alerts[0].annotations.x is no text"),
    ],
)
def test_what_is_no_webhook_is_refused(body: bytes, message: str) -> None:
    """With the path and the trouble."""
    with pytest.raises(PayloadError) as caught:
        parse_group(body)
    assert str(caught.value).startswith(message)


def test_texts_are_cleaned() -> None:
    """Lone surrogates and NUL can neither be stored nor sent."""
    group = parse_group(changed(labels={"target": "a\ud800b\x00c", "alertname": "X"}))
    assert group.alerts[0].labels["target"] == "a?b\N{REPLACEMENT CHARACTER}c"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda children: (
        st.lists(children, max_size=3) | st.dictionaries(st.sampled_from(["status", "labels", "x"]), children)
    ),
    max_leaves=10,
)


@given(JSON, st.sampled_from(["status", "labels", "annotations", "startsAt", "endsAt", "fingerprint"]))
def test_no_body_is_more_than_refused(value: Any, key: str) -> None:
    """Whatever stands in a field: read, or a PayloadError."""
    with contextlib.suppress(PayloadError):
        assert parse_group(changed(**{key: value})).alerts
