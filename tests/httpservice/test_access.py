"""Who may do what: the table of access rules, over real ASGI calls."""

from __future__ import annotations

import base64
import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from httpservice.access import AccessControl, is_ip_literal
from httpservice.refusal import RefusalReason
from httpservice.webconfig import WebConfig

if TYPE_CHECKING:
    from starlette.requests import Request

RIGHT = "$2b$04$wruvmQ1W4rHbxpHVWW7n4uWDw80I3vDBQkTWLEXN2XSVBEgmfXqie"  # of "right"
USERS = WebConfig(users={"ana": RIGHT})


def _basic(user: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


ANA = _basic("ana", "right")
LOOPBACK = ("127.0.0.1", 4000)
ELSEWHERE = ("10.9.8.7", 4000)


async def _say(request: Request) -> PlainTextResponse:
    return PlainTextResponse(str(getattr(request.state, "user", None)))


def _client(
    config: WebConfig | None, peer: tuple[str, int], refusals: list[RefusalReason], **keys: Any
) -> httpx.AsyncClient:
    paths = ("/", "/act", "/-/healthy", "/alerts", "/static/a.css")
    app = Starlette(routes=[Route(path, _say, methods=["GET", "POST"]) for path in paths])
    control = AccessControl(
        app,
        web_config=lambda: config,
        open_paths=("/-/healthy", "/static/"),
        self_checked=("/alerts",),
        on_refusal=refusals.append,
        **keys,
    )
    transport = httpx.ASGITransport(control, client=peer)
    return httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:9921")


@dataclass(frozen=True, kw_only=True)
class Case:
    """One request and what becomes of it."""

    name: str
    status: int
    reason: RefusalReason | None = None
    method: str = "GET"
    path: str = "/"
    config: WebConfig | None = None
    peer: tuple[str, int] = LOOPBACK
    headers: dict[str, str] = field(default_factory=dict)
    external_url: str | None = None


HOST, LOGIN, ORIGIN, ACTION = RefusalReason.HOST, RefusalReason.LOGIN, RefusalReason.ORIGIN, RefusalReason.ACTION
MONITOR = "https://monitor.example/vpn"
CASES = (
    Case(name="ip host", status=200),
    Case(name="ipv6 host", status=200, headers={"Host": "[::1]:9921"}),
    Case(name="localhost", status=200, headers={"Host": "localhost:9921"}),
    Case(name="localhost in capitals with a dot", status=200, headers={"Host": "LOCALHOST.:9921"}),
    Case(name="foreign host", status=403, reason=HOST, headers={"Host": "evil.example"}),
    Case(name="foreign host on health", status=403, reason=HOST, path="/-/healthy", headers={"Host": "evil.example"}),
    Case(name="looks like localhost", status=403, reason=HOST, headers={"Host": "localhost.evil.example"}),
    Case(name="bare name without users", status=403, reason=HOST, headers={"Host": "exporter:9921"}),
    Case(name="bare name with users", status=200, config=USERS, headers={"Host": "exporter:9921", **ANA}),
    Case(name="dotted name with users", status=403, reason=HOST, config=USERS, headers={"Host": "e.example", **ANA}),
    Case(name="empty host", status=403, reason=HOST, headers={"Host": ""}),
    Case(name="broken host", status=403, reason=HOST, headers={"Host": "[::1"}),
    Case(name="external url", status=200, headers={"Host": "monitor.example"}, external_url=MONITOR),
    Case(name="other than external url", status=403, reason=HOST, headers={"Host": "e.example"}, external_url=MONITOR),
    Case(name="no login", status=401, reason=LOGIN, config=USERS),
    Case(name="right login", status=200, config=USERS, headers=ANA),
    Case(name="wrong password", status=401, reason=LOGIN, config=USERS, headers=_basic("ana", "wrong")),
    Case(name="unknown user", status=401, reason=LOGIN, config=USERS, headers=_basic("bob", "right")),
    Case(name="bearer", status=401, reason=LOGIN, config=USERS, headers={"Authorization": "Bearer right"}),
    Case(name="broken basic", status=401, reason=LOGIN, config=USERS, headers={"Authorization": "Basic !!!"}),
    Case(name="no colon", status=401, reason=LOGIN, config=USERS, headers={"Authorization": "Basic YQ=="}),
    Case(name="health needs no login", status=200, config=USERS, path="/-/healthy"),
    Case(name="style needs no login", status=200, config=USERS, path="/static/a.css"),
    Case(name="self-checked path", status=200, config=USERS, path="/alerts", method="POST", peer=ELSEWHERE),
    Case(
        name="self-checked path, another page's origin",
        status=403,
        reason=ORIGIN,
        method="POST",
        path="/alerts",
        headers={"Origin": "http://e.example"},
    ),
    Case(
        name="self-checked path, cross-site",
        status=403,
        reason=ORIGIN,
        config=USERS,
        method="POST",
        path="/alerts",
        headers={"Sec-Fetch-Site": "cross-site"},
    ),
    Case(name="act from here", status=200, method="POST", path="/act"),
    Case(name="act from here over ipv6", status=200, method="POST", path="/act", peer=("::1", 1)),
    Case(name="act from here over mapped", status=200, method="POST", path="/act", peer=("::ffff:127.0.0.1", 1)),
    Case(name="act from elsewhere", status=403, reason=ACTION, method="POST", path="/act", peer=ELSEWHERE),
    Case(
        name="act through a local proxy",
        status=403,
        reason=ACTION,
        method="POST",
        path="/act",
        headers={"X-Forwarded-For": "1.2.3.4"},
    ),
    Case(
        name="act as user from elsewhere",
        status=200,
        method="POST",
        path="/act",
        peer=ELSEWHERE,
        config=USERS,
        headers=ANA,
    ),
    Case(name="act without login, loopback", status=401, reason=LOGIN, method="POST", path="/act", config=USERS),
    Case(
        name="other origin",
        status=403,
        reason=ORIGIN,
        method="POST",
        path="/act",
        headers={"Origin": "http://e.example"},
    ),
    Case(name="null origin", status=403, reason=ORIGIN, method="POST", path="/act", headers={"Origin": "null"}),
    Case(
        name="other port",
        status=403,
        reason=ORIGIN,
        method="POST",
        path="/act",
        headers={"Origin": "http://127.0.0.1:1"},
    ),
    Case(name="own origin", status=200, method="POST", path="/act", headers={"Origin": "http://127.0.0.1:9921"}),
    Case(
        name="own origin behind TLS",
        status=200,
        method="POST",
        path="/act",
        headers={"Origin": "https://127.0.0.1:9921"},
    ),
    Case(
        name="external origin",
        status=200,
        method="POST",
        path="/act",
        config=USERS,
        external_url=MONITOR,
        headers={"Origin": "https://monitor.example", **ANA},
    ),
    Case(
        name="cross-site",
        status=403,
        reason=ORIGIN,
        method="POST",
        path="/act",
        config=USERS,
        headers={"Sec-Fetch-Site": "cross-site", **ANA},
    ),
    Case(
        name="same-site is not same-origin",
        status=403,
        reason=ORIGIN,
        method="POST",
        path="/act",
        headers={"Sec-Fetch-Site": "same-site"},
    ),
    Case(name="same-origin", status=200, method="POST", path="/act", headers={"Sec-Fetch-Site": "same-origin"}),
    Case(name="typed by hand", status=200, method="POST", path="/act", headers={"Sec-Fetch-Site": "none"}),
    Case(name="reading cross-site", status=200, headers={"Sec-Fetch-Site": "cross-site", "Origin": "http://e.example"}),
    Case(name="unknown method is an action", status=403, reason=ACTION, method="PURGE", path="/act", peer=ELSEWHERE),
)


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
async def test_access(case: Case) -> None:
    """Each rule of access.py, at both of its edges."""
    refusals: list[RefusalReason] = []
    client = _client(case.config, case.peer, refusals, external_url=case.external_url)
    answer = await client.request(case.method, case.path, headers=case.headers)
    assert answer.status_code == case.status
    assert refusals == ([case.reason] if case.reason else [])
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    if case.status == 401:
        assert answer.headers["www-authenticate"].startswith("Basic realm=")
    if case.reason is not None:
        assert answer.json()["error"] == case.reason.value


async def test_the_user_is_known_to_the_application() -> None:
    """Actions can be logged with who did them."""
    assert (await _client(USERS, ELSEWHERE, []).get("/", headers=ANA)).text == "ana"
    assert (await _client(None, LOOPBACK, []).get("/")).text == "None"


async def test_a_browser_gets_a_page() -> None:
    """People see words, programs JSON."""
    answer = await _client(USERS, LOOPBACK, []).get("/", headers={"Accept": "text/html,*/*"})
    assert answer.status_code == 401
    assert answer.headers["content-type"].startswith("text/html")
    assert "User name or password" in answer.text


async def test_served_names_are_answered() -> None:
    """A daemon may be told more names."""
    client = _client(None, LOOPBACK, [], served_names=("Exporter.internal",))
    answer = await client.get("/", headers={"Host": "exporter.INTERNAL:9921"})
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("name", "wanted"),
    [("127.0.0.1", True), ("fe80::1%eth0", True), ("1.2.3", False), ("", False), ("::", True), ("0x7f.1", False)],
)
def test_ip_literals(name: str, wanted: bool) -> None:
    """Only what is an address in full counts as one."""
    assert is_ip_literal(name) is wanted


async def test_a_polling_page_with_an_old_password_does_not_fill_the_log(caplog: pytest.LogCaptureFixture) -> None:
    """One line per peer and reason a minute; a first request without credentials is none at all."""
    caplog.set_level(logging.WARNING)
    client = _client(USERS, ELSEWHERE, [])
    for _ in range(5):
        await client.get("/", headers=_basic("ana", "wrong"))
        await client.get("/")
    await client.get("/", headers={"Host": "evil.example"})
    events = [record.msg for record in caplog.records if isinstance(record.msg, dict)]
    assert [(event["reason"], event["peer"]) for event in events] == [("login", "10.9.8.7"), ("host", "10.9.8.7")]
    assert "wrong" not in caplog.text
