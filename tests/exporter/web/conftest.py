"""A fake exporter behind the real application, asked as a browser or Prometheus would."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest

from exporter.web.app import create_app
from tests.exporter.web.fakes import FakeActions, FakeView

if TYPE_CHECKING:
    from collections.abc import Callable

    from httpservice.webconfig import WebConfig


@pytest.fixture
def view() -> FakeView:
    """Return the sample country at a fixed moment."""
    return FakeView()


@pytest.fixture
def actions(view: FakeView) -> FakeActions:
    """Return what notes the actions."""
    return FakeActions(view=view)


@pytest.fixture
def connect(view: FakeView, actions: FakeActions) -> Callable[..., httpx.AsyncClient]:
    """Return a maker of clients: from which peer, with which users."""

    def make(peer: str = "127.0.0.1", config: WebConfig | None = None) -> httpx.AsyncClient:
        app = create_app(view, actions, web_config=lambda: config)
        transport = httpx.ASGITransport(app, client=(peer, 4000))
        return httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:9921", headers={"Accept-Encoding": ""})

    return make


@pytest.fixture
def client(connect: Callable[..., httpx.AsyncClient]) -> httpx.AsyncClient:
    """Return a client on this machine."""
    return connect()
