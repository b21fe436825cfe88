"""Alerts of the monitoring itself: own words for begin and end, and spans that were really cut."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from alertbridge import digests, render
from alertbridge.settings import Language
from alertbridge.texts import texts
from tests.alertbridge.made import NOW, check, monitor

MONITOR = [
    ("VPNMonitorIsolated", "critical"),
    ("VPNEngineImpaired", "critical"),
    ("VPNExporterDown", "critical"),
    ("VPNExporterDown", "warning"),
    ("VPNConfigReloadFailed", "warning"),
    ("VPNConfigReloadFailed", "info"),
    ("VPNStorageFailing", "warning"),
    ("VPNTunnelSourceDown", "warning"),
    ("VPNCertificateExpiring", "warning"),
    ("VPNCertificateExpiring", "critical"),
    ("AlertBridgeDeliveryStalled", "critical"),
    ("AlertBridgeDeliveryStalled", "warning"),
    ("AlertBridgePollingFailing", "warning"),
    ("VPNSharedFate", "warning"),
    ("VPNRegionSLOBurn", "warning"),
    ("VPNRegionSLOBurn", "info"),
]


@pytest.mark.parametrize(("name", "severity"), MONITOR)
@pytest.mark.parametrize("language", list(Language))
def test_alerts_of_the_monitoring_have_own_words_for_begin_and_end(
    name: str, severity: str, language: Language
) -> None:
    """Never "UP · The monitoring is cut off", and no English summary in an Indonesian chat."""
    words = texts(language)
    begun = render.incident_message(monitor(name, severity), words, now=NOW).splitlines()[0]
    ended = monitor(name, severity, over=True)
    message = render.incident_message(ended, words, now=NOW + timedelta(minutes=3))
    reply = render.over_reply(ended, words, now=NOW + timedelta(minutes=3))
    assert begun != message.splitlines()[0]
    assert message.startswith("✅ <b>")
    assert reply.startswith(message.splitlines()[0])
    for text in (begun, message, reply):
        assert "English summary" not in text
        assert "<b>UP</b>" not in text


def test_a_cut_of_our_line_lasts_as_long_as_it_was_cut() -> None:
    """The rule fires after 5 s and is kept 30 s: 14:03:16 to 14:04:50 was a cut from 14:03:11 to 14:04:20."""
    ended = monitor("VPNMonitorIsolated", "critical", over=True)
    reply = render.over_reply(ended, texts(Language.EN), now=NOW + timedelta(minutes=3))
    assert reply.endswith("our line is back</b> · over after 1 min 9 s")


def test_the_reasons_of_an_impaired_engine_are_words() -> None:
    """From the rule's `detail`; an unknown one stays as it is."""
    made = monitor("VPNEngineImpaired", "critical")
    records = tuple(replace(r, annotations={"detail": "late, new, "}) for r in made.records)
    text = render.incident_message(replace(made, records=records), texts(Language.EN), now=NOW)
    assert "Which: probes go out late, new" in text


@pytest.mark.parametrize(
    ("name", "severity", "detail", "lines"),
    [
        (
            "VPNSharedFate",
            "warning",
            "A & B <net> · 12",
            ("PENYEDIA A & B <net> · alat-alatnya terputus bersamaan", "12 alat penyedia ini terputus bersamaan"),
        ),
        (
            "VPNRegionSLOBurn",
            "warning",
            "Jawa Barat · 25%",
            (
                "KETERSEDIAAN Jawa Barat · berkurang jauh lebih cepat dari yang disepakati",
                "25% waktu alat-alatnya hilang akhir-akhir ini",
            ),
        ),
    ],
)
def test_what_is_about_a_provider_or_region_names_it(
    name: str, severity: str, detail: str, lines: tuple[str, str]
) -> None:
    """From the rule's `detail`; in a digest and in a message that moved too, and never as markup."""
    made = monitor(name, severity)
    made = replace(made, records=tuple(replace(r, annotations={"detail": detail}) for r in made.records))
    words = texts(Language.ID)
    shown = check(render.incident_message(made, words, now=NOW))
    assert shown.partition("\n")[0].partition(" ")[2] == lines[0]
    assert lines[1] in shown
    assert "Yang mana" not in shown
    assert f"🚨 {lines[0]}" in check(digests.digest_message([made, made], words, now=NOW))
    assert check(render.moved_message(made, words, now=NOW)).startswith(f"↪️ {lines[0].partition(' · ')[0]}")
