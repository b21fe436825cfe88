"""The watcher at a second site: when it speaks, what it says, and that nothing it has to say is lost or said twice."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import httpx
import pytest
from click.testing import CliRunner
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from alertbridge.cli import main
from alertbridge.peerwatch import Event, Life, News, PeerWatch, look, queued, text_of
from alertbridge.settings import Chat, Language, Secret, Settings
from alertbridge.telegram_link import Link
from httpservice.server import running
from tests.botapi.markup import parse

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from starlette.requests import Request

    from tests.botapi.server import BotApi

NOW = datetime(2026, 11, 25, 7, 0, tzinfo=UTC)
NOC = Chat(name="noc", id=-1001, language=Language.EN)
AFTER = timedelta(seconds=90)


def test_it_speaks_after_90_seconds_once_and_when_it_is_back() -> None:
    """A look every 10 s at a peer that is silent for three minutes."""
    life, told = Life(good_at=NOW), []
    for seconds in range(10, 400, 10):
        now = NOW + timedelta(seconds=seconds)
        life, event = look(life, good=seconds > 200 or seconds <= 20, now=now, silent_after=AFTER)
        if event is not None:
            told.append((seconds, event))
    assert told == [(110, Event.SILENT), (210, Event.BACK)]


@pytest.mark.parametrize("gap", [10, 50, 89])
def test_a_short_silence_is_not_worth_a_word(gap: int) -> None:
    """A restart of the other bridge."""
    life, first = look(Life(good_at=NOW), good=False, now=NOW + timedelta(seconds=gap), silent_after=AFTER)
    assert (first, life.silent) == (None, False)
    assert look(life, good=True, now=NOW + timedelta(seconds=gap + 5), silent_after=AFTER)[1] is None


def news(event: Event, peer: str = "a", at: int = 100) -> News:
    """Return one thing to tell."""
    return News(event=event, peer=peer, since=NOW, at=NOW + timedelta(seconds=at), reason="ConnectError")


def test_what_could_not_be_told_in_time_becomes_one_message() -> None:
    """An end whose beginning nobody has read; other peers' news keep their place."""
    waiting = queued(queued((), news(Event.SILENT, "b")), news(Event.SILENT, "a"))
    waiting = queued(waiting, news(Event.BACK, "a", at=300))
    assert [(n.peer, n.event) for n in waiting] == [("b", Event.SILENT), ("a", Event.WAS_SILENT)]
    assert queued((), news(Event.BACK)) == (news(Event.BACK),)


@pytest.mark.parametrize("language", list(Language))
@pytest.mark.parametrize("event", list(Event))
def test_every_text_is_taken_by_telegram(language: Language, event: Event) -> None:
    """A peer's name may hold what looks like a tag."""
    chat = Chat(name="noc", id=1, language=language)
    said = text_of(news(event, "<b>&host:9922"), chat, now=NOW + timedelta(seconds=400))
    text, _ = parse(said)
    assert "<b>&host:9922" in text
    assert ("6 m" if event is Event.SILENT else "1 m") in text


@dataclass(slots=True)
class Bridge:
    """The watched peer. 0: it closes the connection without an answer."""

    status: int = 200
    url: str = ""

    @contextlib.asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """Serve while the block runs."""

        async def ready(_: Request) -> Response:
            return PlainTextResponse("word", status_code=self.status)

        async with running(Starlette(routes=[Route("/a/-/ready", ready)]), listen_address="127.0.0.1:0") as server:
            self.url = f"{server.url}/a/"
            yield


@contextlib.asynccontextmanager
async def watching(api: BotApi, *urls: str) -> AsyncIterator[PeerWatch]:
    """Run a quick watcher."""
    settings = Settings(token=Secret(api.token), api_url=api.url)
    async with Link(settings) as sender, httpx.AsyncClient() as http:
        watch = PeerWatch(
            sender=sender,
            http=http,
            peers=urls,
            chats=[NOC],
            silent_after=timedelta(seconds=0.3),
            look_seconds=0.03,
        )
        task = asyncio.create_task(watch.run())
        try:
            yield watch
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


async def test_silence_and_return_of_a_peer(api: BotApi) -> None:
    """Not ready counts as silent; the text says why; the path of a proxy is kept."""
    bridge = Bridge()
    async with bridge.serving(), watching(api, bridge.url):
        bridge.status = 503
        await api.until(lambda: len(api.messages) == 1)
        bridge.status = 200
        await api.until(lambda: len(api.messages) == 2)
    host = bridge.url.split("/")[2]
    first, second = (message.text for message in api.messages)
    assert first.startswith(f"❗ The bridge {host} has been silent for ")
    assert "(HTTP 503)" in first
    assert second.startswith(f"✅ The bridge {host} answers again after ")
    assert not any(message.silent for message in api.messages)


async def test_a_peer_that_was_never_there_is_told_too(api: BotApi) -> None:
    """A wrong address is found out at once, not in the first outage."""
    async with watching(api, "http://127.0.0.1:9"):
        await api.until(lambda: len(api.messages) == 1)
    assert "(ConnectError)" in api.messages[0].text


async def test_while_telegram_is_away_the_news_wait_and_become_one(api: BotApi) -> None:
    """Not one by one: what is over is told as over."""
    api.fail_next(method="sendMessage", status=502, raw=b"<html>", times=1000)
    bridge = Bridge(status=503)
    async with bridge.serving(), watching(api, bridge.url) as watch:
        await api.until(lambda: any(call.method == "sendMessage" for call in list(api.calls)))
        bridge.status = 200
        await api.until(lambda: [n.event for n in watch._waiting["noc"]] == [Event.WAS_SILENT])
        api.world.faults.clear()
        await api.until(lambda: len(api.messages) == 1)
    assert "was silent for" in api.messages[0].text


async def test_a_chat_that_refuses_is_given_up_and_the_next_news_is_tried(api: BotApi) -> None:
    """Blocked once, then allowed again."""
    api.fail_next(method="sendMessage", status=403, description="Forbidden: bot was blocked by the user")
    bridge = Bridge(status=503)
    async with bridge.serving(), watching(api, bridge.url):
        await api.until(lambda: any(call.status == 403 for call in list(api.calls)))
        bridge.status = 200
        await api.until(lambda: len(api.messages) == 1)
    assert "answers again" in api.messages[0].text


CONFIG = """
version: 1
language: en
telegram: {{api_url: "{api}"}}
chats: [{{name: noc, id: -1001}}]
"""


def test_the_command_runs_until_it_is_told_to_stop(api: BotApi, tmp_path: Path) -> None:
    """A process of its own: SIGTERM, exit code 0, no token in the log."""
    (tmp_path / "a.yml").write_text(CONFIG.format(api=api.url), encoding="utf-8")
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "alertbridge", "watch", "--config.file", str(tmp_path / "a.yml")),
            *("--peer", "http://127.0.0.1:9", "--silent-after", "10"),
        ],
        env=os.environ | {"TELEGRAM_TOKEN": api.token},
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        api.wait_for(lambda: len(api.messages) == 1, seconds=40.0)
    finally:
        process.send_signal(signal.SIGTERM)
        begun = time.monotonic()
        _, log = process.communicate(timeout=15)
    assert process.returncode == 0
    assert time.monotonic() - begun < 10
    assert "The bridge 127.0.0.1:9 has been silent" in api.messages[0].text
    assert api.token not in log


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        ((), "Missing option '--peer'"),
        (("--peer", "monitor-2"), "is no URL like"),
        (("--peer", "https://user:password@monitor-2"), "is no URL like"),
        (("--peer", "https://monitor-2", "--chat", "nobody"), "there are: noc"),
    ],
    ids=["none", "no URL", "with a password", "unknown chat"],
)
def test_wrong_usage_is_said(arguments: tuple[str, ...], part: str, tmp_path: Path) -> None:
    """Exit code 2."""
    (tmp_path / "a.yml").write_text(CONFIG.format(api="http://127.0.0.1:9"), encoding="utf-8")
    environment = {"ALERTBRIDGE_CONFIG_FILE": str(tmp_path / "a.yml"), "TELEGRAM_TOKEN": "123456:abcdefghijklmnop"}
    result = CliRunner().invoke(main, ["watch", *arguments], env=environment)
    assert result.exit_code == 2
    assert part in " ".join(result.output.split())
