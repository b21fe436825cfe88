"""The commands `vpn-exporter targets ...`: list, and keeping targets.yml in step with where the sites are kept.

Exit codes: 0 fine, 1 findings (mistakes, a stale file, differences), 2 wrong usage, 3 cannot run.
"""

from __future__ import annotations

import datetime as dt
import difflib
import json
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn

import click

from exporter.cli_check import coloured, counted
from exporter.errors import InventoryError, UnreadableError
from exporter.inventory.load import load_inventory, parse_inventory
from exporter.inventory.regenerate import make_plan
from exporter.inventory.report import plan_as_dict, summary_lines
from exporter.inventory.slug import slug
from exporter.inventory.sources import SOURCES
from exporter.inventory.splice import splice
from exporter.inventory.verify import SpliceError
from exporter.inventory.write import WriteError, only_run, replace_file
from httpservice.regular import read_regular

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from exporter.inventory.edits import Plan
    from exporter.inventory.model import Inventory
    from exporter.inventory.rows import Reading

_FINDINGS: Final = 1
_USAGE: Final = 2
_CANNOT_RUN: Final = 3
# What a file that is not there yet begins as.
_SKELETON: Final = """\
# yaml-language-server: $schema=./targets.schema.json
version: 1
regions:
targets:
"""
_COLUMNS: Final = ("ID", "NAME", "REGION", "ADDRESS", "PROBE", "KIND", "PROFILE", "GATEWAY", "SOURCE")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Job:
    """What regenerate and diff work on."""

    path: Path
    raw: bytes | None  # None: the file is not there yet
    text: str
    plan: Plan


@click.group()
def targets() -> None:
    """List targets, and keep targets.yml in step with a list of sites."""


def _file_option(command: Callable[..., None]) -> Callable[..., None]:
    return click.option(
        "--targets.file",
        "targets_file",
        type=click.Path(path_type=Path, dir_okay=False, readable=False),
        default=Path("targets.yml"),
        show_default=True,
        envvar="VPN_EXPORTER_TARGETS_FILE",
        show_envvar=True,
        help="The file that is read or edited.",
    )(command)


def _source_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options of every command that reads sources."""
    for option in (
        click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a summary."),
        click.option(
            "--skip-damaged",
            is_flag=True,
            help="Leave out rows that cannot be used instead of stopping; marks nothing as missing.",
        ),
        click.option("--yes", is_flag=True, help="Write without asking."),
        click.option("--check", is_flag=True, help="Write nothing; exit 1 when the file is stale."),
        click.option("--region", metavar="ID", help="The region of rows that name none."),
        click.option(
            "--source",
            "sources",
            multiple=True,
            metavar="KIND:PLACE",
            help="Where rows come from, e.g. csv:sites.csv (CSV or xlsx); beside those in the file's `sources:`.",
        ),
        _file_option,
    ):
        command = option(command)
    return command


@targets.command("list")
@_file_option
@click.option("--region", metavar="ID", help="Only this region.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def list_targets(*, targets_file: Path, region: str | None, as_json: bool) -> None:
    """Print all targets of the file."""
    inventory = _load(targets_file)
    if region is not None and region not in {each.id for each in inventory.regions}:
        _stop(_USAGE, f"{region} is no region of {targets_file}; it has {_ids(inventory)}")
    rows = [
        (t.id, t.name, t.region, t.address, t.probe.text, t.kind, t.settings.name, t.gateway or "", t.source or "")
        for t in inventory.targets
        if region is None or t.region == region
    ]
    if as_json:
        keys = [column.lower() for column in _COLUMNS]
        items = [{key: value or None for key, value in zip(keys, row, strict=True)} for row in rows]
        click.echo(json.dumps({"total": len(items), "items": items}, ensure_ascii=False, indent=2))
        return
    widths = [max(len(row[column]) for row in [_COLUMNS, *rows]) for column in range(len(_COLUMNS))]
    for number, row in enumerate([_COLUMNS, *rows]):
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        click.echo(click.style(line, bold=True) if number == 0 else line)


@targets.command()
@_source_options
def diff(
    *,
    targets_file: Path,
    sources: tuple[str, ...],
    region: str | None,
    check: bool,
    yes: bool,
    skip_damaged: bool,
    as_json: bool,
) -> None:
    """Show what regenerate would write, line by line. Exit 1 where there is a difference."""
    del check, yes  # taken so that a regenerate command becomes a diff by one word
    job = _prepare(targets_file, sources, region, skip_damaged=skip_damaged, as_json=as_json)
    if not as_json and not job.plan.problems and not job.plan.nothing:
        new = _spliced(job)
        for line in difflib.unified_diff(
            job.text.splitlines(), new.splitlines(), str(targets_file), f"{targets_file} (new)", n=2, lineterm=""
        ):
            colour = {"+": "green", "-": "red", "@": "cyan"}.get(line[:1])
            click.echo(click.style(line, fg=colour))
    _end(job, as_json=as_json)


@targets.command()
@_source_options
def regenerate(
    *,
    targets_file: Path,
    sources: tuple[str, ...],
    region: str | None,
    check: bool,
    yes: bool,
    skip_damaged: bool,
    as_json: bool,
) -> None:
    """Bring the file up to date with its sources; comments, hand-written entries and ids stay as they are.

    Rows that are new become entries, rows that changed change theirs, and an entry whose row is gone is marked
    `missing_since` and removed after 30 days. A summary comes first; on a terminal it asks, elsewhere it needs --yes.
    """
    try:
        with only_run(targets_file):
            job = _prepare(targets_file, sources, region, skip_damaged=skip_damaged, as_json=as_json)
            if check or job.plan.problems or job.plan.nothing:
                _end(job, as_json=as_json)
            new = _spliced(job)
            if not yes:
                _ask(targets_file)
            replace_file(targets_file, new.encode(), expected=job.raw)
    except WriteError as error:
        _stop(_CANNOT_RUN, str(error))
    click.echo(click.style(f"{targets_file} is written.", fg="green"), err=as_json)


def _prepare(path: Path, sources: Sequence[str], region: str | None, *, skip_damaged: bool, as_json: bool) -> _Job:
    """Read file and sources, make the plan and print it; every reason to stop earlier ends the program here."""
    try:
        raw: bytes | None = read_regular(path)
    except FileNotFoundError:
        raw = None
    except OSError as error:
        _stop(_CANNOT_RUN, f"{path} cannot be read ({error.strerror}); check the path and who may read it")
    text = _SKELETON
    inventory = parse_inventory(text, str(path))
    if raw is not None:
        inventory = _load(path)
        text = raw.decode("utf-8")
    elif not sources:
        _stop(_USAGE, f"there is no {path}; name it with --targets.file, or give a --source to make it from")
    readings = _read_sources(path, inventory, sources)
    if region is not None:
        if region not in {each.id for each in inventory.regions}:
            _stop(_USAGE, f"{region} is no region of {path}; it has {_ids(inventory)}")
        readings = [replace(each, default_region=each.default_region or region) for each in readings]
    today = dt.datetime.now(dt.UTC).astimezone().date()
    plan = make_plan(inventory, readings, today=today, skip_damaged=skip_damaged)
    if as_json:
        click.echo(json.dumps(plan_as_dict(plan), ensure_ascii=False, indent=2))
    else:
        for line in summary_lines(plan):
            click.echo(line)
    return _Job(path=path, raw=raw, text=text, plan=plan)


def _read_sources(path: Path, inventory: Inventory, flags: Sequence[str]) -> list[Reading]:
    """Read the file's sources, whose places are relative to it, then those of the flags."""
    # Those of tunnel facts (exporter/vpn) have no rows.
    wanted = [(source, path.resolve().parent) for source in inventory.sources if source["kind"] in SOURCES]
    for flag in flags:
        kind, colon, place = flag.partition(":")
        if not colon or kind not in SOURCES or not place:
            _stop(_USAGE, f'"{flag}" is no source; write KIND:PLACE, e.g. csv:sites.csv (kinds: {", ".join(SOURCES)})')
        wanted.append(({"kind": kind, "place": place}, Path()))
    if not wanted:
        _stop(_USAGE, "no source to read; give --source csv:FILE or write `sources: [csv:FILE]` into the file")
    readings: list[Reading] = []
    for source, folder in wanted:
        location = folder / source["place"]
        name = source.get("name") or slug(location.stem)
        if any(reading.source == f"{source['kind']}:{name}" for reading in readings):
            _stop(_USAGE, f'two sources are named "{name}"; give one of them a name: in the file\'s sources:')
        if sys.stderr.isatty():
            click.echo(f"Reading {location} ...", err=True)
        try:
            reading = SOURCES[source["kind"]](location, name)
        except OSError as error:
            _stop(_CANNOT_RUN, f"{location} cannot be read ({error.strerror}); check the path and who may read it")
        readings.append(replace(reading, default_region=source.get("region")))
    return readings


def _spliced(job: _Job) -> str:
    try:
        return splice(job.text, str(job.path), job.plan)
    except (SpliceError, InventoryError) as error:
        _stop(_CANNOT_RUN, f"{job.path} is left as it is: {error}")


def _ask(path: Path) -> None:
    """Ask before writing; without a terminal nobody could answer."""
    if not sys.stdin.isatty():
        _stop(_USAGE, "nothing is written: no terminal to ask on; give --yes to write")
    if not click.confirm(f"Write this to {path}?"):
        _stop(_FINDINGS, "nothing is written")


def _end(job: _Job, *, as_json: bool) -> NoReturn:
    """End a run that writes nothing, with the sentence and exit code that fit."""
    if job.plan.problems:
        problems = counted(len(job.plan.problems), "problem")
        remedy = "repair the list, and add the regions it names; --skip-damaged leaves rows with damaged cells out"
        message = f"{job.path} is left as it is: {problems}; {remedy}."
        _stop(_FINDINGS, message)
    if job.plan.nothing:
        click.echo(click.style(f"{job.path} is up to date.", fg="green"), err=as_json)
        sys.exit(0)
    _stop(_FINDINGS, f"{job.path} is not up to date; `vpn-exporter targets regenerate` writes it.")


def _load(path: Path) -> Inventory:
    try:
        return load_inventory(path)
    except InventoryError as error:
        for mistake in error.mistakes:
            click.echo(coloured(mistake), err=True)
        _stop(
            _CANNOT_RUN if isinstance(error, UnreadableError) else _FINDINGS,
            f"{path} cannot be used; correct it first.",
        )


def _ids(inventory: Inventory) -> str:
    return ", ".join(each.id for each in inventory.regions) or "none"


def _stop(code: int, message: str) -> NoReturn:
    click.echo(message, err=True)
    sys.exit(code)
