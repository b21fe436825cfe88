"""Every message is well-formed Telegram HTML within 4096 UTF-16 units, whatever labels and annotations hold."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alertbridge import digests, markup, render
from alertbridge.facts import Facts
from alertbridge.incidents import Incident, Level, Phase, Record, Tell
from alertbridge.settings import Language
from alertbridge.texts import texts
from tests.alertbridge.made import NOW, check
from tests.botapi.markup import is_url, utf16

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
        taken_from=labels.get("target", ""),
        released_by=labels.get("region", ""),
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
@given(INCIDENTS, st.sampled_from(Language), st.sampled_from([Tell.OPEN, Tell.REMIND, Tell.GROWN]))
def test_any_incident_is_well_formed_and_fits(made: Incident, language: Language, tell: Tell) -> None:
    """Message and reply parse as Telegram parses them and fit after parsing."""
    words = texts(language)
    message = render.incident_message(made, words, now=NOW, tell=tell, before="3", grafana_url="https://g.example")
    assert "\n" not in check(message).partition("\n")[0]
    check(render.over_reply(made, words, now=NOW))
    check(render.moved_message(made, words, now=NOW))
    assert utf16(markup.plain(message)) <= markup.LIMIT + 2000  # with the links written out; delivery cuts it


@quick
@given(st.lists(INCIDENTS, min_size=1, max_size=60), st.sampled_from(Language), st.booleans())
def test_any_digest_is_well_formed_and_fits(made: list[Incident], language: Language, quiet: bool) -> None:
    """Also a digest of many."""
    check(digests.digest_message(made, texts(language), now=NOW, quiet=quiet, grafana_url="https://g.example"))
    check(digests.over_many(made, texts(language), now=NOW))


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
