"""The keys of alertbridge.yml about people: chats with their hours, and users."""

from __future__ import annotations

import re
from datetime import time
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from alertbridge.settings import Chat, Language, QuietHours, Role, User

if TYPE_CHECKING:
    from alertbridge.yamlfile import Section

# Service accounts that speak for anonymous admins, linked channels and "as channel": as users they would let anyone in.
SERVICE_IDS = {1087968824: "GroupAnonymousBot", 777000: "Telegram itself", 136817688: "Channel Bot"}
_GENERAL_TOPIC = 1
_QUIET = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)(?: (\S+))?")


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
        quiet = _quiet_hours(section)
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
                quiet_hours=quiet,
                critical_silent=critical == "silent",
            )
        )
    return tuple(chats)


def _quiet_hours(section: Section) -> QuietHours | None:
    text = section.text("quiet_hours")
    if text is None:
        return None
    match = _QUIET.fullmatch(text)
    if match is None or (match[1], match[2]) == (match[3], match[4]):
        remedy = 'write it like "22:00-06:00 Asia/Jakarta"'
        section.wrong("quiet_hours", "is no span of the day", remedy, value=text)
        return None
    try:
        zone = ZoneInfo(match[5] or "Asia/Jakarta")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        section.wrong(
            "quiet_hours", "names no time zone", "use Asia/Jakarta, Asia/Makassar or Asia/Jayapura", value=text
        )
        return None
    return QuietHours(start=time(int(match[1]), int(match[2])), end=time(int(match[3]), int(match[4])), zone=zone)


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
