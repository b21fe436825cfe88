"""The command `alertbridge check`: every mistake of a settings file."""

from __future__ import annotations

import os
from pathlib import Path

import click

from alertbridge.cli_common import CANNOT_RUN, FINDINGS, count
from alertbridge.errors import SettingsError
from alertbridge.loading import load


@click.command()
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
        click.echo(count(error.mistakes, "mistake"))
        raise SystemExit(FINDINGS) from error
    for warning in warnings:
        click.echo(str(warning))
    kind = "dry run, no token" if settings.dry_run else "with a token"
    click.echo(
        f"{file}: fine ({kind}; {count(settings.chats, 'chat')}, {count(settings.users, 'user')}, "
        f"{count(settings.routes, 'route')})"
    )
