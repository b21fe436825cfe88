"""Reports: which part of an outage counts, what is compared, and what is said when nobody knows."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from alertbridge.errors import PeerError
from alertbridge.reports import make, report_text, summarise
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
        self.ratios: list[float | None] | None = [0.99991, 0.9]

    async def page(self, what: str, **params: Any) -> dict[str, Any]:
        """Answer as /api/v1/outages."""
        self.asked.append(f"{what} {params}")
        if self.items is None:
            raise PeerError("exporter cannot be reached: ConnectError")
        return {"items": self.items, "total": self.total or len(self.items)}

    async def values(self, query: str, *, start: float, step_seconds: float, count: int) -> tuple[float | None, ...]:
        """Answer one value: the newest span's first."""
        assert (step_seconds > 0, count, "[24h]" in query) == (True, 1, True)
        if self.ratios is None:
            raise PeerError("prometheus cannot be reached: ConnectError")
        return (self.ratios[0 if start == NOW.timestamp() else 1],)


def told(peer: Peer, language: Language = Language.EN) -> str:
    """Return a day's report as a reader sees it."""
    anything: Any = peer
    report = asyncio.run(make(anything, anything, span="24h", now=NOW))
    return parse(report_text(report, texts(language), now=NOW))[0]


def test_outages_count_with_their_part_inside_the_span() -> None:
    """One that lasts, one that began before, one that was over before."""
    found = summarise(ITEMS, start=NOW - DAY, end=NOW)
    assert (found.count, found.lost_seconds, found.longest_seconds) == (4, 6.5 * 3600, 4 * 3600)
    assert found.worst == (("Site c", 1, 4 * 3600.0), ("Site a", 2, 2 * 3600.0), ("Site b", 1, 1800.0))
    before = summarise(ITEMS, start=NOW - 2 * DAY, end=NOW - DAY)
    assert (before.count, before.lost_seconds) == (2, 7 * 3600)


def test_a_report_compares_with_the_span_before() -> None:
    """Availability is cut, not rounded: 99.991 % is not 100 %."""
    peer = Peer(items=ITEMS)
    assert told(peer).splitlines() == [
        "The last 1 d",
        "Availability 99.99 % (before: 90.00 %)",
        "Outages: 4 (before: 2)",
        "Lost by all sites together: 6 h 30 min, the longest 4 h",
        "",
        "Most time lost",
        "Site c · 1 × · 4 h",  # noqa: RUF001 - the sign for "times"
        "Site a · 2 × · 2 h",  # noqa: RUF001
        "Site b · 1 × · 30 min",  # noqa: RUF001
        "As of 14:00:00 WIB",
    ]
    assert peer.asked == [f"outages {{'since': '{(NOW - 2 * DAY).isoformat()}', 'limit': 10000}}"]
    assert "Ketersediaan 99.99 %" in told(peer, Language.ID)


def test_what_nobody_recorded_is_not_known() -> None:
    """A new installation has no week before; 0 outages there would be a lie."""
    peer = Peer(items=[])
    peer.ratios = [1.0, None]
    assert told(peer).splitlines()[1:3] == [
        "Availability 100.00 % (before: not known)",
        "Outages: 0 (before: not known)",
    ]


def test_one_peer_that_is_away_leaves_its_part_open() -> None:
    """Neither is an error of its own; both are."""
    without_exporter = Peer()
    assert "Outages: not known" in told(without_exporter)
    without_prometheus = Peer(items=ITEMS)
    without_prometheus.ratios = None
    assert told(without_prometheus).splitlines()[1:3] == [
        "Availability not known (before: not known)",
        "Outages: 4 (before: not known)",
    ]
    without_exporter.ratios = None
    with pytest.raises(PeerError, match="exporter"):
        told(without_exporter)


def test_more_outages_than_one_answer_holds_are_not_counted_wrongly() -> None:
    """The exporter gives the newest 10,000."""
    assert "Outages: not known" in told(Peer(items=ITEMS[:2], total=20_000))
    assert "Outages: 4" in told(Peer(items=ITEMS, total=20_000))


def test_hostile_names_are_escaped() -> None:
    """Names come from people."""
    assert "<b>&x" in told(Peer(items=[outage("a", 2, 1, name="<b>&x")]))


async def test_the_command_says_what_it_takes_and_who_is_away(trial: Trial) -> None:
    """An example for a wrong span; the peer's name where nobody answers."""
    fill(trial.peers)
    assert "/report 7d" in (await ask(trial.api, "/report year")).text
    trial.peers.down |= {"exporter", "prometheus"}
    assert "exporter cannot be reached" in (await ask(trial.api, "/report 24h")).text
