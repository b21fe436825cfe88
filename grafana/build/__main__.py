"""Writes the dashboards: `python -m grafana.build`; with `--check` it only tells whether the files are up to date."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from grafana.build.catalogue import dashboards

DASHBOARDS = Path(__file__).resolve().parents[1] / "dashboards"


def render() -> dict[str, str]:
    """Return the text of every file by its path below grafana/dashboards/."""
    return {
        path: json.dumps(dashboard, ensure_ascii=False, indent=1) + "\n" for path, dashboard in dashboards().items()
    }


def differences(folder: Path) -> list[str]:
    """Return the files that are missing, differ from the generator, or are known to nobody."""
    wanted = render()
    there = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*.json")}
    wrong = [name for name, text in wanted.items() if name not in there or there[name].read_text("utf-8") != text]
    return sorted({*wrong, *(there.keys() - wanted.keys())})


@click.command()
@click.option("--check", is_flag=True, help="write nothing; exit 1 when a file is out of date")
def main(check: bool) -> None:  # noqa: FBT001 - click passes flags so
    """Build grafana/dashboards/ from grafana/build/."""
    wrong = differences(DASHBOARDS)
    if check:
        for name in wrong:
            click.echo(f"grafana/dashboards/{name} is out of date: run python -m grafana.build", err=True)
        sys.exit(1 if wrong else 0)
    wanted = render()
    for name in wrong:
        path = DASHBOARDS / name
        if name in wanted:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(wanted[name], encoding="utf-8")
        else:
            path.unlink()
    click.echo(f"{len(wrong)} of {len(wanted)} dashboards written")


if __name__ == "__main__":
    main()
