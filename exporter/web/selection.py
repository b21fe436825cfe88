"""Which targets a request asks for, and in which order: query string -> Selection -> slots."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

import numpy as np

from exporter.outcome import State

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from starlette.datastructures import QueryParams

    from exporter.state.verdict import Verdict
    from exporter.web.index import RosterIndex

MOST: Final = 10_000  # items in one answer; the rest is paged
_STATES: Final = {state.word: state for state in State}


class BadQueryError(Exception):
    """A parameter of the query string cannot be used; the text says which and why."""


class Order(StrEnum):
    """How targets are sorted."""

    FILE = "file"  # as in targets.yml
    WORST = "worst"  # down, low, unknown, up; hubs with the most targets behind them first, then the newest change
    NAME = "name"
    SINCE = "since"  # newest change first
    RTT = "rtt"  # slowest first
    LOSS = "loss"  # most loss first


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What a query string asks for."""

    region: str | None = None
    states: frozenset[State] = frozenset()  # empty: every state
    text: str | None = None  # in id, name or address
    order: Order = Order.FILE
    offset: int = 0
    limit: int = MOST


def read_selection(query: QueryParams, *, order: Order = Order.FILE, limit: int = MOST) -> Selection:
    """Read region, state (a comma list, or repeated), q, sort, offset and limit.

    Raises:
        BadQueryError: a state or order is unknown, a number is none or out of range.
    """
    words = [word for value in query.getlist("state") for word in value.split(",") if word]
    unknown = [word for word in words if word not in _STATES]
    if unknown:
        raise BadQueryError(f"state: {unknown[0]!r} is no state; use {', '.join(_STATES)}")
    sort = query.get("sort") or order.value
    if sort not in {known.value for known in Order}:
        raise BadQueryError(f"sort: {sort!r} is no order; use {', '.join(Order)}")
    return Selection(
        region=query.get("region") or None,
        states=frozenset(_STATES[word] for word in words),
        text=(query.get("q") or "").strip() or None,
        order=Order(sort),
        offset=read_number(query, "offset", default=0, least=0, most=10_000_000),
        limit=read_number(query, "limit", default=limit, least=1, most=MOST),
    )


def read_number(query: QueryParams, name: str, *, default: int, least: int, most: int) -> int:
    """Return a whole number of the query string.

    Raises:
        BadQueryError: it is none, or out of range.
    """
    text = query.get(name)
    if not text:
        return default
    if not (text.isascii() and text.isdigit()) or not least <= int(text[:12]) <= most:
        raise BadQueryError(f"{name}: {text[:40]!r} is no whole number from {least} to {most}")
    return int(text)


def select(index: RosterIndex, verdict: Verdict, selection: Selection) -> NDArray[np.intp]:
    """Return every slot that is asked for, in order; the caller cuts the page out."""
    slots = index.find(region=selection.region, text=selection.text)
    if selection.states:
        slots = slots[np.isin(verdict.code[slots], [int(state) for state in selection.states])]
    return in_order(index, verdict, slots, selection.order)


def in_order(index: RosterIndex, verdict: Verdict, slots: NDArray[np.intp], order: Order) -> NDArray[np.intp]:
    """Return the slots sorted; equal ones keep the order of the file."""
    if order is Order.FILE:
        return slots
    if order is Order.NAME:
        names = [index.target(slot).name.casefold() for slot in slots.tolist()]
        return slots[sorted(range(len(names)), key=names.__getitem__)]
    since = -verdict.since[slots]
    if order is Order.WORST:
        return slots[np.lexsort((since, -verdict.cut_off_count[slots], badness(verdict)[slots]))]
    columns = {Order.SINCE: since, Order.RTT: -verdict.rtt[slots], Order.LOSS: -verdict.loss[slots]}
    return slots[np.argsort(columns[order], kind="stable")]  # NaN, which is "not known", goes to the end


def badness(verdict: Verdict) -> NDArray[np.uint8]:
    """Return 0 for the worst: own outage, cut off, down in any other way, low, unknown, flapping, up."""
    code = verdict.code
    ranks = np.select(
        [
            verdict.outage & (code == State.DOWN),
            verdict.cut_off & (code == State.DOWN),
            code == State.DOWN,
            code == State.LOW,
            code == State.UNKNOWN,
            verdict.flapping,
        ],
        [0, 1, 2, 3, 4, 5],
        6,
    )
    return ranks.astype(np.uint8)
