"""Pictures for people who ask from a phone: asks exporter and Prometheus, draws in a thread, adds the caption.

pictures_map.py and pictures_graph.py draw, pictures_curves.py says what Prometheus is asked for. What a peer does not
know is missing in the picture; a peer that does not answer is a PeerError, never a picture that looks empty and well.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from alertbridge import wording
from alertbridge.facts import from_item, moment
from alertbridge.markup import escape, one_line
from alertbridge.pictures_canvas import WORST_FIRST
from alertbridge.pictures_curves import SPANS, Curves, curves
from alertbridge.pictures_graph import GraphView, draw_graph
from alertbridge.pictures_map import Dot, MapView, Row, draw_map

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from alertbridge.exporter import Exporter
    from alertbridge.prometheus import Prometheus
    from alertbridge.texts import Texts

DEFAULT_SPAN = "24h"
_ROWS = 5
_PAGE = 10_000  # the exporter's longest page
_NAME_CHARS = 160


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A drawn picture."""

    png: bytes
    caption: str  # Telegram HTML, well below 1024 characters


class Pictures:
    """Draws for the bot's commands and the outbox."""

    def __init__(self, exporter: Exporter, prometheus: Prometheus) -> None:
        self._exporter = exporter
        self.prometheus = prometheus

    async def map(self, texts: Texts, *, now: datetime, region: Mapping[str, Any] | None = None) -> Picture:
        """Draw all targets, or those of one region (an item of /api/v1/regions), by state.

        Raises:
            PeerError: the exporter gave no usable answer.
        """
        view = await (self._country(texts, now) if region is None else self._region(region, texts, now))
        png = await asyncio.to_thread(draw_map, view)
        counts = " ".join(
            f"{wording.MARKS[wording.Shown(state)]} {view.counts[state]}"
            for state in WORST_FIRST
            if view.counts.get(state)
        )
        return Picture(png=png, caption=f"<b>{escape(view.title)}</b> {counts}\n<i>{escape(view.foot)}</i>")

    async def graph(
        self, item: Mapping[str, Any], texts: Texts, *, now: datetime, span: str = DEFAULT_SPAN, is_region: bool = False
    ) -> Picture:
        """Draw RTT, loss and states of one item of /api/v1/targets or /api/v1/regions over a span of SPANS.

        Raises:
            PeerError: Prometheus gave no usable answer.
        """
        facts = from_item(item, is_region=is_region, as_of=None)
        found = await curves(self.prometheus, str(item.get("id")), span=span, is_region=is_region, now=now)
        name = facts.name if is_region else f"{facts.region_name} · {facts.name}"
        view = _graph_view(
            found, texts, state=facts.state, name=one_line(name, _NAME_CHARS), zone=facts.timezone, now=now
        )
        png = await asyncio.to_thread(draw_graph, view)
        mark = wording.MARKS[wording.Shown(facts.state)]
        return Picture(png=png, caption=f"{mark} <b>{escape(view.title)}</b>\n<i>{escape(view.subtitle)}</i>")

    async def _country(self, texts: Texts, now: datetime) -> MapView:
        page, targets = await asyncio.gather(self._exporter.page("regions"), self._exporter.targets(limit=_PAGE))
        regions = page["items"]
        places = {str(region.get("id")): region for region in regions}
        shown = list(targets["items"])
        dots: list[Dot] = []
        if _count(targets.get("total")) > len(shown):  # too many for one answer: all that is not up, and the regions
            troubled = await self._exporter.targets(state="down,low,unknown", sort="worst", limit=_PAGE)
            shown = list(troubled["items"])
            dots = [dot for region in regions if (dot := _dot(region, {}, large=True)) is not None]
        dots += _dots(shown, places)
        counts = {state: sum(_count(region.get(state)) for region in regions) for state in WORST_FIRST}
        return MapView(
            title=texts.word("picture.everywhere", default=""),
            dots=dots,
            counts=counts,
            words=_words(texts),
            rows=_region_rows(regions, texts),
            foot=_foot(page, texts, zone="", now=now),
            warning=_warning(page, texts),
        )

    async def _region(self, region: Mapping[str, Any], texts: Texts, now: datetime) -> MapView:
        identity = str(region.get("id"))
        page = await self._exporter.targets(region=identity, sort="worst", limit=_PAGE)
        dots = _dots(page["items"], {identity: region})
        return MapView(
            title=one_line(str(region.get("name") or identity), _NAME_CHARS),
            dots=dots,
            counts={state: sum(_state(item) == state for item in page["items"]) for state in WORST_FIRST},
            words=_words(texts),
            rows=_target_rows(page["items"], texts, now),
            foot=_foot(page, texts, zone=str(region.get("timezone") or ""), now=now),
            warning=_warning(page, texts),
            zoom=bool(dots),
        )


def _graph_view(found: Curves, texts: Texts, *, state: str, name: str, zone: str, now: datetime) -> GraphView:
    place = wording.zone(zone)
    start, end = found.start.astimezone(place), now.astimezone(place)
    same_day = start.date() == end.date()
    names = ("rtt_half", "rtt_most", "loss_region") if found.is_region else ("rtt", "rtt_worst", "loss")
    words = _words(texts) | {
        key: texts.entries[f"picture.{name}"] for key, name in zip(("rtt_low", "rtt_high", "loss"), names, strict=True)
    }
    return GraphView(
        title=f"{texts.entries[f'word.{state}']} · {name}",
        state=state,
        subtitle=texts.entries["picture.span"].format(
            span=wording.duration(SPANS[found.span].total_seconds(), texts),
            start=f"{start:%H:%M}" if same_day else f"{start:%d/%m %H:%M}",
            end=f"{end:%H:%M %Z}" if same_day else f"{end:%d/%m %H:%M %Z}",
        ),
        start=found.start.timestamp(),
        step_seconds=found.step_seconds,
        zone=place,
        rtt_low=found.rtt_low,
        rtt_high=found.rtt_high,
        loss=found.loss,
        states=found.states,
        words=words | {"no_data": texts.entries["picture.no_data"]},
        foot=wording.when(now, place, now=now),
    )


def _words(texts: Texts) -> dict[str, str]:
    return {state: texts.entries[f"word.{state}"] for state in WORST_FIRST}


def _foot(page: Mapping[str, Any], texts: Texts, *, zone: str, now: datetime) -> str:
    """Return the time and the age of the data; of data without a time nobody knows the age."""
    made = moment(str(page.get("generated_at") or ""))
    age = texts.entries["picture.missing"]
    if made is not None:
        age = wording.duration((now - made).total_seconds(), texts)
    when = wording.when(now, wording.zone(zone), now=now)
    return texts.entries["picture.foot"].format(when=when, age=age)


def _warning(page: Mapping[str, Any], texts: Texts) -> str:
    if page.get("isolated") is True:
        return texts.entries["picture.isolated"]
    return texts.entries["picture.impaired"] if page.get("impaired") else ""


def _dots(items: Sequence[Mapping[str, Any]], regions: Mapping[str, Mapping[str, Any]]) -> list[Dot]:
    return [dot for item in items if (dot := _dot(item, regions.get(str(item.get("region")), {}))) is not None]


def _dot(item: Mapping[str, Any], region: Mapping[str, Any], *, large: bool = False) -> Dot | None:
    """Return where an item stands; a target without a place of its own stands at its region's."""
    for source in (item, region):
        longitude, latitude = source.get("longitude"), source.get("latitude")
        if isinstance(longitude, int | float) and isinstance(latitude, int | float):
            return Dot(longitude=float(longitude), latitude=float(latitude), state=_state(item), large=large)
    return None


def _region_rows(regions: Sequence[Mapping[str, Any]], texts: Texts) -> list[Row]:
    """Return the regions where something is not well, worst first."""
    troubled = [r for r in regions if _state(r) != "up" or any(_count(r.get(s)) for s in WORST_FIRST[:-1])]
    troubled.sort(
        key=lambda r: (
            WORST_FIRST.index(_state(r)),
            *(-_count(r.get(state)) for state in WORST_FIRST[:-1]),
            str(r.get("name")),
        )
    )
    rows = [
        Row(
            state=_state(region),
            name=one_line(str(region.get("name") or region.get("id")), _NAME_CHARS),
            counts={state: _count(region.get(state)) for state in WORST_FIRST},
        )
        for region in troubled[:_ROWS]
    ]
    return rows + _rest(len(troubled), texts)


def _rest(troubled: int, texts: Texts) -> list[Row]:
    """Return the line that says how many are left out."""
    left = troubled - _ROWS
    return [Row(state="", name=texts.entries["digest.more"].format(count=left))] if left > 0 else []


def _target_rows(items: Sequence[Mapping[str, Any]], texts: Texts, now: datetime) -> list[Row]:
    """Return the targets that are not up, worst first, with how long they have been so."""
    troubled = sorted(
        (item for item in items if _state(item) != "up"), key=lambda item: WORST_FIRST.index(_state(item))
    )
    rows = []
    for item in troubled[:_ROWS]:
        since = moment(str(item.get("state_since") or ""))
        note = wording.duration((now - since).total_seconds(), texts) if since is not None else ""
        name = one_line(str(item.get("name") or item.get("id")), _NAME_CHARS)
        rows.append(Row(state=_state(item), name=name, note=note))
    return rows + _rest(len(troubled), texts)


def _state(item: Mapping[str, Any]) -> str:
    state = str(item.get("state")).lower()
    return state if state in WORST_FIRST else "unknown"


def _count(value: Any) -> int:
    return value if isinstance(value, int) else 0
