"""`vpn-exporter probe` and `vpn-exporter outages`: one careful look at a target, and the journal as a table."""

from __future__ import annotations

import json
import statistics
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from exporter.errors import InventoryError, JournalError
from exporter.inventory.load import load_inventory
from exporter.inventory.model import ProbeKind, ProbeSpec, Profile, Target
from exporter.state.journal import JOURNAL_FILE, read_outages

if TYPE_CHECKING:
    from exporter.engine.look import Look
    from exporter.state.journal import Outage

# readable=False: what cannot be read ends with 3 and our own words, not with click's 2.
_FilePath = click.Path(path_type=Path, dir_okay=False, readable=False)
_FolderPath = click.Path(path_type=Path, file_okay=False)


@click.command()
@click.argument("target")
@click.option(
    "--targets.file",
    "targets_file",
    type=_FilePath,
    default=Path("targets.yml"),
    show_default=True,
    envvar="VPN_EXPORTER_TARGETS_FILE",
    show_envvar=True,
    help="Where TARGET is looked up.",
)
@click.option("--count", type=click.IntRange(1, 100), default=5, show_default=True, help="How many probes.")
@click.option("--trace/--no-trace", default=True, show_default=True, help="Also show the path (ICMP; needs root).")
def probe(*, target: str, targets_file: Path, count: int, trace: bool) -> None:
    """Look at TARGET once, carefully: a few probes with their reasons, and the path to it.

    TARGET is an id of the targets file, or an address, which is asked by ICMP. Exit code 1: no probe was answered.
    """
    from exporter.engine.look import one_look  # noqa: PLC0415 - loads numpy and sockets; --help needs neither

    wanted = _find(target, targets_file)
    click.echo(f"{wanted.name} ({wanted.id}), {wanted.probe.text} to {wanted.address}")
    look = one_look(wanted, probes=count, trace=trace)
    _print(look)
    if all(seen.reason is not None for seen in look.probes):
        sys.exit(1)


@click.command()
@click.option(
    "--data.dir",
    "data_dir",
    type=_FolderPath,
    default=Path("data"),
    show_default=True,
    envvar="VPN_EXPORTER_DATA_DIR",
    show_envvar=True,
    help="As of `serve`.",
)
@click.option("--region", help="Only this region's.")
@click.option("--target", help="Only this target's.")
@click.option("--since", type=click.DateTime(), help="Leave out what had ended by then (UTC).")
@click.option("--limit", type=click.IntRange(1, 100_000), default=50, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def outages(
    *, data_dir: Path, region: str | None, target: str | None, since: datetime | None, limit: int, as_json: bool
) -> None:
    """Show the journal of outages, newest first; times are UTC."""
    moment = since.replace(tzinfo=UTC).timestamp() if since is not None else None
    try:
        found = read_outages(data_dir / JOURNAL_FILE, region=region, target=target, since=moment, limit=limit)
    except JournalError as error:
        click.echo(f"{error}\nName the exporter's data folder with --data.dir.", err=True)
        sys.exit(3)
    if as_json:
        click.echo(json.dumps([_as_dict(row) for row in found.rows], ensure_ascii=False, indent=2))
        return
    for row in found.rows:
        lasted = _duration(row.duration_seconds) if row.duration_seconds is not None else "lasts"
        culprit = f" by {row.culprit}" if row.culprit and row.culprit != row.target else ""
        click.echo(
            f"{_time(row.start)}  {lasted:>10}  {row.region:<6} {row.target:<24} {row.cause}{culprit}  {row.name}"
        )
    click.echo(f"{len(found.rows)} of {found.total} outages.", err=True)


def _as_dict(row: Outage) -> dict[str, object]:
    """Return a row as JSON shows it: like the API's items, with the evidence."""
    return {
        "start": _time(row.start),
        "end": _time(row.end) if row.end is not None else None,
        "duration_seconds": row.duration_seconds,
        "target": row.target,
        "region": row.region,
        "name": row.name,
        "cause": row.cause,
        "culprit": row.culprit,
        "evidence": dict(row.evidence),
    }


def _time(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _duration(seconds: float) -> str:
    """Return 2d3h, 3h05m, 5m07s or 42s."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days}d{hours}h"
    if hours:
        return f"{hours}h{minutes:02}m"
    return f"{minutes}m{rest:02}s" if minutes else f"{rest}s"


def _find(text: str, targets_file: Path) -> Target:
    """Return the target of that id, or one made up for a bare address."""
    if not targets_file.exists():
        click.echo(f"There is no {targets_file} (--targets.file), so {text} is taken as an address.", err=True)
        return _address(text)
    try:
        inventory = load_inventory(targets_file)
    except InventoryError as error:
        click.echo(f"{error}\nThe targets file has mistakes, so {text} is taken as an address.", err=True)
    else:
        for each in inventory.targets:
            if each.id == text:
                return each
    return _address(text)


def _address(text: str) -> Target:
    """Return a made-up target for a bare address, asked by ICMP as a fiber link."""
    return Target(id=text, name=text, region="", address=text, probe=ProbeSpec(kind=ProbeKind.ICMP), settings=Profile())


def _print(look: Look) -> None:
    """Print what was seen."""
    if look.address is not None and look.address != look.target.address:
        click.echo(f"  {look.target.address} is {look.address}")
    for number, seen in enumerate(look.probes, start=1):
        answer = f"{seen.rtt_seconds * 1000:.2f} ms" if seen.rtt_seconds is not None else f"no answer: {seen.reason}"
        colour = "green" if seen.reason is None else "red"
        click.echo(f"  probe {number}: {click.style(answer, fg=colour)}")
    times = [seen.rtt_seconds for seen in look.probes if seen.rtt_seconds is not None]
    summary = f"  {len(times)} of {len(look.probes)} answered"
    click.echo(summary + (f", median {statistics.median(times) * 1000:.2f} ms" if times else ""))
    if look.path is not None:
        for hop in look.path:
            click.echo(f"  hop {hop.distance}: {hop.address}  {hop.rtt_seconds * 1000:.2f} ms")
    elif look.path_problem is not None:
        click.echo(f"  path: {look.path_problem}")
