"""Ids made from names."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from typing import Final

_OTHER: Final = re.compile(r"[^a-z0-9]+")
_MAX_CHARACTERS: Final = 56  # leaves room in an id (63) for a suffix
_SUFFIX_CHARACTERS: Final = 4


def slug(text: str) -> str:
    """Return lower-case ASCII words joined by dashes; a hash where nothing is left of the text (other scripts)."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    plain = "".join(c for c in decomposed if not unicodedata.combining(c))
    made = _OTHER.sub("-", plain).strip("-")[:_MAX_CHARACTERS].strip("-")
    return made or suffix(text)


def suffix(key: str) -> str:
    """Return four characters that tell equal slugs apart: of the row's key, so that no other row's id depends on it."""
    return hashlib.sha256(key.encode()).hexdigest()[:_SUFFIX_CHARACTERS]
