"""A store that cannot be used is logged when that is news."""

from __future__ import annotations

from alertbridge import patience
from alertbridge.errors import StoreError
from tests.alertbridge.logged import logging_to


def test_a_lasting_failure_is_logged_once_and_another_reason_at_once() -> None:
    """The outbox alone tries every second: hours of a full disk would fill the log's disk too."""
    patience._logged.clear()  # the log is the process's: other tests have failed there
    with logging_to(set) as logged:
        for reason in ("disk full", "disk full", "locked", "disk full"):
            patience.store_failed(StoreError(reason))
        assert [line["reason"] for line in logged.events("store failed")] == ["disk full", "locked"]
