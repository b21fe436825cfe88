"""When commands count as not fetched: a broken poll, a row of them, a conflict, a refused token."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from alertbridge.polling import CALM, PollFailure, Polling

START = datetime(2026, 11, 25, 3, 0, tzinfo=UTC)
PASSING = (PollFailure.UNREACHABLE, PollFailure.SERVER, PollFailure.RATE_LIMITED, PollFailure.REFUSED)


def at(seconds: float) -> datetime:
    """Return a moment after the start."""
    return START + timedelta(seconds=seconds)


def test_nothing_is_known_before_the_first_poll_has_ended() -> None:
    """Unknown is neither up nor down."""
    assert Polling().up is None


def test_a_poll_that_worked_is_up() -> None:
    """And there was no trouble to be told of."""
    polling = Polling()
    assert polling.succeeded(at(0)) is None
    assert polling.up
    assert polling.sure


@pytest.mark.parametrize("failure", PASSING)
def test_one_broken_poll_is_no_trouble_two_are(failure: PollFailure) -> None:
    """Connections break; the trouble began with the first of the row."""
    polling = Polling()
    polling.succeeded(at(0))
    assert (polling.failed(failure, "x", at(10)), polling.up) == (None, None)  # not known until the next one has ended
    trouble = polling.failed(failure, "x", at(12))
    assert trouble is not None
    assert (trouble.failure, trouble.since, polling.up) == (failure, at(10), False)


@pytest.mark.parametrize("failure", [PollFailure.CONFLICT, PollFailure.TOKEN])
def test_what_needs_a_person_is_a_trouble_at_once(failure: PollFailure) -> None:
    """Waiting for a second one would tell nothing new."""
    polling = Polling()
    trouble = polling.failed(failure, "said Telegram", at(0))
    assert trouble is not None
    assert (trouble.failure, trouble.detail, polling.up) == (failure, "said Telegram", False)


def test_a_trouble_is_told_once_and_again_when_it_becomes_another() -> None:
    """The new one keeps the moment from which nothing was fetched."""
    polling = Polling()
    polling.failed(PollFailure.UNREACHABLE, "x", at(0))
    assert polling.failed(PollFailure.UNREACHABLE, "x", at(1)) is not None
    assert polling.failed(PollFailure.UNREACHABLE, "x", at(2)) is None
    other = polling.failed(PollFailure.TOKEN, "y", at(3))
    assert other is not None
    assert (other.failure, other.since) == (PollFailure.TOKEN, at(0))


def test_the_end_is_told_once() -> None:
    """With the trouble that is over; the next poll may be a long one again."""
    polling = Polling()
    for second in (0, 1):
        polling.failed(PollFailure.SERVER, "x", at(second))
    assert not polling.sure
    over = polling.succeeded(at(5))
    assert over is not None
    assert (over.failure, polling.up, polling.sure) == (PollFailure.SERVER, True, True)
    assert polling.succeeded(at(30)) is None


def test_a_conflict_is_over_only_when_the_other_one_was_not_met_for_a_while() -> None:
    """Both get through now and then: `again` and `not` would alternate for ever."""
    polling = Polling()
    polling.failed(PollFailure.CONFLICT, "x", at(0))
    assert polling.succeeded(at(4)) is None
    assert polling.up is False
    assert polling.sure  # a quick poll would only end the other one's
    assert polling.failed(PollFailure.CONFLICT, "x", at(50)) is None
    assert polling.met == 2
    assert polling.succeeded(at(50) + CALM - timedelta(seconds=1)) is None
    over = polling.succeeded(at(50) + CALM)
    assert over is not None
    assert (over.since, polling.up, polling.met) == (at(0), True, 0)


def test_what_is_forgotten_is_unknown() -> None:
    """Standing by, or over another connection, nothing is known."""
    polling = Polling()
    polling.failed(PollFailure.TOKEN, "x", at(0))
    polling.forget()
    assert (polling.up, polling.trouble, polling.sure) == (None, None, False)
