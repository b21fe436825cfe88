"""The stand-in refuses what Telegram refuses: otherwise the bridge's tests would prove nothing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.botapi.markup import Entity, MarkupError, parse
from tests.botapi.server import BotApi
from tests.botapi.world import World

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def server() -> Iterator[BotApi]:
    """Give one server for this module."""
    with BotApi() as api:
        yield api


@pytest.fixture
def api(server: BotApi) -> BotApi:
    """Give it with a fresh world."""
    server.world = World()
    return server


def ask(api: BotApi, method: str, **params: Any) -> httpx.Response:
    """Make a request as a client does."""
    return httpx.post(f"{api.url}/bot{api.token}/{method}", data={k: str(v) for k, v in params.items()})


def button(**content: str) -> str:
    """Return the markup of one button."""
    return json.dumps({"inline_keyboard": [[{"text": "a", **content}]]})


@pytest.mark.parametrize(
    ("source", "text", "kinds"),
    [
        ("<b>a</b> &lt;&#62;&#x26;&quot; & &nbsp;", 'a <>&" & &nbsp;', ["bold"]),
        ("<b>y<i>x</i></b>", "yx", ["bold", "italic"]),
        ('<a href="https://a.example/?x=1&amp;y=2">l</a>', "l", ["text_link"]),
        ('<a href="http://grafana/d">l</a>', "l", []),
        ("<code>x</code>", "x", ["code"]),
        ("<b></b>x", "x", []),
    ],
)
def test_markup_is_parsed_as_telegram_does(source: str, text: str, kinds: list[str]) -> None:
    """Entities and tags; a host without a dot gives no link."""
    parsed, entities = parse(source)
    assert (parsed, [entity.kind for entity in entities]) == (text, kinds)


def test_offsets_are_utf16_units() -> None:
    """An emoji counts twice."""
    assert parse("🔴 <b>x</b>")[1] == (Entity(kind="bold", offset=3, length=1),)


@pytest.mark.parametrize(
    "source", ["<br>", "<b>x", "</b>", "<b><i>x</b></i>", "a < b", "<code><b>x</b></code>", "<div>x</div>"]
)
def test_what_telegram_cannot_parse_is_refused(source: str) -> None:
    """With its words."""
    with pytest.raises(MarkupError):
        parse(source)


@pytest.mark.parametrize(
    ("method", "params", "description"),
    [
        ("sendMessage", {"text": "<br>", "parse_mode": "HTML"}, "can't parse entities"),
        ("sendMessage", {"text": "x" * 4097}, "message is too long"),
        ("sendMessage", {"text": "🔴" * 2049}, "message is too long"),
        ("sendMessage", {"text": " "}, "message text is empty"),
        ("sendMessage", {"text": "x", "message_thread_id": 1}, "message thread not found"),
        ("sendMessage", {"text": "x", "reply_parameters": '{"message_id": 99}'}, "message to be replied not found"),
        ("editMessageText", {"text": "x", "message_id": 99}, "message to edit not found"),
        ("sendMessage", {"text": "x", "reply_markup": button(callback_data="x" * 65)}, "BUTTON_DATA_INVALID"),
        ("sendMessage", {"text": "x", "reply_markup": button(url="http://grafana")}, "Wrong HTTP URL"),
        ("answerCallbackQuery", {"text": "x" * 201, "callback_query_id": "1"}, "MESSAGE_TOO_LONG"),
    ],
)  # fmt: skip
def test_each_refusal_has_telegrams_words(api: BotApi, method: str, params: dict[str, Any], description: str) -> None:
    """Status 400 in the HTTP answer too."""
    answer = ask(api, method, chat_id=-5, **params)
    assert answer.status_code == 400
    assert description in answer.json()["description"]


def test_edits(api: BotApi) -> None:
    """The same text is `not modified`; another is an edit."""
    sent = ask(api, "sendMessage", chat_id=5, text="<b>x</b>", parse_mode="HTML").json()["result"]["message_id"]
    api.world.rates.enforced = False
    same = ask(api, "editMessageText", chat_id=5, message_id=sent, text="<b>x</b>", parse_mode="HTML")
    assert "message is not modified" in same.json()["description"]
    assert ask(api, "editMessageText", chat_id=5, message_id=sent, text="y").status_code == 200
    assert (api.messages[0].text, api.messages[0].edits) == ("y", 1)


def test_rates(api: BotApi) -> None:
    """The second message within a second is 429 with retry_after, in the body and the header."""
    assert ask(api, "sendMessage", chat_id=5, text="a").status_code == 200
    refused = ask(api, "sendMessage", chat_id=5, text="b")
    assert (refused.status_code, refused.json()["parameters"], refused.headers["Retry-After"]) == (
        429,
        {"retry_after": 1},
        "1",
    )
    assert ask(api, "sendMessage", chat_id=6, text="c").status_code == 200


def test_tokens(api: BotApi) -> None:
    """A wrong one is 401, a malformed one 404."""
    assert httpx.post(f"{api.url}/bot1:other/getMe").status_code == 401
    assert httpx.post(f"{api.url}/botnonsense/getMe").status_code == 404
    assert httpx.post(f"{api.url}/bot{api.token}/nonsense").status_code == 404


def test_scripted_faults_hit_what_they_name(api: BotApi) -> None:
    """By method and chat, so many times; `accept` carries the request out all the same."""
    api.world.rates.enforced = False
    api.fail_next(method="sendMessage", chat_id=5, status=502, raw=b"<html>", times=2)
    assert ask(api, "sendMessage", chat_id=6, text="a").status_code == 200
    assert [ask(api, "sendMessage", chat_id=5, text="a").status_code for _ in range(3)] == [502, 502, 200]
    api.fail_next(method="sendMessage", cut=True, accept=True)
    with pytest.raises(httpx.RemoteProtocolError):
        ask(api, "sendMessage", chat_id=5, text="taken")
    assert api.messages[-1].text == "taken"


def test_updates_are_given_until_confirmed(api: BotApi) -> None:
    """By the offset."""
    first = api.say("/status", user=5)
    assert [u["update_id"] for u in ask(api, "getUpdates", offset=0).json()["result"]] == [first]
    assert ask(api, "getUpdates", offset=first + 1).json()["result"] == []
