"""docs/telegram.md shows the bot's own answers, and says every duration and word that the code knows."""

from __future__ import annotations

from alertbridge.bot.durations import LONGEST, UNTIL_BACK
from alertbridge.bot.grammar import _COMMANDS
from tests.alertbridge.samples_bot import PAGE, section


def test_the_sample_answers_are_what_the_code_says() -> None:
    """`python -m tests.alertbridge.samples_bot` writes them anew."""
    assert section() in PAGE.read_text(encoding="utf-8")


def test_the_grammar_and_the_durations_are_documented() -> None:
    """Each command of the grammar, the longest silence, the words for "until it is back"."""
    text = PAGE.read_text(encoding="utf-8")
    plain_questions = text.partition("## Plain questions")[2].partition("\n## ")[0]
    assert plain_questions
    for name, _ in _COMMANDS:
        assert f"`/{name}" in plain_questions, name
    assert f"{LONGEST.days} days" in text
    for word in UNTIL_BACK:
        assert f"`{word}`" in text
