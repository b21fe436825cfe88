"""The Bot API's methods that we use, with the refusals Telegram gives: one function each, in a table."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from tests.botapi.markup import MarkupError, is_url, parse, utf16
from tests.botapi.world import CALLBACK_BYTES, CAPTION_LIMIT, MESSAGE_LIMIT, Message, Refusal, World

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.botapi.markup import Entity

Params = dict[str, Any]
_NOT_MODIFIED = (
    "Bad Request: message is not modified: specified new message content and reply markup are exactly the same as a "
    "current content and reply markup of the message"
)


def call(world: World, method: str, params: Params) -> Any:
    """Carry a method out and return its `result`.

    Raises:
        Refusal: as Telegram would refuse it.
    """
    function = METHODS.get(method.lower())
    if function is None:
        raise Refusal(404, "Not Found")
    return function(world, params)


def _get_me(_: World, __: Params) -> Any:
    return {"id": 123456, "is_bot": True, "first_name": "Stand-in", "username": "standin_bot"}


def _send_message(world: World, params: Params) -> Any:
    chat_id = _chat(world, params)
    text, entities = _text(params, "text", MESSAGE_LIMIT)
    return _add(world, chat_id, params, text, entities)


def _send_photo(world: World, params: Params) -> Any:
    chat_id = _chat(world, params)
    photo = params.get("photo")
    if not isinstance(photo, bytes):
        raise Refusal(400, "Bad Request: there is no photo in the request")
    text, entities = _text(params, "caption", CAPTION_LIMIT, required=False)
    return _add(world, chat_id, params, text, entities, photo=photo)


def _edit_message_text(world: World, params: Params) -> Any:
    chat_id = _chat(world, params)
    message = world.find(chat_id, int(params["message_id"]))
    if message is None:
        raise Refusal(400, "Bad Request: message to edit not found")
    _open_topic(world, message)
    if message.photo is not None:
        raise Refusal(400, "Bad Request: there is no text in the message to edit")
    text, entities = _text(params, "text", MESSAGE_LIMIT)
    buttons = _buttons(params)
    if text == message.text and entities == message.entities and buttons == message.buttons:
        raise Refusal(400, _NOT_MODIFIED)
    message.texts.append(text)
    message.entities, message.buttons = entities, buttons
    return _message(message)


def _edit_reply_markup(world: World, params: Params) -> Any:
    message = world.find(_chat(world, params), int(params["message_id"]))
    if message is None:
        raise Refusal(400, "Bad Request: message to edit not found")
    buttons = _buttons(params)
    if buttons == message.buttons:
        raise Refusal(400, _NOT_MODIFIED)
    message.buttons = buttons
    return _message(message)


def _get_chat(world: World, params: Params) -> Any:
    chat_id = int(params["chat_id"])
    if world.chats is not None and chat_id not in world.chats:
        raise Refusal(400, "Bad Request: chat not found")
    return _chat_object(chat_id) | {"accent_color_id": 0, "max_reaction_count": 11, "accepted_gift_types": _NO_GIFTS}


def _answer_callback(world: World, params: Params) -> Any:
    if len(params.get("text", "")) > 200:
        raise Refusal(400, "Bad Request: MESSAGE_TOO_LONG")
    world.answered.append(params)
    return True


def _set_my_commands(world: World, params: Params) -> Any:
    commands = json.loads(params["commands"])
    for command in commands:
        name, text = command["command"], command["description"]
        if not (1 <= len(name) <= 32 and name.replace("_", "").isalnum() and name == name.lower()):
            raise Refusal(400, "Bad Request: BOT_COMMAND_INVALID")
        if not 1 <= len(text) <= 256:
            raise Refusal(400, "Bad Request: BOT_COMMAND_DESCRIPTION_INVALID")
    world.commands.append(params)
    return True


def _true(_: World, __: Params) -> Any:
    return True


def _chat(world: World, params: Params) -> int:
    """Check that the bot may write to the chat and its topic, and count the request."""
    chat_id = int(params["chat_id"])
    if chat_id in world.migrated:
        raise Refusal(
            400,
            "Bad Request: group chat was upgraded to a supergroup chat",
            migrate_to_chat_id=world.migrated[chat_id],
        )
    if chat_id in world.blocked:
        raise world.blocked[chat_id]
    if world.chats is not None and chat_id not in world.chats:
        raise Refusal(400, "Bad Request: chat not found")
    topic = params.get("message_thread_id")
    if topic is not None:
        known = world.topics.get(chat_id)
        if int(topic) == 1 or (known is not None and int(topic) not in known):
            raise Refusal(400, "Bad Request: message thread not found")
    world.rates.check(chat_id, time.monotonic())
    return chat_id


def _open_topic(world: World, message: Message) -> None:
    """Check that the topic of a message is open: an edit of it, and a reply to it, go there (the stricter guess)."""
    known = world.topics.get(message.chat_id)
    if message.topic is not None and known is not None and message.topic not in known:
        raise Refusal(400, "Bad Request: TOPIC_CLOSED")


def _text(params: Params, key: str, limit: int, *, required: bool = True) -> tuple[str, tuple[Entity, ...]]:
    """Parse and check a text or caption."""
    source = str(params.get(key, ""))
    entities: tuple[Entity, ...] = ()
    if str(params.get("parse_mode", "")).upper() == "HTML":
        try:
            source, entities = parse(source)
        except MarkupError as error:
            raise Refusal(400, f"Bad Request: can't parse entities: {error}") from error
    text = source.strip()
    if required and not text:
        raise Refusal(400, "Bad Request: message text is empty")
    if utf16(text) > limit:
        raise Refusal(
            400, "Bad Request: message is too long" if required else "Bad Request: message caption is too long"
        )
    return text, entities


def _buttons(params: Params) -> list[list[dict[str, Any]]]:
    """Check and return inline buttons."""
    rows: list[list[dict[str, Any]]] = json.loads(params.get("reply_markup", "{}")).get("inline_keyboard", [])
    for button in (button for row in rows for button in row):
        data, url = button.get("callback_data"), button.get("url")
        if data is not None and not 1 <= len(data.encode()) <= CALLBACK_BYTES:
            raise Refusal(400, "Bad Request: BUTTON_DATA_INVALID")
        if url is not None and not is_url(url):
            raise Refusal(400, f"Bad Request: inline keyboard button URL '{url}' is invalid: Wrong HTTP URL")
        if data is None and url is None and "copy_text" not in button:
            raise Refusal(400, "Bad Request: text buttons are unallowed in the inline keyboard")
    return rows


def _add(
    world: World, chat_id: int, params: Params, text: str, entities: tuple[Entity, ...], *, photo: bytes | None = None
) -> Any:
    reply = json.loads(params["reply_parameters"]) if "reply_parameters" in params else None
    reply_to = int(reply["message_id"]) if reply else None
    answered = world.find(chat_id, reply_to) if reply_to is not None else None
    if reply is not None and answered is None:
        if not reply.get("allow_sending_without_reply"):
            raise Refusal(400, "Bad Request: message to be replied not found")
        reply_to = None
    if answered is not None:
        _open_topic(world, answered)
    topic = params.get("message_thread_id")
    message = Message(
        chat_id=chat_id,
        message_id=world.next_message,
        topic=int(topic) if topic is not None else None,
        silent=str(params.get("disable_notification", "")).lower() == "true",
        reply_to=reply_to,
        texts=[text],
        entities=entities,
        buttons=_buttons(params),
        photo=photo,
    )
    world.next_message += 1
    world.messages.append(message)
    return _message(message)


_NO_GIFTS = {
    "unlimited_gifts": False,
    "limited_gifts": False,
    "unique_gifts": False,
    "premium_subscription": False,
    "gifts_from_channels": False,
}


def _chat_object(chat_id: int) -> dict[str, Any]:
    kind = "private" if chat_id > 0 else "supergroup" if chat_id < -1_000_000_000_000 else "group"
    return {"id": chat_id, "type": kind, "title": f"chat {chat_id}"}


def _message(message: Message) -> Any:
    document: dict[str, Any] = {
        "message_id": message.message_id,
        "date": int(time.time()),
        "chat": _chat_object(message.chat_id),
        "text": message.text,
    }
    if message.topic is not None:
        document["message_thread_id"] = message.topic
    return document


METHODS: dict[str, Callable[[World, Params], Any]] = {
    "getme": _get_me,
    "sendmessage": _send_message,
    "sendphoto": _send_photo,
    "editmessagetext": _edit_message_text,
    "editmessagereplymarkup": _edit_reply_markup,
    "getchat": _get_chat,
    "answercallbackquery": _answer_callback,
    "setmycommands": _set_my_commands,
    "deletewebhook": _true,
    "sendchataction": _true,
    "setmessagereaction": _true,
}
