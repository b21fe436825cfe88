"""Alertmanager's HTTP API, version 2: the alerts it holds, what hides them, and its silences."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from alertbridge.errors import PayloadError, PeerError
from alertbridge.facts import moment
from alertbridge.payload import Alert, parse_alert
from alertbridge.peers import ask

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import httpx

    from alertbridge.settings import Peer

_TIMEOUT_SECONDS = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """One alert that Alertmanager holds as firing."""

    alert: Alert
    suppressed: str  # "silenced", "inhibited" or empty
    receivers: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Matcher:
    """One condition of a silence."""

    name: str
    value: str
    regex: bool = False
    equal: bool = True

    def fits(self, labels: Mapping[str, str]) -> bool:
        """Tell whether labels meet it; a label that is missing counts as empty, as in Alertmanager."""
        found = labels.get(self.name, "")
        try:
            same = re.fullmatch(self.value, found) is not None if self.regex else found == self.value
        except re.error:  # Go's expressions are not quite Python's
            return False
        return same is self.equal

    def __str__(self) -> str:
        """Return it as a person writes it."""
        sign = {(False, True): "=", (False, False): "!=", (True, True): "=~", (True, False): "!~"}
        return f"{self.name}{sign[self.regex, self.equal]}{self.value}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """A silence. An empty id: not created yet."""

    id: str = ""
    matchers: tuple[Matcher, ...]
    starts_at: datetime
    ends_at: datetime
    author: str
    comment: str

    def hides(self, labels: Mapping[str, str]) -> bool:
        """Tell whether it hides an alert of these labels."""
        return all(matcher.fits(labels) for matcher in self.matchers)


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
        document = await self._ask("/api/v2/alerts")
        if not isinstance(document, list):
            raise PeerError("alertmanager answered without a list of alerts")
        try:
            found = [_held(item, index) for index, item in enumerate(document)]
        except (PayloadError, KeyError, TypeError, AttributeError) as error:
            raise PeerError(f"alertmanager answered with an alert that cannot be read: {error}") from error
        return {held.alert.fingerprint: held for held in found}

    async def silences(self) -> dict[str, Silence]:
        """Return all silences that are not over by id, whoever made them, the first to end first.

        Raises:
            PeerError: it gave no usable answer.
        """
        document = await self._ask("/api/v2/silences")
        if not isinstance(document, list):
            raise PeerError("alertmanager answered without a list of silences")
        try:
            found = [_silence(item) for item in document if item["status"]["state"] != "expired"]
        except (KeyError, TypeError, AttributeError) as error:
            raise PeerError(f"alertmanager answered with a silence that cannot be read: {error}") from error
        return {silence.id: silence for silence in sorted(found, key=lambda s: (s.ends_at, s.id))}

    async def put(self, silence: Silence) -> str:
        """Create a silence, or extend the one of this id; return its id, which is another one when that was over.

        Raises:
            PeerError: it was not taken.
        """
        body: dict[str, Any] = {
            "matchers": [
                {"name": m.name, "value": m.value, "isRegex": m.regex, "isEqual": m.equal} for m in silence.matchers
            ],
            "startsAt": _text(silence.starts_at),
            "endsAt": _text(silence.ends_at),
            "createdBy": silence.author,
            "comment": silence.comment,
        }
        if silence.id:
            body["id"] = silence.id
        answer = await self._ask("/api/v2/silences", method="POST", body=body)
        if not isinstance(answer, dict) or not isinstance(answer.get("silenceID"), str):
            raise PeerError("alertmanager answered without the id of a silence")
        return str(answer["silenceID"])

    async def expire(self, silence_id: str) -> None:
        """End a silence now.

        Raises:
            PeerError: it was not ended; one that Alertmanager does not know is such a case.
        """
        await self._ask(f"/api/v2/silence/{silence_id}", method="DELETE")

    async def _ask(self, path: str, *, method: str = "GET", body: Any = None) -> Any:
        return await ask(
            self._http,
            "alertmanager",
            self._peer(),
            path,
            timeout_seconds=_TIMEOUT_SECONDS,
            method=method,
            body=body,
        )


def _held(item: dict[str, Any], index: int) -> Held:
    status = item["status"]
    suppressed = "silenced" if status.get("silencedBy") else "inhibited" if status.get("inhibitedBy") else ""
    return Held(
        alert=parse_alert({**item, "status": "firing"}, f"alerts[{index}]"),
        suppressed=suppressed,
        receivers=frozenset(receiver["name"] for receiver in item.get("receivers", ())),
    )


def _silence(item: dict[str, Any]) -> Silence:
    starts, ends = moment(item["startsAt"]), moment(item["endsAt"])
    if starts is None or ends is None:
        raise KeyError("startsAt or endsAt")
    return Silence(
        id=str(item["id"]),
        matchers=tuple(
            Matcher(
                name=str(m["name"]),
                value=str(m["value"]),
                regex=m.get("isRegex") is True,
                equal=m.get("isEqual") is not False,
            )
            for m in item["matchers"]
        ),
        starts_at=starts,
        ends_at=ends,
        author=str(item.get("createdBy") or ""),
        comment=str(item.get("comment") or ""),
    )


def _text(at: datetime) -> str:
    return at.astimezone(UTC).isoformat()
