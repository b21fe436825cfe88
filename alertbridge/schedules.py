"""When a report comes by itself: the slots of a schedule, one a day or a week (pure).

A slot is a moment, and names the span that its report tells: from the slot before up to itself. Slots follow the local
clock, so the span of a day in which clocks are put forward or back has 23 or 25 hours, and the spans tile time. What a
clock leaves out is taken at the old offset (02:30 becomes 03:30); of what it shows twice, the first counts.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from alertbridge.settings import Cadence, Schedule

# So much later a report is still news; after that its reader looks at the next one, or asks /report.
LATEST = {Cadence.DAILY: timedelta(hours=6), Cadence.WEEKLY: timedelta(hours=24)}


def newest(schedule: Schedule, now: datetime) -> datetime:
    """Return the last slot that is not after `now`, in UTC."""
    day = now.astimezone(schedule.zone).date() + timedelta(days=1)  # a zone may leave a whole day out
    while (day.weekday() != schedule.weekday and schedule.weekday is not None) or _moment(schedule, day) > now:
        day -= timedelta(days=1)
    return _moment(schedule, day)


def before(schedule: Schedule, slot: datetime) -> datetime:
    """Return the slot before one, in UTC."""
    return newest(schedule, slot - timedelta(microseconds=1))


def text_of(schedule: Schedule) -> str:
    """Return a schedule as a text that changes when it does."""
    return f"{schedule.cadence} {schedule.weekday} {schedule.at:%H:%M} {schedule.zone.key}"


def _moment(schedule: Schedule, day: date) -> datetime:
    return datetime.combine(day, schedule.at, tzinfo=schedule.zone).astimezone(UTC)
