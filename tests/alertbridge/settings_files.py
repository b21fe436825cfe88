"""What tests of alertbridge.yml share: reading a text, its mistakes and warnings without the file's name."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from alertbridge.errors import SettingsError
from alertbridge.loading import load

if TYPE_CHECKING:
    from alertbridge.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
UNREADABLE = "cannot be read: No such file or directory; create the file, readable for this user"
CHAT = "{name: noc, id: -1}"
TOKEN = "123456:abcdefghijklmnopqrstuvwxyz_0123456"


def read(tmp_path: Path, text: str, environment: dict[str, str] | None = None) -> tuple[Settings, list[str]]:
    """Load a text; return the settings and the warnings."""
    path = tmp_path / "a.yml"
    path.write_text(text, encoding="utf-8")
    settings, warnings = load(path, environment or {})
    return settings, [str(warning).removeprefix(f"{path}:") for warning in warnings]


def mistakes(tmp_path: Path, text: str, environment: dict[str, str] | None = None) -> list[str]:
    """Return the mistakes of a text, without the file's name."""
    with pytest.raises(SettingsError) as caught:
        read(tmp_path, text, environment)
    return [str(mistake).removeprefix(str(tmp_path / "a.yml")).lstrip(":") for mistake in caught.value.mistakes]
