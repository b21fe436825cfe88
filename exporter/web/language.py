"""Which language a page speaks: the browser's Accept-Language decides between English and Indonesian."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from exporter.web.texts import GLOSSES, TEXTS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exporter.outcome import State

_LANGUAGES: Final = ("en", "id")


class Texts:
    """The texts of one language; `texts.key` in templates, `texts.say("key", name=...)` with blanks to fill."""

    def __init__(self, language: str) -> None:
        self.language = language
        column = _LANGUAGES.index(language)
        self._texts: Mapping[str, str] = {key: pair[column] for key, pair in TEXTS.items()}

    def __getattr__(self, key: str) -> str:
        """Return a text without blanks; an unknown key is a mistake in a template."""
        try:
            return self._texts[key]
        except KeyError:
            raise AttributeError(key) from None

    def say(self, key: str, **values: object) -> str:
        """Return a text with its blanks filled."""
        return self._texts[key].format(**values)

    def gloss(self, state: State) -> str:
        """Return the Indonesian word beside a state; empty in English."""
        return GLOSSES[state] if self.language == "id" else ""


ENGLISH: Final = Texts("en")
INDONESIAN: Final = Texts("id")


def pick_texts(accept_language: str) -> Texts:
    """Return the texts that an Accept-Language header prefers; English where it names neither."""
    best, language = 0.0, "en"
    for offer in accept_language.split(","):
        tag, _, parameters = offer.strip().partition(";")
        primary = tag.strip().lower().split("-")[0]
        primary = {"in": "id", "ms": "id"}.get(primary, primary)  # the old code for Indonesian; Malay reads it too
        if primary not in _LANGUAGES:
            continue
        try:
            weight = float(parameters.strip().removeprefix("q=")) if parameters else 1.0
        except ValueError:
            weight = 0.0
        if weight > best:
            best, language = weight, primary
    return INDONESIAN if language == "id" else ENGLISH
