"""The stand-in's HTTP server: `BotApi` runs in a thread of its own, on a free port, for tests of any kind.

with BotApi() as api:
    ...                       # telegram: {api_url: api.url, token_file: ...}, TELEGRAM_TOKEN=api.token
    api.fail_next(status=429, parameters={"retry_after": 1})
    api.wait_for(lambda: len(api.messages) == 1)
    assert api.messages[0].first_line.startswith("🔴 DOWN")
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from email import message_from_bytes
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from httpservice.server import running
from tests.botapi.methods import call
from tests.botapi.world import Call, Fault, Message, Refusal, World

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from starlette.requests import Request
    from starlette.types import Receive, Scope, Send

_POLL_SECONDS = 0.02


class _Broken(Response):
    """An answer that ends in the middle: the client cannot know what became of its request."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI's shape
        headers = [(b"content-type", b"application/json"), (b"content-length", b"4096")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b'{"ok":', "more_body": True})
        raise ConnectionAbortedError("scripted")


class BotApi:
    """The stand-in. Its state is `world`; the shortcuts below are what most tests need."""

    def __init__(self, *, port: int = 0, on_message: Callable[[str, Message], None] | None = None) -> None:
        self.world = World()
        self.url = ""
        self._port = port
        self._on_message = on_message
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._up = threading.Event()
        self._failure: BaseException | None = None
        self._poller: asyncio.Event | None = None
        self._polled: World | None = None  # whose poller it is: a test's new world starts without one

    @property
    def token(self) -> str:
        """The bot token that it knows."""
        return self.world.token

    @property
    def messages(self) -> list[Message]:
        """All messages in the order they came, edits within."""
        return self.world.messages

    @property
    def calls(self) -> list[Call]:
        """All requests in the order they were answered."""
        return self.world.calls

    def in_chat(self, chat_id: int) -> list[Message]:
        """Return a chat's messages."""
        return [message for message in list(self.messages) if message.chat_id == chat_id]

    def fail_next(self, **fault: Any) -> None:
        """Script a fault for the next fitting request; see world.Fault."""
        self.world.faults.append(Fault(**fault))

    def say(self, text: str, *, user: int, chat: int | None = None, **more: Any) -> int:
        """Let a person write to the bot; return the update's id."""
        chat_id = user if chat is None else chat
        message = {
            "message_id": self._next_message(),
            "date": int(time.time()),
            "chat": {"id": chat_id, "type": "private" if chat_id > 0 else "supergroup", "title": "chat"},
            "from": {"id": user, "is_bot": False, "first_name": f"User {user}"},
            "text": text,
        }
        if text.startswith("/"):
            length = len(text.split(maxsplit=1)[0])
            message["entities"] = [{"type": "bot_command", "offset": 0, "length": length}]
        return self.update(message=message | more)

    def press(self, message: Message, data: str, *, user: int) -> int:
        """Let a person press a button; return the update's id."""
        query = {
            "id": f"query-{self.world.next_update}",
            "from": {"id": user, "is_bot": False, "first_name": f"User {user}"},
            "chat_instance": "1",
            "data": data,
            "message": {
                "message_id": message.message_id,
                "date": int(time.time()),
                "chat": {"id": message.chat_id, "type": "private" if message.chat_id > 0 else "supergroup"},
            },
        }
        return self.update(callback_query=query)

    def update(self, **content: Any) -> int:
        """Queue an update of any kind; return its id."""
        update_id = self.world.next_update
        self.world.next_update += 1
        self.world.updates.append({"update_id": update_id, **content})
        return update_id

    def wait_for(self, condition: Callable[[], object], *, seconds: float = 10.0, what: str = "") -> None:
        """Wait until a condition holds; fail with what was received."""
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                raise AssertionError(f"{what or 'condition'} did not come true; received:\n{self.transcript()}")
            time.sleep(_POLL_SECONDS)

    async def until(self, condition: Callable[[], object], *, seconds: float = 10.0, what: str = "") -> None:
        """Wait as `wait_for` does, without blocking the event loop."""
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                raise AssertionError(f"{what or 'condition'} did not come true; received:\n{self.transcript()}")
            await asyncio.sleep(_POLL_SECONDS)

    def transcript(self) -> str:
        """Return everything as text, for a failed test's reader."""
        lines = []
        for m in list(self.messages):
            lines.append(
                f"--- {m.chat_id}/{m.message_id} edits={m.edits} reply={m.reply_to} silent={m.silent} topic={m.topic}"
            )
            lines.append(m.text)
        lines += [f"call {c.method} -> {c.status}" for c in list(self.calls)[-20:]]
        return "\n".join(lines)

    # ---- life cycle --------------------------------------------------------------------------------------------------

    def __enter__(self) -> Self:
        """Start, and wait until it answers."""
        self._thread = threading.Thread(target=self._run, name="botapi", daemon=True)
        self._thread.start()
        self._up.wait(10.0)
        if self._failure is not None:
            raise self._failure
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        if self._loop is not None and self._stop is not None:
            self._loop.call_soon_threadsafe(self._stop.set)
        if self._thread is not None:
            self._thread.join(10.0)

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:  # noqa: BLE001 - handed to the thread that started us
            self._failure = error
            self._up.set()

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        routes = [Route("/bot{token:path}", self._answer, methods=["GET", "POST"])]
        async with running(Starlette(routes=routes), listen_address=f"127.0.0.1:{self._port}") as server:
            self.url = server.url
            self._up.set()
            await self._stop.wait()

    # ---- requests ----------------------------------------------------------------------------------------------------

    async def _answer(self, request: Request) -> Response:
        token, _, method = request.path_params["token"].rpartition("/")
        if ":" not in token:
            return _refused(Refusal(404, "Not Found"))
        if token != self.world.token:
            return _refused(Refusal(401, "Unauthorized"))
        params: dict[str, Any] = dict(request.query_params)
        params |= form_fields(request.headers.get("content-type", ""), await request.body())
        chat_id = int(params["chat_id"]) if str(params.get("chat_id", "")).lstrip("-").isdigit() else None
        fault = self.world.fault_for(method, chat_id)
        if fault is not None:
            return await self._faulty(fault, method, params)
        return await self._carry_out(method, params)

    async def _faulty(self, fault: Fault, method: str, params: dict[str, Any]) -> Response:
        if fault.accept:
            await self._carry_out(method, params)
        else:
            self._note(method, params, fault.status)
        if fault.hang_seconds:
            await asyncio.sleep(fault.hang_seconds)
        if fault.cut:
            return _Broken()
        if fault.raw is not None:
            return Response(fault.raw, status_code=fault.status, media_type=fault.content_type)
        return _refused(Refusal(fault.status, fault.description, **fault.parameters))

    async def _carry_out(self, method: str, params: dict[str, Any]) -> Response:
        try:
            if method.lower() == "getupdates":
                result: Any = await self._get_updates(params)
            else:
                result = call(self.world, method, params)
        except Refusal as refusal:
            self._note(method, params, refusal.status)
            return _refused(refusal)
        self._note(method, params, 200)
        if self._on_message is not None and method.lower() in {"sendmessage", "editmessagetext", "sendphoto"}:
            message = self.world.find(int(params["chat_id"]), result["message_id"])
            if message is not None:
                self._on_message(method, message)
        return JSONResponse({"ok": True, "result": result})

    async def _get_updates(self, params: dict[str, Any]) -> list[dict[str, Any]]:
        """Hold until there is something; the newest poller wins, the older one gets 409."""
        if self._poller is not None and self._polled is self.world:
            self._poller.set()
        mine, world = asyncio.Event(), self.world
        self._poller, self._polled = mine, world
        offset = int(params.get("offset", 0))
        deadline = time.monotonic() + min(50, int(params.get("timeout", 0)))
        while True:
            while world.updates and world.updates[0]["update_id"] < offset:
                world.updates.popleft()
            ending = world is not self.world or (self._stop is not None and self._stop.is_set())
            if world.updates or time.monotonic() >= deadline or ending:
                return list(world.updates)[:100]
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_POLL_SECONDS):
                    await mine.wait()
                raise Refusal(409, "Conflict: terminated by other getUpdates request")

    def _note(self, method: str, params: dict[str, Any], status: int) -> None:
        self.world.calls.append(Call(method=method, params=params, status=status, at=time.monotonic()))

    def _next_message(self) -> int:
        self.world.next_message += 1
        return self.world.next_message - 1


def form_fields(content_type: str, body: bytes) -> dict[str, Any]:
    """Return the fields of a form, url-encoded or multipart; files as bytes."""
    if not content_type.startswith("multipart/"):
        return dict(parse_qsl(body.decode(), keep_blank_values=True))
    document = message_from_bytes(b"Content-Type: " + content_type.encode() + b"\r\n\r\n" + body)
    fields: dict[str, Any] = {}
    for part in document.walk():
        name = part.get_param("name", header="content-disposition")
        if isinstance(name, str):
            content = part.get_payload(decode=True)
            data = content if isinstance(content, bytes) else b""
            fields[name] = data if part.get_filename() else data.decode()
    return fields


def _refused(refusal: Refusal) -> Response:
    document: dict[str, Any] = {"ok": False, "error_code": refusal.status, "description": refusal.description}
    headers = {}
    if refusal.parameters:
        document["parameters"] = refusal.parameters
        if "retry_after" in refusal.parameters:
            headers["Retry-After"] = str(refusal.parameters["retry_after"])
    return JSONResponse(document, status_code=refusal.status, headers=headers)
