"""Prometheus' HTTP API, as far as the truth needs it: does it answer, and which of our alerts does it fire."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alertbridge.errors import PeerError
from alertbridge.peers import ask

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

    from alertbridge.settings import Peer

_TIMEOUT_SECONDS = 3.0
_OWN_LABELS = frozenset({"__name__", "alertstate"})


class Prometheus:
    """Asks Prometheus."""

    def __init__(self, http: httpx.AsyncClient, peer: Callable[[], Peer]) -> None:
        self._http = http
        self._peer = peer

    async def firing(self) -> tuple[dict[str, str], ...]:
        """Return the labels of every alert that its rules fire now.

        Raises:
            PeerError: it gave no usable answer.
        """
        document = await ask(
            self._http,
            "prometheus",
            self._peer(),
            "/api/v1/query",
            params={"query": 'ALERTS{alertstate="firing"}'},
            timeout_seconds=_TIMEOUT_SECONDS,
        )
        try:
            found = [series["metric"] for series in document["data"]["result"]]
            return tuple(
                {str(key): str(value) for key, value in labels.items() if key not in _OWN_LABELS} for labels in found
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise PeerError("prometheus answered without a result") from error
