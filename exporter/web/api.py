"""The JSON API under /api/v1: an envelope, filters and pages around the items of items.py.

Endpoints are plain functions: Starlette runs them in worker threads, where arrays, JSON and the journal may take time.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
from starlette.routing import Route

from exporter.engine.board import CONFIRM, GRID
from exporter.outcome import REASONS, UNKNOWN_REASONS, State, Status, failure_status
from exporter.state.verdict import NO_STATE
from exporter.web.answers import JSON, answer, fingerprint, json_bytes, problem
from exporter.web.items import (
    log_item,
    outage_item,
    pipeline_item,
    region_items,
    rfc3339,
    target_items,
)
from exporter.web.selection import MOST, BadQueryError, Order, in_order, read_number, read_selection, select
from exporter.web.view import OutageQuery

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.datastructures import QueryParams
    from starlette.requests import Request
    from starlette.responses import Response

    from exporter.roster import Roster
    from exporter.state.verdict import Verdict
    from exporter.web.index import IndexCache, RosterIndex
    from exporter.web.view import MonitorView, ProbeRow

_LOG_LIMIT = 200
_OUTAGE_LIMIT = 100
_REACH_FLYING = 200  # more than are counted as out may be: they go on being sent while this is read
_REACH = 50_000  # rows that are looked through for a result: the newest of the slots that hold one


class Api:
    """The endpoints."""

    def __init__(self, view: MonitorView, indexes: IndexCache) -> None:
        self._view = view
        self._indexes = indexes

    def routes(self) -> list[Route]:
        """Return the routes of the API."""
        endpoints: dict[str, Callable[[QueryParams, RosterIndex, Verdict], dict[str, Any]]] = {
            "targets": self._targets,
            "regions": self._regions,
            "log": self._log,
            "pipeline": self._pipeline,
            "outages": self._outages,
        }
        return [Route(f"/api/v1/{name}", self._endpoint(read), methods=["GET"]) for name, read in endpoints.items()]

    def _endpoint(
        self, read: Callable[[QueryParams, RosterIndex, Verdict], dict[str, Any]]
    ) -> Callable[[Request], Response]:
        """Return an endpoint that puts the envelope around what `read` finds."""

        def endpoint(request: Request) -> Response:
            roster, verdict = self._view.snapshot()
            try:
                found = read(request.query_params, self._indexes.of(roster), verdict)
            except BadQueryError as error:
                return problem(request, 400, "bad_query", str(error))
            content = {"isolated": verdict.isolated, "impaired": sorted(verdict.impaired), **found}
            # The moment is not part of the ETag: the same states a second later are "not modified".
            etag = fingerprint(json_bytes(content))
            body = json_bytes({"generated_at": rfc3339(verdict.at), **content})
            return answer(request, body, JSON, etag=etag)

        return endpoint

    def _targets(self, query: QueryParams, index: RosterIndex, verdict: Verdict) -> dict[str, Any]:
        selection = read_selection(query)
        slots = select(index, verdict, selection)
        page = slots[selection.offset : selection.offset + selection.limit]
        items = target_items(index, verdict, self._view.board, page.tolist(), self._view.tunnels)
        return {"total": len(slots), "items": items}

    def _regions(self, query: QueryParams, index: RosterIndex, verdict: Verdict) -> dict[str, Any]:
        selection = read_selection(query)
        words = {state.word for state in selection.states}
        text = (selection.text or "").casefold()
        items = [
            item
            for item in region_items(index.roster, verdict)
            if (selection.region is None or item["id"] == selection.region)
            and (not words or item["state"] in words)
            and text in f"{item['id']}\n{item['name']}".casefold()
        ]
        return {"total": len(items), "items": items[selection.offset : selection.offset + selection.limit]}

    def _log(self, query: QueryParams, index: RosterIndex, verdict: Verdict) -> dict[str, Any]:
        rows, total = probe_rows(self._view, index, verdict, query, limit=_LOG_LIMIT)
        return {"total": total, "items": [log_item(index, row) for row in rows]}

    def _pipeline(self, query: QueryParams, index: RosterIndex, verdict: Verdict) -> dict[str, Any]:
        selection = read_selection(query)
        slots = pending_slots(index, verdict, select(index, verdict, selection))
        page = slots[selection.offset : selection.offset + selection.limit]
        return {
            "total": len(slots),
            "items": [pipeline_item(index, verdict, slot) for slot in page.tolist()],
            "unknown": unknown_counts(index.roster, verdict),
            "due_probes": int(self._view.board.process["due_probes"].sum()),
            "in_flight_probes": int(self._view.board.process["in_flight_probes"].sum()),
        }

    def _outages(self, query: QueryParams, index: RosterIndex, verdict: Verdict) -> dict[str, Any]:  # noqa: ARG002 - all endpoints are asked alike
        page = self._view.outages(
            OutageQuery(
                region=query.get("region") or None,
                target=query.get("target") or None,
                since=_read_moment(query, "since"),
                offset=read_number(query, "offset", default=0, least=0, most=10_000_000),
                limit=read_number(query, "limit", default=_OUTAGE_LIMIT, least=1, most=MOST),
            )
        )
        return {"total": page.total, "items": [outage_item(row, verdict.at) for row in page.rows]}


def probe_rows(
    view: MonitorView,
    index: RosterIndex,
    verdict: Verdict,
    query: QueryParams,
    *,
    limit: int,
    waiting: bool = True,
) -> tuple[list[ProbeRow], int]:
    """Return a page of single probes, newest first, and how many the rings hold in all.

    Filters: region, q, target (an id), state (of the target now) and result (reply, failed, pending or a reason).
    `waiting` False leaves those out that have not ended, where no result is asked for.
    """
    selection = read_selection(query, limit=limit)
    slots = select(index, verdict, selection)
    if target := query.get("target"):
        slots = slots[slots == index.roster.slot_of.get(target, -1)]
    columns = view.board.slot
    end = selection.offset + selection.limit
    wanted = query.get("result") or None
    if wanted is None:
        held = (
            columns["grid_count"][slots].clip(max=GRID).sum() + columns["confirm_count"][slots].clip(max=CONFIRM).sum()
        )
        if waiting:
            return list(view.probes(slots.tolist(), end))[selection.offset :], int(held)
        out = int(view.board.process["in_flight_probes"].sum(dtype=np.int64))
        newest = view.probes(slots.tolist(), end + min(2 * out + _REACH_FLYING, _REACH))
        ended = [row for row in newest if row.status != Status.PENDING]
        return ended[selection.offset : end], int(held)
    # A failure among a thousand replies must be found without a row for each: only slots that hold one are read.
    codes = _statuses(wanted)
    hits = np.isin(columns["grid_status"][slots], codes).sum(axis=1)
    hits += np.isin(columns["confirm_status"][slots], codes).sum(axis=1)
    rows = [row for row in view.probes(slots[hits > 0].tolist(), _REACH) if row.status in codes]
    return rows[selection.offset : end], int(hits.sum())


def _statuses(word: str) -> list[int]:
    """Return the ring statuses that a result word stands for.

    Raises:
        BadQueryError: it is none.
    """
    failures = {reason.value: failure_status(reason) for reason in REASONS}
    if word == "failed":
        return list(failures.values())
    plain = {"reply": Status.REPLY, "pending": Status.PENDING, "void": Status.VOID}
    if word in plain:
        return [int(plain[word])]
    if word in failures:
        return [failures[word]]
    raise BadQueryError(f"result: {word[:40]!r} is no result; use failed, {', '.join([*plain, *failures])}")


def pending_slots(index: RosterIndex, verdict: Verdict, slots: np.ndarray[Any, np.dtype[np.intp]]) -> Any:
    """Return those slots whose state is about to change, worst change and fewest missing probes first."""
    near = slots[verdict.pending_state[slots] != NO_STATE]
    near = in_order(index, verdict, near, Order.SINCE)
    return near[np.lexsort((verdict.pending_probes[near], verdict.pending_state[near]))]


def unknown_counts(roster: Roster, verdict: Verdict) -> dict[str, int]:
    """Return how many targets are unknown, by reason; only reasons that occur."""
    blind = roster.is_target & (verdict.code == State.UNKNOWN)
    counts = np.bincount(verdict.unknown_reason[blind], minlength=len(UNKNOWN_REASONS)).tolist()
    return {why.value or "unknown": count for why, count in zip(UNKNOWN_REASONS, counts, strict=True) if count}


def _read_moment(query: QueryParams, name: str) -> float | None:
    """Return a moment of the query string as Unix seconds.

    Raises:
        BadQueryError: it is not RFC 3339 with an offset.
    """
    text = query.get(name)
    if not text:
        return None
    try:
        # A plus sign that was not escaped arrives as a space.
        moment = datetime.fromisoformat(text.replace(" ", "+"))
    except ValueError as error:
        raise BadQueryError(f"{name}: {text[:40]!r} is no RFC 3339 time, e.g. 2026-11-25T07:00:00Z") from error
    if moment.tzinfo is None:
        raise BadQueryError(f"{name}: {text[:40]!r} has no offset; add Z or e.g. +07:00")
    return moment.timestamp()
