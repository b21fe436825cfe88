"""Opens the store that the settings name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alertbridge.store import Store

if TYPE_CHECKING:
    from pathlib import Path

    from alertbridge.settings import Settings


def open_store(settings: Settings, data_dir: Path) -> Store:
    """Return the store that the settings name.

    Raises:
        StoreError: it cannot be used; the text says why.
    """
    if settings.store_url is not None:
        return Store(settings.store_url.reveal())
    return Store.at(settings.store_path or data_dir / "alertbridge.db")
