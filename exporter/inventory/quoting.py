"""How a text is written as a YAML scalar: plain where every YAML version and our own reader see the same text."""

from __future__ import annotations

import json
import re
from typing import Final

import yaml

_PLAIN: Final = re.compile(r"[A-Za-z0-9_.](?:[A-Za-z0-9 _.()/+-]*[A-Za-z0-9_.()/+-])?")
_NUMBER: Final = re.compile(r"-?\d{1,3}(\.\d+)?")
# Numbers of YAML 1.2 that the 1.1 resolver does not know.
_NUMBER_12: Final = re.compile(r"0o[0-7]+|[-+]?(\.\d+|\d+(\.\d*)?)([eE][-+]?\d+)?")
_RESOLVER: Final = yaml.SafeLoader("")


def scalar(text: str, *, number: bool = False) -> str:
    """Return a text as it is written in targets.yml, in block and in flow style alike.

    Args:
        text: one line.
        number: its key holds a number, so that digits stay bare.
    """
    if number and _NUMBER.fullmatch(text):
        return text
    if _PLAIN.fullmatch(text) and _is_text_everywhere(text):
        return text
    return json.dumps(text, ensure_ascii=False)


def _is_text_everywhere(text: str) -> bool:
    """Tell whether YAML 1.1 and 1.2 read an unquoted text as text: not NO, 0012, 22:30, 1e3 or 2026-11-25."""
    tag = _RESOLVER.resolve(yaml.ScalarNode, text, (True, False))  # type: ignore[no-untyped-call]  # PyYAML's stubs leave it untyped
    return tag == "tag:yaml.org,2002:str" and not _NUMBER_12.fullmatch(text)
