"""What a container's health check runs: `python -m httpservice.healthcheck PORT` asks its own /-/healthy.

Apart from the daemons' commands, for it is started every 30 s for ever: it imports little. Proxies that the
environment names are not asked (Docker's client can put them into every container), and no argument holds a space, at
which Podman 4 cuts the arguments of a health check.
"""

from __future__ import annotations

import sys
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from typing import Final

import click

_TIMEOUT_SECONDS: Final = 4.0  # under docker-compose.yml's 5 s, so that what went wrong is still said
_PATH: Final = "/-/healthy"  # needs no login


def check(port: int, *, timeout_seconds: float = _TIMEOUT_SECONDS) -> str | None:
    """Ask the service on this machine's loopback address.

    Args:
        port: where it listens, without TLS.
        timeout_seconds: for each step: connecting, the answer's first byte.

    Returns:
        None when it is healthy, else what is wrong.
    """
    connection = HTTPConnection("127.0.0.1", port, timeout=timeout_seconds)
    try:
        connection.request("GET", _PATH)
        status = connection.getresponse().status
    except (OSError, HTTPException) as error:
        return f"port {port}: {str(error).strip() or type(error).__name__}"
    finally:
        connection.close()
    return None if status == HTTPStatus.OK else f"port {port}: {_PATH} answered {status}"


@click.command()
@click.argument("port", type=click.IntRange(1, 65535))
def main(*, port: int) -> None:
    """Ask the service at PORT of this machine whether it is healthy; exit 1 when it is not."""
    problem = check(port)
    click.echo(problem or "healthy")
    sys.exit(1 if problem else 0)


if __name__ == "__main__":
    main()
