"""Webhooks in, messages out: the whole bridge against the Bot API stand-in."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from tests.alertbridge.webhooks import alert

if TYPE_CHECKING:
    from tests.alertbridge.conftest import Trial

SITE = "jbr-gt-pasteur-1"
SLACK = 10  # seconds a busy machine may take between the steps of a test: facts are told as of the moment of telling


async def test_an_outage_is_told_edited_and_ended(trial: Trial) -> None:
    """Down gives one loud message with the facts; up edits it and adds one short silent reply."""
    began = datetime.now(UTC) - timedelta(seconds=12)
    trial.peers.put(SITE, "down", age_seconds=15, cut_off_targets=3)
    await trial.fire(alert(starts_at=began))
    await trial.api.until(lambda: trial.api.messages)
    message = trial.api.messages[0]
    assert message.first_line == "🔴 DOWN · Jawa Barat · Jbr Gt Pasteur 1"
    assert not message.silent
    assert "Not reachable since" in message.text
    told = re.search(r"WIB \((\d+) s\)", message.text)
    assert told is not None
    assert 15 <= int(told[1]) <= 15 + SLACK, "from the exporter's state time (15 s), not the alert's (12 s)"
    assert "3 more cut off behind it" in message.text
    trial.peers.put(SITE, "up", age_seconds=1)
    await trial.fire(alert(status="resolved", starts_at=began))
    await trial.api.until(lambda: len(trial.api.messages) == 2 and message.edits)
    reply = trial.api.messages[1]
    assert message.first_line == "✅ UP · Jawa Barat · Jbr Gt Pasteur 1"
    assert "Was down from" in message.text
    assert (reply.silent, reply.reply_to) == (True, message.message_id)
    ended = re.search(r"back after (\d+) s", reply.text)
    assert ended is not None
    assert 13 <= int(ended[1]) <= 14 + SLACK, "from down to up by the exporter's clock"


async def test_a_resent_webhook_changes_nothing(trial: Trial) -> None:
    """The same body again (a retry, the peer of a pair) gives no second message and no edit."""
    trial.peers.put(SITE, "down", age_seconds=5)
    body = alert()
    for _ in range(3):
        await trial.fire(body)
    await trial.api.until(lambda: trial.api.messages)
    await trial.fire(alert("VPNTargetDown", "jbr-other"))
    await trial.api.until(lambda: len(trial.api.messages) == 2)
    assert [message.edits for message in trial.api.messages] == [0, 0]


async def test_low_then_down_is_one_incident_with_a_loud_reply(trial: Trial) -> None:
    """Worsening is a new message that replies to the first, because edits make no sound."""
    trial.peers.put(SITE, "low", age_seconds=30)
    low = alert("VPNTargetLow", SITE, severity="warning")
    await trial.fire(low)
    await trial.api.until(lambda: trial.api.messages)
    first = trial.api.messages[0]
    assert first.first_line.startswith("🟨 LOW · Jawa Barat")
    trial.peers.put(SITE, "down", age_seconds=4)
    await trial.fire(alert("VPNTargetLow", SITE, severity="warning", status="resolved"))
    await trial.fire(alert())
    await trial.api.until(lambda: len(trial.api.messages) == 2)
    second = trial.api.messages[1]
    assert second.first_line.startswith("🔴 DOWN")
    assert (second.reply_to, second.silent) == (first.message_id, False)
    await trial.api.until(lambda: first.edits)  # no stale LOW stays
    assert first.first_line == "↪️ Jawa Barat · Jbr Gt Pasteur 1"  # no state: nobody would edit it when that is over
    assert "Goes on in the newer message of " in first.text
    trial.peers.put(SITE, "up", age_seconds=1)
    await trial.fire(alert(status="resolved"))
    await trial.api.until(lambda: len(trial.api.messages) == 3 and second.edits)
    assert trial.api.messages[2].reply_to == second.message_id


async def test_a_resolved_webhook_is_not_believed_against_the_exporter(trial: Trial) -> None:
    """Prometheus died and Alertmanager ended everything: the site is still down, so no recovery is told."""
    trial.peers.put(SITE, "down", age_seconds=60)
    await trial.fire(alert())
    await trial.api.until(lambda: trial.api.messages)
    await trial.fire(alert(status="resolved"))
    asked = len(trial.peers.asked)
    await trial.api.until(lambda: len(trial.peers.asked) > asked + 3)
    assert len(trial.api.messages) == 1
    assert trial.api.messages[0].first_line.startswith("🔴 DOWN")
    trial.peers.put(SITE, "up", age_seconds=1)
    await trial.api.until(lambda: len(trial.api.messages) == 2)
    assert trial.api.messages[1].first_line.startswith("✅ UP")


async def test_back_but_low_is_said_so(trial: Trial) -> None:
    """Recovery to LOW is told as connected again but weak, and the LOW alert that follows makes no sound."""
    trial.peers.put(SITE, "down", age_seconds=60)
    await trial.fire(alert())
    await trial.api.until(lambda: trial.api.messages)
    trial.peers.put(SITE, "low", age_seconds=1)
    await trial.fire(alert(status="resolved"))
    await trial.api.until(lambda: len(trial.api.messages) == 2)
    assert "but weak" in trial.api.messages[1].text
    await trial.fire(alert("VPNTargetLow", SITE, severity="warning"))
    await trial.api.until(lambda: trial.api.messages[0].first_line.startswith("🟨 LOW"))
    assert len(trial.api.messages) == 2


async def test_an_end_that_was_never_sent_is_found(trial: Trial) -> None:
    """An alert that ends while silenced gets no webhook: the exporter's word closes it."""
    long_ago = datetime.now(UTC) - timedelta(hours=1)
    trial.peers.put(SITE, "down", age_seconds=3600)
    await trial.fire(alert(starts_at=long_ago))
    await trial.api.until(lambda: trial.api.messages)
    # Two minutes pass without a sign of the alert.
    old = datetime.now(UTC) - timedelta(minutes=2)
    await trial.bridge.store.transact(lambda q: q.update_records([alert()["fingerprint"]], seen_at=old))
    trial.peers.put(SITE, "up", age_seconds=100)
    await trial.api.until(lambda: len(trial.api.messages) == 2)
    assert trial.api.messages[1].first_line.startswith("✅ UP")


async def test_silenced_is_shown_on_the_message(trial: Trial) -> None:
    """While Alertmanager hides an alert, its message says so."""
    body = alert()
    trial.peers.put(SITE, "down", age_seconds=60)
    trial.peers.alerts = [body | {"status": {"state": "active", "silencedBy": [], "inhibitedBy": []}}]
    await trial.fire(body)
    await trial.api.until(lambda: trial.api.messages)
    trial.peers.alerts = [body | {"status": {"state": "suppressed", "silencedBy": ["x"], "inhibitedBy": []}}]
    await trial.api.until(lambda: "Silenced in Alertmanager" in trial.api.messages[0].text)
    trial.peers.alerts = [body | {"status": {"state": "active", "silencedBy": [], "inhibitedBy": []}}]
    await trial.api.until(lambda: "Silenced" not in trial.api.messages[0].text)


async def test_an_alert_whose_webhook_was_lost_is_found(trial: Trial) -> None:
    """Alertmanager holds an alert for our receiver that nobody told us of: it is told after a minute."""
    trial.peers.put(SITE, "down", age_seconds=120)
    await trial.fire(alert("VPNTargetDown", "jbr-other"))  # the receiver's name is known from now on
    lost = alert(starts_at=datetime.now(UTC) - timedelta(minutes=2))
    active = {"state": "active", "silencedBy": [], "inhibitedBy": []}
    trial.peers.alerts = [lost | {"status": active, "receivers": [{"name": "bridge"}]}]
    await trial.api.until(lambda: any("Gt Pasteur 1" in message.text for message in trial.api.messages))


async def test_what_a_truncated_webhook_left_out_is_asked_for_at_once(trial: Trial) -> None:
    """`max_alerts` cut it: Alertmanager is asked for the rest, which is not left to wait for a minute."""
    lost = alert()
    trial.peers.put(SITE, "down", age_seconds=5)
    active = {"state": "active", "silencedBy": [], "inhibitedBy": []}
    trial.peers.alerts = [lost | {"status": active, "receivers": [{"name": "bridge"}]}]
    assert (await trial.post(alert("VPNTargetDown", "jbr-other"))).status_code == 200
    asked = len(trial.peers.asked)
    await trial.api.until(lambda: len(trial.peers.asked) > asked + 3)
    assert len(trial.api.messages) == 1, "its own webhook may still be under way"
    assert (await trial.post(alert("VPNTargetDown", "jbr-third"), truncatedAlerts=1)).status_code == 200
    await trial.api.until(lambda: any("Gt Pasteur 1" in message.text for message in trial.api.messages))


async def test_a_removed_target_is_told_as_no_longer_monitored(trial: Trial) -> None:
    """Its end is not known, so it is never told as a recovery."""
    trial.peers.put(SITE, "down", age_seconds=60)
    body = alert(starts_at=datetime.now(UTC) - timedelta(minutes=10))
    await trial.fire(body)
    await trial.api.until(lambda: trial.api.messages)
    del trial.peers.targets[SITE]
    await trial.fire(
        alert(status="resolved", starts_at=datetime.now(UTC), ends_at=datetime.now(UTC) - timedelta(minutes=1))
    )
    await trial.api.until(lambda: len(trial.api.messages) == 2)
    assert trial.api.messages[1].first_line.startswith("⏹ NO LONGER MONITORED")
    assert "back" not in trial.api.messages[1].text


async def test_without_the_exporter_the_message_says_no_data(trial: Trial) -> None:
    """The alert ended and nobody can say how the target is: the message says that, and nothing makes a sound."""
    trial.peers.put(SITE, "down", age_seconds=60)
    await trial.fire(alert())
    await trial.api.until(lambda: trial.api.messages)
    trial.peers.down = {"exporter"}
    await trial.fire(alert(status="resolved", ends_at=datetime.now(UTC) - timedelta(minutes=1)))
    await trial.api.until(lambda: "no data" in trial.api.messages[0].text)
    assert len(trial.api.messages) == 1
    trial.peers.down = set()
    trial.peers.put(SITE, "up", age_seconds=2)
    await trial.api.until(lambda: len(trial.api.messages) == 2)


async def test_flapping_reopens_the_same_incident(trial: Trial) -> None:
    """Down again soon after the recovery replies to the old message and counts."""

    def count(expected: int) -> bool:
        return len(trial.api.messages) == expected

    for episode in range(2):
        trial.peers.put(SITE, "down", age_seconds=4)
        began = datetime.now(UTC)
        await trial.fire(alert(starts_at=began))
        await trial.api.until(partial(count, 1 + 2 * episode))
        trial.peers.put(SITE, "up", age_seconds=0)
        await trial.fire(alert(status="resolved", starts_at=began))
        await trial.api.until(partial(count, 2 + 2 * episode))
    again = trial.api.messages[2]
    assert again.reply_to == trial.api.messages[0].message_id
    assert "Again, 2 times by now" in again.texts[0]


async def test_a_storm_becomes_a_digest_edited_as_sites_return(trial: Trial) -> None:
    """Many alerts within a second: one loud digest, worst first, counts per region; edited until all is over."""
    sites = [f"site-{number:03d}" for number in range(60)]
    for site in sites:
        region = "BTN" if site > "site-030" else "JBR"
        name = "Banten" if region == "BTN" else "Jawa Barat"
        trial.peers.put(site, "down", age_seconds=4, region=region, region_name=name)
    alerts = [alert("VPNTargetDown", site, region=trial.peers.targets[site]["region"]) for site in sites]
    await trial.fire(*alerts)
    await trial.api.until(lambda: trial.api.messages)
    digest = trial.api.messages[0]
    assert len(trial.api.messages) == 1
    assert digest.first_line == "🔴 60 DOWN in Jawa Barat, Banten"
    assert "Jawa Barat: 🔴 31" in digest.text
    assert "Banten: 🔴 29" in digest.text
    for site in sites[:20]:
        trial.peers.put(site, "up", age_seconds=1)
    await trial.fire(*(a | {"status": "resolved", "endsAt": a["startsAt"]} for a in alerts[:20]))
    await trial.api.until(lambda: digest.first_line == "🔴 40 DOWN ✅ 20 UP in Banten, Jawa Barat", seconds=15)
    for site in sites[20:]:
        trial.peers.put(site, "up", age_seconds=1)
    await trial.fire(*(a | {"status": "resolved", "endsAt": a["startsAt"]} for a in alerts[20:]))
    await trial.api.until(lambda: len(trial.api.messages) == 2, seconds=15)
    assert trial.api.messages[1].text == "✅ All 60 of this digest are over"
    assert trial.api.messages[1].silent


async def test_sites_that_fall_one_after_the_other_are_one_message_and_one_digest(trial: Trial) -> None:
    """The first leaves at once, the five that follow within seconds are one digest."""
    for number in range(6):
        trial.peers.put(f"site-{number}", "down", age_seconds=1)
        await trial.fire(alert("VPNTargetDown", f"site-{number}"))
        await trial.api.until(lambda: trial.api.messages)
    await trial.api.until(lambda: len(trial.api.messages) == 2)
    assert trial.api.messages[0].first_line.startswith("🔴 DOWN · Jawa Barat")
    await trial.api.until(lambda: trial.api.messages[1].first_line == "🔴 5 DOWN in Jawa Barat")  # a late one joins
    assert len(trial.api.messages) == 2
    assert [message.silent for message in trial.api.messages] == [False, False]


async def test_a_fallen_region_shows_its_counts(trial: Trial) -> None:
    """VPNRegionDown tells how many targets are down."""
    trial.peers.regions["JBR"] = {
        "id": "JBR",
        "name": "Jawa Barat",
        "timezone": "Asia/Jakarta",
        "state": "down",
        "state_since": "2026-11-24T10:00:00Z",
        "outage": True,
        "targets": 12,
        "up": 0,
        "low": 1,
        "down": 11,
        "unknown": 0,
        "cut_off": 11,
    }
    await trial.fire(alert("VPNRegionDown", None))
    await trial.api.until(lambda: trial.api.messages)
    assert trial.api.messages[0].first_line == "🔴 DOWN · Jawa Barat"
    assert "11 of 12 targets down, 1 low" in trial.api.messages[0].text


async def test_unknown_labels_and_alertnames_are_told_too(trial: Trial) -> None:
    """Rules of the user's own, with labels we do not know, are told with their summary."""
    await trial.fire(
        alert("MyDiskFull", "jbr-x", severity="page", disk="<sda>", annotations={"summary": "disk <full>"})
    )
    await trial.api.until(lambda: trial.api.messages)
    assert trial.api.messages[0].first_line == "⚠️ WARNING · JBR · disk <full>"
