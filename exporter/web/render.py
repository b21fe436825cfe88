"""Templates and static files: a page's content -> HTML, complete or only its changing part."""

from __future__ import annotations

import gzip
from dataclasses import dataclass, field
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.routing import Route

from exporter.outcome import State
from exporter.web import words
from exporter.web.answers import answer, fingerprint
from exporter.web.items import rfc3339
from exporter.web.language import pick_texts
from exporter.web.rows import WORST_FIRST
from httpservice.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import Scope

    from exporter.web.language import Texts
    from httpservice.refusal import Refusal

HERE: Final = Path(__file__).parent
HTML: Final = "text/html; charset=utf-8"
_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".geojson": "application/geo+json",
}
# The order of the original application's menu. "./" is the map: links are relative, so that a proxy may serve the pages
# below any path.
MENU: Final = (
    ("map", "./"),
    ("regions", "regions"),
    ("targets", "targets"),
    ("log", "log"),
    ("pipeline", "pipeline"),
    ("maintenance", "maintenance"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What a template is given."""

    name: str  # of the template
    content: Mapping[str, Any] = field(default_factory=dict)
    status: int = 200
    menu: str | None = None  # which entry of the menu is the present one; None: the page's own name


class Renderer:
    """Owns the templates."""

    def __init__(self, *, grafana_url: str | None = None) -> None:
        """Load the templates.

        Args:
            grafana_url: linked from the pages where it is known.
        """
        self._grafana_url = grafana_url
        self._environment = _environment()

    def texts(self, request: Request) -> Texts:
        """Return the texts of the reader's language."""
        return pick_texts(request.headers.get("accept-language", ""))

    def response(self, request: Request, page: Page, common: Mapping[str, Any]) -> Response:
        """Return a page; with `live=1` in the query only the part that changes."""
        live = request.query_params.get("live") == "1"
        body = self._environment.get_template(f"{page.name}.html").render(
            layout_template="live.html" if live else "base.html",
            texts=self.texts(request),
            page=page.name,
            menu=page.menu or page.name,
            query=dict(request.query_params),
            grafana_url=self._grafana_url,
            **common,
            **page.content,
        )
        headers = {"Vary": "Accept-Encoding, Accept-Language"}
        return answer(request, body.encode(), HTML, status=page.status, cache="no-store", headers=headers)

    def message(self, accept_language: str, title: str, text: str, *, again: bool = False) -> bytes:
        """Return a page that only says something: a refusal, a missing page, a result without script."""
        return (
            self._environment.get_template("notice.html")
            .render(texts=pick_texts(accept_language), title=title, text=text, again=again)
            .encode()
        )

    def refusal(self, scope: Scope, refusal: Refusal) -> tuple[bytes, str]:
        """Return the page of a refused request."""
        language = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"accept-language"), "")
        texts = pick_texts(language)
        if refusal.status == HTTPStatus.UNAUTHORIZED:
            return self.message(language, texts.login_title, texts.login_text, again=True), HTML
        return self.message(language, texts.refused_title, refusal.text), HTML


@cache
def _environment() -> Environment:
    """Return the environment with the compiled templates: once per process."""
    environment = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {
        "State": State,
        "WORST_FIRST": WORST_FIRST,
        "MENU": MENU,
        "VERSION": VERSION,
        "link": link,
        "iso": rfc3339,
        "count": words.count,
        "span": words.span,
    }
    return environment


def link(path: str, **parameters: object) -> str:
    """Return a relative link with the parameters that have a value."""
    query = urlencode({name: str(value) for name, value in parameters.items() if value not in {None, ""}})
    return f"{path}?{query}" if query else path


@cache
def static_routes() -> list[Route]:
    """Return a route per static file, all held in memory: half a megabyte."""
    return [_static(path) for path in sorted((HERE / "static").iterdir()) if path.suffix in _TYPES]


def _static(path: Path) -> Route:
    body = path.read_bytes()
    compressed = gzip.compress(body, 9, mtime=0)
    etag = fingerprint(body)

    def endpoint(request: Request) -> Response:
        return answer(request, body, _TYPES[path.suffix], etag=etag, compressed=compressed)

    return Route(f"/static/{path.name}", endpoint, methods=["GET"])
