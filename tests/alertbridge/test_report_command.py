"""/report: the words it takes, and what it answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from alertbridge.bot.reporting import split
from tests.alertbridge.test_bot import ask, fill

if TYPE_CHECKING:
    from tests.alertbridge.conftest import Trial


@pytest.mark.parametrize(
    ("argument", "expected"),
    [
        ("", ("7d", "")),
        ("24h", ("24h", "")),
        ("7 hari", ("7d", "")),
        ("30d jabar", ("30d", "jabar")),
        ("Jawa Barat", ("7d", "Jawa Barat")),
        ("Jawa Barat 24 jam", ("24h", "Jawa Barat")),
        ("harian JBR", ("24h", "JBR")),
        ("bulanan", ("30d", "")),
        ("1w", ("7d", "")),
        ("hari ini jabar", ("24h", "jabar")),
        ("the last 7 days", ("7d", "")),
        ("minggu lalu", ("7d", "")),
        ("3d jabar", ("3d", "jabar")),
    ],
)
def test_the_command_takes_a_span_and_a_region_in_any_order(argument: str, expected: tuple[str, str]) -> None:
    """In both languages; a span that we do not have comes back as written."""
    assert split(argument) == expected


async def test_the_command_says_what_it_takes_and_who_is_away(trial: Trial) -> None:
    """An example for a wrong span, near matches for a region, the peer's name where nobody answers."""
    fill(trial.peers)
    assert (await ask(trial.api, "/report 3d")).text == "Write it like /report 7d jabar (24h, 7d, 30d)"
    assert (await ask(trial.api, "/report year")).text == "No region is called year."
    assert "Jawa Barat" in (await ask(trial.api, "/report 24h jabr")).text
    assert (await ask(trial.api, "/report 30d jabar")).first_line == "📊 30-day report · Jawa Barat · not known"
    trial.peers.down |= {"exporter", "prometheus"}
    away = (await ask(trial.api, "/report 24h")).text
    assert "Prometheus does not answer" in away
    assert "the exporter does not answer" in away
