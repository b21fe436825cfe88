"""Pictures: what is drawn where and in which colour, on what words, and what is left out when nothing is known."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest
from PIL import Image

from alertbridge.pictures_canvas import COLOURS, PAPER, WIDTH, WORST_FIRST, Canvas, legible
from alertbridge.pictures_curves import STEPS, worst_state
from alertbridge.pictures_graph import GraphView, draw_graph
from alertbridge.pictures_map import Dot, MapView, Row, draw_map, outline
from alertbridge.prometheus import quoted
from alertbridge.settings import Language
from alertbridge.texts import texts
from grafana.build import palette
from tests.alertbridge.conftest import NOC, running_bridge
from tests.alertbridge.webhooks import alert

if TYPE_CHECKING:
    from tests.alertbridge.conftest import Trial
    from tests.alertbridge.peers import Peers
    from tests.botapi.server import BotApi

ROOT = Path(__file__).resolve().parents[2]
WORDS = {state: state.upper() for state in WORST_FIRST}
GRAPH_WORDS = WORDS | {"rtt_low": "RTT, mean", "rtt_high": "RTT, worst", "loss": "Loss", "no_data": "No data"}
HOSTILE = "<b>\u202e中文 \U0001f534 O'Brien & Söhne\n" + "x" * 5000


def opened(png: bytes) -> Image.Image:
    """Return a picture that Telegram takes as a photo."""
    assert len(png) < 1_000_000
    image = Image.open(io.BytesIO(png))
    assert image.format == "PNG"
    assert image.width == WIDTH
    assert image.width + image.height <= 10_000
    return image.convert("RGB")


def near(pixel: object, colour: str) -> bool:
    """Tell whether a pixel has a colour, up to what a palette of 256 shades changes."""
    assert isinstance(pixel, tuple)
    wanted = [int(colour[i : i + 2], 16) for i in (1, 3, 5)]
    return all(abs(have - want) <= 12 for have, want in zip(pixel, wanted, strict=True))


def share(image: Image.Image, colour: str) -> float:
    """Return which part of a picture has a colour."""
    found = image.getcolors(1 << 24)
    assert found is not None
    return sum(count for count, pixel in found if near(pixel, colour)) / (image.width * image.height)


def map_view(*dots: Dot, title: str = "Indonesia", rows: tuple[Row, ...] = (), zoom: bool = False) -> MapView:
    """Return a map of some dots."""
    counts = {state: sum(dot.state == state for dot in dots) for state in WORST_FIRST}
    return MapView(title=title, dots=dots, counts=counts, words=WORDS, rows=rows, foot="14:03:12 WIB", zoom=zoom)


def graph_view(
    *, rtt: tuple[float | None, ...], states: tuple[str | None, ...], loss: tuple[float | None, ...] | None = None
) -> GraphView:
    """Return a graph of a day in Jakarta."""
    return GraphView(
        title="DOWN · Jawa Barat · GT Pasteur 1",
        state="down",
        subtitle="Last 1 d",
        start=datetime(2026, 11, 24, 7, 3, tzinfo=UTC).timestamp(),
        step_seconds=86400 / len(states),
        zone=ZoneInfo("Asia/Jakarta"),
        rtt_low=rtt,
        rtt_high=rtt,
        loss=loss if loss is not None else (None,) * len(states),
        states=states,
        words=GRAPH_WORDS,
        foot="14:03:12 WIB",
    )


def test_colours_are_grafanas() -> None:
    """A picture in Telegram and a page in Grafana say the same by the same colour."""
    assert {state.name.lower(): colour for state, colour in palette.STATE_COLOURS.items()} == COLOURS


def test_the_outline_is_grafanas() -> None:
    """One outline, two copies: alertbridge is installed without grafana/."""
    name = Path("maps") / "indonesia-outline.geojson"
    assert (ROOT / "alertbridge" / name).read_bytes() == (ROOT / "grafana" / name).read_bytes()
    assert outline()[-1][0] == "Indonesia"


@pytest.mark.parametrize("state", WORST_FIRST)
def test_a_dot_has_its_states_colour(state: str) -> None:
    """In the middle of the country's picture or a region's."""
    for zoom in (False, True):
        image = opened(draw_map(map_view(Dot(longitude=113.0, latitude=-2.0, state=state), zoom=zoom)))
        # Beside the legend's mark of the same colour.
        empty = opened(draw_map(map_view()))
        assert share(image, COLOURS[state]) * image.height > share(empty, COLOURS[state]) * empty.height


def test_states_differ_in_shape_not_only_in_colour() -> None:
    """Somebody who cannot tell red from green sees square, triangle, ring and disc."""
    shapes = set()
    for state in WORST_FIRST:
        canvas = Canvas(100, width=100)
        canvas.mark((50, 50), state, 30)
        image = Image.open(io.BytesIO(canvas.png())).convert("L")
        shapes.add(bytes(255 if value > 250 else 0 for value in image.tobytes()))
    assert len(shapes) == 4


def test_red_is_drawn_last() -> None:
    """What is down is not hidden under what is well, in whatever order the exporter names them."""
    dots = [Dot(longitude=113.0, latitude=-2.0, state=state) for state in ("down", "up", "low", "unknown")]
    alone = opened(draw_map(map_view(dots[0], zoom=True)))
    together = opened(draw_map(map_view(*dots, zoom=True)))
    # The dot stands in the middle of the map, between head (about 180 px) and foot.
    column = [y for y in range(200, alone.height - 80) if near(alone.getpixel((WIDTH // 2, y)), COLOURS["down"])]
    assert column
    assert all(near(together.getpixel((WIDTH // 2, y)), COLOURS["down"]) for y in column)


@pytest.mark.parametrize("dots", [(), (Dot(longitude=999.0, latitude=-95.0, state="up"),)], ids=["none", "off the map"])
def test_a_map_without_places_is_drawn_too(dots: tuple[Dot, ...]) -> None:
    """Targets need no coordinates."""
    for zoom in (False, True):
        opened(draw_map(map_view(*dots, zoom=zoom)))


def test_hostile_names_do_no_harm() -> None:
    """Too long, other scripts, control characters."""
    rows = (Row(state="down", name=HOSTILE, note="2 min"), Row(state="low", name=HOSTILE, counts={"down": 10_000}))
    opened(draw_map(map_view(Dot(longitude=110.0, latitude=-7.0, state="low"), title=HOSTILE, rows=rows)))
    assert legible("Söhne \N{EN DASH} Kalibrasi · 5 %") == "Sohne - Kalibrasi · 5 %"
    assert legible("中\n") == "??"


def test_missing_data_is_a_gap_never_a_zero() -> None:
    """Curves break off, and nothing is drawn in the band."""
    known = opened(draw_graph(graph_view(rtt=(0.02,) * 100, states=("up",) * 100)))
    half = opened(draw_graph(graph_view(rtt=(0.02,) * 50 + (None,) * 50, states=("up",) * 50 + (None,) * 50)))
    band = known.height - 200  # inside the band's lower part
    right = 1000
    assert near(known.getpixel((right, band)), COLOURS["up"])
    assert not near(half.getpixel((right, band)), COLOURS["up"])
    curve = [y for y in range(220, 560) if not near(known.getpixel((right, y)), PAPER)]
    bottom = [y for y in range(540, 560) if near(half.getpixel((right, y)), "#3274D9")]
    assert curve
    assert not bottom


def test_a_graph_without_any_data_says_so() -> None:
    """An empty frame would look as if all were well."""
    empty = opened(draw_graph(graph_view(rtt=(None,) * 100, states=(None,) * 100)))
    line = [x for x in range(300, 1100) if near(empty.getpixel((x, 390)), "#1F2430")]
    assert line


@pytest.mark.parametrize("milliseconds", [0.0, 0.004, 0.9, 21.0, 99.99, 4999.0, 86_400_000.0])
def test_every_height_of_rtt_fits(milliseconds: float) -> None:
    """The axis grows with the highest value."""
    opened(draw_graph(graph_view(rtt=(milliseconds / 1000,) * STEPS, states=("low",) * STEPS, loss=(0.5,) * STEPS)))


@pytest.mark.parametrize(
    ("least", "most", "expected"),
    [
        (2, 2, "up"),
        (0, 2, "down"),
        (1, 2, "low"),
        (0, 3, "down"),
        (2, 3, "unknown"),
        (3, 3, "unknown"),
        (None, 2, None),
    ],
)
def test_a_step_shows_its_worst_state(least: float | None, most: float | None, expected: str | None) -> None:
    """An outage of seconds is seen in a week; half an unknown step is no good one."""
    assert worst_state(least, most) == expected


def test_names_in_queries_are_quoted() -> None:
    """An id cannot end its string."""
    assert quoted('a"} or vector(1) # \\') == '"a\\"} or vector(1) # \\\\"'


def with_places(peers: Peers) -> None:
    """Let the exporter know a region that is down."""
    peers.regions["BAL"] = {
        "id": "BAL",
        "name": "Bali <&>",
        "latitude": -8.5,
        "longitude": 115.2,
        "timezone": "Asia/Makassar",
        "state": "down",
        "state_since": "2026-11-25T00:00:00Z",
        "outage": True,
        "targets": 2,
        "up": 0,
        "low": 0,
        "down": 2,
        "unknown": 0,
        "cut_off": 2,
    }
    for number in (1, 2):
        peers.put(f"bal-{number}", "down", age_seconds=90, region="BAL", latitude=-8.4, longitude=115.0 + number / 10)


async def test_a_regions_outage_gets_its_map_as_a_silent_reply(trial: Trial) -> None:
    """After the message, silent, with a caption that Telegram takes although the name is hostile."""
    with_places(trial.peers)
    await trial.fire(alert("VPNRegionDown", None, region="BAL"))
    await trial.api.until(lambda: any(message.photo for message in trial.api.messages))
    told, picture = trial.api.messages
    assert told.first_line == "🔴 DOWN · Bali <&>"
    assert picture.reply_to == told.message_id
    assert picture.silent
    assert picture.first_line == "Bali <&> 🔴 2"
    assert picture.photo is not None
    opened(picture.photo)


async def test_a_picture_that_cannot_be_drawn_keeps_no_message_back(trial: Trial) -> None:
    """The exporter is away: the alert is told, the picture is left out, the next alert is told."""
    trial.peers.down.add("exporter")
    await trial.fire(alert("VPNRegionDown", None, region="BAL"))
    await trial.api.until(lambda: trial.api.messages)
    trial.peers.down.clear()
    await trial.fire(alert())
    await trial.api.until(lambda: len(trial.api.in_chat(NOC)) == 2)
    assert [message.photo for message in trial.api.messages] == [None, None]


async def test_a_refused_picture_is_not_repeated(api: BotApi, peers: Peers, tmp_path: Path) -> None:
    """No right to send photos: once tried, alerts go on."""
    with_places(peers)
    api.fail_next(method="sendPhoto", status=400, description="Bad Request: not enough rights to send photos")
    async with running_bridge(api, peers, tmp_path) as trial:
        await trial.fire(alert("VPNRegionDown", None, region="BAL"))
        await api.until(lambda: any(call.method == "sendPhoto" for call in api.calls))
        await trial.fire(alert())
        await api.until(lambda: len(api.in_chat(NOC)) == 2)
        assert len([call for call in api.calls if call.method == "sendPhoto"]) == 1


def test_words_of_pictures_are_in_both_languages() -> None:
    """The keys that pictures.py reads by name."""
    keys = ("everywhere", "foot", "span", "rtt", "rtt_worst", "rtt_half", "rtt_most", "loss", "loss_region", "no_data")
    for language in Language:
        assert all(f"picture.{key}" in texts(language).entries for key in keys)
