"""The commands that speak without a running bridge: `alertbridge send` and `alertbridge watch`."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import click

from alertbridge.cli_common import FINDINGS, VARIABLES, chosen, config_option, read_settings, some_chat
from alertbridge.routing import chats_for
from httpservice.flags import log_options

if TYPE_CHECKING:
    from pathlib import Path


@click.command(short_help="Send a text to the chats at once, as a test.")
@click.argument("text")
@click.option("--chat", "chat_name", help="Name of the chat; every chat where none is given.")
@config_option
def send(*, text: str, chat_name: str | None, config_file: Path) -> None:
    """Send TEXT to the chats at once, past the outbox: the quickest test of token and chat ids.

    Exit codes: 0 all took it, 1 one did not, 3 there is nobody to send to.
    """
    from alertbridge.sendnow import send_now  # noqa: PLC0415 - the other commands start faster
    from httpservice import logs  # noqa: PLC0415 - as above

    settings = read_settings(config_file)
    logs.configure("error", "logfmt", redact=settings.secrets)
    chats = chosen(settings, chat_name) if chat_name is not None else some_chat(settings, settings.chats)
    if not asyncio.run(send_now(settings, chats, text)):
        raise SystemExit(FINDINGS)


@click.command(short_help="Watch bridges of other sites.")
@click.option(
    "--peer", "peers", multiple=True, required=True, help="URL of another bridge; may be given several times."
)
@click.option(
    "--silent-after",
    "silent_after",
    metavar="SECONDS",
    type=click.FloatRange(min=10.0),
    default=90.0,
    show_default=True,
    help="How long another bridge may give no sign of life.",
)
@click.option(
    "--chat", "chat_name", help="Name of the chat to tell; where none is given, those that critical alerts go to."
)
@config_option
@log_options(VARIABLES)
def watch(
    *,
    peers: tuple[str, ...],
    silent_after: float,
    chat_name: str | None,
    config_file: Path,
    log_level: str,
    log_format: str,
) -> None:
    """Watch bridges of other sites until SIGTERM or Ctrl-C: tell when one has been silent, and when it is back."""
    from alertbridge.watchnow import watch_peers  # noqa: PLC0415 - the other commands start faster
    from httpservice import logs  # noqa: PLC0415 - as above

    settings = read_settings(config_file)
    logs.configure(log_level, log_format, redact=settings.secrets)
    told = chats_for(settings, region="", severity="critical")
    chats = chosen(settings, chat_name) if chat_name is not None else some_chat(settings, told)
    for url in peers:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username or parts.query:
            raise click.UsageError(f"--peer {url}: is no URL like https://monitor-2.example")
    asyncio.run(watch_peers(settings, peers, chats, silent_after_seconds=silent_after))
