"""Prometheus' HTTP API, as far as we need it: does it answer, which of our alerts does it fire, how did values run."""

from __future__ import annotations

import json
from math import isfinite
from typing import TYPE_CHECKING, Any

from alertbridge.errors import PeerError
from alertbridge.peers import ask

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

    from alertbridge.settings import Peer

_TIMEOUT_SECONDS = 3.0
_RANGE_TIMEOUT_SECONDS = 10.0  # a week of one target reads some 100,000 samples; a person waits for it
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
        params = {"query": 'ALERTS{alertstate="firing"}'}
        document = await self._ask("query", params, timeout_seconds=_TIMEOUT_SECONDS)
        try:
            found = [series["metric"] for series in document["data"]["result"]]
            return tuple(
                {str(key): str(value) for key, value in labels.items() if key not in _OWN_LABELS} for labels in found
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise PeerError("prometheus answered without a result") from error

    async def by_region(self, query: str, *, at: float) -> dict[str, float]:
        """Return a query's value for each `region` at a moment, in seconds since the epoch.

        Raises:
            PeerError: it gave no usable answer.
        """
        document = await self._ask("query", {"query": query, "time": f"{at:.3f}"})
        try:
            found = {
                str(one["metric"]["region"]): float(one["value"][1])
                for one in document["data"]["result"]
                if "region" in one["metric"]
            }
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise PeerError("prometheus answered without a result") from error
        return {region: value for region, value in found.items() if isfinite(value)}

    async def values(self, query: str, *, start: float, step_seconds: float, count: int) -> tuple[float | None, ...]:
        """Return a query's values at `count` moments, the first at `start`, in seconds since the epoch.

        None where there is no sample: missing is not zero. Of several series the first counts, so aggregate.

        Raises:
            PeerError: it gave no usable answer.
        """
        params = {
            "query": query,
            "start": f"{start:.3f}",
            "end": f"{start + (count - 1) * step_seconds:.3f}",
            "step": f"{step_seconds:.3f}",
        }
        document = await self._ask("query_range", params)
        found: list[float | None] = [None] * count
        try:
            for at, text in (document["data"]["result"] or [{"values": []}])[0]["values"]:
                index, value = round((float(at) - start) / step_seconds), float(text)
                if 0 <= index < count and isfinite(value):
                    found[index] = value
        except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
            raise PeerError("prometheus answered without a result") from error
        return tuple(found)

    async def _ask(self, what: str, params: dict[str, str], *, timeout_seconds: float = _RANGE_TIMEOUT_SECONDS) -> Any:
        """Return what Prometheus answers to a query.

        Raises:
            PeerError: it gave no usable answer.
        """
        path = f"/api/v1/{what}"
        return await ask(self._http, "prometheus", self._peer(), path, params=params, timeout_seconds=timeout_seconds)


def quoted(text: str) -> str:
    """Return a text as a PromQL string: label values come from people."""
    return json.dumps(text, ensure_ascii=False)
