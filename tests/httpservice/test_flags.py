"""The flags of both daemons: the same names, each also a variable with the daemon's own prefix."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
import pytest
from click.testing import CliRunner

from httpservice.flags import log_options, web_options

if TYPE_CHECKING:
    from pathlib import Path


@click.command()
@web_options("SOME", listen_address="127.0.0.1:1")
@log_options("SOME")
def show(
    *, listen_address: str, web_config_file: Path | None, external_url: str | None, log_level: str, log_format: str
) -> None:
    """Print what was given."""
    click.echo(f"{listen_address} {web_config_file} {external_url} {log_level} {log_format}")


@pytest.mark.parametrize(
    ("arguments", "environment", "expected"),
    [
        ([], {}, "127.0.0.1:1 None None info logfmt"),
        (["--web.listen-address", ":2", "--log.level", "debug"], {}, ":2 None None debug logfmt"),
        (
            [],
            {"SOME_WEB_LISTEN_ADDRESS": ":3", "SOME_WEB_CONFIG_FILE": "w.yml", "SOME_LOG_FORMAT": "json"},
            ":3 w.yml None info json",
        ),
        (["--web.external-url", "https://x"], {"SOME_WEB_EXTERNAL_URL": "y"}, "127.0.0.1:1 None https://x info logfmt"),
    ],
    ids=["defaults", "flags", "variables", "a flag wins"],
)
def test_flags_variables_and_defaults(arguments: list[str], environment: dict[str, str], expected: str) -> None:
    """In this order."""
    done = CliRunner().invoke(show, arguments, env=environment)
    assert (done.exit_code, done.output.strip()) == (0, expected)


def test_help_shows_them_in_order_with_their_variables() -> None:
    """Where to listen first, how to log last."""
    text = CliRunner().invoke(show, ["--help"]).output
    names = ["--web.listen-address", "--web.config.file", "--web.external-url", "--log.level", "--log.format"]
    places = [text.index(f"{name} ") for name in names]
    assert places == sorted(places)
    assert "SOME_LOG_LEVEL" in text
