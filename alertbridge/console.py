"""The dry run behind our Sender protocol: prints messages as readable text, so that a first run needs no secret."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, TextIO

from alertbridge.markup import plain

if TYPE_CHECKING:
    from alertbridge.sending import Buttons, Place


class ConsoleSender:
    """Writes every message to a stream, framed, with what would be different on a phone."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream if stream is not None else sys.stdout
        self._newest = 0

    async def send(
        self, place: Place, text: str, *, html: bool, silent: bool, reply_to: int | None, buttons: Buttons = ()
    ) -> int:
        """Print a new message; return a number that stands for its id."""
        self._newest += 1
        about = [f"message {self._newest}", _where(place)]
        if reply_to is not None:
            about.append(f"reply to {reply_to}")
        if silent:
            about.append("silent")
        self._print(", ".join(about), plain(text) if html else text, buttons)
        return self._newest

    async def send_photo(
        self, place: Place, photo: bytes, caption: str, *, html: bool, silent: bool, reply_to: int | None
    ) -> int:
        """Print the caption of a picture, and how large it is."""
        text = f"[PNG, {len(photo) / 1024:.0f} KiB]\n{plain(caption) if html else caption}"
        return await self.send(place, text, html=False, silent=silent, reply_to=reply_to)

    async def edit(self, place: Place, message_id: int, text: str, *, html: bool, buttons: Buttons = ()) -> None:
        """Print an edit."""
        self._print(f"edit of message {message_id}, {_where(place)}", plain(text) if html else text, buttons)

    def _print(self, about: str, text: str, buttons: Buttons) -> None:
        rows = ["  ".join(f"[{button.text}]" for button in row) for row in buttons]
        lines = [f"+-- Telegram (dry run): {about}", *(f"|  {line}" for line in [*text.splitlines(), *rows]), "+--"]
        # One write: honcho and others interleave the lines of several processes.
        self._stream.write("\n".join(lines) + "\n")
        self._stream.flush()


def _where(place: Place) -> str:
    return f"chat {place.chat_id}" + (f", topic {place.topic}" if place.topic is not None else "")
