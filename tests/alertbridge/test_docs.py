"""docs/telegram.md says what the code does: sample messages, keys, commands, metrics' reasons."""

from __future__ import annotations

from alertbridge.bot.commands import COMMANDS
from alertbridge.errors import Failure
from tests.alertbridge.samples import PAGE, samples, section
from tests.botapi.markup import parse


def test_the_samples_are_what_the_code_says() -> None:
    """`python -m tests.alertbridge.samples` writes them anew."""
    assert section() in PAGE.read_text(encoding="utf-8")


def test_every_sample_is_taken_by_telegram() -> None:
    """Both languages."""
    for _, found in samples():
        for text in found.values():
            parse(text)


def test_every_command_and_every_failure_is_documented() -> None:
    """A person finds what a metric's reason or a command means."""
    text = PAGE.read_text(encoding="utf-8")
    for command in COMMANDS:
        assert f"`/{command.name}" in text
    for failure in Failure:
        assert f"`{failure.value}`" in text, failure
