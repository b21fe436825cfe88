"""What the pages answer to "why?": the newest failure beside the cause, the limit that is broken, what has ended."""

from __future__ import annotations

import re
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from exporter.outcome import FailureReason, State, Status
from exporter.web.language import pick_texts
from exporter.web.texts import TEXTS
from exporter.web.view import ProbeRow
from tests.exporter.web.sample import NOW, neutral_verdict, put_probe

if TYPE_CHECKING:
    import httpx

    from tests.exporter.web.fakes import FakeView


async def _note(client: httpx.AsyncClient, target: str, language: str = "en") -> str:
    """Return what stands beside a target's name on Targets."""
    html = (await client.get("/targets", headers={"Accept-Language": language})).text
    found = re.search(rf'data-key="{target}".*?</a>(?: <small>(.*?)</small>)?</th>', html, re.DOTALL)
    assert found is not None
    return found[1] or ""


@pytest.mark.parametrize("reason", list(FailureReason))
async def test_a_target_that_is_down_says_how_its_newest_probe_failed(
    client: httpx.AsyncClient, view: FakeView, reason: FailureReason
) -> None:
    """A port that refuses and a line that says nothing send two different people; an older failure is not told."""
    view.verdict = neutral_verdict(view.roster)
    view.set_state("kal-9", State.DOWN)
    slot = view.roster.slot_of["kal-9"]
    put_probe(view.board, slot, sent_at=NOW - 8.0, rtt=None, reason=FailureReason.TTL_EXCEEDED)
    put_probe(view.board, slot, sent_at=NOW - 3.0, rtt=None, reason=reason)
    for place, language in enumerate(("en", "id")):
        assert await _note(client, "kal-9", language) == TEXTS[f"reason_{reason.value}"][place]


async def test_without_evidence_only_the_cause_is_said(client: httpx.AsyncClient) -> None:
    """After a restart the rings are empty: nothing is made up."""
    assert await _note(client, "kal-9") == "cut off by Kalimantan Timur"
    assert await _note(client, "btn-4") == "2 cut off behind it"


@pytest.mark.parametrize(
    ("column", "value", "note"),
    [
        ("rtt", 0.604, "RTT 604 ms (LOW from 150 ms)"),
        ("loss", 0.34, "loss 34 % (LOW from 10 %)"),
        ("jitter", 0.075, "jitter 75.0 ms (LOW from 50.0 ms)"),
    ],
)
async def test_a_low_target_names_the_limit_that_it_breaks(
    client: httpx.AsyncClient, view: FakeView, column: str, value: float, note: str
) -> None:
    """Round trip, loss and jitter are three different faults of a line."""
    view.verdict = neutral_verdict(view.roster)
    view.set_state("bal-7", State.LOW)
    values = getattr(view.verdict, column).copy()
    values[view.roster.slot_of["bal-7"]] = value
    view.verdict = replace(view.verdict, **{column: values})
    assert await _note(client, "bal-7") == note


async def test_a_low_target_that_is_getting_better_shows_its_numbers(client: httpx.AsyncClient, view: FakeView) -> None:
    """Below its limits it stays LOW for ten probes: no limit is said to be broken."""
    view.verdict = neutral_verdict(view.roster)
    view.set_state("bal-7", State.LOW)
    assert await _note(client, "bal-7") == "getting better, RTT 12.3 ms, loss 0 %"


def _probe(slot: int, sequence: int, status: Status) -> ProbeRow:
    return ProbeRow(sent_at=NOW - sequence, slot=slot, sequence=sequence, confirmation=False, status=int(status))


async def test_the_log_of_all_targets_shows_what_has_ended(client: httpx.AsyncClient, view: FakeView) -> None:
    """Of thousands of targets the newest hundred probes are all still out; of one target they may be seen."""
    slot = view.roster.slot_of["bal-7"]
    view.board.process["in_flight_probes"][0] = 150
    view.probe_rows = [_probe(slot, number, Status.PENDING) for number in range(150)]
    view.probe_rows += [_probe(slot, number, Status.REPLY) for number in range(150, 160)]
    everything = (await client.get("/log")).text
    assert everything.count("✓") == 10
    assert "waiting" not in everything
    one = (await client.get("/log?target=bal-7")).text
    assert one.count("</i> waiting") == 100


@pytest.mark.parametrize(
    ("days", "shown"),
    [
        (46.1, r"<dd>\d+ \w+ [\d:]+ WIB <small>46 d 2 h left</small>"),
        (
            9.55,
            r'<dd class="result failed"><i aria-hidden="true">✕</i> \d+ \w+ [\d:]+ WIB <small>9 d 13 h left</small>',
        ),
        (-2.0, r'<dd class="result failed"><i aria-hidden="true">✕</i> \d+ \w+ [\d:]+ WIB <small>has ended</small>'),
    ],
)
async def test_maintenance_says_when_the_certificate_of_these_pages_ends(
    client: httpx.AsyncClient, view: FakeView, days: float, shown: str
) -> None:
    """Marked from three weeks before; without TLS there is no such line."""
    assert pick_texts("en").certificate not in (await client.get("/maintenance")).text
    view.certificate_at = time.time() + days * 86400 + 60
    html = (await client.get("/maintenance")).text
    assert re.search(f"<dt>{pick_texts('en').certificate}</dt>{shown}", html)
