"""The command `alertbridge check`: every mistake of a settings file, for people or as JSON; asks Telegram if wanted."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from alertbridge.cli_common import CANNOT_RUN, FINDINGS, VARIABLES, count
from alertbridge.errors import SettingsError
from alertbridge.loading import load

if TYPE_CHECKING:
    from collections.abc import Sequence

    from alertbridge.settings import Settings
    from httpservice.mistakes import Mistake


@click.command(short_help="Check a settings file, and whether it works.")
@click.argument(
    "file",
    type=click.Path(path_type=Path, readable=False),  # what cannot be read ends with 3, in our own words
    default=Path("alertbridge.yml"),
    metavar="[FILE]",
    envvar=f"{VARIABLES}_CONFIG_FILE",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of lines.")
@click.option("--ask", is_flag=True, help="Ask Telegram too: is the token good, does the bot know each chat?")
def check(*, file: Path, as_json: bool, ask: bool) -> None:
    """Check a settings file (default: alertbridge.yml); print every mistake with line, path, value and remedy.

    Exit codes: 0 fine (there may be warnings), 1 mistakes, 3 the file cannot be read.
    """
    settings: Settings | None = None
    mistakes: Sequence[Mistake]
    well: list[str] = []
    wrong: list[str] = []
    code = 0
    try:
        settings, mistakes = load(file, os.environ)
    except SettingsError as error:
        mistakes = error.mistakes
        code = FINDINGS if file.is_file() else CANNOT_RUN
    if ask and settings is not None:
        from alertbridge.asknow import ask_telegram  # noqa: PLC0415 - most checks ask nobody, and start faster
        from httpservice import logs  # noqa: PLC0415 - as above

        logs.configure("error", "logfmt", redact=settings.secrets)
        well, wrong = asyncio.run(ask_telegram(settings))
        code = FINDINGS if wrong else code
    if as_json:
        click.echo(json.dumps(_as_json(file, settings, mistakes, (*well, *wrong)), ensure_ascii=False, indent=2))
    else:
        for line in (*mistakes, *well, *wrong):
            click.echo(str(line))
        if code != CANNOT_RUN:
            click.echo(_summary(file, settings, mistakes, wrong))
    raise SystemExit(code)


def _summary(file: Path, settings: Settings | None, mistakes: Sequence[Mistake], wrong: Sequence[str]) -> str:
    if settings is None:
        return f"{file} cannot be used: {count(mistakes, 'mistake')}."
    holds = [
        "dry run, no token" if settings.dry_run else "with a token",
        count(settings.chats, "chat"),
        count(settings.users, "user"),
        count(settings.routes, "route"),
        *([count(mistakes, "warning")] if mistakes else []),
    ]
    verdict = f"is well written, but {count(wrong, 'thing')} will not work" if wrong else "is fine"
    return f"{file} {verdict}: {', '.join(holds)}."


def _as_json(
    file: Path, settings: Settings | None, mistakes: Sequence[Mistake], asked: Sequence[str]
) -> dict[str, Any]:
    return {
        "file": str(file),
        "usable": settings is not None,
        "dry_run": settings.dry_run if settings is not None else None,
        "chats": [chat.name for chat in settings.chats] if settings is not None else None,
        "mistakes": [mistake.as_dict() for mistake in mistakes],
        "telegram": list(asked),
    }
