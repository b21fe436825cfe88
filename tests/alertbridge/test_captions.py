"""A caption may have 1024 UTF-16 units and no more, whoever sends it and whatever the names are."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

from PIL import Image

from alertbridge.bot.access import Asker
from alertbridge.bot.kinds import Answer
from alertbridge.delivery import Parcel, deliver
from alertbridge.markup import escape
from alertbridge.sending import Place
from tests.alertbridge.conftest import NOC
from tests.alertbridge.webhooks import alert
from tests.botapi.markup import utf16

if TYPE_CHECKING:
    from tests.alertbridge.conftest import Trial

LIMIT = 1024  # Telegram's; not read from the code
HOSTILE = "🛰<b>&amp;\u202e" * 40  # each of the satellites is two UTF-16 units
CAPTION = "\n".join(f"<b>{escape(HOSTILE, 190)}</b>" for _ in range(12))  # in all about 2,300


def png() -> bytes:
    """Return a small picture."""
    data = BytesIO()
    Image.new("RGB", (8, 8)).save(data, "PNG")
    return data.getvalue()


def was_cut_to_the_limit(trial: Trial) -> bool:
    """Tell whether the one picture that came has as much of its caption as Telegram takes."""
    captions = [message.text for message in trial.api.messages if message.photo]
    assert len(captions) == 1, trial.api.transcript()
    return LIMIT - 2 <= utf16(captions[0]) <= LIMIT and captions[0].endswith("…")


async def test_a_delivered_picture_has_a_caption_that_fits(trial: Trial) -> None:
    """Refused for its length, it comes with as much as fits, as plain text; it is not given up."""
    parcel = Parcel(place=Place(chat_id=NOC), text=CAPTION, silent=True, photo=png())
    await deliver(trial.bridge.parts.outbox.sender, parcel, trial.bridge.parts.outbox.lanes)
    assert was_cut_to_the_limit(trial)


async def test_an_answers_picture_has_a_caption_that_fits(trial: Trial) -> None:
    """The bot's way is another, the limit is the same."""
    replies = trial.bridge.parts.poller.responder.replies
    await replies.send(Asker(user_id=1, chat_id=NOC), Answer(text=CAPTION, photo=png()))
    assert was_cut_to_the_limit(trial)


async def test_names_of_any_length_leave_the_drawn_caption_whole(trial: Trial) -> None:
    """A region whose name fills a page: its map comes at the first try, within the limit."""
    name = HOSTILE * 20
    trial.peers.regions["BAL"] = {"id": "BAL", "name": name, "state": "down", "outage": True, "targets": 2, "down": 2}
    trial.peers.put("bal-1", "down", age_seconds=9, region="BAL", region_name=name, latitude=-8.4, longitude=115.0)
    await trial.fire(alert("VPNRegionDown", None, region="BAL"))
    await trial.api.until(lambda: any(message.photo for message in trial.api.messages))
    assert [call.status for call in trial.api.calls if call.method == "sendPhoto"] == [200]
    assert utf16(trial.api.messages[-1].text) <= LIMIT
