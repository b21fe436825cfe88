"""The status page: which template shows what. Words and numbers come from rows.py, markup from templates/.

Every page is complete HTML. Its script asks for the same address with `live=1` every few seconds, gets the changing
part alone and lays it over what is there; so the server has the only rendering, in the reader's language.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from starlette.routing import Route

from exporter.outcome import REASONS, State
from exporter.state.verdict import NO_STATE
from exporter.web import words
from exporter.web.answers import JSON, answer
from exporter.web.api import pending_slots, probe_rows, unknown_counts
from exporter.web.engine_rows import engine_rows
from exporter.web.logtable import csv_bytes, log_rows, strip
from exporter.web.render import Page, Renderer
from exporter.web.rows import Rows
from exporter.web.selection import BadQueryError, Order, read_selection, select
from exporter.web.tunnel_row import tunnel_row
from exporter.web.view import OutageQuery

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request
    from starlette.responses import Response

    from exporter.web.index import IndexCache
    from exporter.web.view import MonitorView

_PROBLEMS: Final = 12
_CHANGES: Final = 12
_PAGE_ROWS: Final = 50
_LOG_ROWS: Final = 100
_CSV_ROWS: Final = 10_000
_TARGET_OUTAGES: Final = 20
_SOON_SECONDS: Final = 21 * 86400  # the warning of VPNCertificateExpiring
_ORDERS: Final = (Order.WORST, Order.NAME, Order.SINCE, Order.RTT, Order.LOSS, Order.FILE)


class Pages:
    """The endpoints of the pages; plain functions, so they run in worker threads."""

    def __init__(self, view: MonitorView, indexes: IndexCache, renderer: Renderer) -> None:
        self._view = view
        self._indexes = indexes
        self._renderer = renderer

    def routes(self) -> list[Route]:
        """Return the routes of all pages."""
        pages: dict[str, Callable[[Request, Rows], Page]] = {
            "/": self._map,
            "/regions": self._regions,
            "/targets": self._targets,
            "/target": self._target,
            "/log": self._log,
            "/pipeline": self._pipeline,
            "/maintenance": self._maintenance,
        }
        return [
            *(Route(path, self._endpoint(make), methods=["GET"]) for path, make in pages.items()),
            Route("/log.csv", self._csv, methods=["GET"]),
            Route("/map.json", self._layout, methods=["GET"]),
        ]

    def _endpoint(self, make: Callable[[Request, Rows], Page]) -> Callable[[Request], Response]:
        """Return an endpoint that makes the rows, the page and its frame."""

        def endpoint(request: Request) -> Response:
            rows = self._rows(request)
            try:
                page = make(request, rows)
            except BadQueryError as error:
                page = Page(name="message", status=400, content={"text": rows.texts.say("bad_query", why=error)})
            common = {
                "isolated": rows.verdict.isolated,
                "impaired": [getattr(rows.texts, f"impaired_{why.value}") for why in sorted(rows.verdict.impaired)],
                "reload": self._view.reload_status,
                "age": max(0.0, rows.now - rows.verdict.at),
            }
            return self._renderer.response(request, page, common)

        return endpoint

    def _rows(self, request: Request) -> Rows:
        roster, verdict = self._view.snapshot()
        texts = self._renderer.texts(request)
        return Rows(self._indexes.of(roster), verdict, texts, board=self._view.board, now=time.time())

    def _map(self, request: Request, rows: Rows) -> Page:
        layout = rows.index.map
        chosen_target = rows.index.roster.slot_of.get(request.query_params.get("target", ""))
        chosen_region = request.query_params.get("region")
        regions = rows.regions()
        problems, more = rows.problems(_PROBLEMS)
        return Page(
            name="map",
            content={
                "counts": rows.counts(),
                "layout": layout,
                "target_digits": (rows.verdict.code[layout.slots] + ord("0")).tobytes().decode("ascii"),
                "region_digits": (rows.verdict.region_code[layout.regions] + ord("0")).tobytes().decode("ascii"),
                "regions": regions,
                "fallen": [region for region in regions if region.outage],
                "problems": problems,
                "more": more,
                "changes": self._change_rows(rows),
                "chosen_target": rows.target(chosen_target) if chosen_target is not None else None,
                "chosen_region": next((region for region in regions if region.region.id == chosen_region), None),
            },
        )

    def _change_rows(self, rows: Rows) -> list[dict[str, Any]]:
        """Return the newest changes; those of targets that were removed since keep their old name."""
        found: list[dict[str, Any]] = []
        for change in self._view.changes(_CHANGES):
            region = rows.index.region_of.get(change.region)
            zone = region.timezone if region is not None else "Asia/Jakarta"
            found.append(
                {
                    "at": change.at,
                    "clock": words.clock(change.at, zone, rows.texts, now=rows.now),
                    "target": change.target if change.target in rows.index.roster.slot_of else None,
                    "name": change.name,
                    "region": region.name if region is not None else change.region,
                    "before": change.before,
                    "after": change.after,
                }
            )
        return found

    def _regions(self, request: Request, rows: Rows) -> Page:  # noqa: ARG002 - all pages are made alike
        return Page(name="regions", content={"regions": rows.regions()})

    def _targets(self, request: Request, rows: Rows) -> Page:
        selection = read_selection(request.query_params, order=Order.WORST, limit=_PAGE_ROWS)
        slots = select(rows.index, rows.verdict, selection)
        page = slots[selection.offset : selection.offset + selection.limit].tolist()
        return Page(
            name="targets",
            content={
                "rows": [rows.target(slot) for slot in page],
                "total": len(slots),
                "selection": selection,
                "orders": _ORDERS,
                "regions": rows.index.roster.inventory.regions,
            },
        )

    def _target(self, request: Request, rows: Rows) -> Page:
        name = request.query_params.get("id", "")
        slot = rows.index.roster.slot_of.get(name)
        if slot is None:
            return Page(name="message", status=404, content={"text": rows.texts.say("unknown_target", id=name)})
        target = rows.index.target(slot)
        behind = [other for other in rows.index.roster.inventory.targets if other.gateway == target.id]
        outages = self._view.outages(OutageQuery(target=target.id, limit=_TARGET_OUTAGES))
        zone = rows.index.region_of[target.region].timezone
        return Page(
            name="target",
            menu="targets",
            content={
                "row": rows.target(slot),
                "strip": strip(self._view.probes([slot], 200), target.settings.low_rtt_seconds),
                "limit": words.milliseconds(target.settings.low_rtt_seconds),
                "last_rtt": words.milliseconds(float(rows.verdict.last_rtt[slot])),
                "pending": self._near_row(rows, slot) if rows.verdict.pending_state[slot] != NO_STATE else None,
                "behind": [rows.target(rows.index.roster.slot_of[other.id]) for other in behind[:_PAGE_ROWS]],
                "behind_more": max(0, len(behind) - _PAGE_ROWS),
                "outages": [
                    {
                        "start": words.clock(row.start, zone, rows.texts, now=rows.now),
                        "start_at": row.start,
                        "lasting": row.end is None,
                        "duration": words.span((row.end or rows.now) - row.start, rows.texts),
                        "cause": getattr(rows.texts, f"cause_{row.cause}", row.cause),
                    }
                    for row in outages.rows
                ],
                "tunnel": tunnel_row(self._view.tunnels, rows, target),
                "probes_total": words.count(int(self._view.board.slot["probes_total"][slot].item())),
            },
        )

    def _log(self, request: Request, rows: Rows) -> Page:
        target = request.query_params.get("target", "")
        # Of thousands of targets the newest hundred probes are all still out: a page that says nothing.
        found, total = probe_rows(
            self._view, rows.index, rows.verdict, request.query_params, limit=_LOG_ROWS, waiting=bool(target)
        )
        return Page(
            name="log",
            content={
                "rows": log_rows(rows, found),
                "total": total,
                "selection": read_selection(request.query_params, limit=_LOG_ROWS),
                "target": target,
                "result": request.query_params.get("result", ""),
                "results": [reason.value for reason in REASONS],
                "regions": rows.index.roster.inventory.regions,
            },
        )

    def _csv(self, request: Request) -> Response:
        """Answer with the filtered ping log as a file."""
        rows = self._rows(request)
        try:
            found, _ = probe_rows(self._view, rows.index, rows.verdict, request.query_params, limit=_CSV_ROWS)
        except BadQueryError as error:
            return answer(request, f"{error}\n".encode(), "text/plain; charset=utf-8", status=400, cache="no-store")
        headers = {"Content-Disposition": 'attachment; filename="ping-log.csv"'}
        return answer(
            request, csv_bytes(rows.index, found), "text/csv; charset=utf-8", cache="no-store", headers=headers
        )

    def _layout(self, request: Request) -> Response:
        """Answer with the places on the map; the page names the version it needs."""
        layout = self._indexes.of(self._view.snapshot()[0]).map
        return answer(request, layout.body, JSON, etag=layout.version)

    def _near_row(self, rows: Rows, slot: int) -> dict[str, Any]:
        return {
            "row": rows.target(slot),
            "state": State(int(rows.verdict.pending_state[slot])),
            "missing": int(rows.verdict.pending_probes[slot]),
        }

    def _pipeline(self, request: Request, rows: Rows) -> Page:  # noqa: ARG002 - all pages are made alike
        near = pending_slots(rows.index, rows.verdict, rows.index.slots)
        unknown = unknown_counts(rows.index.roster, rows.verdict)
        return Page(
            name="pipeline",
            content={
                "near": [self._near_row(rows, slot) for slot in near[:_PAGE_ROWS].tolist()],
                "more": max(0, len(near) - _PAGE_ROWS),
                "unknown": [(getattr(rows.texts, f"why_{why}"), count) for why, count in unknown.items()],
                **engine_rows(self._view, rows.index.roster, rows.texts),
            },
        )

    def _certificate(self, rows: Rows) -> dict[str, Any] | None:
        """Return until when the certificate of these pages is good; None: plain HTTP, or not known."""
        expires_at = self._view.certificate_expires_at()
        if expires_at is None:
            return None
        left = expires_at - rows.now
        return {
            "ends": words.clock(expires_at, "Asia/Jakarta", rows.texts, now=rows.now),
            "left": rows.texts.say("left", age=words.span(left, rows.texts)) if left > 0 else rows.texts.over,
            "soon": left < _SOON_SECONDS,
        }

    def _maintenance(self, request: Request, rows: Rows) -> Page:
        started = self._view.started_at
        status = self._view.reload_status
        return Page(
            name="maintenance",
            content={
                "started": words.clock(started, "Asia/Jakarta", rows.texts, now=rows.now),
                "uptime": words.span(rows.now - started, rows.texts),
                "restarts": self._view.restarts,
                "uplinks": rows.verdict.uplink_up,
                "success_at": words.clock(status.success_at, "Asia/Jakarta", rows.texts, now=rows.now),
                "attempted_at": words.clock(status.attempted_at, "Asia/Jakarta", rows.texts, now=rows.now),
                "certificate": self._certificate(rows),
                "user": getattr(request.state, "user", None),
                **engine_rows(self._view, rows.index.roster, rows.texts),
            },
        )
