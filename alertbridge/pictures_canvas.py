"""What all pictures share: colours, one font, shapes of the states, sizes that a phone can show (pure, Pillow only).

Everything is drawn twice as large and shrunk at the end: Pillow draws lines and shapes without smoothing. Positions and
sizes are in pixels of the finished picture.
"""

from __future__ import annotations

import io
import unicodedata
from functools import cache
from typing import TYPE_CHECKING

from PIL import Image, ImageDraw, ImageFont

if TYPE_CHECKING:
    from collections.abc import Sequence

WIDTH = 1280  # Telegram shows a photo as wide as the phone: 36 px here are about 11 points there
MARGIN = 36
_SCALE = 2

# grafana/build/palette.py says the same; a test holds them together.
COLOURS = {"down": "#E02F44", "low": "#E0B400", "up": "#56A64B", "unknown": "#8E8E8E"}
BLUE, PURPLE = "#3274D9", "#8F3BB8"
PAPER, INK, SOFT, RULE = "#FFFFFF", "#1F2430", "#5B6270", "#D9DCE1"
WORST_FIRST = ("down", "low", "unknown", "up")
BEST_FIRST = WORST_FIRST[::-1]

_LONGEST = 200  # characters of a line: measuring what can never fit took half a minute
_DASHES = "\N{EN DASH}\N{EM DASH}"
Point = tuple[float, float]


@cache
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Return Pillow's own TrueType font; without FreeType its small bitmap font."""
    return ImageFont.load_default(size)


def legible(text: str) -> str:
    """Return a text in the letters that the font has: accents are dropped, other scripts become `?`."""
    folded = "".join(c for c in unicodedata.normalize("NFKD", text[:_LONGEST]) if not unicodedata.combining(c))
    return "".join(c if " " <= c <= "~" or c in "·%" else "-" if c in _DASHES else "?" for c in folded)


class Canvas:
    """A white picture to draw on."""

    def __init__(self, height: int, *, width: int = WIDTH) -> None:
        self.width, self.height = width, height
        self._image = Image.new("RGB", (width * _SCALE, height * _SCALE), PAPER)
        self._draw = ImageDraw.Draw(self._image)

    def text(
        self, at: Point, text: str, *, size: int, colour: str = INK, anchor: str = "la", within: float | None = None
    ) -> float:
        """Write a line; return its width. `within`: cut it with dots at this width."""
        font, shown = _font(size * _SCALE), legible(text)
        limit = None if within is None else within * _SCALE
        if limit is not None and self._draw.textlength(shown, font=font) > limit:
            while shown and self._draw.textlength(f"{shown}...", font=font) > limit:
                shown = shown[:-1]
            shown = f"{shown.rstrip()}..."
        self._draw.text((at[0] * _SCALE, at[1] * _SCALE), shown, font=font, fill=colour, anchor=anchor)
        return self._draw.textlength(shown, font=font) / _SCALE

    def mark(self, at: Point, state: str, radius: float) -> None:
        """Draw a state: square DOWN, triangle LOW, disc UP, ring UNKNOWN, as on the status page, with a white rim."""
        (x, y), rim = at, max(1.0, radius / 5)
        for colour, r in ((PAPER, radius + rim), (COLOURS[state], radius)):
            match state:
                case "down":
                    self.box((x - r * 0.9, y - r * 0.9), (x + r * 0.9, y + r * 0.9), fill=colour)
                case "low":
                    corners = [(x, y - r * 1.2), (x + r * 1.15, y + r * 0.85), (x - r * 1.15, y + r * 0.85)]
                    self.polygon(corners, fill=colour)
                case _:
                    self._draw.ellipse(_box((x - r, y - r), (x + r, y + r)), fill=colour)
        if state == "unknown":
            hole = radius * 0.5
            self._draw.ellipse(_box((x - hole, y - hole), (x + hole, y + hole)), fill=PAPER)

    def box(self, start: Point, end: Point, *, fill: str | None = None, outline: str | None = None) -> None:
        """Draw a rectangle."""
        self._draw.rectangle(_box(start, end), fill=fill, outline=outline, width=_SCALE)

    def polygon(self, points: Sequence[Point], *, fill: str, outline: str | None = None) -> None:
        """Draw a filled polygon."""
        self._draw.polygon([(x * _SCALE, y * _SCALE) for x, y in points], fill=fill, outline=outline)

    def line(self, points: Sequence[Point], *, colour: str, width: float = 1.0) -> None:
        """Draw connected lines; a single point becomes a dot."""
        scaled = [(x * _SCALE, y * _SCALE) for x, y in points]
        if len(scaled) == 1:
            (x, y), r = points[0], width
            self._draw.ellipse(_box((x - r, y - r), (x + r, y + r)), fill=colour)
            return
        self._draw.line(scaled, fill=colour, width=round(width * _SCALE), joint="curve")

    def cover(self, start: Point, end: Point) -> None:
        """Paint paper over a part: what was drawn beyond a frame goes."""
        if end[0] > start[0] and end[1] > start[1]:
            self.box(start, end, fill=PAPER)

    def png(self) -> bytes:
        """Return the finished picture."""
        small = self._image.resize((self.width, self.height), Image.Resampling.BOX)
        # 8 bits with a palette: a quarter of the size, and nothing here has more than 256 shades that matter.
        out = io.BytesIO()
        small.quantize(256, method=Image.Quantize.FASTOCTREE).save(out, format="PNG")
        return out.getvalue()


def _box(start: Point, end: Point) -> tuple[float, float, float, float]:
    return start[0] * _SCALE, start[1] * _SCALE, end[0] * _SCALE, end[1] * _SCALE
