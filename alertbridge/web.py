"""HTTP of the bridge: POST /alerts (authentication, size limit, one transaction, then 200), metrics, health, reload."""

from __future__ import annotations

import asyncio
import hmac
import ipaddress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from alertbridge import intake
from alertbridge.errors import PayloadError, SettingsError, StoreError
from alertbridge.incidents import WATCHDOG, Reason
from alertbridge.metrics import CONTENT_TYPE, Metrics
from alertbridge.payload import Alert, AlertGroup, parse_group
from alertbridge.reconcile import RECEIVERS, TRUNCATED
from httpservice.access import HEALTH_PATHS, AccessControl
from httpservice.health import health_routes
from httpservice.logs import get_logger

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from datetime import datetime

    from starlette.requests import Request
    from starlette.types import ASGIApp

    from alertbridge.live import Reloaded
    from alertbridge.settings import Settings
    from alertbridge.store import Store
    from alertbridge.store.queries import Queries
    from alertbridge.watchdog import Watchdog
    from httpservice.webconfig import WebConfig

log = get_logger(__name__)

COMMIT_SECONDS = 8.0  # Alertmanager gives up after max(group_interval, 10 s)
TOGETHER = 250  # alerts of one webhook that are committed as one: a quarter of a second
BODY_LIMIT = 8 * 1024 * 1024
ALERTS_PATH = "/alerts"
# A proxy on this machine speaks from loopback for anybody; what it adds tells it.
_PROXY_HEADERS = ("forwarded", "x-forwarded-for", "x-real-ip", "via")


@dataclass(slots=True, kw_only=True)
class Webhook:
    """Takes Alertmanager's webhooks."""

    store: Store
    settings: Callable[[], Settings]
    metrics: Metrics
    watchdog: Watchdog
    now: Callable[[], datetime]
    on_alerts: Callable[[bool], None]  # told after a commit; True: an end must be confirmed, or something was cut off
    on_unstorable: Callable[[str], None]

    async def __call__(self, request: Request) -> Response:
        """Answer one webhook: 200 only after the commit; 503 makes Alertmanager try again at once, 4xx would not."""
        if not self._may_post(request):
            return self._answer("unauthorized", 401, "a bearer token, or a sender on this machine, is needed")
        body = await _body(request)
        if body is None:
            return self._answer("too_large", 413, f"the body is larger than {BODY_LIMIT} bytes")
        try:
            group = parse_group(body)
        except PayloadError as error:
            log.warning("webhook refused", reason=str(error))
            return self._answer("invalid", 400, str(error))
        try:
            confirm = await self._store(group)
        except StoreError as error:
            log.error("alerts not stored", reason=str(error))  # noqa: TRY400 - the reason says all
            self.on_unstorable(str(error))
            return self._answer("unavailable", 503, "the alerts cannot be stored now; try again")
        for alert in group.alerts:
            self.metrics.alerts_received.labels(alert.status.value).inc()
            if alert.name == WATCHDOG:
                self.watchdog.saw(alert)
        self.on_alerts(confirm or group.truncated > 0)
        return self._answer("ok", 200, "stored")

    async def _store(self, group: AlertGroup) -> bool:
        """Commit a webhook; return whether an end waits to be confirmed.

        Thousands of alerts take seconds: they are committed in pieces, other webhooks have their turn between them, and
        what is committed when the time is up is no news to Alertmanager's next try, which so comes further.
        """
        settings, now = self.settings(), self.now()

        def work(queries: Queries, alerts: Sequence[Alert]) -> tuple[intake.Taken, ...]:
            known = (queries.value(RECEIVERS) or "").split("\n")
            if group.receiver and group.receiver not in known:
                queries.remember(RECEIVERS, "\n".join(filter(None, [*known, group.receiver])))
            if group.truncated:
                queries.remember(TRUNCATED, str(group.truncated))
            return intake.take(queries, alerts, settings, now=now)

        taken: list[intake.Taken] = []
        try:
            async with asyncio.timeout(COMMIT_SECONDS):
                for start in range(0, max(1, len(group.alerts)), TOGETHER):
                    piece = group.alerts[start : start + TOGETHER]
                    taken += await self.store.transact(partial(work, alerts=piece))
        except TimeoutError as error:
            raise StoreError(f"no commit within {COMMIT_SECONDS:g} s") from error
        for item in taken:
            log.info(
                "alert",
                subject=item.subject,
                alertname=item.alertname,
                reason=item.reason.value,
                tell=item.tell.value if item.tell else "nothing",
            )
        return any(item.reason is Reason.CONFIRM for item in taken)

    def _may_post(self, request: Request) -> bool:
        token = self.settings().webhook_token
        if token is not None:
            sent = request.headers.get("authorization", "")
            return hmac.compare_digest(sent.encode(), f"Bearer {token.reveal()}".encode())
        return _from_this_machine(request)

    def _answer(self, result: str, status: int, text: str) -> Response:
        self.metrics.webhooks.labels(result).inc()
        return PlainTextResponse(f"{text}\n", status_code=status)


def _from_this_machine(request: Request) -> bool:
    if request.client is None or any(name in request.headers for name in _PROXY_HEADERS):
        return False
    try:
        return ipaddress.ip_address(request.client.host).is_loopback
    except ValueError:
        return False


async def _body(request: Request) -> bytes | None:
    """Return the body; None when it is too large."""
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > BODY_LIMIT:
        return None
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > BODY_LIMIT:
            return None
        chunks.append(chunk)
    return b"".join(chunks)


def create_app(
    webhook: Webhook,
    *,
    reload: Callable[[], Awaitable[Reloaded]],
    not_ready: Callable[[], str | None],
    troubles: Callable[[], Sequence[str]],
    status: Callable[[], str],
    web_config: Callable[[], WebConfig | None],
    external_url: str | None,
) -> ASGIApp:
    """Return everything that the bridge serves, behind the access rules.

    Args:
        webhook: takes POST /alerts; checks its callers itself.
        reload: reads alertbridge.yml again; raises SettingsError.
        not_ready: why alerts cannot be taken now; None: they can.
        troubles: what else does not work, a line each.
        status: a few lines for a person who opens `/`.
        web_config: users and TLS.
        external_url: what people type where a proxy stands in front.
    """

    async def metrics(_: Request) -> Response:
        return Response(webhook.metrics.text(), media_type=None, headers={"Content-Type": CONTENT_TYPE})

    async def index(_: Request) -> Response:
        return PlainTextResponse(status(), headers={"Cache-Control": "no-store"})

    async def reloading(_: Request) -> Response:
        try:
            done = await reload()
        except SettingsError as error:
            return JSONResponse({"mistakes": [mistake.as_dict() for mistake in error.mistakes]}, status_code=400)
        warnings = [mistake.as_dict() for mistake in done.warnings]
        return JSONResponse({"mistakes": [], "warnings": warnings, "restart_needed": list(done.restart_needed)})

    routes = [
        Route("/", index, methods=["GET"]),
        Route(ALERTS_PATH, webhook.__call__, methods=["POST"]),
        Route("/metrics", metrics, methods=["GET"]),
        Route("/-/reload", reloading, methods=["POST"]),
        *health_routes(not_ready, troubles),
    ]
    return AccessControl(
        Starlette(routes=routes),
        web_config=web_config,
        external_url=external_url,
        open_paths=HEALTH_PATHS,
        self_checked=(ALERTS_PATH,),
    )
