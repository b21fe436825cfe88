"""alertbridge.yml -> Settings: every mistake of the file at once, each with line, path, value and remedy.

Servers and secrets are loading_servers.py's, chats and users loading_people.py's.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from alertbridge import loading_people as people
from alertbridge import loading_servers as servers
from alertbridge.errors import SettingsError
from alertbridge.settings import Chat, Escalation, Language, Role, Route, Settings, Watchdog
from alertbridge.yamlfile import Mistakes, Section, named_files, near, open_document
from httpservice.regular import read_regular

if TYPE_CHECKING:
    from collections.abc import Mapping

    from httpservice.mistakes import Mistake

SEVERITIES = ("critical", "warning", "info")
CONSOLE = Chat(name="console", id=1, role=Role.ADMIN)  # dry run without chats: everything is printed once
NO_CHATS_REMEDY = "start the bridge and add the bot to your group (or write /whoami): it answers with the line for here"


def load(path: Path, environment: Mapping[str, str]) -> tuple[Settings, tuple[Mistake, ...]]:
    """Return the settings of a file and its warnings.

    Raises:
        SettingsError: the file has mistakes or cannot be read; carries all of them.
    """
    mistakes = Mistakes(str(path))
    try:
        text = read_regular(path).decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "is no UTF-8 text"
        mistakes.add(line=0, path="", problem=f"cannot be read: {reason}", remedy="name a readable file")
        raise SettingsError(mistakes.errors()) from error
    top = open_document(text, mistakes)
    settings = _settings(top, environment) if top is not None else Settings()
    if mistakes.errors():
        raise SettingsError(mistakes.errors())
    return settings, mistakes.warnings()


def secret_files(path: Path) -> tuple[Path, ...]:
    """Return the files that alertbridge.yml names, as far as it can be read: whoever watches it watches them too."""
    try:
        text = read_regular(path).decode("utf-8")
    except (OSError, UnicodeDecodeError):
        return ()
    return tuple(Path(name) for name in named_files(text))


def _settings(top: Section, environment: Mapping[str, str]) -> Settings:
    version = top.text("version", required="start with `version: 1`")
    if version not in {None, "1"}:
        top.wrong("version", "is no version that is known", "use 1", value=version or "")
    language = Language(top.choice("language", list(Language), Language.ID))
    token, api_url = servers.telegram(top, environment)
    chats = people.chats(top, language)
    if not chats and token is None:
        chats = (replace(CONSOLE, language=language),)
    elif not chats:
        top.wrong("chats", "names no chat: nobody is told anything", NO_CHATS_REMEDY, warning=True)
    store_path, store_url = servers.store(top)
    settings = Settings(
        language=language,
        token=token,
        api_url=api_url,
        webhook_token=servers.webhook(top),
        alertmanager=servers.peer(top, "alertmanager", "http://127.0.0.1:9093"),
        prometheus=servers.peer(top, "prometheus", "http://127.0.0.1:9090"),
        exporter=servers.peer(top, "exporter", "http://127.0.0.1:9921"),
        grafana_url=servers.address(top, "grafana"),
        runbooks_url=servers.address(top, "runbooks"),
        store_path=store_path,
        store_url=store_url,
        chats=chats,
        users=people.users(top),
        routes=_routes(top, chats),
        watchdog=_watchdog(top),
        escalation=_escalation(top, chats),
    )
    top.finish()
    return settings


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
        ping_url=servers.secret_file(section, "ping_url_file", if_empty="nothing outside will be pinged"),
        ping_every_seconds=section.duration("ping_every", Watchdog().ping_every_seconds, least=1.0),
    )
    section.finish()
    return watchdog
