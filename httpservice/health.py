"""The routes /-/healthy and /-/ready: alive, and able to do the work. Neither needs a login; both say a word.

What is amiss without keeping the service from its work stands below the word "ready": whoever sends traffic only to
what is ready goes on sending it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import PlainTextResponse
from starlette.routing import Route

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from starlette.requests import Request
    from starlette.responses import Response

_NO_STORE = {"Cache-Control": "no-store"}


def health_routes(not_ready: Callable[[], str | None], troubles: Callable[[], Sequence[str]] = tuple) -> list[Route]:
    """Return both routes.

    Args:
        not_ready: says why the service cannot do its work yet (told to whoever asks: no secrets), or None when it can.
        troubles: what else is amiss, a line each, for the same readers.
    """

    async def healthy(_: Request) -> Response:
        return PlainTextResponse("healthy\n", headers=_NO_STORE)

    async def ready(_: Request) -> Response:
        reason = not_ready()
        lines = ["ready" if reason is None else f"not ready: {reason}", *troubles()]
        text = "".join(f"{line}\n" for line in lines)
        return PlainTextResponse(text, status_code=200 if reason is None else 503, headers=_NO_STORE)

    return [Route("/-/healthy", healthy, methods=["GET"]), Route("/-/ready", ready, methods=["GET"])]
