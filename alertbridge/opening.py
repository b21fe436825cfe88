"""Opens what the settings name: the store, and whoever delivers the messages."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from alertbridge.console import ConsoleSender
from alertbridge.store import Store
from alertbridge.telegram import TelegramSender

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from alertbridge.sending import Sender
    from alertbridge.settings import Settings


def open_store(settings: Settings, data_dir: Path) -> Store:
    """Return the store that the settings name.

    Raises:
        StoreError: it cannot be used; the text says why.
    """
    if settings.store_url is not None:
        return Store(settings.store_url.reveal())
    return Store.at(settings.store_path or data_dir / "alertbridge.db")


@contextlib.asynccontextmanager
async def open_sender(settings: Settings) -> AsyncIterator[Sender]:
    """Give the sender that the settings name: Telegram, or the terminal in a dry run."""
    if settings.token is None:
        yield ConsoleSender()
        return
    async with TelegramSender(settings.token, settings.api_url) as sender:
        yield sender
