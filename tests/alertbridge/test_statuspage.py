"""What people read who open the bridge in a browser or ask /-/ready (pure)."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from alertbridge.metrics import Snapshot
from alertbridge.polling import PollFailure
from alertbridge.statuspage import status_page
from alertbridge.troubles import troubles

NOW = datetime(2026, 11, 25, 3, 0, tzinfo=UTC)


def told(snapshot: Snapshot, *, nobody: bool = False, restart: tuple[str, ...] = ()) -> list[str]:
    """Return the troubles."""
    return troubles(snapshot, nobody_told=nobody, restart_needed=restart)


def test_all_well_is_no_line() -> None:
    """Nor is what is not known yet."""
    assert told(Snapshot()) == []
    assert told(Snapshot(telegram_up=True)) == []


def test_every_trouble_is_a_line_of_its_own() -> None:
    """The one that a person must act on first."""
    snapshot = Snapshot(telegram_up=False)
    snapshot.polling.failed(PollFailure.TOKEN, "Telegram's own words", NOW)
    assert told(snapshot, nobody=True, restart=("store",)) == [
        "chats: alertbridge.yml names none, so nobody is told; alerts are kept until it does",
        "telegram: does not take messages; they wait in the outbox",
        (
            "commands: not fetched since 2026-11-25T03:00:00+00:00 (token): "
            "Telegram refuses the token; get one from @BotFather, then reload"
        ),
        "settings: store changed in alertbridge.yml; it holds after a restart",
    ]


@pytest.mark.parametrize("failure", list(PollFailure))
def test_no_words_of_telegram_are_told_to_everybody(failure: PollFailure) -> None:
    """/-/ready needs no login."""
    snapshot = Snapshot()
    for _ in range(2):
        snapshot.polling.failed(failure, "Telegram's own words", NOW)
    (line,) = told(snapshot)
    assert f"({failure.value})" in line
    assert "own words" not in line


def page(snapshot: Snapshot, *, dry_run: bool = False, leads: bool = True, lines: tuple[str, ...] = ()) -> list[str]:
    """Return the page's lines."""
    return status_page(snapshot, dry_run=dry_run, leads=leads, silent=False, troubles=lines).splitlines()


def test_troubles_come_first() -> None:
    """Before what is well."""
    assert page(Snapshot(), lines=("a", "b"))[1:3] == ["! a", "! b"]


def test_a_bridge_that_stands_by_says_so_and_nothing_of_commands() -> None:
    """The other one fetches them."""
    lines = page(Snapshot(), leads=False)
    assert "standing by: another bridge on this database polls and sends" in lines
    assert not any(line.startswith("commands") for line in lines)


def test_what_is_not_known_is_not_called_well() -> None:
    """Before the first answers."""
    lines = page(Snapshot())
    assert {"telegram: not asked yet", "commands: not asked yet", "watchdog: not seen yet"} <= set(lines)


def test_a_dry_run_has_no_telegram() -> None:
    """And no commands."""
    lines = page(Snapshot(), dry_run=True)
    assert "telegram: dry run: messages are printed" in lines
    assert not any(line.startswith("commands") for line in lines)
