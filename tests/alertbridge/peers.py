"""The bridge's peers in one small server: exporter, Alertmanager and Prometheus, each answering what a test says."""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from httpservice.server import running

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request


def text_of(moment: datetime) -> str:
    """Return a moment as the exporter writes it."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def target_item(target: str, state: str = "up", *, age_seconds: float = 0.0, **more: Any) -> dict[str, Any]:
    """Return one item of /api/v1/targets, in `state` since `age_seconds`."""
    since = datetime.now(UTC) - timedelta(seconds=age_seconds)
    item = {
        "id": target,
        "name": target.replace("-", " ").title(),
        "region": "JBR",
        "region_name": "Jawa Barat",
        "timezone": "Asia/Jakarta",
        "kind": "toll-gate",
        "address": "10.20.1.11",
        "probe": "icmp",
        "profile": "fiber",
        "gateway": "jbr-hub",
        "role": "site",
        "latitude": None,
        "longitude": None,
        "provider": None,
        "model": None,
        "state": state,
        "state_since": text_of(since),
        "unknown_reason": None,
        "last_known": None,
        "outage": state == "down",
        "cut_off": False,
        "cut_off_targets": 0,
        "cause": "device" if state == "down" else None,
        "culprit": None,
        "flapping": False,
        "pending": None,
        "rtt_seconds": None if state == "down" else 0.021,
        "last_rtt_seconds": None,
        "jitter_seconds": 0.002,
        "loss_ratio": 1.0 if state == "down" else 0.0,
        "probes_total": 1000,
        "last_probe_at": text_of(datetime.now(UTC)),
    }
    return item | more


@dataclass(slots=True)
class Peers:
    """What the peers say. `down` holds the names of those that answer 503."""

    targets: dict[str, dict[str, Any]] = field(default_factory=dict)
    regions: dict[str, dict[str, Any]] = field(default_factory=dict)
    isolated: bool = False
    impaired: list[str] = field(default_factory=list)
    alerts: list[dict[str, Any]] = field(default_factory=list)  # Alertmanager's, as /api/v2/alerts gives them
    firing: list[dict[str, str]] = field(default_factory=list)  # Prometheus' ALERTS
    down: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)
    pings: int = 0
    silences: dict[str, dict[str, Any]] = field(default_factory=dict)  # Alertmanager's, by id
    restarts: int = 0
    outages: list[dict[str, Any]] = field(default_factory=list)  # the exporter's, newest first
    ratio: float | None = None  # Prometheus' one value for every range; None: no samples
    slow_seconds: float = 0.0  # how long the exporter takes to answer about regions
    hang_seconds: float = 0.0  # how long an action (a silence, a restart) hangs
    hang_after: bool = False  # it has been carried out by then
    hung: int = 0  # actions that hang or hung
    url: str = ""

    def put(self, target: str, state: str, **more: Any) -> None:
        """Say how a target is."""
        self.targets[target] = target_item(target, state, **more)

    @contextlib.asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """Serve while the block runs."""
        routes = [
            Route("/api/v1/targets", self._targets),
            Route("/api/v1/regions", self._regions),
            Route("/api/v1/log", self._log),
            Route("/api/v1/outages", self._outages),
            Route("/api/v1/query", self._query),
            Route("/api/v1/query_range", self._query_range, methods=["GET", "POST"]),
            Route("/api/v1/status/buildinfo", self._query),
            Route("/api/v2/alerts", self._alerts),
            Route("/api/v2/status", self._alerts),
            Route("/api/v2/silences", self._silences, methods=["GET", "POST"]),
            Route("/api/v2/silence/{id}", self._expire, methods=["DELETE"]),
            Route("/-/restart", self._restart, methods=["POST"]),
            Route("/ping", self._ping),
        ]
        async with running(Starlette(routes=routes), listen_address="127.0.0.1:0") as server:
            self.url = server.url
            yield

    def _page(self, request: Request, items: list[dict[str, Any]]) -> Response:
        self.asked.append(str(request.url.path))
        if "exporter" in self.down:
            return PlainTextResponse("down", status_code=503)
        query = request.query_params.get("q", "").lower()
        states = request.query_params.get("state", "down,low,up,unknown").split(",")
        region = request.query_params.get("region")
        items = [item for item in items if region is None or item.get("region") == region]
        found = [item for item in items if query in f"{item['id']} {item['name']}".lower() and item["state"] in states]
        offset, limit = int(request.query_params.get("offset", 0)), int(request.query_params.get("limit", 100))
        return JSONResponse(
            {
                "generated_at": text_of(datetime.now(UTC)),
                "total": len(found),
                "items": found[offset : offset + limit],
                "isolated": self.isolated,
                "impaired": self.impaired,
            }
        )

    async def _targets(self, request: Request) -> Response:
        return self._page(request, list(self.targets.values()))

    async def _regions(self, request: Request) -> Response:
        await asyncio.sleep(self.slow_seconds)
        return self._page(request, list(self.regions.values()))

    async def _log(self, request: Request) -> Response:
        target = request.query_params["target"]
        at = datetime.now(UTC)
        common = {"time": text_of(at), "target": target, "id": target, "name": "", "state": "up"}
        rows: list[dict[str, Any]] = [
            common | {"result": "reply", "rtt_seconds": 0.0213},
            common | {"result": "timeout", "rtt_seconds": None},
        ]
        return self._page(request, rows)

    async def _query(self, _: Request) -> Response:
        if "prometheus" in self.down:
            return PlainTextResponse("down", status_code=503)
        result = [
            {"metric": {"__name__": "ALERTS", "alertstate": "firing"} | labels, "value": [0, "1"]}
            for labels in self.firing
        ]
        return JSONResponse({"status": "success", "data": {"resultType": "vector", "result": result}})

    async def _outages(self, request: Request) -> Response:
        if "exporter" in self.down:
            return PlainTextResponse("down", status_code=503)
        offset, limit = int(request.query_params.get("offset", 0)), int(request.query_params.get("limit", 100))
        items = self.outages[offset : offset + limit]
        return JSONResponse({"generated_at": text_of(datetime.now(UTC)), "total": len(self.outages), "items": items})

    async def _query_range(self, request: Request) -> Response:
        """As a Prometheus that has just started: no samples; or one value at the start of every range."""
        if "prometheus" in self.down:
            return PlainTextResponse("down", status_code=503)
        result = []
        if self.ratio is not None:
            result = [{"metric": {}, "values": [[float(request.query_params["start"]), str(self.ratio)]]}]
        return JSONResponse({"status": "success", "data": {"resultType": "matrix", "result": result}})

    async def _alerts(self, _: Request) -> Response:
        if "alertmanager" in self.down:
            return PlainTextResponse("down", status_code=503)
        return JSONResponse(self.alerts)

    async def _silences(self, request: Request) -> Response:
        """As Alertmanager: one that ended stays in the list as expired."""
        if "alertmanager" in self.down:
            return PlainTextResponse("down", status_code=503)
        if request.method == "GET":
            return JSONResponse(list(self.silences.values()))
        body = await request.json()
        await self._hang(after=False)
        ident = body.get("id") or str(uuid.uuid4())
        self.silences[ident] = body | {"id": ident, "status": {"state": "active"}}
        await self._hang(after=True)
        return JSONResponse({"silenceID": ident})

    async def _hang(self, *, after: bool) -> None:
        if self.hang_seconds and after is self.hang_after:
            self.hung += 1
            await asyncio.sleep(self.hang_seconds)

    async def _expire(self, request: Request) -> Response:
        if "alertmanager" in self.down:
            return PlainTextResponse("down", status_code=503)
        silence = self.silences.get(request.path_params["id"])
        if silence is None:
            return PlainTextResponse("silence not found", status_code=404)
        silence["status"] = {"state": "expired"}
        return PlainTextResponse("")

    async def _restart(self, _: Request) -> Response:
        if "exporter" in self.down:
            return PlainTextResponse("down", status_code=503)
        await self._hang(after=False)
        self.restarts += 1
        await self._hang(after=True)
        return JSONResponse({"restarting": True}, status_code=202)

    async def _ping(self, _: Request) -> Response:
        self.pings += 1
        return PlainTextResponse("OK")
