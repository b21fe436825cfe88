"""The settings that hold now, every secret they ever named, and what of newer ones can be applied without a restart."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from alertbridge.loading import CONSOLE

if TYPE_CHECKING:
    from pathlib import Path

    from alertbridge.settings import Chat, Settings
    from httpservice.mistakes import Mistake


@dataclass(slots=True)
class Live:
    """The settings that hold now, and the file they come from."""

    path: Path
    settings: Settings
    past_secrets: set[str] = field(default_factory=set)  # a replaced token must not show up in a late log line either

    def current(self) -> Settings:
        """Return the settings that hold now."""
        return self.settings

    def replace(self, settings: Settings) -> None:
        """Let other settings hold from now on."""
        self.past_secrets.update(self.settings.secrets())
        self.settings = settings

    def secrets(self) -> set[str]:
        """Return every secret that must not be printed."""
        self.past_secrets.update(self.settings.secrets())
        return self.past_secrets


@dataclass(frozen=True, slots=True, kw_only=True)
class Reloaded:
    """What became of a reload without mistakes."""

    warnings: tuple[Mistake, ...]
    restart_needed: tuple[str, ...]  # keys of the file that were changed and not applied
    held: tuple[str, ...] = ()  # chats that the changed file would remove; not empty: nothing was applied


def applicable(before: Settings, wanted: Settings) -> tuple[Settings, tuple[str, ...]]:
    """Return the settings that can hold without a restart, and the keys that cannot (pure).

    The store stays what it is: messages wait in it. A token that is gone stays too: an empty file is most likely one
    that is just being written, and a dry run would print what people wait for.
    """
    refused: list[str] = []
    if (wanted.store_path, wanted.store_url) != (before.store_path, before.store_url):
        wanted = dataclasses.replace(wanted, store_path=before.store_path, store_url=before.store_url)
        refused.append("store")
    if wanted.token is None and before.token is not None:
        chats = tuple(chat for chat in wanted.chats if not _is_console(chat))
        wanted = dataclasses.replace(wanted, token=before.token, chats=chats)
        refused.append("telegram.token_file")
    return wanted, tuple(refused)


def removed_chats(before: Settings, wanted: Settings) -> tuple[str, ...]:
    """Return the chats that would no longer be told anything (pure)."""
    names = {chat.name for chat in wanted.chats}
    return tuple(chat.name for chat in before.chats if chat.name not in names and not _is_console(chat))


def _is_console(chat: Chat) -> bool:
    """Return whether a chat is the dry run's own, which stands in no file."""
    return (chat.name, chat.id) == (CONSOLE.name, CONSOLE.id)
