"""The limiter, the retry decisions, routing and quiet hours: pure, so tables."""

from __future__ import annotations

from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertbridge.errors import DeliveryError, Failure
from alertbridge.incidents import Level
from alertbridge.limiter import Limiter
from alertbridge.retry import Step, backoff_seconds, decide
from alertbridge.routing import chats_for, held_until, is_silent, quiet_until
from alertbridge.settings import Chat, QuietHours, Route, Settings
from tests.botapi.world import Rates, Refusal


def spend(limiter: Limiter, chats: list[int], requests: int) -> list[tuple[float, int]]:
    """Send as fast as the limiter lets us, chats in turn; return when what was sent."""
    now, sent = 0.0, []
    for number in range(requests):
        chat = chats[number % len(chats)]
        now += limiter.wait_seconds(chat, now)
        limiter.count(chat, now)
        sent.append((now, chat))
    return sent


@given(st.lists(st.sampled_from([-1, -2, 5, 6, 7]), min_size=1, max_size=120))
def test_telegrams_rates_are_never_broken(order: list[int]) -> None:
    """Whatever is sent where, the stand-in's rates refuse nothing."""
    limiter, rates, now = Limiter(), Rates(), 0.0
    for chat in order:
        now += limiter.wait_seconds(chat, now) + 1e-6
        limiter.count(chat, now)
        try:
            rates.check(chat, now)
        except Refusal as refusal:
            raise AssertionError(refusal.description) from refusal


def test_a_chat_gets_one_a_second_and_a_group_twenty_a_minute() -> None:
    """The 21st message to a group waits for the minute to pass."""
    sent = spend(Limiter(), [-1], 21)
    assert [at for at, _ in sent[:20]] == [float(n) for n in range(20)]
    assert sent[20][0] == 60.0
    assert spend(Limiter(), [1], 21)[20][0] == 20.0


def test_thirty_a_second_in_all() -> None:
    """The 31st chat waits for the next second."""
    sent = spend(Limiter(), list(range(1, 41)), 40)
    assert [at for at, _ in sent] == [0.0] * 30 + [1.0] * 10


def test_a_held_chat_holds_nobody_else() -> None:
    """`retry_after` is one chat's; trouble of the token is everybody's."""
    limiter = Limiter()
    limiter.hold(1, 30, 0.0)
    assert (limiter.wait_seconds(1, 0.0), limiter.wait_seconds(2, 0.0)) == (30.0, 0.0)
    limiter.put_off(3, 5, 0.0, everyone=True)
    assert (limiter.wait_seconds(1, 0.0), limiter.wait_seconds(2, 0.0)) == (30.0, 5.0)


def test_an_answer_of_telegram_ends_the_waiting_for_it_and_nothing_else() -> None:
    """A back-off is a guess; `retry_after` is Telegram's word, which only another connection makes void."""
    limiter = Limiter()
    limiter.hold(1, 30, 0.0)
    limiter.put_off(2, 60, 0.0, everyone=False)
    assert [limiter.wait_seconds(chat, 0.0) for chat in (1, 2, 3)] == [30.0, 60.0, 0.0]
    limiter.answers()
    assert [limiter.wait_seconds(chat, 0.0) for chat in (1, 2, 3)] == [30.0, 0.0, 0.0]
    limiter.release()
    assert [limiter.wait_seconds(chat, 0.0) for chat in (1, 2, 3)] == [0.0, 0.0, 0.0]


STEPS = {
    Failure.UNSENT: Step.WAIT,
    Failure.TIMEOUT: Step.WAIT,
    Failure.SERVER: Step.WAIT,
    Failure.RATE_LIMITED: Step.WAIT,
    Failure.TOKEN: Step.WAIT,
    Failure.MIGRATED: Step.MIGRATE,
    Failure.BLOCKED: Step.GIVE_UP,
    Failure.CHAT_NOT_FOUND: Step.GIVE_UP,
    Failure.NO_RIGHTS: Step.GIVE_UP,
    Failure.TOPIC: Step.NO_TOPIC,
    Failure.MARKUP: Step.PLAIN,
    Failure.TOO_LONG: Step.PLAIN,
    Failure.MESSAGE_GONE: Step.NEW,
    Failure.NOT_MODIFIED: Step.DONE,
    Failure.REFUSED: Step.GIVE_UP,
    Failure.INTERNAL: Step.WAIT,
    Failure.CHAT_REMOVED: Step.GIVE_UP,
}


@pytest.mark.parametrize("failure", list(Failure))
def test_each_failure_has_its_step(failure: Failure) -> None:
    """The table is complete."""
    assert decide(DeliveryError(failure, "x"), attempts=1).step is STEPS[failure]


def test_a_mistake_of_ours_is_given_up_after_five_attempts() -> None:
    """One poisoned message must not hold its chat for ever."""
    error = DeliveryError(Failure.INTERNAL, "x")
    assert [decide(error, attempts=n).step for n in (4, 5)] == [Step.WAIT, Step.GIVE_UP]


def test_delays_double_to_a_minute_and_retry_after_is_kept() -> None:
    """With a jitter of a quarter."""
    assert [backoff_seconds(n, spread=1.0) for n in (1, 2, 3, 7, 99)] == [1, 2, 4, 60, 60]
    assert backoff_seconds(7, spread=0.0) == 45
    limited = DeliveryError(Failure.RATE_LIMITED, "x", retry_after_seconds=37)
    assert decide(limited, attempts=9).delay_seconds == 37
    assert decide(DeliveryError(Failure.TOKEN, "x"), attempts=1).everyone


A, B, C = Chat(name="a", id=1), Chat(name="b", id=2), Chat(name="c", id=3)
SETTINGS = Settings(
    chats=(A, B, C),
    routes=(
        Route(severities=frozenset({"critical"}), chats=("b",)),
        Route(regions=frozenset({"JBR"}), chats=("c", "b")),
    ),
)


@pytest.mark.parametrize(
    ("region", "severity", "names"),
    [
        ("JBR", "critical", "bc"),
        ("JBR", "warning", "bc"),
        ("BTN", "critical", "b"),
        ("BTN", "warning", "a"),
        ("", "", "a"),
    ],
)
def test_every_matching_route_counts_and_the_first_chat_gets_the_rest(region: str, severity: str, names: str) -> None:
    """Each chat once, in the file's order."""
    assert "".join(chat.name for chat in chats_for(SETTINGS, region=region, severity=severity)) == names


NIGHT = QuietHours(start=time(22), end=time(6), zone=ZoneInfo("Asia/Jakarta"))
NOON = QuietHours(start=time(12), end=time(13), zone=ZoneInfo("Asia/Jakarta"))


@pytest.mark.parametrize(
    ("quiet", "utc", "until"),
    [
        (NIGHT, "2026-11-25T14:59:59", None),
        (NIGHT, "2026-11-25T15:00:00", "2026-11-25T23:00:00"),
        (NIGHT, "2026-11-25T20:00:00", "2026-11-25T23:00:00"),
        (NIGHT, "2026-11-25T23:00:00", None),
        (NOON, "2026-11-25T05:30:00", "2026-11-25T06:00:00"),
        (NOON, "2026-11-25T06:00:00", None),
        (None, "2026-11-25T20:00:00", None),
    ],
)
def test_quiet_hours_span_midnight_in_their_own_zone(quiet: QuietHours | None, utc: str, until: str | None) -> None:
    """22:00 in Jakarta is 15:00 UTC."""
    now = datetime.fromisoformat(utc).replace(tzinfo=UTC)
    expected = datetime.fromisoformat(until).replace(tzinfo=UTC) if until else None
    assert quiet_until(quiet, now) == expected


def test_critical_never_waits_but_may_be_silent() -> None:
    """As the chat is configured."""
    now = datetime(2026, 11, 25, 20, tzinfo=UTC)
    chat = Chat(name="a", id=1, quiet_hours=NIGHT, critical_silent=True)
    assert held_until(chat, Level.CRITICAL, now) is None
    assert held_until(chat, Level.WARNING, now) is not None
    assert is_silent(chat, now)
    assert not is_silent(Chat(name="a", id=1, quiet_hours=NIGHT), now)


def test_what_can_wait_leaves_two_fifths_of_a_group_to_news() -> None:
    """Twelve of twenty requests in a minute, whoever made them; a private chat has no such budget."""
    limiter = Limiter()
    for second in range(12):
        assert limiter.has_room(-1, float(second))
        limiter.count(-1, float(second))
        limiter.count(1, float(second))
    assert not limiter.has_room(-1, 12.0)
    assert limiter.has_room(1, 12.0)
    assert limiter.has_room(-2, 12.0)
    assert limiter.wait_seconds(-1, 12.0) == 0, "news may still be sent"
    assert limiter.has_room(-1, 60.5), "the oldest is more than a minute ago"
