"""Reports: what is compared, what is said when nobody knows, and hostile names."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertbridge.outages import summarise
from alertbridge.reports_text import Frame, percent, report_text
from alertbridge.settings import Language
from alertbridge.texts import texts
from tests.alertbridge.report_peers import DAY, ITEMS, NOW, Peer, made, outage, told
from tests.botapi.markup import parse


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
    asked = parse(report_text(calmer, Frame(kind="24h", asked=True), words))[0].splitlines()
    assert asked == [
        "📊 Laporan 24 jam · semua wilayah · 100,00 % · tidak ada gangguan",
        "Sel 24/11 14:00 – Rab 25/11 14:00 WIB",  # noqa: RUF001 - the sign for a span
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
    peer.ratios, peer.known = [1.0, None], None  # less than a step of the question
    assert told(peer)[2] == "Seen for some minutes only; the rest is not known"
    peer.ratios, peer.known = [None, None], None
    assert told(peer) == [
        "📊 24-hour report · all regions · not known",
        "Tue 24/11 14:00 – Wed 25/11 14:00 WIB",  # noqa: RUF001 - the sign for a span
        "Nothing was recorded in that time: neither availability nor outages are known",
    ]
    lost = Peer(items=ITEMS)  # Prometheus began anew, the exporter's journal did not
    lost.ratios, lost.known = [None, None], None
    assert told(lost)[2:5] == [
        "Availability: not known, nothing was recorded",
        "The 24 hours before: not known",
        "Outages: 4",
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


def test_the_lowest_regions_are_named() -> None:
    """At most three, the lowest first, and none that was always well; one region has its number in the first line."""
    peer = Peer(items=ITEMS)
    peer.regions = {"BALI": 0.9, "JBR": 0.95, "P": 1.0, "BTN": 0.95}
    lines = told(peer, names={"BALI": "Bali", "JBR": "<Jawa Barat>"})
    assert lines[3] == "Lowest regions: Bali 90.00 %, BTN 95.00 %, <Jawa Barat> 95.00 %"
    peer.regions = {"BALI": 1.0, "JBR": 1.0}
    assert not any("Lowest" in line for line in told(peer))
    before = len(peer.queries)
    assert made(peer, "JBR").lowest == ()
    assert not any("by (region)" in query for query in peer.queries[before:])


def test_many_regions_are_counted_in_the_title() -> None:
    """A phone shows one line."""
    names = ["Jawa Barat", "Banten", "Bali", *(f"Region {n}" for n in range(20))]
    assert told(Peer(items=ITEMS), places=names[:2])[0].split(" · ")[1] == "Jawa Barat, Banten"
    three = told(Peer(items=ITEMS), places=names[:3])
    assert three[0].split(" · ")[1] == "Jawa Barat and 2 more regions"
    assert three[2] == "Jawa Barat, Banten, Bali"
    many = told(Peer(items=ITEMS), places=names)
    assert many[2].endswith(", Region 7 and 12 more regions")


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
