"""The languages of the dashboards. Texts stand side by side where they are used: `say("Targets", "Alat")`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Language:
    """One language; calling it picks the text."""

    code: str  # the folder under grafana/dashboards/
    folder: str  # title of the folder in Grafana
    suffix: str  # of every dashboard's uid

    def __call__(self, english: str, indonesian: str) -> str:
        """Return the text in this language."""
        return english if self.code == "en" else indonesian


ENGLISH: Final = Language(code="en", folder="VPN", suffix="")
INDONESIAN: Final = Language(code="id", folder="VPN (Bahasa Indonesia)", suffix="-id")
LANGUAGES: Final = (ENGLISH, INDONESIAN)
