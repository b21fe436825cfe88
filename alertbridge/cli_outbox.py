"""The commands `alertbridge outbox list|retry|drop`: what waits, and what Telegram refused."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

import click

from alertbridge.cli_common import FINDINGS, cannot_run, config_option, count, data_option, read_settings
from alertbridge.errors import StoreError
from alertbridge.opening import open_store
from alertbridge.store.rows import Row, RowState
from alertbridge.wording import utc_now

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from alertbridge.store.queries import Queries

T = TypeVar("T")


@click.group(short_help="What waits, and what Telegram refused.")
def outbox() -> None:
    """What waits to be sent, and what Telegram refused (dead letters)."""


@outbox.command("list")
@config_option
@data_option
def list_rows(*, config_file: Path, data_dir: Path) -> None:
    """List waiting and dead messages, oldest first."""
    states = [RowState.PENDING, RowState.SENDING, RowState.DEAD]
    rows = _with_store(config_file, data_dir, lambda q: q.rows(states))
    for row in rows:
        click.echo(_line(row))
    click.echo(count(rows, "message"))


@outbox.command(short_help="Queue dead messages again.")
@click.argument("ids", type=int, nargs=-1)
@click.option("--all", "everything", is_flag=True, help="All dead messages.")
@config_option
@data_option
def retry(*, ids: tuple[int, ...], everything: bool, config_file: Path, data_dir: Path) -> None:
    """Queue dead messages again (IDS as `list` shows them); a running bridge sends them within seconds."""
    _change(ids, config_file, data_dir, everything=everything, drop=False)


@outbox.command(short_help="Give messages up for good.")
@click.argument("ids", type=int, nargs=-1)
@click.option("--all", "everything", is_flag=True, help="All dead messages.")
@config_option
@data_option
def drop(*, ids: tuple[int, ...], everything: bool, config_file: Path, data_dir: Path) -> None:
    """Give up dead or waiting messages for good (IDS as `list` shows them)."""
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
    click.echo(f"{count(changed, 'message')} {'dropped' if drop else 'queued again'}")
    if missing:
        click.echo(f"not there: {', '.join(map(str, missing))}")
        raise SystemExit(FINDINGS)


def _line(row: Row) -> str:
    about = row.notice or f"incident {row.incident_id}"
    trouble = f", {row.failure}: {row.detail}" if row.failure else ""
    when = row.created_at.isoformat(timespec="seconds")
    tries = f"{row.attempts} attempt{'s' if row.attempts != 1 else ''}"
    return f"{row.id}  {row.state.value}  {when}  chat {row.chat}  {row.kind} {about}, {tries}{trouble}"


def _with_store(config_file: Path, data_dir: Path, work: Callable[[Queries], T]) -> T:
    settings = read_settings(config_file)
    if settings.store_url is None:
        path = settings.store_path or data_dir / "alertbridge.db"
        if not path.is_file():  # opening it would make one: an empty list, and a file nobody wants
            cannot_run(f"{path}: there is no database; give --data.dir (or store.path in {config_file}) of the bridge")

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
        cannot_run(str(error))
