"""The colours and what they mean, said once: UP green, LOW yellow, DOWN red, UNKNOWN grey.

Hues that stay readable on the dark and the light theme. Colour never stands alone: every state also has its word, on
the map its shape, so that red-green blindness hides nothing.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from grafana.build.language import Language

GREEN: Final = "#56A64B"
YELLOW: Final = "#E0B400"
RED: Final = "#E02F44"
ORANGE: Final = "#F2711C"  # the page itself is late: no state of anything
DARK: Final = "#4A4A4A"  # no data at all, where UNKNOWN would claim that somebody looked
GREY: Final = "#8E8E8E"
BLUE: Final = "#3274D9"  # a quantity without a judgement
PURPLE: Final = "#8F3BB8"  # a second quantity beside it
TEXT: Final = "text"  # the theme's own foreground
# The ground of a tile that counts nothing; below an alpha of 0.3 Grafana keeps the text on it legible.
FAINT: Final = "rgba(142,142,142,0.16)"

NO_VALUE: Final = "\N{EN DASH}"  # what stands where a number is not known: never 0

COLOURS: Final = frozenset({GREEN, YELLOW, RED, ORANGE, DARK, GREY, BLUE, PURPLE, TEXT, FAINT})


class State(IntEnum):
    """The number that `vpn_target_state_code` shows."""

    DOWN = 0
    LOW = 1
    UP = 2
    UNKNOWN = 3


STATE_COLOURS: Final = {State.DOWN: RED, State.LOW: YELLOW, State.UP: GREEN, State.UNKNOWN: GREY}
BEST_TO_WORST: Final = (State.UP, State.UNKNOWN, State.LOW, State.DOWN)


def state_word(state: State, say: Language) -> str:
    """Return the word of a state; Indonesian adds the original application's gloss."""
    gloss = {State.UP: "baik", State.LOW: "lemah", State.DOWN: "terputus", State.UNKNOWN: "tidak diketahui"}[state]
    return say(state.name, f"{state.name} · {gloss}")


def mapping(texts: dict[str, tuple[str, str]]) -> list[dict[str, Any]]:
    """Return value mappings from {value: (text, colour)}."""
    options = {
        value: {"text": text, "color": colour, "index": index}
        for index, (value, (text, colour)) in enumerate(texts.items())
    }
    return [{"type": "value", "options": options}]


def missing(text: str, colour: str = GREY) -> dict[str, Any]:
    """Return the mapping of a value that is absent."""
    return {"type": "special", "options": {"match": "null+nan", "result": {"text": text, "color": colour, "index": 9}}}


def state_mappings() -> list[dict[str, Any]]:
    """Return the mapping from the state code to its word and colour."""
    return mapping({str(int(state)): (state.name, STATE_COLOURS[state]) for state in State})


def good_or_bad(good: str, bad: str, colour: str = RED) -> list[dict[str, Any]]:
    """Return the mapping of a value that is 1 when all is well and 0 when not."""
    return mapping({"1": (good, GREEN), "0": (bad, colour)})


def counting(state: State) -> dict[str, Any]:
    """Return the thresholds of a tile that counts a state: its colour from the first on, for a red 0 alarms nobody."""
    return thresholds(FAINT, (1, STATE_COLOURS[state]))


def thresholds(base: str, *steps: tuple[float, str]) -> dict[str, Any]:
    """Return absolute thresholds: `base` below the first step, then each (from, colour)."""
    return {
        "mode": "absolute",
        "steps": [{"color": base, "value": None}, *({"color": colour, "value": value} for value, colour in steps)],
    }
