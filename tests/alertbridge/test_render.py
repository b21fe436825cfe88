"""What messages say: every line of an incident, its end, and a digest."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from alertbridge import digests, render, wording
from alertbridge.facts import Facts
from alertbridge.settings import Language
from alertbridge.texts import Texts, placeholders, texts
from tests.alertbridge.made import NOW, check, incident


def test_an_outage_reads_well() -> None:
    """The whole message, in both languages."""
    made = incident(
        annotations={"dashboard_url": "/d/vpn-target?var-target=x", "runbook_url": "docs/runbooks/VPNTargetDown.md"}
    )
    english = render.incident_message(made, texts(Language.EN), now=NOW, grafana_url="https://monitor.example/grafana")
    assert english == (
        "🔴 <b>DOWN</b> · Jawa Barat · GT Pasteur 1\n"
        "Not reachable since 14:03:12 WIB (12 s)\n"
        "Cause: the device itself (4 more cut off behind it)\n"
        "Address: <code>10.20.1.11</code>\n"
        "Hub: jbr-hub\n"
        '<a href="https://monitor.example/grafana/d/vpn-target?var-target=x">Grafana</a>\n'
        "Guide: VPNTargetDown"
    )
    indonesian = render.incident_message(made, texts(Language.ID), now=NOW)
    assert indonesian.startswith("🔴 <b>DOWN</b> · Jawa Barat · GT Pasteur 1\nTerputus sejak 14:03:12 WIB (12 dtk)\n")


def test_digests_are_cut_between_whole_lines() -> None:
    """2,000 sites: what does not fit is counted, and no line is broken."""
    many = [
        incident(target=f"site-{n}", facts=Facts(name=f"Site {n} " + "x" * 80, region_name="R", state="down"))
        for n in range(2000)
    ]
    text = check(digests.digest_message(many, texts(Language.EN), now=NOW))
    lines = text.splitlines()
    shown = [line for line in lines if line.startswith("🔴 R · Site")]
    assert lines[0] == "🔴 2000 DOWN in R"
    assert lines[-1] == f"and {2000 - len(shown)} more"
    assert all(line.endswith("WIB") for line in shown)


@pytest.mark.parametrize(
    ("zone", "expected"),
    [
        ("Asia/Jakarta", "14:03:12 WIB"),
        ("Asia/Makassar", "15:03:12 WITA"),
        ("Asia/Jayapura", "16:03:12 WIT"),
        ("<bad>", "14:03:12 WIB"),
    ],
)
def test_times_are_local_to_the_region(zone: str, expected: str) -> None:
    """WIB, WITA and WIT, by the region's own zone."""
    made = incident(facts=Facts(state="down", bad_since="2026-11-25T07:03:12Z", timezone=zone))
    assert expected in render.incident_message(made, texts(Language.EN), now=NOW)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (0.4, "0 s"),
        (59.6, "1 min"),
        (61, "1 min 1 s"),
        (3600, "1 h"),
        (3725, "1 h 2 min"),
        (90061, "1 d 1 h"),
    ],
)
def test_spans_have_two_units(seconds: float, text: str) -> None:
    """The two largest units that say something."""
    assert wording.duration(seconds, texts(Language.EN)) == text


def test_without_facts_nothing_is_made_up() -> None:
    """No exporter: no state time, no RTT, no loss; the alert's own time is called so."""
    text = render.incident_message(incident(facts=Facts()), texts(Language.EN), now=NOW)
    assert text == "🔴 <b>DOWN</b> · JBR · jbr-gt-pasteur-1\nAlert since 14:03:16 WIB (8 s)"


def test_another_day_shows_its_date() -> None:
    """Yesterday's 14:03 is not today's."""
    late = NOW + timedelta(days=1)
    assert "25/11 14:03 WIB" in render.incident_message(incident(), texts(Language.EN), now=late)


def test_both_languages_have_the_same_keys_and_placeholders() -> None:
    """A text that one language lacks would be a lost alert in the other."""
    english, indonesian = texts(Language.EN), texts(Language.ID)
    assert english.entries.keys() == indonesian.entries.keys()
    for key in english.entries:
        assert placeholders(english.entries[key]) == placeholders(indonesian.entries[key]), key


def test_every_text_is_well_formed() -> None:
    """Each entry parses as Telegram HTML with its placeholders filled."""
    for language in Language:
        words: Texts = texts(language)
        for key, entry in words.entries.items():
            check(words(key, **dict.fromkeys(placeholders(entry), "<x>")))


SILENT = Facts(
    state="down",
    loss_ratio=0.07,
    rtt_seconds=0.02,
    silent_since="2026-11-25T07:03:08Z",
    newest_failure="unreachable",
    timezone="Asia/Jakarta",
)


def test_a_down_site_shows_no_numbers_as_if_they_were_of_now() -> None:
    """Seconds after the cut the window of 60 still says "7 %"; what is told is since when it is silent, and why."""
    text = render.incident_message(incident(facts=SILENT), texts(Language.EN), now=NOW)
    assert "No answer since 14:03:08 WIB: unreachable (the network says so)" in text
    assert "loss" not in text.lower()
    assert "RTT" not in text


@pytest.mark.parametrize(
    ("language", "loss", "line"),
    [
        (Language.EN, 0.0, "Before that (14:03:07 WIB): RTT 38 ms, loss 0 %"),
        (Language.EN, None, "Before that (14:03:07 WIB): RTT 38 ms"),
        (Language.ID, 0.05, "Sebelum itu (14:03:07 WIB): RTT 38 ms, loss 5 %"),
    ],
)
def test_a_down_site_shows_what_was_measured_before_its_fall(language: Language, loss: float | None, line: str) -> None:
    """With its time, below since when it is silent; a loss that nobody knows any more is left out."""
    facts = replace(SILENT, last_measured=("2026-11-25T07:03:07Z", 0.038, loss))
    lines = render.incident_message(incident(facts=facts), texts(language), now=NOW).splitlines()
    assert lines[lines.index(line) - 1].partition("14:03:08")[1], "right below the silence"
    low = incident(name="VPNTargetLow", facts=replace(facts, state="low"))
    assert line not in render.incident_message(low, texts(language), now=NOW), "of a DOWN only"


def test_low_names_each_broken_limit_with_its_value() -> None:
    """And no other number: an RTT within its limit is no news, and no RTT is ever 0."""
    reasons = (("loss_20", 0.25, 0.2), ("jitter", 0.062, 0.05), ("rtt", 0.00004, 0.00003), ("new_kind", 1.0, 1.0))
    facts = Facts(state="low", loss_ratio=0.08, rtt_seconds=0.0001, low_reasons=reasons)
    text = render.incident_message(incident(name="VPNTargetLow", facts=facts), texts(Language.EN), now=NOW)
    assert "Loss 25 % of the last 20 probes (limit 20 %)\nJitter 62 ms (limit 50 ms)\nRTT 0.1 ms" in text
    assert "8 %" not in text
    assert "0 ms" not in text.replace("50 ms", "")


def test_low_that_is_within_its_limits_again_says_so() -> None:
    """It leaves LOW after ten good probes; until then nothing is broken."""
    facts = Facts(state="low", low_reasons=())
    text = render.incident_message(incident(name="VPNTargetLow", facts=facts), texts(Language.EN), now=NOW)
    assert "Within its limits again" in text


def test_flapping_says_how_it_is_now_and_what_is_not_told() -> None:
    """A person must not take the silence afterwards for calm."""
    facts = Facts(state="up", flapping=True)
    text = render.incident_message(incident(name="VPNTargetFlapping", facts=facts), texts(Language.EN), now=NOW)
    assert "Now: UP\nFurther short falls are not told until it has been quiet for 15 minutes." in text


@pytest.mark.parametrize("cause", ["device", "unknown", "hub"])
def test_the_cause_of_a_hub_says_how_many_it_takes_with_it(cause: str) -> None:
    """In the same breath."""
    made = incident(facts=Facts(state="down", cause=cause, cut_off_targets=37))
    line = next(
        line for line in render.incident_message(made, texts(Language.EN), now=NOW).splitlines() if "Cause" in line
    )
    assert line.endswith("(37 more cut off behind it)")


def test_a_hub_is_not_named_as_its_own_culprit() -> None:
    """The exporter names the fallen hub itself."""
    made = incident(facts=Facts(state="down", cause="hub", culprit="jbr-gt-pasteur-1"))
    assert "Cause: the hub\n" in render.incident_message(made, texts(Language.EN), now=NOW) + "\n"


def test_runbooks_open_where_the_file_says() -> None:
    """Without an address the name stands there: a path means nothing on a phone."""
    made = incident(annotations={"runbook_url": "docs/runbooks/VPNTargetDown.md"})
    without = render.incident_message(made, texts(Language.ID), now=NOW)
    base = "https://git.example/vpn/blob/main"
    with_base = render.incident_message(made, texts(Language.ID), now=NOW, runbooks_url=base)
    assert without.endswith("\nPanduan: VPNTargetDown")
    assert with_base.endswith(f'<a href="{base}/docs/runbooks/VPNTargetDown.md">Panduan</a>')
