"""The flags that both daemons share: where to listen, how much to log. Each is an environment variable too.

They follow the ecosystem (`--web.listen-address`, `--log.level`), so that who knows Prometheus knows them.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

if TYPE_CHECKING:
    from collections.abc import Callable

_Command = TypeVar("_Command", bound="Callable[..., Any]")

# readable=False: what cannot be read ends with 3 and our own words, not with click's 2.
FILE: Final = click.Path(path_type=Path, dir_okay=False, readable=False)
FOLDER: Final = click.Path(path_type=Path, file_okay=False)
LEVELS: Final = ("debug", "info", "warning", "error")
FORMATS: Final = ("logfmt", "json")


def web_options(variables: str, *, listen_address: str) -> Callable[[_Command], _Command]:
    """Return a decorator that adds `listen_address`, `web_config_file` and `external_url`.

    Args:
        variables: the prefix of the environment variables, e.g. "ALERTBRIDGE".
        listen_address: where the daemon listens when nothing is said.
    """
    return _all(
        click.option(
            "--web.listen-address",
            "listen_address",
            default=listen_address,
            show_default=True,
            envvar=f"{variables}_WEB_LISTEN_ADDRESS",
            show_envvar=True,
            help="Anything but loopback needs --web.config.file.",
        ),
        click.option(
            "--web.config.file",
            "web_config_file",
            type=FILE,
            envvar=f"{variables}_WEB_CONFIG_FILE",
            show_envvar=True,
            help="TLS and basic auth, in Prometheus' web-config format.",
        ),
        click.option(
            "--web.external-url",
            "external_url",
            envvar=f"{variables}_WEB_EXTERNAL_URL",
            show_envvar=True,
            help="The URL people type, where a proxy stands in front.",
        ),
    )


def log_options(variables: str) -> Callable[[_Command], _Command]:
    """Return a decorator that adds `log_level` and `log_format`.

    Args:
        variables: the prefix of the environment variables, e.g. "ALERTBRIDGE".
    """
    return _all(
        click.option(
            "--log.level",
            "log_level",
            type=click.Choice(LEVELS),
            default="info",
            show_default=True,
            envvar=f"{variables}_LOG_LEVEL",
            show_envvar=True,
            help="How much is logged, on stderr.",
        ),
        click.option(
            "--log.format",
            "log_format",
            type=click.Choice(FORMATS),
            default="logfmt",
            show_default=True,
            envvar=f"{variables}_LOG_FORMAT",
            show_envvar=True,
            help="logfmt for people, json for collectors.",
        ),
    )


def _all(*options: Callable[[_Command], _Command]) -> Callable[[_Command], _Command]:
    """Return one decorator for several options, shown in the order given."""

    def add(command: _Command) -> _Command:
        for option in reversed(options):
            command = option(command)
        return command

    return add
