"""Commands and flags -> settings; exit codes: 0 fine, 1 findings, 2 wrong usage, 3 cannot run.

The token is never a flag: other users of the machine can read command lines.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, TypeVar
from urllib.parse import urlsplit

import click

from alertbridge.app import Bridge, Live, Options, open_store
from alertbridge.errors import BridgeError, SettingsError, StoreError
from alertbridge.loading import load
from alertbridge.routing import chats_for
from alertbridge.sendnow import send_now
from alertbridge.store.rows import Row, RowState
from alertbridge.watchnow import watch_peers
from alertbridge.wording import utc_now
from httpservice import logs
from httpservice.datadir import sole_user
from httpservice.errors import HttpServiceError
from httpservice.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from alertbridge.settings import Chat, Settings
    from alertbridge.store.queries import Queries

T = TypeVar("T")
FINDINGS, CANNOT_RUN = 1, 3
_LEVELS = ["debug", "info", "warning", "error"]

_config_option = click.option(
    "--config.file",
    "config_file",
    type=click.Path(path_type=Path),
    default=Path("alertbridge.yml"),
    envvar="ALERTBRIDGE_CONFIG_FILE",
    show_default=True,
    show_envvar=True,
    help="The settings.",
)
_data_option = click.option(
    "--data.dir",
    "data_dir",
    type=click.Path(path_type=Path),
    default=Path("data"),
    envvar="ALERTBRIDGE_DATA_DIR",
    show_default=True,
    show_envvar=True,
    help="Where the database lies when the file names none.",
)


def _log_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the two flags that say how much is logged, and how."""
    for name, choices, default in (("format", ["logfmt", "json"], "logfmt"), ("level", _LEVELS, "info")):
        command = click.option(
            f"--log.{name}",
            f"log_{name}",
            type=click.Choice(choices),
            default=default,
            envvar=f"ALERTBRIDGE_LOG_{name.upper()}",
            show_default=True,
            show_envvar=True,
        )(command)
    return command


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(VERSION)
def main() -> None:
    """Alertmanager's alerts to Telegram: nothing lost, nothing twice."""


@main.command()
@_config_option
@_data_option
@click.option(
    "--web.listen-address",
    "listen_address",
    default="127.0.0.1:9922",
    envvar="ALERTBRIDGE_WEB_LISTEN_ADDRESS",
    show_default=True,
    show_envvar=True,
)
@click.option(
    "--web.config.file",
    "web_config_file",
    type=click.Path(path_type=Path),
    envvar="ALERTBRIDGE_WEB_CONFIG_FILE",
    show_envvar=True,
    help="Prometheus web-config: TLS and users. Needed on any address but loopback.",
)
@click.option(
    "--web.external-url",
    "external_url",
    envvar="ALERTBRIDGE_WEB_EXTERNAL_URL",
    show_envvar=True,
    help="What people type in a browser, where a proxy stands in front.",
)
@_log_options
def serve(
    *,
    config_file: Path,
    data_dir: Path,
    listen_address: str,
    web_config_file: Path | None,
    external_url: str | None,
    log_level: str,
    log_format: str,
) -> None:
    """Take webhooks and deliver messages until Ctrl-C."""
    options = Options(
        config_file=config_file,
        data_dir=data_dir,
        listen_address=listen_address,
        web_config_file=web_config_file,
        external_url=external_url,
    )
    live = Live(path=config_file, settings=_settings(config_file))
    logs.configure(log_level, log_format, redact=live.secrets)
    # Two on one SQLite file would each send what the other has claimed; a shared PostgreSQL has its lease instead.
    alone = sole_user(data_dir, "alertbridge") if live.settings.store_url is None else contextlib.nullcontext()
    try:
        with alone:
            asyncio.run(Bridge(live, options).run())
    except (BridgeError, HttpServiceError) as error:
        _cannot_run(str(error))


@main.command()
@click.argument("file", type=click.Path(path_type=Path))
def check(*, file: Path) -> None:
    """Report every mistake of FILE with line, path, value and remedy."""
    try:
        settings, warnings = load(file, os.environ)
    except SettingsError as error:
        for mistake in error.mistakes:
            click.echo(str(mistake))
        if not file.is_file():
            raise SystemExit(CANNOT_RUN) from error
        click.echo(_count(error.mistakes, "mistake"))
        raise SystemExit(FINDINGS) from error
    for warning in warnings:
        click.echo(str(warning))
    kind = "dry run, no token" if settings.dry_run else "with a token"
    click.echo(
        f"{file}: fine ({kind}; {_count(settings.chats, 'chat')}, {_count(settings.users, 'user')}, "
        f"{_count(settings.routes, 'route')})"
    )


@main.command()
@click.argument("text")
@click.option("--chat", "chat_name", help="Name of the chat; every chat where none is given.")
@_config_option
def send(*, text: str, chat_name: str | None, config_file: Path) -> None:
    """Send TEXT to the chats at once, past the outbox: the quickest test of token and chat ids."""
    settings = _settings(config_file)
    logs.configure("error", "logfmt", redact=settings.secrets)
    chats = _chosen(settings, chat_name) if chat_name is not None else settings.chats
    if not asyncio.run(send_now(settings, chats, text)):
        raise SystemExit(FINDINGS)


@main.command()
@click.option(
    "--peer", "peers", multiple=True, required=True, help="URL of another bridge; may be given several times."
)
@click.option("--silent-after", "silent_after", type=click.FloatRange(min=10.0), default=90.0, show_default=True)
@click.option(
    "--chat", "chat_name", help="Name of the chat to tell; where none is given, those that critical alerts go to."
)
@_config_option
@_log_options
def watch(
    *,
    peers: tuple[str, ...],
    silent_after: float,
    chat_name: str | None,
    config_file: Path,
    log_level: str,
    log_format: str,
) -> None:
    """Watch bridges of other sites and tell when one has been silent (seconds), and when it is back."""
    settings = _settings(config_file)
    logs.configure(log_level, log_format, redact=settings.secrets)
    chats = _chosen(settings, chat_name) if chat_name else chats_for(settings, region="", severity="critical")
    for url in peers:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username or parts.query:
            raise click.UsageError(f"--peer {url}: is no URL like https://monitor-2.example")
    asyncio.run(watch_peers(settings, peers, chats, silent_after_seconds=silent_after))


@main.group()
def outbox() -> None:
    """What waits to be sent, and what Telegram refused (dead letters)."""


@outbox.command("list")
@_config_option
@_data_option
def list_rows(*, config_file: Path, data_dir: Path) -> None:
    """List waiting and dead messages, oldest first."""
    states = [RowState.PENDING, RowState.SENDING, RowState.DEAD]
    rows = _with_store(config_file, data_dir, lambda q: q.rows(states))
    for row in rows:
        click.echo(_line(row))
    click.echo(f"{len(rows)} message{'s' if len(rows) != 1 else ''}")


@outbox.command()
@click.argument("ids", type=int, nargs=-1)
@click.option("--all", "everything", is_flag=True, help="All dead messages.")
@_config_option
@_data_option
def retry(*, ids: tuple[int, ...], everything: bool, config_file: Path, data_dir: Path) -> None:
    """Put dead messages back in the queue; a running bridge sends them within seconds."""
    _change(ids, config_file, data_dir, everything=everything, drop=False)


@outbox.command()
@click.argument("ids", type=int, nargs=-1)
@click.option("--all", "everything", is_flag=True, help="All dead messages.")
@_config_option
@_data_option
def drop(*, ids: tuple[int, ...], everything: bool, config_file: Path, data_dir: Path) -> None:
    """Give dead or waiting messages up for good."""
    _change(ids, config_file, data_dir, everything=everything, drop=True)


def _change(ids: tuple[int, ...], config_file: Path, data_dir: Path, *, everything: bool, drop: bool) -> None:
    if bool(ids) == everything:
        raise click.UsageError("name the messages (see `alertbridge outbox list`), or give --all")
    now = utc_now()

    def work(queries: Queries) -> list[int]:
        dead = queries.rows([RowState.DEAD], limit=100_000)
        waiting = queries.rows([RowState.PENDING], limit=100_000) if drop and not everything else ()
        chosen = [row.id for row in (*dead, *waiting) if everything or row.id in ids]
        if drop:
            queries.update_rows(chosen, state=RowState.SENT, settled_at=now, detail="dropped by hand")
        else:
            queries.update_rows(chosen, state=RowState.PENDING, not_before=now, attempts=0, settled_at=None)
        return chosen

    changed = _with_store(config_file, data_dir, work)
    missing = sorted(set(ids) - set(changed))
    click.echo(f"{len(changed)} message{'s' if len(changed) != 1 else ''} {'dropped' if drop else 'queued again'}")
    if missing:
        click.echo(f"not there: {', '.join(map(str, missing))}")
        raise SystemExit(FINDINGS)


def _count(things: Sequence[object], word: str) -> str:
    return f"{len(things)} {word}{'s' if len(things) != 1 else ''}"


def _line(row: Row) -> str:
    about = row.notice or f"incident {row.incident_id}"
    trouble = f", {row.failure}: {row.detail}" if row.failure else ""
    when = row.created_at.isoformat(timespec="seconds")
    return f"{row.id}  {row.state.value}  {when}  chat {row.chat}  {row.kind} {about}, {row.attempts} attempts{trouble}"


def _chosen(settings: Settings, name: str) -> tuple[Chat, ...]:
    found = settings.chat(name)
    if found is None:
        names = ", ".join(chat.name for chat in settings.chats)
        raise click.UsageError(f"no chat is named {name}; there are: {names}")
    return (found,)


def _settings(path: Path) -> Settings:
    try:
        settings, warnings = load(path, os.environ)
    except SettingsError as error:
        _cannot_run(str(error))
    for warning in warnings:
        click.echo(str(warning), err=True)
    return settings


def _cannot_run(reason: str) -> NoReturn:
    click.echo(reason, err=True)
    raise SystemExit(CANNOT_RUN)


def _with_store(config_file: Path, data_dir: Path, work: Callable[[Queries], T]) -> T:
    settings = _settings(config_file)
    if settings.store_url is None:
        path = settings.store_path or data_dir / "alertbridge.db"
        if not path.is_file():  # opening it would make one: an empty list, and a file nobody wants
            _cannot_run(f"{path}: there is no database; give --data.dir (or store.path in {config_file}) of the bridge")

    async def run() -> T:
        store = open_store(settings, data_dir)
        try:
            await store.open()
            return await store.transact(work)
        finally:
            await store.close()

    try:
        return asyncio.run(run())
    except StoreError as error:
        _cannot_run(str(error))
