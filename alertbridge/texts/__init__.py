"""The texts that people read: one YAML file per language, equal keys and placeholders (a test holds that)."""

from __future__ import annotations

import string
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

import yaml

from alertbridge.markup import escape

if TYPE_CHECKING:
    from alertbridge.settings import Language


class Texts:
    """The texts of one language. Keys are dotted: `incident.since`."""

    def __init__(self, language: Language, entries: dict[str, str]) -> None:
        self.language = language
        self.entries = entries

    def __call__(self, key: str, /, **values: str | int) -> str:
        """Return a text as HTML, its placeholders filled with escaped values."""
        return self.entries[key].format(**{name: escape(str(value)) for name, value in values.items()})

    def html(self, key: str, /, **values: str) -> str:
        """Return a text filled with values that are HTML already."""
        return self.entries[key].format(**values)

    def word(self, key: str, *, default: str) -> str:
        """Return an entry without placeholders, or the default where a foreign word has none."""
        return self.entries.get(key, default)


@cache
def texts(language: Language) -> Texts:
    """Return the texts of a language; read once."""
    source = files(__name__).joinpath(f"{language.value}.yml").read_text(encoding="utf-8")
    document: dict[str, dict[str, str]] = yaml.safe_load(source)
    return Texts(language, {f"{group}.{key}": text for group, items in document.items() for key, text in items.items()})


def placeholders(text: str) -> frozenset[str]:
    """Return the names in braces of a text."""
    return frozenset(name for _, name, _, _ in string.Formatter().parse(text) if name)
