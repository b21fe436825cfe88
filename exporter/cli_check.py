"""The command `vpn-exporter check`: every mistake of a targets file, for people or as JSON."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from exporter.errors import InventoryError, UnreadableError
from exporter.inventory.load import load_inventory

if TYPE_CHECKING:
    from collections.abc import Sequence

    from exporter.inventory.model import Inventory
    from httpservice.mistakes import Mistake

SCHEMA_FILE: Final = Path(__file__).with_name("inventory") / "targets.schema.json"


@click.command()
@click.argument(
    "file",
    type=click.Path(path_type=Path, readable=False),  # what cannot be read ends with 3, in our own words
    default=Path("targets.yml"),
    metavar="[FILE]",
    envvar="VPN_EXPORTER_TARGETS_FILE",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of lines.")
@click.option("--schema", is_flag=True, help="Print the JSON Schema that editors use, and check nothing.")
def check(*, file: Path, as_json: bool, schema: bool) -> None:
    """Check a targets file (default: targets.yml) and print every mistake with line, path, value and remedy.

    FILE may be a pipe, such as /dev/stdin.

    Exit codes: 0 fine (there may be warnings), 1 mistakes, 3 the file cannot be read.
    """
    if schema:
        click.echo(SCHEMA_FILE.read_text(encoding="utf-8"), nl=False)
        return
    inventory: Inventory | None = None
    mistakes: Sequence[Mistake]
    code = 0
    try:
        inventory = load_inventory(file, wait_for_pipe=True)
        mistakes = inventory.warnings
    except InventoryError as error:
        mistakes = error.mistakes
        code = 3 if isinstance(error, UnreadableError) else 1
    if as_json:
        click.echo(json.dumps(_as_json(file, inventory, mistakes), ensure_ascii=False, indent=2))
    else:
        for mistake in mistakes:
            click.echo(coloured(mistake))
        click.echo(_summary(file, inventory, mistakes), err=inventory is None)
    sys.exit(code)


def coloured(mistake: Mistake) -> str:
    """Return a mistake's line, its place bold; click removes the colours where no terminal reads."""
    where = f"{mistake.file}:{mistake.line}:" if mistake.line else f"{mistake.file}:"
    colour = "yellow" if mistake.warning else "red"
    return click.style(where, fg=colour, bold=True) + str(mistake).removeprefix(where)


def counted(number: int, noun: str) -> str:
    """Return `1 target`, `2 targets`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _summary(file: Path, inventory: Inventory | None, mistakes: Sequence[Mistake]) -> str:
    if inventory is None:
        return click.style(f"{file} cannot be used: {counted(len(mistakes), 'mistake')}.", fg="red")
    holds = f"{counted(len(inventory.targets), 'target')} in {counted(len(inventory.regions), 'region')}"
    warnings = f", {counted(len(mistakes), 'warning')}" if mistakes else ""
    return click.style(f"{file} is fine: {holds}{warnings}.", fg="green")


def _as_json(file: Path, inventory: Inventory | None, mistakes: Sequence[Mistake]) -> dict[str, object]:
    return {
        "file": str(file),
        "usable": inventory is not None,
        "targets": len(inventory.targets) if inventory is not None else None,
        "regions": len(inventory.regions) if inventory is not None else None,
        "mistakes": [mistake.as_dict() for mistake in mistakes],
    }
