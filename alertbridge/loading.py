"""alertbridge.yml -> Settings: every mistake of the file at once, each with line, path, value and remedy.

Secrets come by file (or the token by the environment), never from the YAML itself.
"""

from __future__ import annotations

import re
from datetime import time
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from alertbridge.errors import SettingsError
from alertbridge.settings import (
    Chat,
    Escalation,
    Language,
    Peer,
    QuietHours,
    Role,
    Route,
    Secret,
    Settings,
    User,
    Watchdog,
)
from alertbridge.yamlfile import Mistakes, Section, near, open_document

if TYPE_CHECKING:
    from collections.abc import Mapping

    from httpservice.mistakes import Mistake

TOKEN_VARIABLE = "TELEGRAM_TOKEN"  # noqa: S105 - the variable's name
SEVERITIES = ("critical", "warning", "info")
CONSOLE = Chat(name="console", id=1, role=Role.ADMIN)  # dry run without chats: everything is printed once
# Service accounts that speak for anonymous admins, linked channels and "as channel": as users they would let anyone in.
SERVICE_IDS = {1087968824: "GroupAnonymousBot", 777000: "Telegram itself", 136817688: "Channel Bot"}
_TOKEN = re.compile(r"[1-9]\d{0,15}:[A-Za-z0-9_-]{3,64}")
_GENERAL_TOPIC = 1
_QUIET = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)(?: (\S+))?")


def load(path: Path, environment: Mapping[str, str]) -> tuple[Settings, tuple[Mistake, ...]]:
    """Return the settings of a file and its warnings.

    Raises:
        SettingsError: the file has mistakes or cannot be read; carries all of them.
    """
    mistakes = Mistakes(str(path))
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "is no UTF-8 text"
        mistakes.add(line=0, path="", problem=f"cannot be read: {reason}", remedy="name a readable file")
        raise SettingsError(mistakes.errors()) from error
    top = open_document(text, mistakes)
    settings = _settings(top, environment) if top is not None else Settings()
    if mistakes.errors():
        raise SettingsError(mistakes.errors())
    return settings, mistakes.warnings()


def _settings(top: Section, environment: Mapping[str, str]) -> Settings:
    version = top.text("version", required="start with `version: 1`")
    if version not in {None, "1"}:
        top.wrong("version", "is no version that is known", "use 1", value=version or "")
    language = Language(top.choice("language", list(Language), Language.ID))
    token, api_url = _telegram(top, environment)
    chats = _chats(top, language)
    if not chats and not top.has("chats") and token is None:
        chats = (CONSOLE,)
    elif not chats:
        if token is None:
            chats = (CONSOLE,)
        else:
            top.wrong("chats", "names no chat", "add one: `- {name: noc, id: -1001234567890}`")
    store_path, store_url = _store(top)
    settings = Settings(
        language=language,
        token=token,
        api_url=api_url,
        webhook_token=_webhook(top),
        alertmanager=_peer(top, "alertmanager", "http://127.0.0.1:9093"),
        prometheus=_peer(top, "prometheus", "http://127.0.0.1:9090"),
        exporter=_peer(top, "exporter", "http://127.0.0.1:9921"),
        grafana_url=_address(top, "grafana"),
        runbooks_url=_address(top, "runbooks"),
        store_path=store_path,
        store_url=store_url,
        chats=chats,
        users=_users(top),
        routes=_routes(top, chats),
        watchdog=_watchdog(top),
        escalation=_escalation(top, chats),
    )
    top.finish()
    return settings


def _telegram(top: Section, environment: Mapping[str, str]) -> tuple[Secret | None, str]:
    section = top.section("telegram")
    api_url = "https://api.telegram.org"
    text = environment.get(TOKEN_VARIABLE, "").strip()
    token = Secret(text) if text else None
    if section is not None:
        api_url = _url(section, "api_url") or api_url
        named = section.has("token_file")
        from_file = _secret_file(section, "token_file", if_empty="messages will be printed")
        if named and token is not None:
            section.wrong("token_file", f"and {TOKEN_VARIABLE} are both given", "keep one of them")
        token = token or from_file
        section.finish()
    if token is not None and not _TOKEN.fullmatch(token.reveal()):
        remedy = "copy it whole from @BotFather: digits, a colon, 35 characters"
        if text:
            top.mistakes.add(line=0, path=TOKEN_VARIABLE, problem="(environment) holds no bot token", remedy=remedy)
        elif section is not None:
            section.wrong("token_file", "holds no bot token", remedy)
    return token, api_url


def _secret_file(section: Section, key: str, *, if_empty: str = "") -> Secret | None:
    """Read a secret's file: its first line that is neither empty nor a comment. `if_empty`: what an empty one means."""
    name = section.text(key)
    if name is None:
        return None
    try:
        lines = Path(name).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "is no UTF-8 text"
        section.wrong(key, f"cannot be read: {reason}", "create the file, readable for this user", value=name)
        return None
    text = next((line.strip() for line in lines if line.strip() and not line.startswith("#")), "")
    if text:
        return Secret(text)
    if if_empty:
        section.wrong(key, f"is empty: {if_empty}", "put the secret in", value=name, warning=True)
    else:
        section.wrong(key, "is empty", "put the secret in, or remove the key", value=name)
    return None


def _url(section: Section, key: str, *, required: str = "") -> str | None:
    text = section.text(key, required=required)
    if text is None:
        return None
    try:
        parts = urlsplit(text)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and not parts.query and not parts.fragment
        _ = parts.port
    except ValueError:
        usable = False
    if not usable:
        section.wrong(key, "is no URL", "write it like http://127.0.0.1:9093", value=text)
        return None
    if parts.username or parts.password:
        section.wrong(key, "holds a user or password", "use username and password_file")
        return None
    return text.rstrip("/")


def _peer(top: Section, key: str, default: str) -> Peer:
    section = top.section(key)
    if section is None:
        return Peer(url=default)
    url = _url(section, "url") or default
    username = section.text("username")
    password = _secret_file(section, "password_file")
    if (username is None) != (not section.has("password_file")):
        section.wrong("username", "and password_file belong together", "give both or neither")
    section.finish()
    return Peer(url=url, username=username, password=password)


def _webhook(top: Section) -> Secret | None:
    section = top.section("webhook")
    if section is None:
        return None
    token = _secret_file(section, "bearer_token_file")
    section.finish()
    return token


def _address(top: Section, key: str) -> str | None:
    """Return the `url` of a section that holds nothing else."""
    section = top.section(key)
    if section is None:
        return None
    url = _url(section, "url")
    section.finish()
    return url


def _store(top: Section) -> tuple[Path | None, Secret | None]:
    section = top.section("store")
    if section is None:
        return None, None
    path = section.text("path")
    url = _secret_file(section, "url_file")
    if path is not None and section.has("url_file"):
        section.wrong("url_file", "and path are both given", "keep one of them")
    if url is not None and "://" not in url.reveal():
        section.wrong("url_file", "holds no database URL", "write postgresql+psycopg://user:password@host/name in it")
    section.finish()
    return (Path(path) if path else None), url


def _chats(top: Section, language: Language) -> tuple[Chat, ...]:
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


def _users(top: Section) -> tuple[User, ...]:
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


def _routes(top: Section, chats: tuple[Chat, ...]) -> tuple[Route, ...]:
    names = [chat.name for chat in chats]
    routes: list[Route] = []
    for section in top.sections("routes"):
        match = section.section("match")
        severities: tuple[str, ...] = ()
        regions: tuple[str, ...] = ()
        if match is not None:
            severities, regions = match.texts("severity"), match.texts("region")
            for word in severities:
                if word not in SEVERITIES:
                    match.wrong("severity", "is no severity", near(word, SEVERITIES), value=word)
            match.finish()
        targets = section.texts("chats")
        if not targets:
            section.wrong("chats", "names no chat", "write it like `chats: [noc]`")
        for word in targets:
            if word not in names:
                remedy = near(word, names) if names else "add the chat under chats"
                section.wrong("chats", "is no chat of this file", remedy, value=word)
        section.finish()
        routes.append(Route(severities=frozenset(severities), regions=frozenset(regions), chats=targets))
    return tuple(routes)


def _escalation(top: Section, chats: tuple[Chat, ...]) -> Escalation | None:
    section = top.section("escalation")
    if section is None:
        return None
    names = [chat.name for chat in chats]
    name = section.text("chat", required="name the chat to tell") or ""
    if name and name not in names:
        section.wrong("chat", "is no chat of this file", near(name, names), value=name)
    after = section.duration("after", Escalation(chat=name).after_seconds, least=1.0)
    section.finish()
    return Escalation(chat=name, after_seconds=after)


def _watchdog(top: Section) -> Watchdog:
    section = top.section("watchdog")
    if section is None:
        return Watchdog()
    watchdog = Watchdog(
        timeout_seconds=section.duration("timeout", Watchdog().timeout_seconds, least=1.0),
        ping_url=_secret_file(section, "ping_url_file", if_empty="nothing outside will be pinged"),
        ping_every_seconds=section.duration("ping_every", Watchdog().ping_every_seconds, least=1.0),
    )
    section.finish()
    return watchdog
