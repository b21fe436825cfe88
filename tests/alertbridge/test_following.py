"""Messages follow what is true: a digest whose member gets worse, another cause, more that are cut off."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from alertbridge.facts import Facts, reads_differently
from alertbridge.following import COUNTING_FOR, Change, compare
from alertbridge.incidents import Level, Phase
from tests.alertbridge.conftest import running_bridge
from tests.alertbridge.made import NOW, incident
from tests.alertbridge.webhooks import alert

if TYPE_CHECKING:
    from pathlib import Path

    from tests.alertbridge.conftest import Trial
    from tests.alertbridge.peers import Peers
    from tests.botapi.server import BotApi
    from tests.botapi.world import Message

HUB = "jbr-hub"
SITES = [f"jbr-gt-{number}" for number in range(5)]
LONG = timedelta(minutes=5)


async def low_storm(trial: Trial) -> Message:
    """Let five sites be LOW at once; return the digest that tells it."""
    for site in SITES:
        trial.peers.put(site, "low", age_seconds=30)
    await trial.fire(*(alert("VPNTargetLow", site, severity="warning") for site in SITES))
    await trial.api.until(lambda: trial.api.messages)
    digest = trial.api.messages[0]
    assert digest.first_line == "🟨 5 LOW in Jawa Barat"
    return digest


async def falls(trial: Trial, *sites: str) -> None:
    """Let LOW sites be DOWN, at one moment."""
    for site in sites:
        trial.peers.put(site, "down", age_seconds=4)
    ends = [alert("VPNTargetLow", site, severity="warning", status="resolved") for site in sites]
    await trial.fire(*ends, *(alert(target=site) for site in sites))


async def returns(trial: Trial, site: str, name: str = "VPNTargetLow", severity: str = "warning") -> None:
    """Let a site be up again."""
    trial.peers.put(site, "up", age_seconds=1)
    await trial.fire(alert(name, site, severity=severity, status="resolved"))


async def test_worse_inside_a_digest_is_loud_and_the_digest_follows(api: BotApi, peers: Peers, tmp_path: Path) -> None:
    """One of a LOW digest goes DOWN: a loud reply to the digest, which is edited; also what ends after a restart."""
    async with running_bridge(api, peers, tmp_path) as trial:
        digest = await low_storm(trial)
        await falls(trial, SITES[0])
        await api.until(lambda: len(api.messages) == 2)
        worse = api.messages[1]
        assert worse.first_line == "🔴 DOWN · Jawa Barat · Jbr Gt 0"
        assert (worse.silent, worse.reply_to) == (False, digest.message_id)
        await api.until(lambda: digest.first_line == "🔴 1 DOWN 🟨 4 LOW in Jawa Barat")
    async with running_bridge(api, peers, tmp_path) as trial:
        for site in SITES[1:]:
            await returns(trial, site)
        await api.until(lambda: digest.first_line == "🔴 1 DOWN ✅ 4 UP in Jawa Barat", seconds=15)
        assert len(api.messages) == 2
        await returns(trial, SITES[0], "VPNTargetDown", "critical")
        await api.until(lambda: len(api.messages) == 4, seconds=15)
        await api.until(lambda: digest.first_line == "✅ 5 UP in Jawa Barat", seconds=15)
    own, every = api.messages[2:]
    assert (own.reply_to, own.silent, own.first_line[:4]) == (worse.message_id, True, "✅ UP")
    assert (every.reply_to, every.silent) == (digest.message_id, True)
    assert every.text == "✅ All 5 of this digest are over"


async def test_many_that_get_worse_are_two_sounds_and_no_flood(trial: Trial) -> None:
    """The first at once, the four that follow as one digest that replies to the old one."""
    digest = await low_storm(trial)
    await falls(trial, SITES[0])
    await trial.api.until(lambda: len(trial.api.messages) == 2)
    await falls(trial, *SITES[1:])
    await trial.api.until(lambda: len(trial.api.messages) == 3)
    await trial.api.until(lambda: digest.first_line == "🔴 5 DOWN in Jawa Barat", seconds=15)
    second = trial.api.messages[2]
    assert (second.first_line, second.silent) == ("🔴 4 DOWN in Jawa Barat", False)
    assert second.reply_to == digest.message_id


async def test_a_replaced_message_points_on_although_the_bridge_was_stopped(
    api: BotApi, peers: Peers, tmp_path: Path
) -> None:
    """The edit of the older message is a row of the outbox: it is made after a restart, and once."""
    async with running_bridge(api, peers, tmp_path) as trial:
        peers.put(SITES[0], "low", age_seconds=30)
        await trial.fire(alert("VPNTargetLow", SITES[0], severity="warning"))
        await api.until(lambda: api.messages)
        api.fail_next(method="editMessageText", status=429, parameters={"retry_after": 600})
        await falls(trial, SITES[0])
        await api.until(lambda: any(call.method == "editMessageText" for call in api.calls))
        assert api.messages[0].edits == 0
    async with running_bridge(api, peers, tmp_path):
        await api.until(lambda: api.messages[0].edits)
    assert api.messages[0].first_line == "↪️ Jawa Barat · Jbr Gt 0"
    assert len(api.messages) == 2


async def test_a_replaced_message_that_was_deleted_is_not_sent_anew(trial: Trial) -> None:
    """It would be one more sound that says nothing."""
    trial.peers.put(SITES[0], "low", age_seconds=30)
    await trial.fire(alert("VPNTargetLow", SITES[0], severity="warning"))
    await trial.api.until(lambda: trial.api.messages)
    trial.api.messages[0].deleted = True
    await falls(trial, SITES[0])
    await trial.metric_becomes(1, "alertbridge_delivery_failures_total", reason="message_gone")
    await returns(trial, SITES[0], "VPNTargetDown", "critical")
    await trial.api.until(lambda: len(trial.api.messages) == 3)
    assert [message.first_line[:6] for message in trial.api.messages[1:]] == ["✅ UP ·", "✅ UP ·"]


async def test_another_cause_and_another_number_are_edits_without_a_sound(trial: Trial) -> None:
    """Device, then tunnel, then hub; 3, then 12 cut off: the message says what is known now, and only that."""
    trial.peers.put(HUB, "down", age_seconds=15, cut_off_targets=3)
    await trial.fire(alert(target=HUB))
    await trial.api.until(lambda: trial.api.messages)
    message = trial.api.messages[0]
    assert "Cause: the device itself (3 more cut off behind it)" in message.text
    trial.peers.put(HUB, "down", age_seconds=15, cut_off_targets=3, cause="tunnel")
    await trial.api.until(lambda: "Cause: its VPN tunnel (3 more" in message.text)
    trial.peers.put(HUB, "down", age_seconds=15, cut_off_targets=12, cause="hub")
    await trial.api.until(lambda: "Cause: the hub (12 more" in message.text)
    edits, asked = message.edits, len(trial.peers.asked)
    await trial.api.until(lambda: len(trial.peers.asked) > asked + 5)
    assert message.edits == edits, "nothing else has changed"
    assert len(trial.api.messages) == 1


async def test_large_growth_is_a_loud_reply_once(trial: Trial) -> None:
    """3 cut off become 40, minutes later: edits make no sound, so it is told anew."""
    began = datetime.now(UTC) - LONG
    trial.peers.put(HUB, "down", age_seconds=300, cut_off_targets=3)
    await trial.fire(alert(target=HUB, starts_at=began))
    await trial.api.until(lambda: trial.api.messages)
    trial.peers.put(HUB, "down", age_seconds=300, cut_off_targets=40)
    await trial.api.until(lambda: len(trial.api.messages) == 2)
    first, second = trial.api.messages
    assert second.text.splitlines()[:2] == [
        "🔴 DOWN · Jawa Barat · Jbr Hub",
        "Spreading: 40 affected now, 3 when last told",
    ]
    assert (second.silent, second.reply_to) == (False, first.message_id)
    await trial.api.until(lambda: first.first_line.startswith("↪️"))
    asked = len(trial.peers.asked)
    await trial.api.until(lambda: len(trial.peers.asked) > asked + 5)
    assert len(trial.api.messages) == 2


STARTED = NOW - LONG


@pytest.mark.parametrize(
    ("before", "after", "change"),
    [
        (3, 12, Change.OTHERWISE),  # more, but not many more
        (3, 13, Change.GROWN),
        (30, 60, Change.OTHERWISE),  # not three times as many
        (30, 90, Change.GROWN),
        (0, 9, Change.OTHERWISE),
        (0, 10, Change.GROWN),
        (None, 500, Change.OTHERWISE),  # nobody has counted yet
        (40, 12, Change.OTHERWISE),
        (12, 12, Change.NOTHING),
    ],
)
def test_growth_is_three_times_as_many_and_ten_more(before: int | None, after: int, change: Change) -> None:
    """Than when it was last told with a sound."""
    old = Facts(state="down", cut_off_targets=before or 0, told_affected=before)
    made = replace(incident(facts=old), started_at=STARTED)
    assert compare(made, replace(old, cut_off_targets=after), now=NOW) is change


def test_what_is_still_being_counted_has_not_grown() -> None:
    """The sites behind a hub are judged within seconds of it."""
    old = Facts(state="down", cut_off_targets=2, told_affected=2)
    young = replace(incident(facts=old), started_at=NOW - COUNTING_FOR / 2)
    assert compare(young, replace(old, cut_off_targets=40), now=NOW) is Change.OTHERWISE


def test_silenced_and_lesser_troubles_do_not_speak_up() -> None:
    """Who has silenced a hub does not want to hear of it; a weak one has nothing behind it that is cut off."""
    old = Facts(state="down", cut_off_targets=2, told_affected=2)
    new = replace(old, cut_off_targets=40)
    made = replace(incident(facts=old), started_at=STARTED)
    silenced = replace(made, records=tuple(replace(record, suppressed="silenced") for record in made.records))
    for one in (silenced, replace(made, level=Level.WARNING), replace(made, phase=Phase.CONFIRMING)):
        assert compare(one, new, now=NOW) is Change.OTHERWISE


def test_measured_numbers_alone_are_no_news() -> None:
    """A LOW site's loss changes with every probe: it must not be an edit with every look."""
    old = Facts(state="low", loss_ratio=0.12, rtt_seconds=0.2, low_reasons=(("loss_60", 0.12, 0.1),))
    new = Facts(state="low", loss_ratio=0.15, rtt_seconds=0.3, low_reasons=(("loss_60", 0.15, 0.1),))
    assert not reads_differently(old, new)
    assert reads_differently(old, replace(new, low_reasons=(*(new.low_reasons or ()), ("rtt", 0.3, 0.15))))
