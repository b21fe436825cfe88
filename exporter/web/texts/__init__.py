"""Every word of the pages, in English and Indonesian: key -> (English, Indonesian). language.py picks.

The state words are the same in both; Indonesian glosses them as the original application did.
"""

from __future__ import annotations

from typing import Final

from exporter.outcome import State
from exporter.web.texts import frame, looking, reasons, running

GLOSSES: Final = {State.UP: "baik", State.LOW: "lemah", State.DOWN: "terputus", State.UNKNOWN: "tidak diketahui"}

PARTS: Final = (frame.TEXTS, looking.TEXTS, running.TEXTS, reasons.TEXTS)

TEXTS: Final[dict[str, tuple[str, str]]] = {key: both for part in PARTS for key, both in part.items()}
