"""Blocks of metric lines that are formatted again only where a value changed.

A line is three pieces: the metric's name (one object for all lines), the label set (one object per target, shared by
all metrics) and the value. A block keeps the pieces in one flat list and joins it; per target and metric that costs a
few dozen nanoseconds and three pointers, where an f-string per line costs ten times as much.

Text format 0.0.4: https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from exporter.outcome import State

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

STATES: Final = (State.DOWN, State.LOW, State.UP, State.UNKNOWN)
_ESCAPES: Final = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})
_DECIMALS: Final = 6  # microseconds: what the clocks are good for; also keeps float32 noise out of the text
# Above this share of changed values the whole column is formatted at once, which is then the cheaper way.
_MOSTLY: Final = 0.3


def escaped(value: str) -> str:
    """Return a label value as the text format wants it."""
    return value.translate(_ESCAPES)


def labels(**pairs: str | float | None) -> str:
    """Return `{name="value",...}`; None becomes an empty value."""
    return "{" + open_labels(**pairs) + "} "


def open_labels(**pairs: str | float | None) -> str:
    """Return `name="value",...` without the braces."""
    return ",".join(f'{name}="{"" if value is None else escaped(str(value))}"' for name, value in pairs.items())


class ValueBlock:
    """One line per label set, each with its own value; an absent value has no line."""

    def __init__(self, name: str, label_sets: Sequence[str]) -> None:
        """Prepare the lines.

        Args:
            name: of the metric.
            label_sets: `{...} ` per line, as `labels` makes them.
        """
        self._name = f"\n{name}"
        self._label_sets = label_sets
        count = len(label_sets)
        self._pieces: list[str] = [""] * (3 * count)
        self._values: NDArray[Any] | None = None
        self._present = np.zeros(count, dtype=np.bool_)
        self._text = ""

    def render(self, values: NDArray[Any]) -> str:
        """Return all lines, each begun by a line end.

        Args:
            values: one per label set. Floats: NaN is absent. Integers: a negative one is absent.
        """
        if len(values) == 0:
            return ""
        floating = np.issubdtype(values.dtype, np.floating)
        rounded: NDArray[Any] = np.round(values.astype(np.float64), _DECIMALS) if floating else values
        present: NDArray[np.bool_] = ~np.isnan(rounded) if floating else rounded >= 0
        flipped = np.flatnonzero(present != self._present)
        for index in flipped.tolist():
            shown = bool(present[index])
            self._pieces[3 * index] = self._name if shown else ""
            self._pieces[3 * index + 1] = self._label_sets[index] if shown else ""
        changed: NDArray[Any]
        if self._values is None:
            changed = np.flatnonzero(present | self._present)
        else:
            changed = np.flatnonzero((rounded != self._values) & (present | self._present))
        if len(changed) == 0 and self._values is not None:
            return self._text
        self._write(rounded, present, changed)
        self._values, self._present = rounded, present
        self._text = "".join(self._pieces)
        return self._text

    def _write(self, values: NDArray[Any], present: NDArray[np.bool_], changed: NDArray[Any]) -> None:
        """Format what changed."""
        if len(changed) > _MOSTLY * len(values):
            self._pieces[2::3] = map(repr, values.tolist())
            for index in np.flatnonzero(~present).tolist():
                self._pieces[3 * index + 2] = ""
            return
        for index, value, shown in zip(
            changed.tolist(), values[changed].tolist(), present[changed].tolist(), strict=True
        ):
            self._pieces[3 * index + 2] = repr(value) if shown else ""


class StateSetBlock:
    """Four lines per label set, one per state, of which exactly one is 1."""

    def __init__(self, name: str, open_label_sets: Sequence[str]) -> None:
        """Prepare the lines.

        Args:
            name: of the metric.
            open_label_sets: `name="value",...` per label set, without braces.
        """
        count = len(open_label_sets)
        self._pieces: list[str] = [""] * (8 * count)
        starts = [f"\n{name}{{{pairs}" for pairs in open_label_sets]  # one object for a target's four lines
        for position in range(0, 8, 2):
            self._pieces[position::8] = starts
        # ends[code][position]: what follows the labels of the line for STATES[position] while the state is `code`.
        self._ends = [[f',state="{state.word}"}} {int(state == code)}' for state in STATES] for code in STATES]
        self._codes: NDArray[np.uint8] | None = None
        self._text = ""

    def render(self, codes: NDArray[np.uint8]) -> str:
        """Return all lines, each begun by a line end; `codes` holds one `outcome.State` per label set."""
        if self._codes is None:
            changed = np.arange(len(codes))
        else:
            changed = np.flatnonzero(codes != self._codes)
            if len(changed) == 0:
                return self._text
        for index, code in zip(changed.tolist(), codes[changed].tolist(), strict=True):
            self._pieces[8 * index + 1 : 8 * index + 8 : 2] = self._ends[code]
        self._codes = codes.copy()
        self._text = "".join(self._pieces)
        return self._text


class HistogramBlock:
    """The lines of one histogram per label set: cumulative buckets, sum, count."""

    def __init__(self, name: str, open_label_sets: Sequence[str], bounds: Sequence[float]) -> None:
        """Prepare the lines.

        Args:
            name: of the metric.
            open_label_sets: `name="value",...` per label set, without braces.
            bounds: upper bounds of the buckets, ascending, without +Inf.
        """
        texts = [*map(repr, bounds), "+Inf"]
        self._starts = [
            [
                *(f'\n{name}_bucket{{{pairs},le="{bound}"}} ' for bound in texts),
                f"\n{name}_sum{{{pairs}}} ",
                f"\n{name}_count{{{pairs}}} ",
            ]
            for pairs in open_label_sets
        ]

    def render(self, buckets: NDArray[np.int64], sums: NDArray[np.float64]) -> str:
        """Return all lines, each begun by a line end.

        Args:
            buckets: (label sets, bounds + 1), each bucket on its own, not cumulative.
            sums: (label sets,).
        """
        pieces: list[str] = []
        rows = zip(self._starts, buckets.cumsum(axis=1).tolist(), sums.round(_DECIMALS).tolist(), strict=True)
        for starts, counts, total in rows:
            for start, value in zip(starts, (*counts, total, counts[-1]), strict=True):
                pieces += (start, repr(value))
        return "".join(pieces)
