"""Every message is well-formed Telegram HTML within 4096 UTF-16 units, whatever the labels hold; and reads well."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alertbridge import markup, render, wording
from alertbridge.facts import Facts
from alertbridge.incidents import Incident, Level, Phase, Record, Tell
from alertbridge.settings import Language
from alertbridge.texts import Texts, placeholders, texts
from tests.botapi.markup import is_url, parse, utf16

NOW = datetime(2026, 11, 25, 7, 3, 24, tzinfo=UTC)
HOSTILE = st.one_of(
    st.text(max_size=300),
    st.sampled_from(
        [
            "<b>",
            "</a>",
            "&lt;",
            "&",
            "&#0;",
            "<script>alert(1)</script>",
            "a" * 100_000,
            "🔴" * 5000,
            "\u202e\u2066abc",
            "line\nline\r\n",
            "\x00\x07",
            '"><a href="x">',
            "e\u0301" * 500,
            "\ud800",
            "🇮🇩👨‍👩‍👧",
            "_*[`",
            "<" * 4096,
            "http://localhost/x",
            "https://a.example/?q=<>&x='y'",
        ]
    ),
)
LABELS = st.dictionaries(st.sampled_from(["target", "region", "gateway", "alertname", "severity"]), HOSTILE)
PHASES = st.sampled_from(list(Phase))


def incident(
    *,
    name: str = "VPNTargetDown",
    target: str = "jbr-gt-pasteur-1",
    phase: Phase = Phase.OPEN,
    facts: Facts | None = None,
    severity: str = "critical",
    annotations: dict[str, str] | None = None,
    ident: int = 1,
    **labels: str,
) -> Incident:
    """Return an incident that started at 14:03:12 WIB and, where it is over, ended at NOW."""
    started = datetime(2026, 11, 25, 7, 3, 16, tzinfo=UTC)
    over = phase.closed or phase in {Phase.CONFIRMING, Phase.NO_DATA}
    record = Record(
        fingerprint="f",
        starts_at=started,
        ends_at=NOW if over else None,
        seen_at=started,
        labels={"alertname": name, "target": target, "region": "JBR", "severity": severity} | labels,
        annotations=annotations or {},
    )
    return Incident(
        id=ident,
        subject=f"target:{target}" if name.startswith("VPNTarget") else "alert:f",
        phase=phase,
        level=Level.CRITICAL if severity == "critical" else Level.WARNING,
        opened_at=started,
        started_at=started,
        ended_at=NOW if over else None,
        closed_at=NOW if phase.closed else None,
        facts=facts or DOWN,
        records=(record,),
    )


DOWN = Facts(
    name="GT Pasteur 1",
    region="JBR",
    region_name="Jawa Barat",
    timezone="Asia/Jakarta",
    address="10.20.1.11",
    gateway="jbr-hub",
    state="down",
    state_since="2026-11-25T07:03:12Z",
    bad_since="2026-11-25T07:03:12Z",
    outage=True,
    cause="device",
    cut_off_targets=4,
    loss_ratio=1.0,
)


def check(text: str, limit: int = markup.LIMIT) -> str:
    """Return the text as Telegram parses it; fails where Telegram would refuse it."""
    parsed, _ = parse(text)
    assert utf16(parsed) <= limit
    assert parsed.strip()
    return parsed


def hostile(labels: dict[str, str], annotations: dict[str, str], facts: Facts, phase: Phase, subject: str) -> Incident:
    """Return an incident made of foreign texts."""
    record = Record(
        fingerprint="f", starts_at=NOW, ends_at=None, seen_at=NOW, labels=labels, annotations=annotations, suppressed=""
    )
    return Incident(
        id=1,
        subject=subject,
        phase=phase,
        level=Level.CRITICAL,
        opened_at=NOW,
        started_at=NOW,
        closed_at=NOW if phase.closed else None,
        acknowledged_by=labels.get("gateway", ""),
        acknowledged_at=NOW,
        reopenings=2,
        facts=facts,
        records=(record,),
    )


FACTS = st.builds(
    Facts,
    name=HOSTILE,
    region_name=HOSTILE,
    timezone=HOSTILE,
    address=HOSTILE,
    gateway=HOSTILE,
    cause=HOSTILE,
    culprit=HOSTILE,
    unknown_reason=HOSTILE,
    state=st.sampled_from(["up", "low", "down", "unknown", ""]),
    cut_off_targets=st.integers(0, 10**9),
    loss_ratio=st.one_of(st.none(), st.floats(0, 1)),
    rtt_seconds=st.one_of(st.none(), st.floats(0, 100)),
)
INCIDENTS = st.builds(
    hostile,
    LABELS,
    st.dictionaries(st.sampled_from(["summary", "description", "dashboard_url", "runbook_url"]), HOSTILE),
    FACTS,
    PHASES,
    st.sampled_from(["target:x", "region:<b>", "alert:f"]),
)
quick = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))


@quick
@given(INCIDENTS, st.sampled_from(Language), st.sampled_from([Tell.OPEN, Tell.REMIND]))
def test_any_incident_is_well_formed_and_fits(made: Incident, language: Language, tell: Tell) -> None:
    """Message and reply parse as Telegram parses them and fit after parsing."""
    words = texts(language)
    message = render.incident_message(made, words, now=NOW, tell=tell, grafana_url="https://g.example")
    assert "\n" not in check(message).partition("\n")[0]
    check(render.over_reply(made, words, now=NOW))
    assert utf16(markup.plain(message)) <= markup.LIMIT + 2000  # with the links written out; delivery cuts it


@quick
@given(st.lists(INCIDENTS, min_size=1, max_size=60), st.sampled_from(Language), st.booleans())
def test_any_digest_is_well_formed_and_fits(made: list[Incident], language: Language, quiet: bool) -> None:
    """Also a digest of many."""
    check(render.digest_message(made, texts(language), now=NOW, quiet=quiet))
    check(render.over_many(made, texts(language), now=NOW))


@quick
@given(HOSTILE, st.sampled_from(["test", "dead"]))
def test_any_notice_fits(text: str, key: str) -> None:
    """A person's own text too."""
    if text.strip() and markup.one_line(text):
        check(render.notice(texts(Language.EN), key, {"text": text, "chat": text, "detail": text}))


@quick
@given(HOSTILE)
def test_a_link_is_one_that_telegram_makes(url: str) -> None:
    """What we call linkable is a URL there, and the rest is plain text."""
    if markup.is_linkable(url):
        assert is_url(url)
    check(markup.link("Grafana", url))


@quick
@given(HOSTILE, st.integers(2, 300))
def test_cutting_keeps_the_limit(text: str, limit: int) -> None:
    """In UTF-16 units, never through a surrogate pair."""
    assert markup.utf16(markup.cut_text(text, limit)) <= limit
    assert markup.utf16(markup.one_line(text, limit)) <= limit


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
    text = check(render.digest_message(many, texts(Language.EN), now=NOW))
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


def test_a_down_site_shows_no_numbers_of_before_its_fall() -> None:
    """Seconds after the cut the window of 60 still says "7 %"; what is told is since when it is silent, and why."""
    facts = Facts(
        state="down",
        loss_ratio=0.07,
        rtt_seconds=0.02,
        silent_since="2026-11-25T07:03:08Z",
        newest_failure="unreachable",
        timezone="Asia/Jakarta",
    )
    text = render.incident_message(incident(facts=facts), texts(Language.EN), now=NOW)
    assert "No answer since 14:03:08 WIB: unreachable (the network says so)" in text
    assert "Loss" not in text
    assert "RTT" not in text


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


MONITOR = [
    ("VPNMonitorIsolated", "critical"),
    ("VPNEngineImpaired", "critical"),
    ("VPNExporterDown", "critical"),
    ("VPNExporterDown", "warning"),
    ("VPNConfigReloadFailed", "warning"),
    ("VPNConfigReloadFailed", "info"),
    ("AlertBridgeDeliveryStalled", "critical"),
    ("AlertBridgeDeliveryStalled", "warning"),
]


def monitor(name: str, severity: str, *, over: bool = False) -> Incident:
    """Return an incident of the monitoring itself; over: it fired at 14:03:16 and ended at 14:04:50."""
    made = incident(name=name, facts=Facts(), annotations={"summary": "English summary"})
    end = NOW + timedelta(seconds=86)
    records = tuple(
        replace(r, labels={"alertname": name, "severity": severity}, ends_at=end if over else None)
        for r in made.records
    )
    found = replace(made, subject="alert:0123", records=records)
    return replace(found, phase=Phase.OVER, ended_at=end, closed_at=end) if over else found


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
