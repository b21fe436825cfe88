"""The commands `alertbridge outbox list|retry|drop`: what waits, and what Telegram refused (outboxnow.py does it)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from alertbridge.cli_common import FINDINGS, cannot_run, config_option, count, data_option, read_settings
from alertbridge.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from pathlib import Path

    from alertbridge.settings import Settings


@click.group(short_help="What waits, and what Telegram refused.")
def outbox() -> None:
    """What waits to be sent, and what Telegram refused (dead letters)."""


@outbox.command("list")
@config_option
@data_option
def list_rows(*, config_file: Path, data_dir: Path) -> None:
    """List waiting and dead messages, oldest first."""
    from alertbridge import outboxnow  # noqa: PLC0415 - the other commands need no database and start faster

    settings = read_settings(config_file)
    try:
        lines = outboxnow.listed(settings, data_dir)
    except StoreError as error:
        cannot_run(str(error))
    for line in (*lines, count(lines, "message")):
        click.echo(line)


@outbox.command(short_help="Queue dead messages again.")
@click.argument("ids", type=int, nargs=-1)
@click.option("--all", "everything", is_flag=True, help="All dead messages.")
@config_option
@data_option
def retry(*, ids: tuple[int, ...], everything: bool, config_file: Path, data_dir: Path) -> None:
    """Queue dead messages again (IDS as `list` shows them); a running bridge sends them within seconds."""
    from alertbridge import outboxnow  # noqa: PLC0415 - as above

    _change(outboxnow.retried, "queued again", ids, config_file, data_dir, everything=everything)


@outbox.command(short_help="Give messages up for good.")
@click.argument("ids", type=int, nargs=-1)
@click.option("--all", "everything", is_flag=True, help="All dead messages.")
@config_option
@data_option
def drop(*, ids: tuple[int, ...], everything: bool, config_file: Path, data_dir: Path) -> None:
    """Give up dead or waiting messages for good (IDS as `list` shows them)."""
    from alertbridge import outboxnow  # noqa: PLC0415 - as above

    _change(outboxnow.dropped, "dropped", ids, config_file, data_dir, everything=everything)


def _change(
    work: Callable[[Settings, Path, Collection[int] | None], list[int]],
    done: str,
    ids: tuple[int, ...],
    config_file: Path,
    data_dir: Path,
    *,
    everything: bool,
) -> None:
    if bool(ids) == everything:
        raise click.UsageError("name the messages (see `alertbridge outbox list`), or give --all")
    settings = read_settings(config_file)
    try:
        changed = work(settings, data_dir, None if everything else ids)
    except StoreError as error:
        cannot_run(str(error))
    click.echo(f"{count(changed, 'message')} {done}")
    missing = sorted(set(ids) - set(changed))
    if missing:
        click.echo(f"not there: {', '.join(map(str, missing))}")
        raise SystemExit(FINDINGS)
