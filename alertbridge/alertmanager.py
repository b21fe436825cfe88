"""Alertmanager's HTTP API, version 2: which alerts it holds, which of them are silenced or inhibited."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from alertbridge.errors import PayloadError, PeerError
from alertbridge.payload import Alert, parse_alert
from alertbridge.peers import ask

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

    from alertbridge.settings import Peer

_TIMEOUT_SECONDS = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """One alert that Alertmanager holds as firing."""

    alert: Alert
    suppressed: str  # "silenced", "inhibited" or empty
    receivers: frozenset[str]


class Alertmanager:
    """Asks Alertmanager."""

    def __init__(self, http: httpx.AsyncClient, peer: Callable[[], Peer]) -> None:
        self._http = http
        self._peer = peer

    async def alerts(self) -> dict[str, Held]:
        """Return all firing alerts by fingerprint; ended ones are not listed.

        Raises:
            PeerError: it gave no usable answer.
        """
        document = await ask(
            self._http, "alertmanager", self._peer(), "/api/v2/alerts", timeout_seconds=_TIMEOUT_SECONDS
        )
        if not isinstance(document, list):
            raise PeerError("alertmanager answered without a list of alerts")
        try:
            found = [_held(item, index) for index, item in enumerate(document)]
        except (PayloadError, KeyError, TypeError, AttributeError) as error:
            raise PeerError(f"alertmanager answered with an alert that cannot be read: {error}") from error
        return {held.alert.fingerprint: held for held in found}


def _held(item: dict[str, Any], index: int) -> Held:
    status = item["status"]
    suppressed = "silenced" if status.get("silencedBy") else "inhibited" if status.get("inhibitedBy") else ""
    return Held(
        alert=parse_alert({**item, "status": "firing"}, f"alerts[{index}]"),
        suppressed=suppressed,
        receivers=frozenset(receiver["name"] for receiver in item.get("receivers", ())),
    )
