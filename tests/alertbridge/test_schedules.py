"""When reports come by themselves: the arithmetic alone, in every kind of time zone."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertbridge.schedules import before, newest, text_of
from alertbridge.settings import JAKARTA, Cadence, Schedule

ROME, APIA = ZoneInfo("Europe/Rome"), ZoneInfo("Pacific/Apia")
# Whole hours, half ones, summer time on either half of the earth, by half an hour (Lord Howe), by two (Troll).
ZONES = (
    "Asia/Jakarta",
    "Asia/Jayapura",
    "Asia/Kolkata",
    "Europe/Rome",
    "America/New_York",
    "Australia/Lord_Howe",
    "Antarctica/Troll",
)
SCHEDULES = st.builds(
    lambda at, weekday, zone: Schedule(
        cadence=Cadence.DAILY if weekday is None else Cadence.WEEKLY, at=at, weekday=weekday, zone=ZoneInfo(zone)
    ),
    st.times().map(lambda at: at.replace(second=0, microsecond=0)),
    st.none() | st.integers(0, 6),
    st.sampled_from(ZONES),
)
MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1)).map(lambda at: at.replace(tzinfo=UTC))  # noqa: DTZ001 - hypothesis wants naive bounds


def utc(text: str) -> datetime:
    """Return a moment."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


DAILY = Schedule(cadence=Cadence.DAILY, at=time(7), zone=JAKARTA)
MONDAY = Schedule(cadence=Cadence.WEEKLY, at=time(7), weekday=0, zone=JAKARTA)


@pytest.mark.parametrize(
    ("schedule", "now", "slot", "earlier"),
    [
        (DAILY, "2026-11-25T00:00", "2026-11-25T00:00", "2026-11-24T00:00"),
        (DAILY, "2026-11-24T23:59:59", "2026-11-24T00:00", "2026-11-23T00:00"),
        (MONDAY, "2026-11-25T03:00", "2026-11-23T00:00", "2026-11-16T00:00"),
        (MONDAY, "2026-11-22T23:59", "2026-11-16T00:00", "2026-11-09T00:00"),
        (
            Schedule(cadence=Cadence.DAILY, at=time(2, 30), zone=ROME),
            "2026-03-29T12:00",
            "2026-03-29T01:30",
            "2026-03-28T01:30",
        ),
        (
            Schedule(cadence=Cadence.DAILY, at=time(2, 30), zone=ROME),
            "2026-10-25T12:00",
            "2026-10-25T00:30",
            "2026-10-24T00:30",
        ),
        (
            Schedule(cadence=Cadence.DAILY, at=time(7), zone=APIA),
            "2011-12-30T18:00",
            "2011-12-30T17:00",
            "2011-12-29T17:00",
        ),
    ],
    ids=[
        "the very moment",
        "a second before",
        "a week",
        "before Monday",
        "skipped hour",
        "doubled hour",
        "skipped day",
    ],
)
def test_slots(schedule: Schedule, now: str, slot: str, earlier: str) -> None:
    """The last moment that is not in the future, and the one before it."""
    found = newest(schedule, utc(now))
    assert found == utc(slot)
    assert before(schedule, found) == utc(earlier)


@given(SCHEDULES, MOMENTS)
def test_slots_tile_time(schedule: Schedule, now: datetime) -> None:
    """Every moment lies in exactly one span, of a day or a week give or take the clock's change."""
    slot = newest(schedule, now)
    assert slot <= now
    step = timedelta(days=1 if schedule.weekday is None else 7)
    assert now - slot < step + timedelta(hours=2)
    earlier = before(schedule, slot)
    assert abs((slot - earlier) - step) <= timedelta(hours=2)
    assert newest(schedule, slot) == slot
    middle = earlier + (slot - earlier) / 2
    assert newest(schedule, middle) == earlier


@given(SCHEDULES, MOMENTS)
def test_a_slot_shows_its_time_on_the_local_clock(schedule: Schedule, now: datetime) -> None:
    """Summer or winter; only where the clock leaves that time out it shows another."""
    local = newest(schedule, now).astimezone(schedule.zone)
    exists = local.replace(tzinfo=None) == datetime.combine(local.date(), schedule.at)
    skipped = (local - timedelta(hours=3)).utcoffset() != local.utcoffset()
    assert exists or skipped
    assert schedule.weekday is None or local.weekday() == schedule.weekday


def test_a_schedule_has_a_text_that_changes_with_it() -> None:
    """It is remembered, to know a changed schedule from one whose moment was missed."""
    assert text_of(MONDAY) == "weekly 0 07:00 Asia/Jakarta"
    assert text_of(DAILY) == "daily None 07:00 Asia/Jakarta"
