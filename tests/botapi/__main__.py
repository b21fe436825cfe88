"""`python -m tests.botapi --port N`: prints every message that a bridge sends, for trying things out by hand."""

from __future__ import annotations

import argparse
import sys
import threading
from typing import TYPE_CHECKING

from tests.botapi.server import BotApi

if TYPE_CHECKING:
    from tests.botapi.world import Message


def show(method: str, message: Message) -> None:
    """Print one message or edit."""
    kind = "edit" if method == "editMessageText" else "reply" if message.reply_to else "message"
    silent = ", silent" if message.silent else ""
    sys.stdout.write(f"\n=== {kind} {message.message_id} in {message.chat_id}{silent}\n{message.text}\n")
    sys.stdout.flush()


def main() -> None:
    """Serve until Ctrl-C."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8081)
    arguments = parser.parse_args()
    with BotApi(port=arguments.port, on_message=show) as api:
        sys.stdout.write(f"api_url: {api.url}\nTELEGRAM_TOKEN={api.token}\n")
        sys.stdout.flush()
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            sys.stdout.write("stopped\n")


if __name__ == "__main__":
    main()
