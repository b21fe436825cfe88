"""What the bridge's commands share: the flags that name settings and data, reading the settings, how they fail.

Exit codes: 0 fine, 1 findings, 2 wrong usage (click's own), 3 cannot run.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn

import click

from alertbridge.errors import SettingsError
from alertbridge.loading import load
from httpservice.flags import FILE, FOLDER

if TYPE_CHECKING:
    from collections.abc import Sequence

    from alertbridge.settings import Chat, Settings

VARIABLES: Final = "ALERTBRIDGE"  # how our environment variables begin
FINDINGS: Final = 1
CANNOT_RUN: Final = 3

config_option = click.option(
    "--config.file",
    "config_file",
    type=FILE,
    default=Path("alertbridge.yml"),
    envvar=f"{VARIABLES}_CONFIG_FILE",
    show_default=True,
    show_envvar=True,
    help="The settings.",
)
data_option = click.option(
    "--data.dir",
    "data_dir",
    type=FOLDER,
    default=Path("data"),
    envvar=f"{VARIABLES}_DATA_DIR",
    show_default=True,
    show_envvar=True,
    help="Where the database lies when the file names none.",
)


def read_settings(path: Path) -> Settings:
    """Return the settings of a file, its warnings on stderr; exits 3 where it has mistakes."""
    try:
        settings, warnings = load(path, os.environ)
    except SettingsError as error:
        cannot_run(str(error))
    for warning in warnings:
        click.echo(str(warning), err=True)
    return settings


def cannot_run(reason: str) -> NoReturn:
    """Say why, and exit 3."""
    click.echo(reason, err=True)
    raise SystemExit(CANNOT_RUN)


def chosen(settings: Settings, name: str) -> tuple[Chat, ...]:
    """Return the chat of a name, alone.

    Raises:
        click.UsageError: the file names no such chat.
    """
    found = settings.chat(name)
    if found is None:
        names = ", ".join(chat.name for chat in settings.chats)
        raise click.UsageError(f"no chat is named {name}; there are: {names or 'none'}")
    return (found,)


def some_chat(settings: Settings, chats: tuple[Chat, ...]) -> tuple[Chat, ...]:
    """Return the chats, where there are any; else exits 3."""
    if not settings.chats:
        cannot_run("the settings name no chat; run `alertbridge serve` and write /whoami to the bot to learn its id")
    return chats


def count(things: Sequence[object], word: str) -> str:
    """Return how many there are, in words."""
    return f"{len(things)} {word}{'s' if len(things) != 1 else ''}"
