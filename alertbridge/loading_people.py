"""The keys of alertbridge.yml about people: chats with their hours, and users."""

from __future__ import annotations

import re
from datetime import time
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from alertbridge.settings import JAKARTA, Cadence, Chat, Language, QuietHours, Role, Schedule, User

if TYPE_CHECKING:
    from alertbridge.yamlfile import Section

# Service accounts that speak for anonymous admins, linked channels and "as channel": as users they would let anyone in.
SERVICE_IDS = {1087968824: "GroupAnonymousBot", 777000: "Telegram itself", 136817688: "Channel Bot"}
_GENERAL_TOPIC = 1
_CLOCK = r"([01]?\d|2[0-3])[:.]([0-5]\d)"  # Indonesian writes 07.00
_QUIET = re.compile(rf"{_CLOCK}-{_CLOCK}(?: (\S+))?")
_DAILY = re.compile(_CLOCK)
_WEEKLY = re.compile(rf"([a-z]+) {_CLOCK}")
_ZONES = {"wib": "Asia/Jakarta", "wita": "Asia/Makassar", "wit": "Asia/Jayapura"}
_ZONE_REMEDY = "use WIB, WITA, WIT or a name like Asia/Makassar"
# Monday first. The first three letters do in both languages; `min` is Minggu, Sunday.
_DAYS = (
    ("monday", "senin"),
    ("tuesday", "selasa"),
    ("wednesday", "rabu"),
    ("thursday", "kamis"),
    ("friday", "jumat"),
    ("saturday", "sabtu"),
    ("sunday", "minggu"),
)
_WEEKDAYS = {word: day for day, names in enumerate(_DAYS) for name in names for word in (name, name[:3])}


def chats(top: Section, language: Language) -> tuple[Chat, ...]:
    """Return `chats`; `language` is that of a chat which names none."""
    chats: list[Chat] = []
    places: dict[tuple[int, int | None], str] = {}
    for section in top.sections("chats"):
        name = section.text("name", required="give each chat a short name") or ""
        chat_id = section.whole("id", required="ask the bot: /whoami in that chat tells it") or 0
        topic = section.whole("topic")
        if topic is not None and topic < 1:
            section.wrong("topic", "is no topic", "copy the number from the topic's link", value=str(topic))
        role = Role(section.choice("role", list(Role), Role.VIEWER))
        spoken = Language(section.choice("language", list(Language), language))
        timezone = _timezone(section)
        quiet = _quiet_hours(section, timezone)
        reports = _reports(section, timezone)
        critical = section.choice("critical_in_quiet_hours", ("loud", "silent"), "loud")
        section.finish()
        topic = None if topic == _GENERAL_TOPIC else topic
        if any(chat.name == name for chat in chats):
            section.wrong("name", "names two chats", "give each chat its own name", value=name)
        elif (chat_id, topic) in places:
            section.wrong("id", f"with this topic is chat {places[chat_id, topic]} already", "remove one of them")
        places[chat_id, topic] = name
        chats.append(
            Chat(
                name=name,
                id=chat_id,
                topic=topic,
                language=spoken,
                role=role,
                timezone=timezone,
                quiet_hours=quiet,
                critical_silent=critical == "silent",
                reports=reports,
            )
        )
    return tuple(chats)


def _timezone(section: Section) -> ZoneInfo:
    text = section.text("timezone")
    zone = _zone(text) if text else JAKARTA
    if zone is None:
        section.wrong("timezone", "is no time zone", _ZONE_REMEDY, value=text or "")
    return zone or JAKARTA


def _zone(text: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(_ZONES.get(text.casefold(), text))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def _quiet_hours(section: Section, timezone: ZoneInfo) -> QuietHours | None:
    text = section.text("quiet_hours")
    if text is None:
        return None
    match = _QUIET.fullmatch(text)
    start, end = (_clock(match[1], match[2]), _clock(match[3], match[4])) if match else (time(), time())
    if match is None or start == end:
        remedy = 'write it like "22:00-06:00 Asia/Jakarta"'
        section.wrong("quiet_hours", "is no span of the day", remedy, value=text)
        return None
    zone = _zone(match[5]) if match[5] else timezone
    if zone is None:
        section.wrong("quiet_hours", "names no time zone", _ZONE_REMEDY, value=text)
        return None
    return QuietHours(start=start, end=end, zone=zone)


def _reports(section: Section, timezone: ZoneInfo) -> tuple[Schedule, ...]:
    found: list[Schedule] = []
    text = section.text("daily_report")
    if text is not None:
        match = _DAILY.fullmatch(text)
        if match is None:
            section.wrong("daily_report", "is no time of the day", 'write it like "07:00"', value=text)
        else:
            found.append(Schedule(cadence=Cadence.DAILY, at=_clock(match[1], match[2]), zone=timezone))
    text = section.text("weekly_report")
    if text is not None:
        match = _WEEKLY.fullmatch(text.casefold())
        day = _WEEKDAYS.get(match[1]) if match else None
        if match is None or day is None:
            remedy = 'write it like "mon 07:00" or "senin 07:00"'
            section.wrong("weekly_report", "is no time of the week", remedy, value=text)
        else:
            found.append(Schedule(cadence=Cadence.WEEKLY, at=_clock(match[2], match[3]), weekday=day, zone=timezone))
    return tuple(found)


def _clock(hour: str, minute: str) -> time:
    return time(int(hour), int(minute))


def users(top: Section) -> tuple[User, ...]:
    """Return `users`."""
    users: list[User] = []
    for section in top.sections("users"):
        name = section.text("name", required="give each user a name") or ""
        user_id = section.whole("id", required="the person finds it with /whoami") or 0
        role = Role(section.choice("role", list(Role), Role.VIEWER))
        section.finish()
        if user_id in SERVICE_IDS:
            problem = f"is {SERVICE_IDS[user_id]}, which speaks for anybody"
            section.wrong("id", problem, "use the person's own id", value=str(user_id))
        elif user_id < 0:
            section.wrong("id", "is a group, not a person", "put groups under chats", value=str(user_id))
        elif any(user.id == user_id for user in users):
            section.wrong("id", "stands there twice", "remove one of them", value=str(user_id))
        users.append(User(name=name, id=user_id, role=role))
    return tuple(users)
