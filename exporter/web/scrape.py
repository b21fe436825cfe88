"""What Prometheus asks for: /metrics and /sd."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import PlainTextResponse
from starlette.routing import Route

from exporter.exposition import CONTENT_TYPE
from exporter.exposition_names import ALL_PARTS, Part
from exporter.web.answers import JSON, answer, fingerprint, json_bytes
from httpservice.access import peer_is_loopback

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from exporter.inventory.model import Target
    from exporter.web.view import MonitorView


class Scrape:
    """The endpoints for Prometheus; plain functions, so they run in worker threads."""

    def __init__(self, view: MonitorView) -> None:
        self._view = view

    def routes(self) -> list[Route]:
        """Return both routes."""
        return [Route("/metrics", self._metrics, methods=["GET"]), Route("/sd", self._discovery, methods=["GET"])]

    def _metrics(self, request: Request) -> Response:
        """Answer with the parts that are asked for; without `collect[]`, with all of them."""
        asked = request.query_params.getlist("collect[]")
        unknown = [word for word in asked if word not in ALL_PARTS]
        if unknown:
            text = f"collect[]: {unknown[0]!r} is no part of the metrics; use {', '.join(Part)}\n"
            return PlainTextResponse(text, status_code=400)
        parts = frozenset(map(Part, asked)) or ALL_PARTS
        body = self._view.exposition.render(parts, *self._view.snapshot())
        # Over loopback, gzip costs both sides more time than the copy it saves.
        compress = not peer_is_loopback(request.scope)
        return answer(request, body, CONTENT_TYPE, cache="no-store", compress=compress)

    def _discovery(self, request: Request) -> Response:
        """Answer with every target for `http_sd_configs`."""
        roster, _ = self._view.snapshot()
        body = json_bytes([_discovered(target) for target in roster.inventory.targets])
        return answer(request, body, JSON, etag=fingerprint(body))


def _discovered(target: Target) -> dict[str, object]:
    """Return one target group; a label without value is left out, as Prometheus would drop it."""
    found = {
        "target": target.id,
        "region": target.region,
        "name": target.name,
        "kind": target.kind,
        "probe": target.probe.text,
        "profile": target.settings.name,
        "gateway": target.gateway,
        "role": target.role.value,
        "provider": target.provider,
        "model": target.model,
        "latitude": target.latitude,
        "longitude": target.longitude,
    }
    # A meta label is there for relabelling and vanishes afterwards: nothing lands on a series by accident.
    named = {f"__meta_vpn_{name}": str(value) for name, value in found.items() if value not in {None, ""}}
    return {"targets": [target.address], "labels": {"target": target.id, "region": target.region, **named}}
