"""/-/healthy and /-/ready: the first line decides, further lines only tell."""

from __future__ import annotations

import httpx
import pytest
from starlette.applications import Starlette

from httpservice.health import health_routes


async def get(path: str, reason: str | None, troubles: tuple[str, ...] = ()) -> tuple[int, str]:
    """Ask a service that says so of itself."""
    app = Starlette(routes=health_routes(lambda: reason, lambda: troubles))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://service") as client:
        answer = await client.get(path)
    assert answer.headers["cache-control"] == "no-store"
    return answer.status_code, answer.text


@pytest.mark.parametrize(
    ("reason", "troubles", "expected"),
    [
        (None, (), (200, "ready\n")),
        (None, ("a: does not work", "b: neither"), (200, "ready\na: does not work\nb: neither\n")),
        ("no database", (), (503, "not ready: no database\n")),
        ("no database", ("a: does not work",), (503, "not ready: no database\na: does not work\n")),
    ],
    ids=["ready", "ready with troubles", "not ready", "not ready with troubles"],
)
async def test_only_what_keeps_it_from_its_work_is_503(
    reason: str | None, troubles: tuple[str, ...], expected: tuple[int, str]
) -> None:
    """Whoever sends traffic to what is ready looks at the status alone."""
    assert await get("/-/ready", reason, troubles) == expected


async def test_alive_is_alive() -> None:
    """Whatever is amiss: a restart would mend nothing."""
    assert await get("/-/healthy", "no database", ("a: does not work",)) == (200, "healthy\n")


async def test_troubles_may_be_left_out() -> None:
    """A service that has none to tell."""
    app = Starlette(routes=health_routes(lambda: None))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://service") as client:
        assert (await client.get("/-/ready")).text == "ready\n"
