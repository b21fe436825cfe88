"""The graph: RTT, loss and the band of states of one target or region over some hours (pure).

Where nothing was measured nothing is drawn: a gap in the curves, striped in the band; never a zero.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import ceil, floor, log10
from typing import TYPE_CHECKING

from alertbridge.pictures_canvas import (
    BLUE,
    COLOURS,
    INK,
    MARGIN,
    PAPER,
    PURPLE,
    RULE,
    SOFT,
    WIDTH,
    WORST_FIRST,
    Canvas,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from zoneinfo import ZoneInfo

_LEFT, _RIGHT = 150, WIDTH - MARGIN
_TITLE, _LABEL, _AXIS, _FOOT = 48, 36, 32, 32
_RTT_TOP, _RTT_HEIGHT = 220, 340
_LOSS_TOP, _LOSS_HEIGHT = 640, 160
_BAND_TOP, _BAND_HEIGHT = 880, 70
_HEIGHT = 1130
_TICKS = (600, 900, 3600, 7200, 14400, 21600, 86400)  # seconds between labels of the time axis
_LABELS_AT_MOST = 7

Values = tuple[float | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphView:
    """Everything a graph shows. All rows have the same length: one value per step, None where nothing is known."""

    title: str
    state: str  # now
    subtitle: str
    start: float  # seconds since the epoch of the first value
    step_seconds: float
    zone: ZoneInfo
    rtt_low: Values  # seconds: mean of a target, median of a region
    rtt_high: Values  # seconds: worst of a target, 95th percentile of a region
    loss: Values  # 0 to 1
    states: tuple[str | None, ...]  # the worst of each step
    words: Mapping[str, str]  # of the states, and rtt_low, rtt_high, loss, no_data
    foot: str


def draw_graph(view: GraphView) -> bytes:
    """Return the graph as PNG, 1280 x 1130 pixels."""
    canvas = Canvas(_HEIGHT)
    canvas.mark((MARGIN + 24, MARGIN + 26), view.state, 22)
    canvas.text((MARGIN + 64, MARGIN), view.title, size=_TITLE, within=_RIGHT - MARGIN - 64)
    canvas.text((MARGIN, MARGIN + 66), view.subtitle, size=_LABEL, colour=SOFT, within=_RIGHT - MARGIN)
    known = [1000 * value for value in (*view.rtt_low, *view.rtt_high) if value is not None]
    scale = _nice(max(known, default=1.0))
    x = _label(canvas, _LEFT, _RTT_TOP - 20, view.words["rtt_low"], BLUE)
    _label(canvas, x + 30, _RTT_TOP - 20, view.words["rtt_high"], PURPLE)
    _times(canvas, view)  # below what is measured: its lines must not cut an outage in two
    _frame(canvas, _RTT_TOP, _RTT_HEIGHT, scale, "ms")
    for values, colour, width in ((view.rtt_high, PURPLE, 2.0), (view.rtt_low, BLUE, 3.5)):
        scaled = tuple(None if value is None else 1000 * value / scale[-1] for value in values)
        _curve(canvas, scaled, _RTT_TOP, _RTT_HEIGHT, colour=colour, width=width)
    _label(canvas, _LEFT, _LOSS_TOP - 20, view.words["loss"], COLOURS["down"])
    _frame(canvas, _LOSS_TOP, _LOSS_HEIGHT, (0.0, 50.0, 100.0), "%")
    _bars(canvas, view.loss, _LOSS_TOP, _LOSS_HEIGHT)
    _band(canvas, view.states)
    _legend(canvas, view)
    canvas.text((MARGIN, _HEIGHT - 18), view.foot, size=_FOOT, colour=SOFT, anchor="ls", within=_RIGHT - MARGIN)
    if not known and all(state is None for state in view.states):
        canvas.text(((_LEFT + _RIGHT) / 2, _RTT_TOP + _RTT_HEIGHT / 2), view.words["no_data"], size=_TITLE, anchor="mm")
    return canvas.png()


def _label(canvas: Canvas, x: float, bottom: float, text: str, colour: str) -> float:
    """Write a curve's name beside a sample of its colour; return where it ends."""
    canvas.box((x, bottom - 24), (x + 24, bottom), fill=colour)
    return x + 36 + canvas.text((x + 36, bottom + 4), text, size=_LABEL, anchor="ls")


def _frame(canvas: Canvas, top: float, height: float, ticks: Sequence[float], unit: str) -> None:
    for tick in ticks:
        y = top + height * (1 - tick / ticks[-1])
        canvas.line([(_LEFT, y), (_RIGHT, y)], colour=RULE, width=1.5)
        canvas.text((_LEFT - 14, y), f"{tick:g} {unit}", size=_AXIS, colour=SOFT, anchor="rm")


def _x(index: float, count: int) -> float:
    return _LEFT + (_RIGHT - _LEFT) * index / max(1, count)


def _curve(canvas: Canvas, values: Values, top: float, height: float, *, colour: str, width: float) -> None:
    """Draw a curve (0 to 1) with a gap wherever a value is missing."""
    piece: list[tuple[float, float]] = []
    for index, value in enumerate((*values, None)):
        if value is not None:
            piece.append((_x(index + 0.5, len(values)), top + height * (1 - min(1.0, max(0.0, value)))))
        elif piece:
            canvas.line(piece, colour=colour, width=width)
            piece = []


def _bars(canvas: Canvas, values: Values, top: float, height: float) -> None:
    for index, value in enumerate(values):
        if value:
            start, end = _x(index, len(values)), _x(index + 1, len(values))
            canvas.box(
                (start, top + height * (1 - min(1.0, value))), (max(end, start + 2), top + height), fill=COLOURS["down"]
            )


def _band(canvas: Canvas, states: Sequence[str | None]) -> None:
    """Draw the states as one bar: DOWN full, LOW lower, so that red and green differ in more than colour."""
    bottom = _BAND_TOP + _BAND_HEIGHT
    for index, state in enumerate(states):
        start, end = _x(index, len(states)), _x(index + 1, len(states))
        if state is None:
            canvas.box((start, bottom - _BAND_HEIGHT * 0.4), (end, bottom), fill=RULE if index % 4 < 2 else PAPER)  # noqa: PLR2004 - stripes
        else:
            share = {"down": 1.0, "low": 0.75, "unknown": 0.55, "up": 0.4}[state]
            canvas.box((start, bottom - _BAND_HEIGHT * share), (end, bottom), fill=COLOURS[state])
    canvas.line([(_LEFT, bottom), (_RIGHT, bottom)], colour=INK, width=1.5)


def _times(canvas: Canvas, view: GraphView) -> None:
    """Label the time axis at round local times."""
    count = len(view.states)
    span = count * view.step_seconds
    every = next((tick for tick in _TICKS if span / tick <= _LABELS_AT_MOST), _TICKS[-1])
    local = datetime.fromtimestamp(view.start, tz=UTC).astimezone(view.zone)
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
    for number in range(ceil((span + 86400) / every) + 1):
        moment = midnight + timedelta(seconds=number * every)
        index = (moment.timestamp() - view.start) / view.step_seconds
        if not 0 <= index <= count:
            continue
        x = _x(index, count)
        for top, height in ((_RTT_TOP, _RTT_HEIGHT), (_LOSS_TOP, _LOSS_HEIGHT)):
            canvas.line([(x, top), (x, top + height)], colour=RULE, width=1.0)
        text = f"{moment:%d/%m}" if every >= 86400 else f"{moment:%H:%M}"  # noqa: PLR2004 - a day
        anchor = "la" if x < _LEFT + 30 else "ra" if x > _RIGHT - 45 else "ma"
        canvas.text((x, _BAND_TOP + _BAND_HEIGHT + 12), text, size=_AXIS, colour=SOFT, anchor=anchor)


def _legend(canvas: Canvas, view: GraphView) -> None:
    x, y = float(_LEFT), _BAND_TOP + _BAND_HEIGHT + 66
    for state in WORST_FIRST:
        canvas.mark((x + 14, y + 18), state, 13)
        x += 42 + canvas.text((x + 36, y), view.words[state], size=_AXIS) + 30


def _nice(highest: float) -> tuple[float, ...]:
    """Return round ticks from 0 to at least the highest value (milliseconds)."""
    highest = max(highest, 1e-3)
    power = 10.0 ** floor(log10(highest))
    top = next(factor * power for factor in (1, 2, 4, 6, 8, 10) if factor * power >= highest * 0.999)
    return tuple(round(top * part / 4, 6) for part in range(5))
