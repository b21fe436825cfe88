"""The settings that hold now, and every secret they ever named."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from alertbridge.settings import Settings


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
