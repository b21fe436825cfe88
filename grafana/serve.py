"""Starts a Grafana that is installed on this machine with our files: what `make run` uses; containers do not need it.

Grafana's configuration knows no defaults for environment variables and serves map outlines only from its own public
folder, so this makes both ready under the data folder, with an admin password of its own, and then becomes Grafana.
"""

from __future__ import annotations

import os
import secrets
import shutil
from pathlib import Path

import click

FILES = Path(__file__).resolve().parent
OUTLINE = FILES / "maps" / "indonesia-outline.geojson"
HOMES = ("/usr/share/grafana", "/opt/grafana")


def find_home() -> Path | None:
    """Return Grafana's folder: GRAFANA_HOME, else that of a `grafana` on PATH, else where packages put it."""
    named = os.environ.get("GRAFANA_HOME")
    if named:
        return Path(named)
    found = shutil.which("grafana")
    beside = [Path(found).resolve().parents[1]] if found else []
    return next((home for home in (*beside, *map(Path, HOMES)) if (home / "public").is_dir()), None)


def secret_file(path: Path) -> Path:
    """Return a file with a random secret, made when it is missing and readable by its owner only."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(secrets.token_urlsafe(18) + "\n")
    return path


def public_folder(home: Path, data: Path) -> Path:
    """Return a public folder that is Grafana's own, by links, plus the outline of the map."""
    public = data / "public"
    shutil.rmtree(public, ignore_errors=True)
    (public / "maps").mkdir(parents=True)
    for entry in (home / "public").iterdir():
        if entry.name != "maps":
            (public / entry.name).symlink_to(entry)
    for entry in (*(home / "public" / "maps").glob("*"), OUTLINE):
        (public / "maps" / entry.name).symlink_to(entry)
    return public


def environment(home: Path, data: Path) -> dict[str, str]:
    """Return what Grafana needs beside grafana.ini; what is set already stays."""
    defaults = {
        "VPN_GRAFANA_FILES": str(FILES),
        "VPN_PROMETHEUS_URL": "http://127.0.0.1:9090",
        "VPN_ALERTMANAGER_URL": "http://127.0.0.1:9093",
        "GF_PATHS_DATA": str(data / "state"),
        "GF_PATHS_PLUGINS": str(data / "plugins"),
        "GF_PATHS_LOGS": str(data / "logs"),
        "GF_SERVER_STATIC_ROOT_PATH": str(public_folder(home, data)),
        "GF_SECURITY_ADMIN_PASSWORD": f"$__file{{{secret_file(data / 'admin_password')}}}",
        "GF_SECURITY_SECRET_KEY": f"$__file{{{secret_file(data / 'secret_key')}}}",
    }
    return {name: value for name, value in defaults.items() if name not in os.environ}


@click.command()
@click.option("--data", type=click.Path(path_type=Path), default=Path("data/grafana"), help="Grafana's own files")
def main(data: Path) -> None:
    """Become Grafana; exit 3 when none is installed."""
    home = find_home()
    binary = shutil.which("grafana") or (str(home / "bin" / "grafana") if home else None)
    if home is None or binary is None or not Path(binary).exists():
        click.echo("No Grafana on this machine: set GRAFANA_HOME to an unpacked one, or use docker compose.", err=True)
        raise SystemExit(3)
    data = data.resolve()
    os.environ.update(environment(home, data))
    click.echo(f"Grafana: user admin, first password in {data / 'admin_password'}")
    arguments = [binary, "server", "--homepath", str(home), "--config", str(FILES / "grafana.ini")]
    os.execv(binary, arguments)  # noqa: S606 - no shell is wanted: this process becomes Grafana


if __name__ == "__main__":
    main()
