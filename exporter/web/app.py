"""The exporter's web application: every route behind the access rules."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.responses import Response

from exporter.web.actions import ActionRoutes
from exporter.web.answers import problem
from exporter.web.api import Api
from exporter.web.index import IndexCache
from exporter.web.pages import Pages
from exporter.web.render import HTML, Renderer, static_routes
from exporter.web.scrape import Scrape
from httpservice.access import HEALTH_PATHS, AccessControl
from httpservice.health import health_routes
from httpservice.refusal import json_refusal, wants_html

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from starlette.requests import Request
    from starlette.types import ASGIApp, Scope

    from exporter.web.view import Actions, MonitorView
    from httpservice.refusal import Refusal
    from httpservice.webconfig import WebConfig

# The style of the login page must load before the login; a style sheet and a map of the country are no secret.
_OPEN_PATHS: Final = (*HEALTH_PATHS, "/static/")


def create_app(
    view: MonitorView,
    actions: Actions,
    *,
    web_config: Callable[[], WebConfig | None] = lambda: None,
    external_url: str | None = None,
    served_names: Collection[str] = (),
    grafana_url: str | None = None,
) -> ASGIApp:
    """Return the application.

    Args:
        view: the running exporter, read only.
        actions: what a person may do to it.
        web_config: gives the present web config (`WebConfigFile.current`); None: no users.
        external_url: what people type where a proxy stands in front.
        served_names: more host names to answer to.
        grafana_url: linked from the pages; None: no link.
    """
    renderer = Renderer(grafana_url=grafana_url)
    indexes = IndexCache()
    application = Starlette(
        routes=[
            *Pages(view, indexes, renderer).routes(),
            *Scrape(view).routes(),
            *Api(view, indexes).routes(),
            *ActionRoutes(actions, renderer).routes(),
            *health_routes(view.not_ready),
            *static_routes(),
        ],
        exception_handlers={HTTPException: _not_found(renderer)},
    )
    # A trailing slash would break the relative links of a page.
    application.router.redirect_slashes = False

    def refuse(scope: Scope, refusal: Refusal) -> tuple[bytes, str]:
        return renderer.refusal(scope, refusal) if wants_html(scope) else json_refusal(refusal)

    return AccessControl(
        application,
        web_config=web_config,
        external_url=external_url,
        served_names=served_names,
        open_paths=_OPEN_PATHS,
        render=refuse,
    )


def _not_found(renderer: Renderer) -> Callable[[Request, Exception], Response]:
    """Return the handler of unknown paths and methods: a page for people, JSON for programs."""

    def handler(request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 500
        headers = dict(getattr(error, "headers", None) or {})
        if not wants_html(request.scope):
            word = "not_found" if status == HTTPStatus.NOT_FOUND else "refused"
            answer = problem(request, status, word, f"{request.url.path}: {HTTPStatus(status).phrase}")
            answer.headers.update(headers)
            return answer
        language = request.headers.get("accept-language", "")
        texts = renderer.texts(request)
        body = renderer.message(language, texts.not_found_title, f"{request.method} {request.url.path}")
        return Response(
            body, status_code=status, headers={"Content-Type": HTML, "Cache-Control": "no-store", **headers}
        )

    return handler
