"""What somebody is told who is not known yet: their ids, and the line that alertbridge.yml needs. Rarely, and no more.

A bot learns a chat's id only by being written to, so this is how a bridge is set up: while alertbridge.yml names no
chat, each chat may ask as often as it takes a person to try.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import telegram

    from alertbridge.bot.access import Asker
    from alertbridge.bot.kinds import Question
    from alertbridge.settings import Role, Settings
    from alertbridge.texts import Texts

_TOLD_SECONDS = 3600.0
_SETTING_UP_SECONDS = 5.0
_REMEMBERED = 1000  # strangers, at most


@dataclass(slots=True)
class Strangers:
    """Who was told when."""

    _told: OrderedDict[tuple[int, int], float] = field(default_factory=OrderedDict)

    def may_tell(self, asker: Asker, now: float, *, setting_up: bool) -> bool:
        """Tell whether a stranger gets an answer now, and count it. `now` is monotonic seconds."""
        key = (asker.user_id, asker.chat_id if setting_up else 0)
        told = self._told.get(key)
        if told is not None and now - told < (_SETTING_UP_SECONDS if setting_up else _TOLD_SECONDS):
            return False
        self._told[key] = now
        while len(self._told) > _REMEMBERED:
            self._told.popitem(last=False)
        return True


def joined(message: telegram.Message, bot_name: str) -> bool:
    """Tell whether a message says that the bot has come into a group: a command without its name may not reach it."""
    newcomers = message.new_chat_members or ()
    return bool(message.group_chat_created) or any(one.is_bot and one.username == bot_name for one in newcomers)


async def whoami(question: Question) -> str:
    """Tell the ids that the administrator needs; whoever is not known, also where to write them."""
    return whoami_text(question.asker, question.role, question.settings, question.texts)


def whoami_text(asker: Asker, role: Role | None, settings: Settings, texts: Texts) -> str:
    """Return what somebody is told of themselves (pure)."""
    told = texts.html(
        "bot.whoami",
        user=f"<code>{asker.user_id}</code>",
        chat=f"<code>{asker.chat_id}</code>",
        topic=f"<code>{asker.topic}</code>" if asker.topic is not None else "-",
        role=role.value if role is not None else texts("bot.no_role"),
    )
    return told if role is not None else "\n\n".join([told, *_what_to_write(asker, settings, texts)])


def _what_to_write(asker: Asker, settings: Settings, texts: Texts) -> list[str]:
    """Return what makes this chat or person known, in paragraphs. Nothing that somebody else wrote is in it."""
    if asker.chat_id > 0 and settings.chats:
        return [texts.html("bot.introduce_user", line=f"<code>- {{name: duty, id: {asker.user_id}}}</code>")]
    name = "noc" if settings.chat("noc") is None else f"chat-{abs(asker.chat_id) % 10_000}"
    topic = f", topic: {asker.topic}" if asker.topic is not None else ""
    line = f"<code>- {{name: {name}, id: {asker.chat_id}{topic}, role: operator}}</code>"
    found = [texts.html("bot.introduce_chat", line=line)]
    if asker.chat_id > 0:
        found.append(texts("bot.introduce_group"))
    if not settings.chats:
        found.insert(0, texts("bot.nobody"))
    return found
