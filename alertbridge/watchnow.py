"""The wiring of `alertbridge watch`: opens Telegram and an HTTP client, watches until SIGINT or SIGTERM."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from datetime import timedelta
from typing import TYPE_CHECKING

from alertbridge import peers as http_peers
from alertbridge.peerwatch import PeerWatch
from alertbridge.telegram_link import Link
from httpservice.logs import get_logger

if TYPE_CHECKING:
    from collections.abc import Sequence

    from alertbridge.settings import Chat, Settings

log = get_logger(__name__)


async def watch_peers(
    settings: Settings, peers: Sequence[str], chats: Sequence[Chat], *, silent_after_seconds: float
) -> None:
    """Watch until a signal; what waits to be told is lost then."""
    stopping = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    async with contextlib.AsyncExitStack() as stack:
        sender = await stack.enter_async_context(Link(settings))
        http = await stack.enter_async_context(http_peers.client())
        watch = PeerWatch(
            sender=sender,
            http=http,
            peers=peers,
            chats=chats,
            silent_after=timedelta(seconds=silent_after_seconds),
        )
        log.info("watching", peers=len(peers), chats=[chat.name for chat in chats])
        async with asyncio.TaskGroup() as group:
            task = group.create_task(watch.run(), name="watch")
            await stopping.wait()
            task.cancel()
    log.info("watching has ended")
