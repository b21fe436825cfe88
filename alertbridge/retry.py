"""What to do after a failed delivery: an Action from (failure, attempts) (pure).

Trouble on the way (network, server, limits) is tried again for ever: an alert is never lost to an outage of Telegram.
A refusal is final for that form of the message; where another form may pass (plain text, a new message, no topic),
that is tried at once.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from enum import StrEnum

from alertbridge.errors import DeliveryError, Failure

FIRST_DELAY_SECONDS = 1.0
LONGEST_DELAY_SECONDS = 60.0
INTERNAL_ATTEMPTS = 5  # a mistake of ours must not hold its chat for ever
TOKEN_DELAY_SECONDS = 60.0  # a revoked token needs a person; asking more often does not help


class Step(StrEnum):
    """What to do next."""

    WAIT = "wait"  # try the same again after `delay_seconds`; the whole chat waits, so that its order is kept
    PLAIN = "plain"  # send the same text without markup
    NEW = "new"  # the message to edit is gone: send it anew
    NO_TOPIC = "no_topic"  # send to the group itself
    MIGRATE = "migrate"  # remember the new chat id, send there
    DONE = "done"  # nothing had to change
    GIVE_UP = "give_up"  # a dead letter: a person must act


# Refusals of this form of the message: what to try instead. Every other refusal is final.
_OTHER_FORM = {
    Failure.MIGRATED: Step.MIGRATE,
    Failure.MARKUP: Step.PLAIN,
    Failure.TOO_LONG: Step.PLAIN,
    Failure.MESSAGE_GONE: Step.NEW,
    Failure.TOPIC: Step.NO_TOPIC,
    Failure.NOT_MODIFIED: Step.DONE,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """What to do, and after which delay."""

    step: Step
    delay_seconds: float = 0.0
    everyone: bool = False  # the trouble is not this chat's: all chats wait


def decide(error: DeliveryError, *, attempts: int, spread: float | None = None) -> Action:
    """Return what to do after a failed delivery.

    Args:
        error: what Telegram or the way to it said.
        attempts: how often this row has failed in a row, this time included; from 1.
        spread: 0-1, where in the jitter the delay lies; None: random.
    """
    match error.failure:
        case Failure.INTERNAL if attempts >= INTERNAL_ATTEMPTS:
            return Action(step=Step.GIVE_UP)
        case Failure.UNSENT | Failure.TIMEOUT | Failure.SERVER | Failure.INTERNAL:
            return Action(step=Step.WAIT, delay_seconds=backoff_seconds(attempts, spread=spread))
        case Failure.RATE_LIMITED:
            return Action(step=Step.WAIT, delay_seconds=error.retry_after_seconds or FIRST_DELAY_SECONDS)
        case Failure.TOKEN:
            return Action(step=Step.WAIT, delay_seconds=TOKEN_DELAY_SECONDS, everyone=True)
    return Action(step=_OTHER_FORM.get(error.failure, Step.GIVE_UP))


def backoff_seconds(attempts: int, *, spread: float | None = None) -> float:
    """Return the delay before the next attempt: doubling from one second to a minute, with a jitter of a quarter."""
    longest = min(LONGEST_DELAY_SECONDS, FIRST_DELAY_SECONDS * 2.0 ** min(attempts - 1, 10))
    where = random.random() if spread is None else spread  # noqa: S311 - jitter, not a secret
    return longest * (0.75 + 0.25 * where)
