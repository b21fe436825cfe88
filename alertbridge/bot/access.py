"""Who may what: settings and the ids of an update -> a role, or why not (pure).

A configured user has their role everywhere; in a configured chat everybody else has the chat's role. Service accounts
(anonymous admins, linked channels) are nobody: they may ask where the chat may, and never act.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from alertbridge.loading_people import SERVICE_IDS
from alertbridge.settings import Chat, Role

if TYPE_CHECKING:
    from collections.abc import Mapping

    from alertbridge.settings import Settings

ANONYMOUS_ID = 1087968824  # GroupAnonymousBot: stands for everybody who writes in the name of a chat


class Denied(StrEnum):
    """Why somebody gets no answer; the value is the `reason` label of `alertbridge_access_denied_total`."""

    STRANGER = "stranger"  # neither the user nor the chat is configured
    ROLE = "role"  # known, but the role is too small
    ANONYMOUS = "anonymous"  # a service account asks for an action


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """Who wrote where."""

    user_id: int
    chat_id: int
    topic: int | None = None


def chat_of(settings: Settings, asker: Asker, moved: Mapping[int, int]) -> Chat | None:
    """Return the configured chat that an update came from; its topic, if several share the group, decides."""
    here = [chat for chat in settings.chats if moved.get(chat.id, chat.id) == asker.chat_id]
    return next((chat for chat in here if chat.topic == asker.topic), here[0] if here else None)


def role_of(settings: Settings, asker: Asker, moved: Mapping[int, int]) -> Role | None:
    """Return the role somebody has in a chat; None: a stranger."""
    user = next((user for user in settings.users if user.id == asker.user_id), None)
    if user is not None and asker.user_id not in SERVICE_IDS:
        return user.role
    chat = chat_of(settings, asker, moved)
    return chat.role if chat is not None else None


def denial(settings: Settings, asker: Asker, needed: Role, moved: Mapping[int, int]) -> Denied | None:
    """Return why somebody may not do what needs a role; None: they may."""
    role = role_of(settings, asker, moved)
    if role is None:
        return Denied.STRANGER
    if asker.user_id in SERVICE_IDS and needed is not Role.VIEWER:
        return Denied.ANONYMOUS
    return None if role.covers(needed) else Denied.ROLE
