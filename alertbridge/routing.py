"""Region, severity and hour -> which chats get a message, and when (pure)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from alertbridge.incidents import Level

if TYPE_CHECKING:
    from alertbridge.settings import Chat, QuietHours, Settings


def chats_for(settings: Settings, *, region: str, severity: str) -> tuple[Chat, ...]:
    """Return the chats of every route that matches, each once, in the file's order; the first chat when none does."""
    names = {
        name
        for route in settings.routes
        if (not route.severities or severity in route.severities) and (not route.regions or region in route.regions)
        for name in route.chats
    }
    found = tuple(chat for chat in settings.chats if chat.name in names)
    return found or settings.chats[:1]


def regions_of(settings: Settings, chat: Chat) -> frozenset[str]:
    """Return the ids of the regions that a chat's routes name; empty: all, as for a chat that no route names."""
    routes = [route for route in settings.routes if chat.name in route.chats]
    if not all(route.regions for route in routes):
        return frozenset()
    return frozenset().union(*(route.regions for route in routes))


def quiet_until(quiet: QuietHours | None, now: datetime) -> datetime | None:
    """Return when the quiet hours end that hold now, in UTC; None outside of them."""
    if quiet is None:
        return None
    local = now.astimezone(quiet.zone)
    clock = local.time().replace(tzinfo=None)
    after_start, before_end = clock >= quiet.start, clock < quiet.end
    inside = (after_start and before_end) if quiet.start < quiet.end else (after_start or before_end)
    if not inside:
        return None
    end = local.replace(hour=quiet.end.hour, minute=quiet.end.minute, second=0, microsecond=0)
    if end <= local:
        end += timedelta(days=1)
    return end.astimezone(UTC)


def held_until(chat: Chat, level: Level, now: datetime) -> datetime | None:
    """Return until when a message waits for this chat's morning; critical ones never wait."""
    return None if level >= Level.CRITICAL else quiet_until(chat.quiet_hours, now)


def is_silent(chat: Chat, now: datetime) -> bool:
    """Tell whether a message sent now makes no sound in this chat."""
    return chat.critical_silent and quiet_until(chat.quiet_hours, now) is not None
