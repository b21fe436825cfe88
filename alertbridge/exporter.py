"""The exporter's JSON API: what it says of targets and regions, and whether it can see at all."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from alertbridge.errors import PeerError
from alertbridge.facts import Facts, from_item
from alertbridge.peers import ask

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    import httpx

    from alertbridge.settings import Peer

_ONE_BY_ONE = 4  # up to so many targets are asked for singly; more come with the whole list
_SINGLE_AT_MOST = 50  # of many, so many that are missing among those that are not up are asked for singly
_PAGE = 5000
_PAGES = 500  # of the whole list: an exporter that counts wrong must not keep us for ever
_TIMEOUT_SECONDS = 5.0
_ACTION_SECONDS = 15.0  # stopping the old processes takes a while


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """One look at the exporter. A subject that was asked for and is not in `facts` is not monitored."""

    facts: dict[str, Facts] = field(default_factory=dict)  # by subject: target:ID or region:ID
    isolated: bool = False
    impaired: tuple[str, ...] = ()


class Exporter:
    """Asks the exporter. The peer is given as a callable, so that a reload changes it."""

    def __init__(self, http: httpx.AsyncClient, peer: Callable[[], Peer]) -> None:
        self._http = http
        self._peer = peer

    async def look(
        self, subjects: Collection[str], *, timeout_seconds: float = _TIMEOUT_SECONDS, thorough: bool = True
    ) -> Sight:
        """Return what the exporter says of some subjects (target:ID, region:ID; others are passed over).

        Few targets are asked for one by one. Of many, those that are not up are read together, and the rest only when
        `thorough`: without it a target that is missing in the answer may be up.

        Raises:
            PeerError: it gave no usable answer.
        """
        targets = {s for s in subjects if s.startswith("target:")}
        regions = {s for s in subjects if s.startswith("region:")}
        facts: dict[str, Facts] = {}
        envelope: dict[str, Any] = {}
        if len(targets) > _ONE_BY_ONE:
            envelope = await self._collect("targets", facts, timeout_seconds, state="down,low,unknown")
            missing = targets - facts.keys() if thorough else set()
            if len(missing) > _SINGLE_AT_MOST:
                envelope = await self._collect("targets", facts, timeout_seconds)
                missing = set()
        else:
            missing = targets
        for subject in sorted(missing):
            query = subject.removeprefix("target:")
            envelope = await self._collect("targets", facts, timeout_seconds, q=query)
        if regions or not targets:
            envelope = await self._collect("regions", facts, timeout_seconds)
        return Sight(
            facts={subject: found for subject, found in facts.items() if subject in targets | regions},
            isolated=envelope.get("isolated") is True,
            impaired=tuple(str(reason) for reason in envelope.get("impaired") or ()),
        )

    async def targets(self, **params: str | int) -> dict[str, Any]:
        """Return one page of /api/v1/targets as it is.

        Raises:
            PeerError: it gave no usable answer.
        """
        return await self._page("targets", params, _TIMEOUT_SECONDS)

    async def page(self, what: str, **params: str | int) -> dict[str, Any]:
        """Return one page of /api/v1/WHAT as it is.

        Raises:
            PeerError: it gave no usable answer.
        """
        return await self._page(what, {"limit": _PAGE, **params}, _TIMEOUT_SECONDS)

    async def restart(self) -> None:
        """Let it restart its probing processes.

        Raises:
            PeerError: it did not take that; 401 and 403 say that our credentials are not good for it.
        """
        await ask(self._http, "exporter", self._peer(), "/-/restart", timeout_seconds=_ACTION_SECONDS, method="POST")

    async def regions(self) -> list[dict[str, Any]]:
        """Return all items of /api/v1/regions.

        Raises:
            PeerError: it gave no usable answer.
        """
        items: list[dict[str, Any]] = (await self.page("regions"))["items"]
        return items

    async def _collect(
        self, what: str, facts: dict[str, Facts], timeout_seconds: float, **filters: str
    ) -> dict[str, Any]:
        """Add the facts of every item to `facts`; return the last page's envelope."""
        offset = 0
        for _ in range(_PAGES):
            params: dict[str, str | int] = {"offset": offset, "limit": _PAGE, **filters}
            page = await self._page(what, params, timeout_seconds)
            for item in page["items"]:
                kind = what.removesuffix("s")
                as_of = page.get("generated_at")
                facts[f"{kind}:{item.get('id')}"] = from_item(
                    item, is_region=what == "regions", as_of=as_of if isinstance(as_of, str) else None
                )
            offset += len(page["items"])
            total = page.get("total")
            if not page["items"] or not isinstance(total, int) or offset >= total:
                return page
        raise PeerError("exporter gave more pages than it can have")

    async def _page(self, what: str, params: dict[str, str | int], timeout_seconds: float) -> dict[str, Any]:
        document = await ask(
            self._http, "exporter", self._peer(), f"/api/v1/{what}", params=params, timeout_seconds=timeout_seconds
        )
        items = document.get("items") if isinstance(document, dict) else None
        if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
            raise PeerError("exporter answered without a list of items")
        page: dict[str, Any] = document
        return page
