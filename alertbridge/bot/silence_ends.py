"""What is said of a silence that ends soon or has ended, and when (pure). keeper.py looks and tells.

A silence of more than an hour is announced ten minutes before its end; one that is prolonged is announced anew. Where
another silence hides the same for longer, nothing ends for anybody.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from alertbridge import wording
from alertbridge.alertmanager import Matcher
from alertbridge.bot.open_incidents import place_of
from alertbridge.routing import held_until

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from datetime import datetime

    from alertbridge.alertmanager import Silence
    from alertbridge.incidents import Incident
    from alertbridge.settings import Chat

WARN_BEFORE = timedelta(minutes=10)
WARN_FROM = timedelta(minutes=61)  # of length: the button's hour, begun a second earlier, needs no warning
_TOO_LATE = timedelta(minutes=1)  # the end itself is told then
_NAMED = 5
_MINUTE = 60.0


def is_near(silence: Silence, note: Mapping[str, Any], held: Iterable[Silence], *, now: datetime) -> bool:
    """Tell whether a silence's end is to be announced now."""
    left = silence.ends_at - now
    return (
        _TOO_LATE < left <= WARN_BEFORE
        and silence.ends_at - silence.starts_at > WARN_FROM
        and not is_warned(silence, note)
        and not goes_on(note, (one for one in held if one.id != silence.id), now=silence.ends_at)
    )


def is_warned(silence: Silence, note: Mapping[str, Any]) -> bool:
    """Tell whether this very end was announced."""
    return bool(note.get("warned") == silence.ends_at.isoformat())


def warned(silence: Silence, note: Mapping[str, Any], chats: Iterable[str]) -> dict[str, Any]:
    """Return what is noted of a silence whose end was announced, and to which chats."""
    return {**note, "warned": silence.ends_at.isoformat(), "told": sorted(chats)}


def prolonged(what: str, by: str, ends_at: datetime, chat: Chat, *, now: datetime) -> dict[str, str]:
    """Return the values of the notice that an announced end was put off elsewhere. It makes no sound."""
    return {"what": what, "by": by, "when": wording.when(ends_at, chat.timezone, now=now), "silent": "yes"}


def goes_on(note: Mapping[str, Any], others: Iterable[Silence], *, now: datetime) -> bool:
    """Tell whether another silence hides exactly the same beyond a moment."""
    matchers = set(_matchers(note))
    return any(set(one.matchers) == matchers and one.starts_at <= now < one.ends_at for one in others)


def hidden(note: Mapping[str, Any], incidents: Iterable[Incident]) -> list[Incident]:
    """Return the open incidents that a silence hides, or hid."""
    matchers = _matchers(note)
    return [
        incident
        for incident in incidents
        if any(all(matcher.fits(record.labels) for matcher in matchers) for record in incident.firing)
    ]


def is_hidden(incident: Incident, held: Collection[Silence], *, now: datetime) -> bool:
    """Tell whether silences that hold now hide all of an incident."""
    active = [one for one in held if one.starts_at <= now < one.ends_at]
    return all(any(one.hides(record.labels) for one in active) for record in incident.firing)


def warning(
    silence: Silence, note: Mapping[str, Any], wrong: Sequence[Incident], chat: Chat, *, now: datetime
) -> dict[str, str]:
    """Return the values of the notice that a silence ends soon. It makes a sound where something is still wrong."""
    minutes = max(1, round((silence.ends_at - now).total_seconds() / _MINUTE))
    values = {
        "keys": f"silence_ending,{'silence_ending_still' if wrong else 'silence_ending_clear'}",
        "what": str(note["what"]),
        "who": str(note["who"]),
        "names": _names(wrong),
        "seconds": str(minutes * _MINUTE),
        "when": f"{silence.ends_at.astimezone(chat.timezone):%H:%M %Z}",
        "silence": silence.id,
        "until": str(round(silence.ends_at.timestamp())),
    }
    return values | _sound(wrong, chat, now)


def ending(
    note: Mapping[str, Any],
    wrong: Sequence[Incident],
    held: Collection[Silence],
    key: str,
    chat: Chat,
    *,
    now: datetime,
) -> dict[str, str]:
    """Return the values of the notice that a silence has ended. It makes a sound where something is told again."""
    told_again = [incident for incident in wrong if not is_hidden(incident, held, now=now)]
    rest = "silence_still" if told_again else "silence_other" if wrong else "silence_clear"
    values = {
        "keys": key if key == "silence_back" else f"{key},{rest}",
        "what": str(note["what"]),
        "who": str(note["who"]),
        "names": _names(told_again or wrong),
    }
    return values | _sound(told_again, chat, now)


def _sound(wrong: Sequence[Incident], chat: Chat, now: datetime) -> dict[str, str]:
    """Return what makes a notice silent: nothing to do, or only what waits for the morning in this chat."""
    rings = any(held_until(chat, incident.level, now) is None for incident in wrong)
    return {} if rings else {"silent": "yes"}


def _matchers(note: Mapping[str, Any]) -> tuple[Matcher, ...]:
    return tuple(
        Matcher(name=name, value=value, regex=regex, equal=equal) for name, value, regex, equal in note["matchers"]
    )


def _names(incidents: Sequence[Incident]) -> str:
    names = [place_of(incident) for incident in incidents[:_NAMED]]
    if len(incidents) > _NAMED:
        names.append(f"+{len(incidents) - _NAMED}")
    return ", ".join(names)
