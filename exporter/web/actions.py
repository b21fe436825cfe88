"""What a person may do: reload the targets file, restart the engine. Who did it is logged.

Access rules (a user where one is configured, same origin) are httpservice.access'; these endpoints only act.
"""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from starlette.responses import Response
from starlette.routing import Route

from exporter.errors import EngineError
from exporter.web.answers import json_answer
from exporter.web.render import HTML
from httpservice.logs import get_logger
from httpservice.refusal import wants_html

if TYPE_CHECKING:
    from starlette.requests import Request

    from exporter.web.render import Renderer
    from exporter.web.view import Actions
    from httpservice.mistakes import Mistake

log = get_logger(__name__)


class ActionRoutes:
    """The endpoints behind the buttons of the Maintenance page and the commands of the CLI."""

    def __init__(self, actions: Actions, renderer: Renderer) -> None:
        self._actions = actions
        self._renderer = renderer
        self._one_at_a_time = asyncio.Lock()

    def routes(self) -> list[Route]:
        """Return both routes."""
        return [
            Route("/-/reload", self._reload, methods=["POST"]),
            Route("/-/restart", self._restart, methods=["POST"]),
        ]

    async def _reload(self, request: Request) -> Response:
        """Reload; 200 with what changed, or 400 with every mistake."""
        log.info("action", action="reload", **_who(request))
        async with self._one_at_a_time:
            status = await self._actions.reload()
        texts = self._renderer.texts(request)
        if not status.successful:
            mistakes = [mistake_item(one) for one in status.mistakes]
            text = texts.say("has_mistakes", count=len(mistakes))
            return self._answer(request, 400, {"error": "mistakes", "message": text, "mistakes": mistakes}, text)
        text = texts.say("reloaded", added=status.added, removed=status.removed, changed=status.changed)
        content = {
            "message": text,
            "added": status.added,
            "removed": status.removed,
            "changed": status.changed,
            "warnings": [mistake_item(one) for one in status.warnings],
        }
        return self._answer(request, 200, content, text)

    async def _restart(self, request: Request) -> Response:
        """Restart the probing processes: 202, since they are back a moment later; 409 where new ones could not run."""
        log.info("action", action="restart", **_who(request))
        texts = self._renderer.texts(request)
        try:
            async with self._one_at_a_time:
                await self._actions.restart_engine()
        except EngineError:
            refusal = {"error": "code_changed", "message": texts.restart_refused}
            return self._answer(request, 409, refusal, texts.restart_refused)
        content = {"message": texts.restarted, "restarting": True}
        return self._answer(request, 202, content, texts.restarted)

    def _answer(self, request: Request, status: int, content: dict[str, Any], text: str) -> Response:
        """Answer with JSON, or with a page where a form was sent without the script."""
        if not wants_html(request.scope):
            return json_answer(request, content, status=status)
        texts = self._renderer.texts(request)
        title = texts.done_title if status < HTTPStatus.BAD_REQUEST else texts.refused_title
        body = self._renderer.message(request.headers.get("accept-language", ""), title, text)
        return Response(body, status_code=status, headers={"Content-Type": HTML, "Cache-Control": "no-store"})


def _who(request: Request) -> dict[str, str | None]:
    """Return who asks: the user, where one is configured, and the address."""
    return {
        "user": getattr(request.state, "user", None),
        "peer": request.client.host if request.client is not None else None,
    }


def mistake_item(mistake: Mistake) -> dict[str, Any]:
    """Return one mistake of the targets file; `text` is the line that `vpn-exporter check` prints."""
    return {
        "file": mistake.file,
        "line": mistake.line or None,
        "path": mistake.path,
        "value": mistake.value,
        "problem": mistake.problem,
        "remedy": mistake.remedy,
        "warning": mistake.warning,
        "text": str(mistake),
    }
