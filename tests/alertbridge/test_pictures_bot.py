"""Pictures on request: /map and /graph in a chat, in a topic, with missing and wrong arguments, with a peer away."""

from __future__ import annotations

import asyncio
import io
import re
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from tests.alertbridge.conftest import NOC
from tests.alertbridge.picture_samples import FOLDER, NAMES, pictures
from tests.alertbridge.test_bot import ask, fill

if TYPE_CHECKING:
    from tests.alertbridge.conftest import Trial


def is_png(content: bytes | None) -> bool:
    """Tell whether this is a picture."""
    return content is not None and Image.open(io.BytesIO(content)).format == "PNG"


@pytest.mark.parametrize(
    ("text", "caption"),
    [("/map", "All regions 🔴 1 ✅ 3"), ("/map JBR", "Jawa Barat 🔴 1 ✅ 1"), ("/map jawa", "Jawa Barat 🔴 1 ✅ 1")],
)
async def test_the_map_is_sent_where_it_was_asked_for(trial: Trial, text: str, caption: str) -> None:
    """A silent photo that replies to the question, in its topic; the caption says how old the data is."""
    fill(trial.peers)
    answer = await ask(trial.api, text, message_thread_id=7, is_topic_message=True)
    assert is_png(answer.photo)
    assert answer.first_line == caption
    assert re.search(r"data \d s old", answer.text)
    assert (answer.chat_id, answer.topic, answer.silent) == (NOC, 7, True)


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("/map nowhere", "nowhere"),
        ("/graph", "/graph jbr-hub 24h"),
        ("/graph nothing 7d", "nothing"),
        ("/graph gt 1h", "which one?"),
    ],
)
async def test_wrong_arguments_get_words(trial: Trial, text: str, part: str) -> None:
    """An example, or near matches; no picture."""
    fill(trial.peers)
    answer = await ask(trial.api, text)
    assert answer.photo is None
    assert part in answer.text


@pytest.mark.parametrize("text", ["/graph jbr-hub 1h", "/graph JBR", "/graph Banten 7d"])
async def test_without_prometheus_the_answer_says_so(trial: Trial, text: str) -> None:
    """Never an empty graph."""
    fill(trial.peers)
    trial.peers.down.add("prometheus")
    answer = await ask(trial.api, text)
    assert answer.photo is None
    assert "Prometheus cannot be reached" in answer.text


async def test_without_the_exporter_there_is_no_map(trial: Trial) -> None:
    """Never an empty map."""
    trial.peers.down.add("exporter")
    answer = await ask(trial.api, "/map")
    assert answer.photo is None
    assert "exporter cannot be reached" in answer.text


def test_the_documentation_shows_the_pictures() -> None:
    """They exist, are small, and the code still draws pictures of that size."""
    page = (FOLDER.parent / "telegram.md").read_text(encoding="utf-8")
    drawn = asyncio.run(pictures())
    for name in NAMES:
        assert f"pictures/{name}" in page
        shown, now = (Image.open(io.BytesIO(png)) for png in ((FOLDER / name).read_bytes(), drawn[name]))
        assert shown.size == now.size
        assert (FOLDER / name).stat().st_size < 100_000
