"""Reports: which part of an outage counts, what is compared, and what is said when nobody knows."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertbridge.bot.reporting import split
from alertbridge.errors import PeerError
from alertbridge.outages import Outages, Trouble, summarise
from alertbridge.reports import Report, Spans, make
from alertbridge.reports_text import Frame, percent, report_text
from alertbridge.settings import Language
from alertbridge.texts import texts
from tests.alertbridge.test_bot import ask, fill
from tests.botapi.markup import parse

if TYPE_CHECKING:
    from tests.alertbridge.conftest import Trial

NOW = datetime(2026, 11, 25, 7, 0, tzinfo=UTC)
DAY = timedelta(hours=24)


def outage(target: str, start: float, end: float | None, **more: Any) -> dict[str, Any]:
    """Return an item of /api/v1/outages; hours before NOW."""
    at = (NOW - timedelta(hours=hours) if hours is not None else None for hours in (start, end))
    begun, ended = (moment.isoformat() if moment is not None else None for moment in at)
    return {"target": target, "name": f"Site {target}", "start": begun, "end": ended} | more


ITEMS = [
    outage("a", 1, None),  # lasts: an hour so far
    outage("b", 5, 4.5),
    outage("a", 10, 9),
    outage("c", 30, 20),  # 4 h of it within the day
    outage("c", 40, 39),  # the day before
]


class Peer:
    """The exporter and Prometheus as a test says."""

    def __init__(self, *, items: list[dict[str, Any]] | None = None, total: int | None = None) -> None:
        self.items, self.total = items, total
        self.asked: list[str] = []
        self.queries: list[str] = []
        self.ratios: list[float | None] | None = [0.99991, 0.9]
        self.known: float | None = 288.0  # steps of 5 minutes

    async def page(self, what: str, *, offset: int, limit: int, since: str, **params: Any) -> dict[str, Any]:
        """Answer as /api/v1/outages, in pages of three."""
        self.asked.append(f"{what} since {since} {params}")
        assert limit == 10_000
        if self.items is None:
            raise PeerError("exporter cannot be reached: ConnectError")
        return {"items": self.items[offset : offset + 3], "total": self.total or len(self.items)}

    async def values(self, query: str, *, start: float, step_seconds: float, count: int) -> tuple[float | None, ...]:
        """Answer one value: the newest span's first."""
        assert (step_seconds > 0, count, "[86400s" in query) == (True, 1, True)
        self.queries.append(query)
        if self.ratios is None:
            raise PeerError("prometheus cannot be reached: ConnectError")
        if query.startswith("count_over_time"):
            return (self.known,)
        return (self.ratios[0 if start == NOW.timestamp() else 1],)


def made(peer: Peer, *regions: str) -> Report:
    """Return a day's report."""
    anything: Any = peer
    return asyncio.run(make(anything, anything, Spans.until(NOW, DAY), regions))


def told(peer: Peer, language: Language = Language.EN, *, kind: str = "24h", **frame: Any) -> list[str]:
    """Return a day's report as a reader sees it, line by line."""
    text = report_text(made(peer), Frame(kind=kind, **frame), texts(language))
    return parse(text)[0].splitlines()


def test_outages_count_with_their_part_inside_the_span() -> None:
    """One that lasts, one that began before, one that was over before."""
    found = summarise(ITEMS, start=NOW - DAY, end=NOW)
    assert (found.count, found.lost_seconds, found.longest_seconds) == (4, 6.5 * 3600, 4 * 3600)
    assert found.worst == (
        Trouble(name="Site c", count=1, seconds=4 * 3600.0),
        Trouble(name="Site a", count=2, seconds=2 * 3600.0),
        Trouble(name="Site b", count=1, seconds=1800.0),
    )
    before = summarise(ITEMS, start=NOW - 2 * DAY, end=NOW - DAY)
    assert (before.count, before.lost_seconds) == (2, 7 * 3600)


def test_what_a_hub_or_a_region_cuts_off_is_theirs() -> None:
    """One outage that cost forty sites' time; a site's own outages stay its own; a fallen region has no row itself."""
    hub = [outage("hub", 5, 4, cause="hub"), outage("hub", 3, 2.5, cause="device")]
    behind = [outage(f"s{n}", 5, 4, cause="hub", culprit="hub") for n in range(40)]
    region = [outage(f"r{n}", 9, 8 - n / 10, cause="region", culprit="BTN") for n in range(3)]
    region += [outage("r0", 12, 11, cause="region", culprit="BTN")]
    own = [outage("s1", 8, 7.75)]
    found = summarise([*hub, *behind, *region, *own], start=NOW - DAY, end=NOW)
    assert found.worst == (
        Trouble(name="Site hub", count=2, seconds=1.5 * 3600, behind=40),
        Trouble(name="BTN", count=2, seconds=2 * 3600.0, behind=3, is_region=True),
        Trouble(name="Site s1", count=1, seconds=900.0),
    )
    assert (found.count, found.cut_off) == (5, 43)
    report = replace(made(Peer(items=[])), outages=found)
    lines = parse(report_text(report, Frame(kind="24h"), texts(Language.ID)))[0].splitlines()
    assert lines[3] == "Gangguan: 5 (24 jam sebelumnya: 0) · 43 alat lain ikut terputus"
    assert lines[-3:] == [
        "1. Site hub · 1 jam 30 mnt (2×), 40 di belakangnya",  # noqa: RUF001 - the sign for "times"
        "2. seluruh wilayah BTN · 2 jam (2×), 3 alat",  # noqa: RUF001
        "3. Site s1 · 15 mnt",
    ]


ROWS = st.lists(
    st.tuples(
        st.sampled_from("abcde"),
        st.sampled_from(["", "a", "b", "R"]),
        st.integers(0, 200).map(lambda hours: hours / 4),
        st.integers(0, 200).map(lambda hours: hours / 4),
    ),
    max_size=20,
)


@given(ROWS)
def test_sums_agree_with_the_rows_however_they_are_told(rows: list[tuple[str, str, float, float]]) -> None:
    """Time lost is that of all rows inside the span, whoever's fault it was; nobody is behind itself."""
    items = [
        outage(target, max(a, b), min(a, b), culprit=culprit or None, cause="region" if culprit == "R" else "hub")
        for target, culprit, a, b in rows
    ]
    found: Outages = summarise(items, start=NOW - DAY, end=NOW)
    parts = [min(max(a, b), 24) - min(a, b, 24) for _, _, a, b in rows]
    assert found.lost_seconds == pytest.approx(sum(parts) * 3600)
    assert found.longest_seconds == pytest.approx(max(parts, default=0) * 3600)
    assert found.cut_off <= 5
    assert all(trouble.count >= 1 and trouble.seconds <= found.lost_seconds + 1 for trouble in found.worst)


def test_a_report_compares_with_the_span_before() -> None:
    """The first line says it all; then the span, what changed, the worst sites and where to read on."""
    peer = Peer(items=ITEMS)
    assert told(peer, grafana_url="https://monitor.example/grafana") == [
        "📊 24-hour report · all regions · 99.99 %",
        "Tue 24/11 14:00 – Wed 25/11 14:00 WIB",  # noqa: RUF001 - the sign for a span
        "Availability rose from 90.00 % (the 24 hours before)",
        "Outages: 4 (the 24 hours before: 2)",
        "Time down, all sites: 6 h 30 min (before: 7 h), longest 4 h",
        "",
        "Worst",
        "1. Site c · 4 h",
        "2. Site a · 2 h (2×)",  # noqa: RUF001 - the sign for "times"
        "3. Site b · 30 min",
        "SLA report",
    ]
    since = (NOW - 2 * DAY).isoformat()
    assert peer.asked == [f"outages since {since} {{}}"] * 2  # in pages, until all are there
    assert told(peer, Language.ID, kind="daily", places=("Jawa Barat",))[:5] == [
        "📊 Laporan harian · Jawa Barat · 99,99 %",
        "Sel 24/11 14:00 – Rab 25/11 14:00 WIB",  # noqa: RUF001
        "Ketersediaan naik dari 90,00 % (sehari sebelumnya)",
        "Gangguan: 4 (sehari sebelumnya: 2)",
        "Lama gangguan, semua alat: 6 jam 30 mnt (sebelumnya: 7 jam), terlama 4 jam",
    ]


def test_a_span_without_trouble_is_one_calm_line() -> None:
    """With what was before, where that was worse."""
    peer = Peer(items=ITEMS[3:])
    peer.ratios = [1.0, 0.9]
    quiet = replace(made(peer), outages=summarise([], start=NOW - DAY, end=NOW))
    words, frame = texts(Language.ID), Frame(kind="daily")
    assert parse(report_text(quiet, frame, words))[0].splitlines() == [
        "📊 Laporan harian · semua wilayah · 100,00 % · tidak ada gangguan (sehari sebelumnya: 2)"
    ]
    calmer = replace(quiet, outages_before=quiet.outages)
    assert parse(report_text(calmer, frame, words))[0].splitlines() == [
        "📊 Laporan harian · semua wilayah · 100,00 % · tidak ada gangguan"
    ]
    late = parse(report_text(calmer, replace(frame, late=True), words))[0].splitlines()
    assert late[1:] == [
        "Sel 24/11 14:00 – Rab 25/11 14:00 WIB",  # noqa: RUF001 - the sign for a span
        "Terlambat dikirim; seharusnya pukul 14:00 WIB.",
    ]


def test_what_nobody_recorded_is_not_known() -> None:
    """A new installation has no day before; 0 outages there would be a lie, and so would a whole day of 100 %."""
    peer = Peer(items=[])
    peer.ratios, peer.known = [1.0, None], 72.0
    assert told(peer)[2:] == [
        "Seen for only 6 h of 1 d; the rest is not known",
        "The 24 hours before: not known",
        "No outages",
    ]
    peer.ratios, peer.known = [None, None], None
    assert told(peer) == [
        "📊 24-hour report · all regions · not known",
        "Tue 24/11 14:00 – Wed 25/11 14:00 WIB",  # noqa: RUF001 - the sign for a span
        "Availability: not known, nothing was recorded",
        "The 24 hours before: not known",
        "No outages",
    ]


def test_a_peer_that_is_away_leaves_its_part_open() -> None:
    """Each is named."""
    without_exporter = Peer()
    assert told(without_exporter)[3:] == ["Outages: not known, the exporter does not answer"]
    assert made(without_exporter).unanswered == ("exporter",)
    without_prometheus = Peer(items=ITEMS)
    without_prometheus.ratios = None
    assert told(without_prometheus)[2:6] == [
        "Availability: not known, Prometheus does not answer",
        "The 24 hours before: not known",
        "Outages: 4",
        "Time down, all sites: 6 h 30 min, longest 4 h",
    ]
    without_exporter.ratios = None
    assert made(without_exporter).unanswered == ("prometheus", "exporter")
    assert told(without_exporter)[0].endswith(" · not known")


def test_more_outages_than_can_be_read_are_not_counted_wrongly() -> None:
    """An exporter that always has more is asked no more after some pages."""

    class Endless(Peer):
        async def page(self, what: str, **params: Any) -> dict[str, Any]:
            """Answer with ever more."""
            self.asked.append(f"{what} {params}")
            return {"items": ITEMS, "total": 10**9}

    peer = Endless()
    assert "Outages: not known, too many to count" in told(peer)
    assert len(peer.asked) == 20


def test_a_report_of_some_regions() -> None:
    """Prometheus is asked for these alone, by any id; the journal's outages of others do not count."""
    peer = Peer(items=[outage("a", 2, 1, region="JBR"), outage("b", 3, 1, region="BTN"), outage("c", 3, 1, region="X")])
    found = made(peer, "JBR", 'B"T.N', "BTN")
    assert found.outages is not None
    assert found.outages.count == 2
    assert all('{region=~"B\\"T\\\\.N|BTN|JBR"}' in query for query in peer.queries)
    assert made(peer, "JBR").regions == ("JBR",)
    assert "'region': 'JBR'" in peer.asked[-1]


def test_many_regions_are_counted_in_the_title() -> None:
    """A phone shows one line."""
    names = ["Jawa Barat", "Banten", "Bali", "Papua"]
    assert told(Peer(items=ITEMS), places=names[:3])[0].split(" · ")[1] == "Jawa Barat, Banten, Bali"
    assert told(Peer(items=ITEMS), places=names)[0].split(" · ")[1] == "Jawa Barat, Banten and 2 more regions"


def test_the_link_opens_the_same_span_and_regions() -> None:
    """Of Grafana's SLA page in the reader's language; none where no phone could open it."""
    report = made(Peer(items=ITEMS), "JBR", "B&N")
    frame = Frame(kind="daily", grafana_url="https://monitor.example/grafana")
    start, end = (round(at.timestamp() * 1000) for at in (NOW - DAY, NOW))
    address = f"?from={start}&amp;to={end}&amp;var-region=B%26N&amp;var-region=JBR"
    for language, page in ((Language.EN, "vpn-sla"), (Language.ID, "vpn-sla-id")):
        assert f'"https://monitor.example/grafana/d/{page}{address}"' in report_text(report, frame, texts(language))
    for url in (None, "http://grafana:3000"):
        assert "SLA" not in report_text(report, replace(frame, grafana_url=url), texts(Language.ID))


@pytest.mark.parametrize(
    ("ratio", "text"),
    [
        (None, ""),
        (1.0, "100,00 %"),
        (1.0000001, "100,00 %"),
        (0.99999, "99,99 %"),
        (0.9987, "99,87 %"),
        (0.0, "0,00 %"),
    ],
)
def test_a_share_is_cut_and_not_rounded(ratio: float | None, text: str) -> None:
    """99.999 % is not 100 %; and 99.87 % stays that, whatever its binary fraction."""
    assert percent(ratio, texts(Language.ID)) == text


NAMES = st.text(alphabet=st.sampled_from("<>&\"'ab \n\t\u202e\u200f😀é{}%")) | st.text()


@given(st.lists(NAMES, max_size=8), st.lists(NAMES, max_size=6), st.sampled_from(Language))
def test_hostile_names_make_no_markup(names: list[str], places: list[str], language: Language) -> None:
    """Whatever a site or region is called: well-formed, short enough, and no line more than there are sites."""
    items = [outage(f"t{n}", n + 2, n + 1, name=name) for n, name in enumerate(names)]
    peer = Peer(items=items)
    report = replace(made(peer), outages=summarise(items, start=NOW - DAY, end=NOW))
    text, _ = parse(report_text(report, Frame(kind="weekly", places=places), texts(language)))
    assert len(text.encode("utf-16-le")) // 2 <= 4096
    assert sum(line[:2] in {f"{n}." for n in range(1, 10)} for line in text.splitlines()) == min(5, len(names))


@pytest.mark.parametrize(
    ("argument", "expected"),
    [
        ("", ("7d", "")),
        ("24h", ("24h", "")),
        ("7 hari", ("7d", "")),
        ("30d jabar", ("30d", "jabar")),
        ("Jawa Barat", ("7d", "Jawa Barat")),
        ("Jawa Barat 24 jam", ("24h", "Jawa Barat")),
        ("harian JBR", ("24h", "JBR")),
        ("bulanan", ("30d", "")),
        ("1w", ("7d", "")),
        ("hari ini jabar", ("24h", "jabar")),
        ("the last 7 days", ("7d", "")),
        ("minggu lalu", ("7d", "")),
        ("3d jabar", ("3d", "jabar")),
    ],
)
def test_the_command_takes_a_span_and_a_region_in_any_order(argument: str, expected: tuple[str, str]) -> None:
    """In both languages; a span that we do not have comes back as written."""
    assert split(argument) == expected


async def test_the_command_says_what_it_takes_and_who_is_away(trial: Trial) -> None:
    """An example for a wrong span, near matches for a region, the peer's name where nobody answers."""
    fill(trial.peers)
    assert (await ask(trial.api, "/report 3d")).text == "Write it like /report 7d jabar (24h, 7d, 30d)"
    assert (await ask(trial.api, "/report year")).text == "No region is called year."
    assert "Jawa Barat" in (await ask(trial.api, "/report 24h jabr")).text
    assert (await ask(trial.api, "/report 30d jabar")).first_line == "📊 30-day report · Jawa Barat · not known"
    trial.peers.down |= {"exporter", "prometheus"}
    away = (await ask(trial.api, "/report 24h")).text
    assert "Prometheus does not answer" in away
    assert "the exporter does not answer" in away
