"""Asks our HTTP peers: one bounded request for JSON, every trouble a PeerError that names the peer, never a secret."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import httpx

from alertbridge.errors import PeerError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from alertbridge.settings import Peer

CONNECT_SECONDS = 1.0


def client() -> httpx.AsyncClient:
    """Return the HTTP client that all peers share. Proxies of the environment are for Telegram, not for loopback."""
    return httpx.AsyncClient(trust_env=False, limits=httpx.Limits(max_connections=20), follow_redirects=False)


async def ask(
    http: httpx.AsyncClient,
    name: str,
    peer: Peer,
    path: str,
    *,
    timeout_seconds: float,
    params: Mapping[str, str | int] | None = None,
    method: str = "GET",
    body: Any = None,
) -> Any:
    """Return the JSON that a peer answers (None for an empty answer).

    Raises:
        PeerError: no answer in time, another status than 2xx, or no JSON.
    """
    auth = None
    if peer.username is not None and peer.password is not None:
        auth = httpx.BasicAuth(peer.username, peer.password.reveal())
    try:
        async with asyncio.timeout(timeout_seconds):
            answer = await http.request(
                method,
                f"{peer.url}{path}",
                params=params,
                json=body,
                auth=auth,
                timeout=httpx.Timeout(timeout_seconds, connect=min(CONNECT_SECONDS, timeout_seconds)),
            )
    except TimeoutError as error:
        raise PeerError(f"{name} gave no answer within {timeout_seconds:g} s") from error
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise PeerError(f"{name} cannot be reached: {type(error).__name__}") from error
    if not answer.is_success:
        raise PeerError(f"{name} answered {answer.status_code}{_because(answer)}")
    if not answer.content.strip():
        return None
    try:
        return answer.json()
    except ValueError as error:
        raise PeerError(f"{name} answered with something that is no JSON") from error


def _because(answer: httpx.Response) -> str:
    """Return what our exporter says of an action that its state does not allow; else the number says all."""
    if answer.status_code != httpx.codes.CONFLICT:
        return ""
    try:
        message = answer.json()["message"]
    except (ValueError, KeyError, TypeError):
        return ""
    return f": {message[:200]}" if isinstance(message, str) else ""
