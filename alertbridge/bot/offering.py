"""Buttons that ask another command: which of several was meant, and what one may want to know or do next (pure).

A press is the command as if its presser had typed it: with their role, and recorded where it does something.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from alertbridge.bot.callbacks import Kind
from alertbridge.markup import cut_text, one_line
from alertbridge.sending import Button
from alertbridge.settings import Role

if TYPE_CHECKING:
    from collections.abc import Iterable

    from alertbridge.bot.kinds import Question
    from alertbridge.sending import Buttons

_LABEL_LIMIT = 40  # characters; a phone shows about so many in a row of its own
_SILENCE_SPAN = "1h"  # as the button under an alert


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Something that may have been meant."""

    id: str
    name: str

    def __str__(self) -> str:
        """Return it as a person reads it in a list."""
        return f"{self.id} ({self.name})"


def choice_buttons(question: Question, choices: Iterable[Choice], *, after: str = "") -> Buttons:
    """Return one button per choice, each in a row of its own.

    Args:
        question: whose command is asked again.
        choices: what may have been meant.
        after: what followed the name in the command: `24h`.
    """
    found = (_asking(question, _label(one), question.name, f"{one.id} {after}".strip()) for one in choices)
    return tuple((button,) for button in found if button is not None)


def target_buttons(question: Question, target: str) -> Buttons:
    """Return what may be asked or done next about a target: the curve, the last probes, an hour of silence."""
    entries = question.texts.entries
    row = [
        _asking(question, entries["button.graph"], "graph", target),
        _asking(question, entries["button.log"], "log", target),
    ]
    if question.role is not None and question.role.covers(Role.OPERATOR):
        row.append(_asking(question, entries["button.silence"], "silence", f"{target} {_SILENCE_SPAN}"))
    shown = tuple(button for button in row if button is not None)
    return (shown,) if shown else ()


def _label(choice: Choice) -> str:
    return cut_text(one_line(choice.name or choice.id), _LABEL_LIMIT)


def _asking(question: Question, text: str, command: str, argument: str) -> Button | None:
    """Return a button; None where its data would be too long for one: the name can still be typed."""
    data = question.signer.pack(Kind.ASK, command, argument)
    return Button(text=text, data=data) if data is not None else None
