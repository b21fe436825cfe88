"""The command line of `alertbridge`: its commands, and `serve`: flags -> options, errors -> exit codes.

Exit codes: 0 fine, 1 findings, 2 wrong usage (click's own), 3 cannot run. The token is never a flag: other users of
the machine can read command lines.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
from typing import TYPE_CHECKING

import click

from alertbridge.cli_check import check
from alertbridge.cli_common import VARIABLES, cannot_run, config_option, data_option, read_settings
from alertbridge.cli_outbox import outbox
from alertbridge.cli_send import send, watch
from alertbridge.errors import BridgeError
from httpservice.flags import log_options, web_options
from httpservice.version import VERSION

if TYPE_CHECKING:
    from pathlib import Path


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120})
@click.version_option(VERSION, prog_name="alertbridge")
def main() -> None:
    """Alertmanager's alerts to Telegram: nothing lost, nothing twice."""


main.add_command(check)
main.add_command(outbox)
main.add_command(send)
main.add_command(watch)


@main.command(short_help="Take webhooks and deliver messages.")
@config_option
@data_option
@web_options(VARIABLES, listen_address="127.0.0.1:9922")
@log_options(VARIABLES)
def serve(
    *,
    config_file: Path,
    data_dir: Path,
    listen_address: str,
    web_config_file: Path | None,
    external_url: str | None,
    log_level: str,
    log_format: str,
) -> None:
    """Take webhooks and deliver messages until SIGTERM or Ctrl-C; SIGHUP reloads the settings."""
    # While we start a Ctrl-C just ends us, without a traceback, and a reload is what is about to happen anyway.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    from alertbridge.app import Bridge  # noqa: PLC0415 - the other commands start faster without it
    from alertbridge.assembly import Options  # noqa: PLC0415 - as above
    from alertbridge.live import Live  # noqa: PLC0415 - as above
    from httpservice import logs  # noqa: PLC0415 - as above
    from httpservice.datadir import sole_user  # noqa: PLC0415 - as above
    from httpservice.errors import HttpServiceError  # noqa: PLC0415 - as above

    options = Options(
        config_file=config_file,
        data_dir=data_dir,
        listen_address=listen_address,
        web_config_file=web_config_file,
        external_url=external_url,
    )
    live = Live(path=config_file, settings=read_settings(config_file))
    logs.configure(log_level, log_format, redact=live.secrets)
    # Two on one SQLite file would each send what the other has claimed; a shared PostgreSQL has its lease instead.
    alone = sole_user(data_dir, "alertbridge") if live.settings.store_url is None else contextlib.nullcontext()
    try:
        with alone:
            asyncio.run(Bridge(live, options).run())
    except (BridgeError, HttpServiceError) as error:
        cannot_run(str(error))
