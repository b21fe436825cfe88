"""What a measurement says while it works: one line a step, with the time since its begin, beside its result."""

from __future__ import annotations

import sys
import time

_BEGAN = time.monotonic()


def say(step: str) -> None:
    """Print a step that begins now."""
    print(f"   {time.monotonic() - _BEGAN:5.0f} s  {step}", file=sys.stderr, flush=True)
