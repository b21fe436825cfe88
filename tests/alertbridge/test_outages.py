"""Outages summed up: which part of one counts, and whose fault it was."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertbridge.outages import Outages, Trouble, summarise
from alertbridge.reports_text import Frame, report_text
from alertbridge.settings import Language
from alertbridge.texts import texts
from tests.alertbridge.report_peers import DAY, ITEMS, NOW, Peer, made, outage
from tests.botapi.markup import parse


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


def test_a_site_that_was_renamed_has_its_newest_name() -> None:
    """The exporter gives the newest outages first; people know a site by the name that it has now."""
    items = [outage("a", 2, 1) | {"name": "New"}, outage("a", 5, 4) | {"name": "Old"}]
    assert [trouble.name for trouble in summarise(items, start=NOW - DAY, end=NOW).worst] == ["New"]


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
