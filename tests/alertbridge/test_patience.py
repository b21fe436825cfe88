"""A store that cannot be used is logged when that is news."""

from __future__ import annotations

import pytest

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


@pytest.mark.parametrize("error", [StoreError("disk full"), ZeroDivisionError()], ids=["store", "mistake"])
async def test_a_look_that_fails_ends_nothing(error: Exception) -> None:
    """Whatever goes wrong in one part, it looks again, and the log names the part where it is a mistake of ours."""

    async def fails() -> bool:
        raise error

    patience._logged.clear()
    with logging_to(set) as logged:
        assert await patience.attempted(fails, "watchdog") is None
        assert len(logged.events("store failed")) == isinstance(error, StoreError)
        parts = [line["part"] for line in logged.events("look failed")]
        assert parts == ([] if isinstance(error, StoreError) else ["watchdog"])


async def test_a_look_gives_its_answer() -> None:
    """False is an answer, not a failure."""

    async def works() -> bool:
        return False

    assert await patience.attempted(works, "pictures") is False
