"""`alertbridge check --ask`: asks Telegram whether the token is good and the bot knows each chat; writes to nobody."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alertbridge.errors import DeliveryError, Failure
from alertbridge.telegram import TelegramSender

if TYPE_CHECKING:
    from alertbridge.settings import Chat, Settings

_SUPERGROUP = "-100"  # how the ids of supergroups begin


async def ask_telegram(settings: Settings) -> tuple[list[str], list[str]]:
    """Return what is well and what is not, a line each; without a token there is nothing to ask."""
    if settings.token is None:
        return [], ["telegram: there is no token to ask with; name a token_file"]
    sender = TelegramSender(settings.token, settings.api_url)
    await sender.open()
    try:
        try:
            name = await sender.own_name()
        except DeliveryError as error:
            return [], [f"telegram: {error.failure.value}: {error.detail}; {_token_remedy(error)}"]
        well, wrong = [f"telegram: the token is good, the bot is @{name}"], []
        for chat in settings.chats:
            try:
                title = await sender.title_of(chat.id)
            except DeliveryError as error:
                wrong.append(f"chat {chat.name} ({chat.id}): {error.detail}; {_chat_remedy(chat, error)}")
            else:
                well.append(f"chat {chat.name} ({chat.id}): {title}")
        return well, wrong
    finally:
        await sender.close()


def _token_remedy(error: DeliveryError) -> str:
    if error.failure is Failure.TOKEN:
        return "get a token from @BotFather"
    return "can this machine reach the Bot API?"


def _chat_remedy(chat: Chat, error: DeliveryError) -> str:
    """Return what is most likely wrong with a chat's id."""
    if error.failure is not Failure.CHAT_NOT_FOUND:
        return "add the bot to the chat, or let it in again"
    if chat.id > 0:
        return "a person must have pressed Start in a chat with the bot; the id of a group is negative"
    if not str(chat.id).startswith(_SUPERGROUP):
        return f"is the bot in the group? Most groups' ids begin with -100: perhaps it is {_SUPERGROUP}{-chat.id}"
    return "is the bot in the group? /whoami there tells the right id"
