"""The routes /-/healthy and /-/ready: alive, and able to do the work. Neither needs a login; both say a word."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import PlainTextResponse
from starlette.routing import Route

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request
    from starlette.responses import Response

_NO_STORE = {"Cache-Control": "no-store"}


def health_routes(not_ready: Callable[[], str | None]) -> list[Route]:
    """Return both routes.

    Args:
        not_ready: says why the service cannot do its work yet (told to whoever asks: no secrets), or None when it can.
    """

    async def healthy(_: Request) -> Response:
        return PlainTextResponse("healthy\n", headers=_NO_STORE)

    async def ready(_: Request) -> Response:
        reason = not_ready()
        if reason is None:
            return PlainTextResponse("ready\n", headers=_NO_STORE)
        return PlainTextResponse(f"not ready: {reason}\n", status_code=503, headers=_NO_STORE)

    return [Route("/-/healthy", healthy, methods=["GET"]), Route("/-/ready", ready, methods=["GET"])]
