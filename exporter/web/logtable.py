"""The ping log as people and spreadsheets read it, and the strip of a target's last probes."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from exporter.outcome import Status
from exporter.web import words
from exporter.web.items import log_item, result_word

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from exporter.web.index import RosterIndex
    from exporter.web.rows import Rows
    from exporter.web.view import ProbeRow

BARS: Final = 60  # the judge's window
_BAR_WIDTH: Final = 10
_HEIGHT: Final = 100
_COLUMNS: Final = ("time", "target", "region", "sequence", "kind", "result", "rtt_seconds")
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


def log_rows(rows: Rows, probes: Iterable[ProbeRow]) -> list[dict[str, Any]]:
    """Return one row per probe, in the reader's words."""
    found: list[dict[str, Any]] = []
    for probe in probes:
        target = rows.index.target(probe.slot)
        region = rows.index.region_of[target.region]
        word = result_word(probe.status)
        found.append(
            {
                "key": f"{target.id} {probe.confirmation:d} {probe.sequence}",
                "at": probe.sent_at,
                "clock": words.clock(probe.sent_at, region.timezone, rows.texts, now=rows.now),
                "target": target,
                "region": region,
                "sequence": probe.sequence,
                "confirmation": probe.confirmation,
                "failed": probe.status >= Status.FIRST_FAILURE,
                "pending": probe.status == Status.PENDING,
                "result": getattr(rows.texts, word, word) if word in {"reply", "pending", "void"} else word,
                "rtt": words.milliseconds(probe.rtt_seconds),
            }
        )
    return found


def csv_bytes(index: RosterIndex, probes: Iterable[ProbeRow]) -> bytes:
    """Return the log as CSV with a header, the keys and forms of the JSON API, UTF-8 with the mark Excel needs."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(_COLUMNS)
    for probe in probes:
        item = log_item(index, probe)
        writer.writerow([_harmless(item[column]) for column in _COLUMNS])
    return b"\xef\xbb\xbf" + out.getvalue().encode()


def _harmless(value: Any) -> Any:
    """Return a value that no spreadsheet takes for a formula: ids are free text."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One probe of the strip, in the units of its drawing."""

    x: int
    y: int
    height: int
    kind: str  # reply, failed or pending
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Strip:
    """The last regular probes of one target as bars, oldest first."""

    bars: tuple[Bar, ...]
    limit_y: int  # where the RTT that counts as LOW is
    width: int = BARS * _BAR_WIDTH
    height: int = _HEIGHT


def strip(probes: Sequence[ProbeRow], low_rtt_seconds: float) -> Strip:
    """Return the strip of one target; the tallest bar or the limit, whichever is higher, fills the height."""
    newest = sorted((p for p in probes if not p.confirmation and p.status != Status.VOID), key=lambda p: -p.sequence)
    shown = newest[:BARS][::-1]
    # A target far below its limit must still show its shape: the limit stays out of sight then.
    highest = max([p.rtt_seconds for p in shown if p.rtt_seconds is not None], default=low_rtt_seconds)
    top = max(highest * 1.1, 0.001)
    bars: list[Bar] = []
    for place, probe in enumerate(shown, start=BARS - len(shown)):
        word = result_word(probe.status)
        if probe.rtt_seconds is not None:
            kind, height = "reply", max(2, round(_HEIGHT * probe.rtt_seconds / top))
        else:
            kind, height = ("pending", 6) if probe.status == Status.PENDING else ("failed", _HEIGHT)
        rtt = f", {words.milliseconds(probe.rtt_seconds)}" if probe.rtt_seconds is not None else ""
        bars.append(
            Bar(
                x=place * _BAR_WIDTH,
                y=_HEIGHT - height,
                height=height,
                kind=kind,
                title=f"#{probe.sequence} {word}{rtt}",
            )
        )
    return Strip(bars=tuple(bars), limit_y=round(_HEIGHT - _HEIGHT * low_rtt_seconds / top))
