"""The keys of alertbridge.yml that lead elsewhere: files with secrets, addresses, the bot's token, the database.

Secrets come by file (or the token by the environment), never from the YAML itself.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from alertbridge.settings import Peer, Secret
from httpservice.regular import read_regular

if TYPE_CHECKING:
    from collections.abc import Mapping

    from alertbridge.yamlfile import Section

TOKEN_VARIABLE = "TELEGRAM_TOKEN"  # noqa: S105 - the variable's name
_TOKEN = re.compile(r"[1-9]\d{0,15}:[A-Za-z0-9_-]{3,64}")


def telegram(top: Section, environment: Mapping[str, str]) -> tuple[Secret | None, str]:
    """Return the bot's token (None: dry run) and the Bot API's address."""
    section = top.section("telegram")
    api_url = "https://api.telegram.org"
    text = environment.get(TOKEN_VARIABLE, "").strip()
    token = Secret(text) if text else None
    if section is not None:
        api_url = _url(section, "api_url") or api_url
        named = section.has("token_file")
        from_file = secret_file(section, "token_file", if_empty="messages will be printed")
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


def peer(top: Section, key: str, default: str) -> Peer:
    """Return a server that we ask, from a section with its address and, where needed, its credentials."""
    section = top.section(key)
    if section is None:
        return Peer(url=default)
    url = _url(section, "url") or default
    username = section.text("username")
    password = secret_file(section, "password_file")
    if (username is None) != (not section.has("password_file")):
        section.wrong("username", "and password_file belong together", "give both or neither")
    section.finish()
    return Peer(url=url, username=username, password=password)


def webhook(top: Section) -> Secret | None:
    """Return the token that Alertmanager must send; None: none is needed."""
    section = top.section("webhook")
    if section is None:
        return None
    token = secret_file(section, "bearer_token_file")
    section.finish()
    return token


def address(top: Section, key: str) -> str | None:
    """Return the `url` of a section that holds nothing else."""
    section = top.section(key)
    if section is None:
        return None
    url = _url(section, "url")
    section.finish()
    return url


def store(top: Section) -> tuple[Path | None, Secret | None]:
    """Return where the database is: a file or a URL, of which at least one is None."""
    section = top.section("store")
    if section is None:
        return None, None
    given = [key for key in ("path", "url", "url_file") if section.has(key)]
    path, text = section.text("path"), section.text("url")
    url = Secret(text) if text else secret_file(section, "url_file")  # a secret: it may hold a password
    for key in given[1:]:
        section.wrong(key, f"and {given[0]} are both given", "keep one of them")
    if url is not None and "://" not in url.reveal():
        key = "url" if text else "url_file"
        section.wrong(key, "holds no database URL", "write postgresql+psycopg://user:password@host/name in it")
    section.finish()
    return (Path(path) if path else None), url


def secret_file(section: Section, key: str, *, if_empty: str = "") -> Secret | None:
    """Read a secret's file: its first line that is neither empty nor a comment. `if_empty`: what an empty one means."""
    name = section.text(key)
    if name is None:
        return None
    try:
        lines = read_regular(Path(name)).decode("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "is no UTF-8 text"
        # Relative to where the bridge was started: the whole path shows where it looked.
        where = str(Path(name).absolute())
        section.wrong(key, f"cannot be read: {reason}", "create the file, readable for this user", value=where)
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
