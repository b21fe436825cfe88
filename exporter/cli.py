"""The command line of `vpn-exporter`: flags and environment variables to settings, errors to exit codes.

Exit codes: 0 fine, 1 findings, 2 wrong usage (click's own), 3 cannot run.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click
import requests

from exporter import cli_check, cli_look, cli_targets
from exporter.errors import ExporterError, InventoryError
from exporter.settings import Settings
from httpservice.flags import FILE, FOLDER, log_options, web_options
from httpservice.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Callable

_REMOTE_TIMEOUT_SECONDS = 30.0


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120})
@click.version_option(VERSION, prog_name="vpn-exporter")
def main() -> None:
    """Probe every VPN target, judge its state and expose it to Prometheus, as JSON and as a status page."""


main.add_command(cli_check.check)
main.add_command(cli_targets.targets)
main.add_command(cli_look.probe)
main.add_command(cli_look.outages)


@main.command()
@click.option(
    "--targets.file",
    "targets_file",
    type=FILE,
    default=Path("targets.yml"),
    show_default=True,
    envvar="VPN_EXPORTER_TARGETS_FILE",
    show_envvar=True,
    help="What is probed; watched for changes.",
)
@click.option(
    "--data.dir",
    "data_dir",
    type=FOLDER,
    default=Path("data"),
    show_default=True,
    envvar="VPN_EXPORTER_DATA_DIR",
    show_envvar=True,
    help="Where states and the journal of outages are kept.",
)
@web_options("VPN_EXPORTER", listen_address="127.0.0.1:9921")
@click.option(
    "--grafana.url",
    "grafana_url",
    envvar="VPN_EXPORTER_GRAFANA_URL",
    show_envvar=True,
    help="Grafana, as a browser reaches it; linked from the pages.",
)
@click.option(
    "--engine",
    type=click.Choice(["native", "portable"]),
    default="native",
    show_default=True,
    envvar="VPN_EXPORTER_ENGINE",
    show_envvar=True,
    help="portable: icmplib's sockets, slower; for systems without sendmmsg.",
)
@log_options("VPN_EXPORTER")
def serve(
    *,
    targets_file: Path,
    data_dir: Path,
    listen_address: str,
    web_config_file: Path | None,
    external_url: str | None,
    grafana_url: str | None,
    engine: str,
    log_level: str,
    log_format: str,
) -> None:
    """Run the exporter until SIGTERM or Ctrl-C; SIGHUP reloads the targets file."""
    from exporter.app import serve as run  # noqa: PLC0415 - the other commands need no engine and start faster
    from httpservice.errors import HttpServiceError  # noqa: PLC0415 - as above
    from httpservice.logs import configure  # noqa: PLC0415 - as above

    configure(log_level, log_format)
    settings = Settings(
        targets_file=targets_file,
        data_dir=data_dir,
        listen_address=listen_address,
        web_config_file=web_config_file,
        external_url=external_url,
        grafana_url=grafana_url,
        portable_engine=engine == "portable",
    )
    try:
        asyncio.run(run(settings))
    except InventoryError as error:
        click.echo(str(error), err=True)
        click.echo(f"{targets_file} cannot be used; the lines above say what to change.", err=True)
        sys.exit(3)
    except (ExporterError, HttpServiceError, OSError) as error:
        click.echo(f"vpn-exporter: {error}", err=True)
        sys.exit(3)


def _remote_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that name a running exporter."""
    for option in (
        click.option(
            "--password-file",
            type=FILE,
            envvar="VPN_EXPORTER_PASSWORD_FILE",
            show_envvar=True,
            help="Holds the password of --username.",
        ),
        click.option(
            "--username",
            envvar="VPN_EXPORTER_USERNAME",
            show_envvar=True,
            help="A user of the exporter's web-config file.",
        ),
        click.option(
            "--url",
            default="http://127.0.0.1:9921",
            show_default=True,
            envvar="VPN_EXPORTER_URL",
            show_envvar=True,
            help="The running exporter.",
        ),
    ):
        command = option(command)
    return command


@main.command()
@_remote_options
def restart(*, url: str, username: str | None, password_file: Path | None) -> None:
    """Restart the probing processes of a running exporter; states and counters stay."""
    answer = _post(url, "/-/restart", username, password_file)
    if answer.status_code != requests.codes.accepted:
        _refused(answer, username)
    click.echo("The probing processes are being restarted.")


@main.command()
@_remote_options
def reload(*, url: str, username: str | None, password_file: Path | None) -> None:
    """Make a running exporter read its targets file again; this also confirms a held removal."""
    answer = _post(url, "/-/reload", username, password_file)
    if answer.status_code == requests.codes.bad_request:
        for mistake in answer.json().get("mistakes", []):
            click.echo(mistake.get("text", mistake) if isinstance(mistake, dict) else mistake)
        sys.exit(1)
    if not answer.ok:
        _refused(answer, username)
    click.echo("The targets file has been read and applied.")


def _post(url: str, path: str, username: str | None, password_file: Path | None) -> requests.Response:
    """Ask a running exporter to act; exits 3 where it cannot be reached."""
    auth = None
    if username is not None:
        try:
            password = password_file.read_text(encoding="utf-8").strip() if password_file else ""
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
            click.echo(f"{password_file} cannot be read ({reason}); name a file with the password.", err=True)
            sys.exit(3)
        auth = (username, password or click.prompt("Password", hide_input=True))
    try:
        return requests.post(f"{url.rstrip('/')}{path}", auth=auth, timeout=_REMOTE_TIMEOUT_SECONDS)
    except requests.RequestException as error:
        click.echo(
            f"No exporter answers at {url}: {error.__class__.__name__}. Is it running? Name it with --url.", err=True
        )
        sys.exit(3)


def _refused(answer: requests.Response, username: str | None) -> None:
    """Say that the exporter refused, and what to do; exits 3."""
    remedy = ""
    if answer.status_code == requests.codes.unauthorized:
        wrong = f" Its web-config file has no user {username} with this password."
        remedy = " Give --username and --password-file." if username is None else wrong
    if answer.status_code == requests.codes.conflict:
        remedy = f" {answer.json()['message']}"
    click.echo(f"The exporter refused: {answer.status_code} {answer.reason}.{remedy}", err=True)
    sys.exit(3)


if __name__ == "__main__":
    main()
