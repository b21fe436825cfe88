"""What of newer settings can hold without a restart, and which secrets are never printed (pure)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from alertbridge.live import Live, applicable
from alertbridge.loading import CONSOLE
from alertbridge.settings import Chat, Language, Secret, Settings

BEFORE = Settings(token=Secret("1:old"), chats=(Chat(name="noc", id=-1),), store_path=Path("a.db"))


def test_what_can_be_applied_is() -> None:
    """Another token and API address too."""
    wanted = replace(BEFORE, token=Secret("2:new"), api_url="http://bot-api.internal", language=Language.EN)
    assert applicable(BEFORE, wanted) == (wanted, ())


@pytest.mark.parametrize(
    "wanted",
    [
        replace(BEFORE, store_path=Path("b.db")),
        replace(BEFORE, store_path=None),
        replace(BEFORE, store_path=None, store_url=Secret("postgresql+psycopg://x")),
    ],
    ids=["another file", "the default", "a server"],
)
def test_another_store_is_refused(wanted: Settings) -> None:
    """Messages wait in the one that is."""
    assert applicable(BEFORE, replace(wanted, language=Language.EN)) == (
        replace(BEFORE, language=Language.EN),
        ("store",),
    )


def test_a_token_that_is_gone_is_refused_and_no_chat_is_made_up() -> None:
    """The dry run's own chat has id 1, which is somebody's on Telegram."""
    wanted = replace(BEFORE, token=None, chats=(CONSOLE,))
    assert applicable(BEFORE, wanted) == (replace(BEFORE, chats=()), ("telegram.token_file",))


def test_a_token_may_come() -> None:
    """The end of a dry run."""
    dry = replace(BEFORE, token=None, chats=(CONSOLE,))
    assert applicable(dry, BEFORE) == (BEFORE, ())


def test_a_replaced_secret_is_never_printed_again() -> None:
    """A request with the old token may still fail, and be logged."""
    live = Live(path=Path("a.yml"), settings=BEFORE)
    live.replace(replace(BEFORE, token=Secret("2:new")))
    assert {"1:old", "old", "2:new", "new"} <= live.secrets()
